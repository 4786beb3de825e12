"""DeepLabCut's tables: .csv to the last digit, .h5 without pandas' own reader, several animals, three dimensions."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from napari_atlas.data.pose import Pose
from napari_atlas.data.sources import Source
from napari_atlas.errors import InputError
from napari_atlas.io import deeplabcut
from napari_atlas.io._pandas_hdf import find_table
from napari_atlas.io.readers import READERS, find_reader, read_tracks
from napari_atlas.io.temperature import read_temperature_csv

Labels = list[tuple[str, ...]]
BSOID = "data/bsoid/raw_clip1DLC_resnet50_OpenFieldHighResApr8shuffle1_1030000"
BRIEF = "data/dlc/briefDeepCut_resnet50_TESTAug16shuffle1_10"
SHORT = "data/dlc/m3v1mp4shortDLC_effnet_b0_multi_mouseApr12shuffle1_5_el"


def labels(
    parts: Iterable[str], coords: Iterable[str] = ("x", "y", "likelihood"), owners: tuple[str, ...] = ()
) -> Labels:
    above = [("net", owner) for owner in owners] or [("net",)]
    return [(*names, part, coord) for names in above for part in parts for coord in coords]


def pickled(columns: Labels) -> bytes:
    """Return what pandas stores of a list of tuples (protocol 0, text by text)."""
    return b"(l" + b"".join(b"(" + b"".join(f"V{t}\n".encode() for t in label) + b"ta" for label in columns) + b"."


def write_table(path: Path, columns: Labels, values: np.ndarray, blocks: tuple[slice, ...] = (slice(None),)) -> Path:
    """Write pandas' "table" layout, in one block of values or several."""
    fields = [(f"values_block_{i}", "<f8", (len(columns[b]),)) for i, b in enumerate(blocks)]
    rows = np.empty(len(values), dtype=[("index", "<i8"), *fields])
    rows["index"] = np.arange(len(values))
    with h5py.File(path, "w") as file:
        group = file.create_group("df_with_missing")
        group.attrs["pandas_type"] = np.bytes_(b"frame_table")
        group.attrs["non_index_axes"] = np.bytes_(b"(l(I1\n" + pickled(columns)[:-1] + b"ta.")
        for i, block in enumerate(blocks):
            rows[f"values_block_{i}"] = values[:, block]
        table = group.create_dataset("table", data=rows)
        table.attrs["index_kind"] = np.bytes_(b"integer")
        for i, block in enumerate(blocks):
            table.attrs[f"values_block_{i}_kind"] = np.bytes_(pickled(columns[block]))
    return path


def write_fixed(path: Path, columns: Labels, values: np.ndarray, index: np.ndarray) -> Path:
    """Write pandas' "fixed" layout: levels, codes into them, and two blocks of columns by turns."""
    with h5py.File(path, "w") as file:
        group = file.create_group("keypoints")
        group.attrs.update({"pandas_type": np.bytes_(b"frame"), "nblocks": 2, "ndim": 2})
        for name, mine in (("axis0", columns), ("block0_items", columns[::2]), ("block1_items", columns[1::2])):
            group.attrs[f"{name}_nlevels"] = len(columns[0])
            for i, texts in enumerate(zip(*mine, strict=True)):
                level, codes = np.unique(np.array(texts, dtype="S"), return_inverse=True)
                group[f"{name}_level{i}"], group[f"{name}_label{i}"] = level, codes.astype(np.int8)
        group["axis1"] = index
        group["axis1"].attrs["kind"] = np.bytes_(b"integer" if index.dtype.kind == "i" else b"string")
        group["block0_values"], group["block1_values"] = values[:, ::2].astype(np.float32), values[:, 1::2]
    return path


