"""What every reader owes, checked on real files."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_atlas.data.columns import Columns
from napari_atlas.data.outline import Outline
from napari_atlas.data.pose import Pose
from napari_atlas.data.recording import CutWindows
from napari_atlas.errors import InputError
from napari_atlas.io.inspection import inspect_file
from napari_atlas.io.readers import READERS, TrackFile, find_reader, parts, read_tracks

KINDS = {"pose": Pose, "outline": Outline, "windows": CutWindows}
TEXT = {"deeplabcut", "trex-csv", "larva contours", "contour table", "anipose", "animalta", "table"}
BEGINNINGS = (
    b"", b"\x89HDF\r\n\x1a\n", b"PK\x03\x04", b"PAR1", b"\x93NUMPY\1\0", b"\x93NUMPY\2\0",
    b"MATLAB 5.0 MAT-file".ljust(128), b"MATLAB 5.0 MAT-file".ljust(128) + b"\x0f\0\0\0\x40\0\0\0\x78\x9c",
    b"MATLAB 7.3 MAT-file".ljust(512) + b"\x89HDF\r\n\x1a\n", b"scorer,a\n", b"frame,x,y\n",
    b"Date;X;Y\n", b"start,stop,label\n", b"{", b"\xef\xbb\xbf", b"GIF8",
    b"Caltech Behavior Annotator\nS1:\tstart\tend\ttype\n", b"frame,X#wcentroid,Y#wcentroid\n",
)  # fmt: skip


@pytest.fixture(scope="module")
def real(shared: Path) -> list[Path]:
    with (shared / "data" / "INDEX.tsv").open(encoding="utf-8") as handle:
        listed = [shared / "data" / row["path"] for row in csv.DictReader(handle, delimiter="\t")]
    assert len(listed) == 81
    return listed


@pytest.fixture(scope="module")
def accepted(real: list[Path], shared: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[Path, list[str]]:
    made = tmp_path_factory.mktemp("made")
    np.save(made / "windows.npy", np.random.default_rng(0).random((20, 12, 2)))
    vertices = [f"{f},{a},{v},{f + v * v},{a * v}" for f in range(60) for a in (1, 2) for v in range(4)]
    (made / "vertices.csv").write_text("\n".join(["frame,id,vertex,x,y", *vertices, ""]))
    files = [*real, *sorted((shared / "golden").rglob("*.*")), *made.iterdir()]
    return {path: [r.name for r in READERS.values() if r.accepts(path)] for path in files}


def test_no_file_is_accepted_twice(accepted: dict[Path, list[str]]) -> None:
    assert {path.name: names for path, names in accepted.items() if len(names) > 1} == {}


def test_accepting_never_raises(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = tmp_path / "a.bin"
    for begin in BEGINNINGS:
        for content in (b"", rng.bytes(3000), bytes(rng.integers(32, 127, 600, dtype=np.uint8)) + b"\n1,2,3\n"):
            path.write_bytes(begin + content)
            for reader in READERS.values():
                assert reader.accepts(path) in (True, False)
            found = inspect_file(path)
            assert all("\n" not in note for note in found["notes"])
            assert isinstance(outcome(path), InputError) or found["kind"] == "pose"
    assert not any(reader.accepts(other) for reader in READERS.values() for other in (tmp_path, tmp_path / "none"))


@pytest.mark.parametrize("name", list(READERS))
def test_every_reader_reads_a_file(name: str, accepted: dict[Path, list[str]]) -> None:
    mine = [path for path, names in accepted.items() if names == [name]]
    assert mine
    for path in sorted(mine, key=lambda path: -path.stat().st_size):
        assert find_reader(path) is READERS[name]
        file = read_tracks(path)
        check(file, name)
    assert_equal(file, read_tracks(path))


def assert_equal(one: Any, other: Any) -> None:
    """Assert that two frozen values are equal to the last bit."""
    if dataclasses.is_dataclass(one):
        for field in dataclasses.fields(one):
            assert_equal(getattr(one, field.name), getattr(other, field.name))
    elif isinstance(one, tuple) and any(isinstance(value, np.ndarray) for value in one):
        for a, b in zip(one, other, strict=True):
            assert_equal(a, b)
    else:
        np.testing.assert_array_equal(one, other)


def test_parts_add_up_to_the_whole(accepted: dict[Path, list[str]]) -> None:
    for path, names in accepted.items():
        held = parts(path) if names else ()
        files = [read_tracks(path, part) for part in held]
        for file in files:
            check(file, names[0])
        if held:
            rows = np.concatenate([r for file in files for r in file.tracks.rows])
            assert np.array_equal(np.sort(rows), np.arange(rows.size))
            assert rows.size == sum(r.size for r in read_tracks(path).tracks.rows)


def outcome(path: Path) -> TrackFile | InputError:
    try:
        return read_tracks(path)
    except InputError as error:
        found = error
    assert "\n" not in str(found)
    assert str(found).startswith(f"{path}: ")
    assert ";" in str(found)
    return found


def check(file: TrackFile, name: str) -> None:
    tracks = file.tracks
    assert file.format == name
    assert isinstance(tracks, KINDS[READERS[name].kind])
    assert tracks.n_samples > 0
    assert 0 <= tracks.missing_fraction < 1
    assert tracks.individuals
    assert len(set(tracks.individuals)) == len(tracks.individuals)
    assert np.isnan(file.fps) or file.fps > 0
    assert file.first_frame >= 0
    assert file.times.size in (0, tracks.n_samples)
    assert (np.diff(file.times) > 0).all()
    assert all(note.endswith(".") and "\n" not in note for note in file.notes)
    check_columns(file.columns, tracks.n_samples, tracks.individuals)
    {Pose: check_pose, Outline: check_outline, CutWindows: check_windows}[type(tracks)](tracks)


def check_columns(columns: Columns, n_samples: int, individuals: tuple[str, ...]) -> None:
    if columns.names:
        assert columns.individuals == individuals
        assert columns.n_samples == n_samples
        assert len(set(columns.names)) == len(columns.names)
        assert columns.values.dtype == np.float64
        assert not np.isinf(columns.values).any()


def check_pose(pose: Pose) -> None:
    assert pose.positions.dtype == np.float64
    assert not np.isinf(pose.positions).any()
    assert pose.positions.flags.c_contiguous
    assert pose.confidence.shape in ((0,), pose.positions.shape[:3])
    assert all(0 <= a < len(pose.keypoints) and 0 <= b < len(pose.keypoints) for a, b in pose.edges)
    assert len(set(pose.keypoints)) == len(pose.keypoints)


def check_outline(outline: Outline) -> None:
    for vertices, starts in zip(outline.vertices, outline.starts, strict=True):
        assert vertices.shape[1] == 2
        assert np.isfinite(vertices).all()
        assert starts[0] == 0
        assert starts[-1] == len(vertices)
        assert (np.diff(starts) >= 0).all()
        assert starts.dtype == np.int64


def check_windows(cut: CutWindows) -> None:
    for values, starts, degrees, rows in zip(cut.values, cut.starts, cut.temperatures, cut.rows, strict=True):
        assert starts.size == degrees.size == rows.size > 0
        assert starts[-1] + cut.length == len(values)


def test_every_real_file_that_no_reader_accepts_is_refused_in_one_line(accepted: dict[Path, list[str]]) -> None:
    refused = [path for path, names in accepted.items() if not names and "data" in path.parts]
    assert len(refused) == 27
    assert all(isinstance(outcome(path), InputError) for path in refused)


def test_cut_short_files_are_refused(accepted: dict[Path, list[str]], tmp_path: Path) -> None:
    done: set[str] = set()
    for path, names in accepted.items():
        if not names or names[0] in done:
            continue
        done.add(names[0])
        content = path.read_bytes()
        for share in (0.3, 0.5, 0.9):
            short = tmp_path / path.name
            short.write_bytes(content[: int(len(content) * share)])
            found = outcome(short)
            if isinstance(found, TrackFile):
                assert names[0] in TEXT  # a table may end after a whole row
                check(found, names[0])
    assert done == set(READERS)
