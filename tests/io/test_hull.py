"""Hulls from MATLAB files of either layout and any version."""

from __future__ import annotations

import struct
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io

from napari_atlas.data.outline import Outline
from napari_atlas.errors import InputError
from napari_atlas.io._matlab5 import read_ragged
from napari_atlas.io.readers import find_reader, read_tracks

SQUARE = np.array([[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0]])
NOTHING = np.empty((0, 0))
ANIMALS = [
    [SQUARE, NOTHING, SQUARE * 2, SQUARE[:2]],
    [NOTHING, SQUARE * [1, 3], np.where(SQUARE == 2, np.nan, SQUARE), SQUARE.astype(np.uint16)],
]
AREAS = [[4, np.nan, 16, np.nan], [np.nan, 12, np.nan, 4]]


def cell(values: list[np.ndarray]) -> np.ndarray:
    cells = np.empty((1, len(values)), dtype=object)
    for i, value in enumerate(values):
        cells[0, i] = value
    return cells


def struct_with_cell(animals: list[list[np.ndarray]]) -> np.ndarray:
    hull = np.empty((1, len(animals)), dtype=[("ConvexHull", object)])
    for i, polygons in enumerate(animals):
        hull[0, i]["ConvexHull"] = cell(polygons)
    return hull


def cell_of_struct(animals: list[list[np.ndarray]]) -> np.ndarray:
    structs = []
    for polygons in animals:
        frames = np.empty((1, len(polygons)), dtype=[("ConvexHull", object)])
        for i, polygon in enumerate(polygons):
            frames[0, i]["ConvexHull"] = polygon
        structs.append(frames)
    return cell(structs)


def cell_of_struct_with_cell(animals: list[list[np.ndarray]]) -> np.ndarray:
    return cell([struct_with_cell([polygons]) for polygons in animals])


def column(hull: np.ndarray) -> np.ndarray:
    """Return the same with every row of animals or frames turned into a column."""
    turned = hull.T.copy()
    for entry in turned.ravel():
        fields = entry if isinstance(entry, np.ndarray | np.void) and entry.dtype.names else ()
        if len(fields) and isinstance(fields, np.void) and fields["ConvexHull"].dtype == object:
            entry["ConvexHull"] = fields["ConvexHull"].T
    return turned


def columns_of_struct_with_cell(animals: list[list[np.ndarray]]) -> np.ndarray:
    return column(struct_with_cell(animals))


def columns_of_cell_of_struct(animals: list[list[np.ndarray]]) -> np.ndarray:
    return column(cell_of_struct(animals))


def turned_polygons(animals: list[list[np.ndarray]]) -> np.ndarray:
    return struct_with_cell([[p.T if len(p) > 2 else p for p in polygons] for polygons in animals])


def more_fields(animals: list[list[np.ndarray]]) -> np.ndarray:
    dtype = [("Area", object), ("ConvexHull", object), ("Name", object)]
    hull = np.empty((1, len(animals)), dtype=dtype)
    for i, polygons in enumerate(animals):
        hull[0, i] = (np.arange(3.0), cell(polygons), "an animal")
    return hull


