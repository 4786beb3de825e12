"""Hulls from MATLAB files of either layout and any version."""

from __future__ import annotations

import time
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io

from napari_atlas.data.outline import Outline
from napari_atlas.errors import InputError
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
@pytest.mark.parametrize("layout", [struct_with_cell, cell_of_struct, cell_of_struct_with_cell])
def test_v5_and_v7(layout, compress: bool, tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "a.mat", {"hull": layout(ANIMALS), "other": 1}, do_compression=compress)
    check(tmp_path / "a.mat")


@pytest.mark.parametrize("layout", [struct_with_cell, cell_of_struct])
def test_one_animal(layout, tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "a.mat", {"hull": layout(ANIMALS[:1])})
    check(tmp_path / "a.mat", 1)


@pytest.mark.parametrize(("layout", "n_animals"), [(StructWithCell73, 2), (CellOfStruct73, 2), (OneAnimal73, 1)])
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


def test_twenty_minutes_of_twelve_animals_are_read_quickly(tmp_path: Path) -> None:
    polygons = [SQUARE + i for i in range(36_000)]
    scipy.io.savemat(tmp_path / "a.mat", {"hull": struct_with_cell([polygons] * 12)})
    start = time.perf_counter()
    outline = read_tracks(tmp_path / "a.mat").tracks
    assert time.perf_counter() - start < 30
    assert outline.missing_fraction == 0
    assert outline.polygon(11, 35_999)[0].tolist() == [35_999, 35_999]
