"""What every reader owes, checked on real files."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from napari_atlas.data.outline import Outline
from napari_atlas.data.pose import Pose
from napari_atlas.data.recording import CutWindows
from napari_atlas.errors import InputError
from napari_atlas.io.inspection import inspect_file
from napari_atlas.io.readers import READERS, TrackFile, find_reader, parts, read_tracks

KINDS = {"pose": Pose, "outline": Outline, "windows": CutWindows}
INSPECTED = {
    "path", "kind", "format", "n_frames", "fps", "first_frame", "individuals", "keypoints", "dims",
    "missing_fraction", "video", "covariates", "notes",
}  # fmt: skip


@pytest.fixture(scope="module")
def real(shared: Path) -> list[Path]:
    with (shared / "data" / "INDEX.tsv").open(encoding="utf-8") as handle:
        listed = [shared / "data" / row["path"] for row in csv.DictReader(handle, delimiter="\t")]
    assert len(listed) == 81
    return listed


@pytest.fixture(scope="module")
def accepted(real: list[Path], shared: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[Path, list[str]]:
    cut = tmp_path_factory.mktemp("npy") / "windows.npy"
    np.save(cut, np.random.default_rng(0).random((20, 12, 2)))
    files = [*real, *sorted((shared / "golden").rglob("*.*")), cut]
    return {path: [r.name for r in READERS.values() if r.accepts(path)] for path in files}


def test_no_file_is_accepted_twice(accepted: dict[Path, list[str]]) -> None:
    assert {path.name: names for path, names in accepted.items() if len(names) > 1} == {}


@pytest.mark.parametrize("name", list(READERS))
def test_every_reader_reads_a_file(name: str, accepted: dict[Path, list[str]]) -> None:
    mine = [path for path, names in accepted.items() if names == [name]]
    assert mine
    for path in mine:
        assert find_reader(path) is READERS[name]
        check(read_tracks(path), name)


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
        return error


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
    assert all(note.endswith(".") and "\n" not in note for note in file.notes)
    {Pose: check_pose, Outline: check_outline, CutWindows: check_windows}[type(tracks)](tracks)


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


def test_every_real_file_is_read_or_refused_in_one_line(real: list[Path]) -> None:
    for path in real:
        found = outcome(path)
        if isinstance(found, InputError):
            assert "\n" not in str(found)
            assert str(found).startswith(f"{path}: ")
            assert ";" in str(found)


def test_every_real_file_is_inspected(real: list[Path]) -> None:
    kinds: dict[str, int] = {}
    for path in real:
        found = inspect_file(path)
        assert found.keys() == INSPECTED
        json.dumps(found, allow_nan=False)
        kinds[found["kind"]] = kinds.get(found["kind"], 0) + 1
        if found["kind"] in ("unknown", "labels", "timestamps"):
            assert found["notes"]
    assert kinds == {"pose": 28, "windows": 2, "video": 8, "timestamps": 2, "labels": 11, "unknown": 30}


def test_cut_short_files_are_refused(accepted: dict[Path, list[str]], tmp_path: Path) -> None:
    for path, names in accepted.items():
        if not names:
            continue
        content = path.read_bytes()
        for share in (0.3, 0.9):
            short = tmp_path / path.name
            short.write_bytes(content[: int(len(content) * share)])
            found = outcome(short)
            if isinstance(found, TrackFile):
                assert names == ["deeplabcut"]  # a table may end after a whole row
                check(found, names[0])
            else:
                assert "\n" not in str(found)
                assert str(short) in str(found)