def refused(path: Path, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        read_tracks(path)
    assert "\n" not in str(caught.value)


def same(one: Pose, other: Pose) -> None:
    np.testing.assert_array_equal(one.positions, other.positions)
    np.testing.assert_array_equal(one.confidence, other.confidence)
    assert (one.keypoints, one.individuals, one.first_frame) == (other.keypoints, other.individuals, other.first_frame)


@pytest.mark.parametrize("name", [BSOID, BRIEF])
def test_both_files_of_one_analysis_agree(name: str, shared: Path) -> None:
    assert find_reader(shared / f"{name}.h5").name == "deeplabcut-h5"
    same(read_tracks(shared / f"{name}.h5").tracks, read_tracks(shared / f"{name}.csv").tracks)


def test_several_animals_from_a_real_file(shared: Path) -> None:
    file = read_tracks(shared / f"{SHORT}.h5")
    csv = read_tracks(shared / f"{SHORT}_filtered.csv").tracks
    assert file.tracks.individuals == csv.individuals == ("individual1", "individual2", "individual3", "single")
    assert file.tracks.keypoints == csv.keypoints
    assert file.tracks.positions.shape == (31, 4, 5, 2)
    close = np.abs(file.tracks.positions - csv.positions)[5:-5]
    assert np.nanmedian(close) < 2  # the .csv is filtered
    assert "The individual single holds keypoints that belong to no animal." in file.notes


def test_a_real_file_that_begins_late(shared: Path) -> None:
    path = shared / "data/dlc2kinematics/reachingDEMO_2D.h5"
    file = read_tracks(path)
    assert (file.first_frame, file.tracks.n_samples, len(file.tracks.keypoints)) == (42150, 800, 33)
    with h5py.File(path) as stored:
        row = stored["df_with_missing/table"][7][1].reshape(33, 3)
    np.testing.assert_array_equal(file.tracks.positions[7, 0], row[:, :2])
    np.testing.assert_array_equal(file.tracks.confidence[7, 0], row[:, 2])


def test_two_blocks_and_the_fixed_layout(tmp_path: Path) -> None:
    columns = labels(("nose", "tail"), owners=("b", "a"))
    values = np.random.default_rng(0).random((9, 12)).astype(np.float32).astype(np.float64)
    values[3, 2:5] = np.nan, np.inf, 7
    one = read_tracks(write_table(tmp_path / "a.h5", columns, values)).tracks
    assert one.individuals == ("b", "a")
    expected = values.reshape(9, 2, 2, 3)
    np.testing.assert_array_equal(one.positions, np.where(np.isfinite(expected), expected, np.nan)[..., :2])
    same(one, read_tracks(write_table(tmp_path / "b.h5", columns, values, (slice(0, 5), slice(5, None)))).tracks)
    same(one, read_tracks(write_fixed(tmp_path / "c.h5", columns, values, np.arange(9))).tracks)


def test_three_dimensions(tmp_path: Path) -> None:
    columns = labels(("nose", "tail"), ("x", "y", "z"), ("m1", "m2"))
    values = np.arange(24.0).reshape(2, 12)
    path = write_table(tmp_path / "a.h5", columns, values)
    pose = read_tracks(path).tracks
    np.testing.assert_array_equal(pose.positions, values.reshape(2, 2, 2, 3))
    assert pose.confidence.size == 0
    names = ["scorer", "individuals", "bodyparts", "coords"]
    pd.DataFrame(values, columns=pd.MultiIndex.from_tuples(columns, names=names)).to_csv(tmp_path / "a.csv")
    same(pose, read_tracks(tmp_path / "a.csv").tracks)


def test_animals_of_different_keypoints(tmp_path: Path) -> None:
    columns = labels(("nose", "tail"), owners=("mouse",)) + labels(("beak",), owners=("bird",))
    pose = read_tracks(write_table(tmp_path / "a.h5", columns, np.arange(9.0)[None])).tracks
    assert (pose.individuals, pose.keypoints) == (("mouse", "bird"), ("nose", "tail", "beak"))
    nothing = [np.nan, np.nan]
    np.testing.assert_array_equal(pose.positions[0], [[[0, 1], [3, 4], nothing], [nothing, nothing, [6, 7]]])


def test_rows_that_are_images_or_no_keypoints(tmp_path: Path) -> None:
    images = np.array([b"img0.png", b"img1.png"])
    refused(write_fixed(tmp_path / "a.h5", labels(("nose",)), np.zeros((2, 3)), images), "labelled images")
    other = write_table(tmp_path / "b.h5", labels(("nose",), ("speed", "angle")), np.zeros((2, 2)))
    refused(other, "without keypoints")
    with h5py.File(write_table(tmp_path / "d.h5", labels(("nose",)), np.zeros((2, 3))), "r+") as file:
        group = file["df_with_missing"]
        rows, attributes = group["table"][()], dict(group["table"].attrs)
        del group["table"]  # rows named by several texts are stored as columns of their own
        named = np.empty(2, dtype=[*rows.dtype.descr, ("level_0", "S4")])
        group["table"] = named
        group["table"].attrs.update(attributes)
    refused(tmp_path / "d.h5", "without keypoints")
    refused(write_table(tmp_path / "c.h5", labels(("nose",)), np.zeros((0, 3))), "no tracked frame")


@pytest.mark.parametrize(
    "code",
    [
        b"cposix\nsystem\n(S'touch %s'\ntR.",
        b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R.",
        b"(l(I1\n(l(cnumpy\nstr_\n(Vnet\ntRVnose\nVx\ntata.",
        b"(l(I1\n(l(Vnet\nVnose\n",
        b"a.",
        b"nothing",
    ],
)
def test_stored_code_is_never_run(code: bytes, tmp_path: Path) -> None:
    path = write_table(tmp_path / "a.h5", labels(("nose",)), np.zeros((2, 3)))
    touched = tmp_path / "touched"
    with h5py.File(path, "r+") as file:
        file["df_with_missing"].attrs["non_index_axes"] = np.bytes_(code.replace(b"%s", str(touched).encode()))
    assert find_reader(path).name == "deeplabcut-h5"
    refused(path, "objects, which are never loaded; write it as .csv")
    assert not touched.exists()


@pytest.mark.parametrize(
    "axes",
    [
        b"\x80\x02]q\x00K\x01]q\x01((X\x03\x00\x00\x00netq\x02X\x04\x00\x00\x00noseq\x03X\x01\x00\x00\x00xq\x04tq\x05"
        b"(h\x02h\x03X\x01\x00\x00\x00yq\x06tq\x07e\x86q\x08a.",
        b"\x80\x04\x95\x2a\x00\x00\x00\x00\x00\x00\x00]\x94K\x01]\x94(\x8c\x03net\x94\x8c\x04nose\x94\x8c\x01x\x94\x87\x94"
        b"h\x02h\x03\x8c\x01y\x94\x87\x94e\x86\x94a.",
        b"(lp0\n(L1L\n(lp1\n(S'net'\np2\nS'nose'\np3\nS'x'\np4\ntp5\na(g2\ng3\nS'y'\np6\ntp7\natp8\na.",
    ],
)
def test_column_names_of_any_pickle_protocol(axes: bytes, tmp_path: Path) -> None:
    path = write_table(tmp_path / "a.h5", labels(("nose",), ("x", "y")), np.zeros((2, 2)))
    with h5py.File(path, "r+") as file:
        file["df_with_missing"].attrs["non_index_axes"] = np.bytes_(axes)
    table = find_table(path)
    assert table is not None
    assert table.columns == labels(("nose",), ("x", "y"))


def test_a_filter_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = write_fixed(tmp_path / "a.h5", labels(("nose",)), np.zeros((2, 3)), np.arange(2))
    with h5py.File(path, "r+") as file:
        del file["keypoints/block0_values"]
        made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        made.set_chunk((2, 2))
        made.set_filter(32001, h5py.h5z.FLAG_OPTIONAL, ())
        space = h5py.h5s.create_simple((2, 2))
        h5py.h5d.create(file["keypoints"].id, b"block0_values", h5py.h5t.NATIVE_DOUBLE, space, made)
    refused(path, "compressed with .* which is not known here")


PARTS = ("Nose", "Left_ear", "Tail_base")


@pytest.mark.parametrize(
    ("parts", "individuals"),
    [
        ([f"{owner}_{part}" for owner in "BW" for part in PARTS], ("B", "W")),
        ([f"mouse_{i}_{part}" for part in PARTS for i in (1, 2)], ("mouse_1", "mouse_2")),
        ([f"{side}_{part}" for side in ("Left", "right") for part in ("ear", "neck", "hip")], ("animal-0",)),
        ([f"finger{i}_{part}" for i in (1, 2) for part in ("base", "middle", "tip")], ("animal-0",)),
        ([f"{owner}_{part}" for owner in "BW" for part in PARTS[:2]], ("animal-0",)),
        ([*(f"{owner}_{part}" for owner in "BW" for part in PARTS), "corner"], ("animal-0",)),
        ([*(f"{owner}_{part}" for owner in "BW" for part in PARTS), "W_x"], ("animal-0",)),
    ],
)
def test_individuals_in_keypoint_names(parts: list[str], individuals: tuple[str, ...], tmp_path: Path) -> None:
    values = np.arange(3.0 * len(parts))[None]
    file = read_tracks(write_table(tmp_path / "a.h5", labels(parts), values))
    assert file.tracks.individuals == individuals
    assert any("told from the keypoint names" in note for note in file.notes) == (len(individuals) > 1)
    if len(individuals) > 1:
        assert set(file.tracks.keypoints) == set(PARTS)
        at = individuals.index(parts[-1].removesuffix("_Tail_base")), file.tracks.keypoints.index("Tail_base")
        np.testing.assert_array_equal(file.tracks.positions[0][at], values[0, -3:-1])


def test_individuals_in_keypoint_names_of_real_files(shared: Path) -> None:
    pose = read_tracks(shared / "data/deepof/testDLC_csv_table_multi.csv").tracks
    assert pose.individuals == ("B", "W")
    assert len(pose.keypoints) == 14
    for path in (shared / "data").rglob("*.csv"):
        if READERS["deeplabcut"].accepts(path) and path.name != "testDLC_csv_table_multi.csv":
            assert not any("told from" in note for note in read_tracks(path).notes)


@pytest.mark.parametrize(
    "name",
    [
        "data/rats/24DLC_dlcrnetms5_DLC_ratJan24shuffle1_5000_el_filtered.csv",
        "data/autogaita/PCCD3_Mouse14_25mm_run3-6DLC_resnet50_SIMINewOct24shuffle1_200000.csv",
    ],
)
def test_csv_is_read_to_the_last_digit(name: str, shared: Path) -> None:
    pose = read_tracks(shared / name).tracks
    levels = 4 if len(pose.individuals) > 1 else 3
    table = pd.read_csv(shared / name, header=None, skiprows=levels, index_col=0, float_precision="round_trip")
    shape = (len(table), len(pose.individuals), len(pose.keypoints), 3)
    np.testing.assert_array_equal(pose.positions, table.to_numpy().reshape(shape)[..., :2])
    np.testing.assert_array_equal(pose.confidence, table.to_numpy().reshape(shape)[..., 2])


HEADER = "scorer,n,n,n,n\nbodyparts,a,a,a,b\ncoords,x,y,likelihood,note\n"


@pytest.mark.parametrize(
    "rows",
    [
        "0,1.5,-2e-05,1,7\n1,,3,,8\n2,,,,\n",
        "0,1.5,-2e-05,1,7\r\n1,,3,,8\r\n2,,,,",
        "0,1.5,-2e-05,1,yes\n1,,3,,no\n2,,,,\n",
        "0,1.5,-2e-05,1,1.2.3\n1,nan,3,NaN,4\n2,,,,\n\n\n",
        "0,+1.5,-2e-05,1,1\n1,,3.,,2\n2,inf,,,\n",
    ],
)
def test_csv_written_in_any_way(rows: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.csv").write_bytes((HEADER + rows).encode())
    for piece in (1, 20, 1 << 20):
        monkeypatch.setattr(deeplabcut, "_PIECE", piece)
        pose = read_tracks(tmp_path / "a.csv").tracks
        np.testing.assert_array_equal(pose.positions[:, 0, 0], [[1.5, -2e-05], [np.nan, 3], [np.nan, np.nan]])
        np.testing.assert_array_equal(pose.confidence[:, 0, 0], [1, np.nan, np.nan])


@pytest.mark.parametrize("cell", ["1.234.567", "2026-01-02", "12;5"])
def test_csv_with_cells_that_are_no_numbers(cell: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"{HEADER}0,1,2,1,7\n1,{cell},2,1,7\n2,1,2,1,7\n")
    refused(tmp_path / "a.csv", "cannot be read as deeplabcut")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_names_are_read_as_they_were_written(encoding: str, tmp_path: Path) -> None:
    header = "scorer,a,a,a\nbodyparts,Näse,Näse,Näse\ncoords,x,y,likelihood\n"
    text = header + "".join(f"{i},1,2,1\n" for i in range(20))
    path = tmp_path / "a.csv"
    path.write_text(text, encoding=encoding)
    assert read_tracks(path).tracks.keypoints == ("Näse",)
    log = tmp_path / "log.csv"
    log.write_text("Zeit time (s);temp °C\n0;20,5\n1;21\n", encoding=encoding)
    assert read_temperature_csv(log, Source(column="temp °C")).values.tolist() == [20.5, 21]