class Matlab73:
    """Write cells and struct arrays as MATLAB v7.3 does: datasets of references, arrays turned round."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with h5py.File(path, "w", userblock_size=512) as file:
            self.file, self.count = file, 0
            self.fill()
        with path.open("r+b") as handle:
            handle.write(b"MATLAB 7.3 MAT-file".ljust(128))

    def put(self, value: np.ndarray) -> h5py.Reference:
        name, self.count = f"#refs#/{self.count}", self.count + 1
        if value.size:
            self.file[name] = value.T
        else:
            self.file[name] = np.array(value.shape, dtype=np.uint64)
            self.file[name].attrs["MATLAB_empty"] = np.uint8(1)
        return self.file[name].ref

    def put_refs(self, refs: list[h5py.Reference], name: str = "") -> h5py.Reference:
        name, self.count = name or f"#refs#/{self.count}", self.count + 1
        data = self.file.create_dataset(name, (len(refs), 1), dtype=h5py.ref_dtype)
        data[:, 0] = refs
        return data.ref

    def fill(self) -> None:
        raise NotImplementedError


class StructWithCell73(Matlab73):
    def fill(self) -> None:
        self.put_refs([self.put_refs([self.put(p) for p in animal]) for animal in ANIMALS], "hull/ConvexHull")


class CellOfStruct73(Matlab73):
    def fill(self) -> None:
        refs = []
        for i, animal in enumerate(ANIMALS):
            self.put_refs([self.put(p) for p in animal], f"#refs#/s{i}/ConvexHull")
            refs.append(self.file[f"#refs#/s{i}"].ref)
        self.put_refs(refs, "hull")


class Columns73(Matlab73):
    """Everything the other way round: (2, n) polygons, and references in rows instead of columns."""

    def put(self, value: np.ndarray) -> h5py.Reference:
        return super().put(value.T if len(value) > 2 else value)

    def fill(self) -> None:
        self.put_refs([self.put_refs([self.put(p) for p in animal]) for animal in ANIMALS], "hull/ConvexHull")
        flat = self.file["hull/ConvexHull"][()].T
        del self.file["hull/ConvexHull"]
        self.file["hull"].create_dataset("ConvexHull", data=flat, dtype=h5py.ref_dtype)


class OneAnimal73(Matlab73):
    def fill(self) -> None:
        self.put_refs([self.put(p) for p in ANIMALS[0]], "hull/ConvexHull")


def check(path: Path, n_animals: int = 2) -> Outline:
    assert find_reader(path).name == "hull"
    outline = read_tracks(path).tracks
    assert isinstance(outline, Outline)
    assert outline.individuals == ("animal-0", "animal-1")[:n_animals]
    for i in range(n_animals):
        np.testing.assert_array_equal(outline.areas(i), AREAS[i])
    np.testing.assert_array_equal(outline.polygon(0, 2), SQUARE * 2)
    return outline


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize(
    "layout",
    [
        struct_with_cell,
        cell_of_struct,
        cell_of_struct_with_cell,
        columns_of_struct_with_cell,
        columns_of_cell_of_struct,
        turned_polygons,
        more_fields,
    ],
)
def test_v5_and_v7(layout, compress: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {"before": np.arange(2000.0), "b": "text"}
    scipy.io.savemat(tmp_path / "a.mat", {**before, "hull": layout(ANIMALS), "after": 1}, do_compression=compress)
    quick = check(tmp_path / "a.mat")
    assert read_ragged(tmp_path / "a.mat")
    monkeypatch.setattr("napari_atlas.io.hull.read_ragged", lambda path: [])
    through_scipy = check(tmp_path / "a.mat")
    for a, b in zip(quick.vertices + quick.starts, through_scipy.vertices + through_scipy.starts, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("quick", [True, False])
def test_an_array_of_structs_is_one_animal(quick: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scipy.io.savemat(tmp_path / "a.mat", {"hull": cell_of_struct(ANIMALS)[0, 0]})
    assert read_ragged(tmp_path / "a.mat")
    if not quick:
        monkeypatch.setattr("napari_atlas.io.hull.read_ragged", lambda path: [])
    check(tmp_path / "a.mat", 1)


@pytest.mark.parametrize("quick", [True, False])
def test_two_animals_of_one_frame_each(quick: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scipy.io.savemat(tmp_path / "a.mat", {"hull": struct_with_cell([[SQUARE], [SQUARE * 2]])})
    if not quick:
        monkeypatch.setattr("napari_atlas.io.hull.read_ragged", lambda path: [])
    assert [read_tracks(tmp_path / "a.mat").tracks.areas(i).tolist() for i in (0, 1)] == [[4], [16]]


def element(kind: int, content: bytes) -> bytes:
    """Return one element of a MATLAB file; those of up to 4 bytes lie in their own tag."""
    if len(content) <= 4 and kind != 14:
        return struct.pack("<HH", kind, len(content)) + content.ljust(4, b"\0")
    return struct.pack("<II", kind, len(content)) + content + bytes(-len(content) % 8)


def matrix(kind: int, shape: tuple[int, int], content: bytes, name: bytes = b"") -> bytes:
    flags, dims = struct.pack("<II", 6, 8) + struct.pack("<II", kind, 0), struct.pack("<4I", 5, 8, *shape)
    named = element(1, name) if name else struct.pack("<II", 1, 0)
    return element(14, flags + dims + named + content)


STORED = [
    (SQUARE.T.astype(dtype), kind)
    for dtype, kind in (("u1", 2), ("i1", 1), ("<i2", 3), ("<u2", 4), ("<i4", 5), ("<f4", 7), ("<f8", 9))
]


def write_as_matlab_packs(path: Path, extra: bytes = b"") -> None:
    """Write whole numbers as MATLAB does: in the smallest type that holds them, and an empty cell without a header."""
    frames = [matrix(6, (4, 2), element(kind, values.tobytes())) for values, kind in STORED]
    frames += [matrix(6, (1, 2), element(2, b"\1\2")), element(14, b""), matrix(6, (0, 0), element(9, b"")), extra]
    content = b"".join(frames)
    hull = matrix(1, (1, len(frames) - (not extra)), content)
    fields = struct.pack("<HHI", 5, 4, 11) + element(1, b"ConvexHull\0")
    head = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"
    path.write_bytes(head + matrix(2, (1, 1), fields + hull, b"hull"))


def test_whole_numbers_as_matlab_packs_them(tmp_path: Path) -> None:
    write_as_matlab_packs(tmp_path / "a.mat")
    assert read_ragged(tmp_path / "a.mat")
    outline = read_tracks(tmp_path / "a.mat").tracks
    assert isinstance(outline, Outline)
    assert outline.n_samples == len(STORED) + 3
    np.testing.assert_array_equal(outline.areas(0), [4] * len(STORED) + [np.nan] * 3)
    for i in range(len(STORED)):
        np.testing.assert_array_equal(outline.polygon(0, i), SQUARE)


@pytest.mark.parametrize(
    "extra",
    [
        matrix(6 | 0x800, (1, 1), element(9, bytes(8)) + element(9, bytes(8))),
        matrix(4, (1, 2), element(4, b"a\0b\0")),
        matrix(6, (2, 2), element(9, bytes(24))),
        matrix(6, (2, 2), element(8, bytes(32))),
    ],
    ids=["complex", "text", "wrong size", "unknown type"],
)
def test_what_is_not_expected_is_left_to_scipy(extra: bytes, tmp_path: Path) -> None:
    write_as_matlab_packs(tmp_path / "a.mat", extra)
    assert read_ragged(tmp_path / "a.mat") == []


def test_any_damage_is_left_to_scipy(tmp_path: Path) -> None:
    write_as_matlab_packs(tmp_path / "a.mat")
    whole = (tmp_path / "a.mat").read_bytes()
    rng = np.random.default_rng(0)
    for i in range(128, len(whole), 4):
        for content in (whole[:i], whole[:i] + rng.bytes(4) + whole[i + 4 :]):
            (tmp_path / "b.mat").write_bytes(content)
            for vertices, counts in read_ragged(tmp_path / "b.mat"):
                assert counts.sum() == len(vertices)


@pytest.mark.parametrize("layout", [struct_with_cell, cell_of_struct])
def test_one_animal(layout, tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "a.mat", {"hull": layout(ANIMALS[:1])})
    check(tmp_path / "a.mat", 1)


@pytest.mark.parametrize(
    ("layout", "n_animals"), [(StructWithCell73, 2), (CellOfStruct73, 2), (OneAnimal73, 1), (Columns73, 2)]
)
def test_v73(layout, n_animals: int, tmp_path: Path) -> None:
    check(layout(tmp_path / "a.mat").path, n_animals)


def test_both_real_layouts_agree(shared: Path) -> None:
    folder = shared / "golden" / "preprocess"
    one = read_tracks(folder / "jelly_tracked.mat").tracks
    other = read_tracks(folder / "jelly_tracked_cell_of_struct.mat").tracks
    for a, b in zip(one.vertices + one.starts, other.vertices + other.starts, strict=True):
        assert np.array_equal(a, b)


def test_animals_of_different_length(tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "a.mat", {"hull": struct_with_cell([ANIMALS[0], [SQUARE]])})
    outline = read_tracks(tmp_path / "a.mat").tracks
    assert outline.n_samples == 4
    np.testing.assert_array_equal(outline.areas(1), [4, np.nan, np.nan, np.nan])


@pytest.mark.parametrize("hull", [np.zeros((3, 2)), np.array([[(1,)]], dtype=[("Area", object)]), cell([np.zeros(3)])])
def test_a_hull_that_holds_no_polygons(hull: np.ndarray, tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "a.mat", {"hull": hull})
    with pytest.raises(InputError, match=r"a\.mat: hull has no field ConvexHull"):
        read_tracks(tmp_path / "a.mat")


def test_hulls_that_are_all_empty(tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "a.mat", {"hull": struct_with_cell([[NOTHING, SQUARE[:2]]])})
    with pytest.raises(InputError, match="every position in it is missing"):
        read_tracks(tmp_path / "a.mat")


def test_twenty_minutes_are_read_quickly(tmp_path: Path) -> None:
    polygons = [SQUARE + i for i in range(36_000)]
    scipy.io.savemat(tmp_path / "a.mat", {"hull": struct_with_cell([polygons])})
    start = time.process_time()
    outline = read_tracks(tmp_path / "a.mat").tracks
    assert time.process_time() - start < 2
    assert outline.missing_fraction == 0
    assert outline.polygon(0, 35_999)[0].tolist() == [35_999, 35_999]
