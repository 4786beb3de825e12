"""Behaviour labels: intervals, and one per frame."""

from __future__ import annotations

import math
from pathlib import Path

import h5py
import numpy as np
import pytest

from napari_atlas.data.labels import Labels
from napari_atlas.errors import InputError
from napari_atlas.io.inspection import inspect_file
from napari_atlas.io.labels import is_labels, read_labels

CALTECH = "Caltech Behavior Annotator - Annotation File\n\nS1:\tstart\tend\ttype\n----\n"


def write(tmp_path: Path, text: str, name: str = "a.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def read(path: Path, fps: float = math.nan) -> list[list[str]]:
    """Return the class of each frame, per stream."""
    labels = read_labels(path, fps)
    assert is_labels(path)
    return [["-" if c < 0 else labels.classes[i][c] for c in codes] for i, codes in enumerate(labels.codes)]


def test_caltech_frames_count_from_one_and_include_the_last(tmp_path: Path, shared: Path) -> None:
    path = write(tmp_path, CALTECH + "\t1\t2\trest\n\t4\t4\trun\n  \nS2:\tstart\tend\ttype\n---\n\t2\t5\tgroom\n")
    assert read(path) == [["rest", "rest", "-", "run", "-"], ["-", "groom", "groom", "groom", "groom"]]
    rats = read_labels(shared / "data/rats/5_annot.txt")
    assert rats.streams == ("S1", "S2")
    assert rats.n_frames == 13500
    assert [rats.classes[0][c] for c in rats.codes[0, [0, 390, 391, 467, 468]]] == [
        "base", "base", "social", "social", "nonsocial",
    ]  # fmt: skip
    assert (rats.codes >= 0).all()


@pytest.mark.parametrize("line", ["\t5\t4\trest", "\t0\t4\trest", "\t1\t4", "\ta\t4\trest"])
def test_caltech_lines_that_are_no_intervals(line: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="line 5 is no interval"):
        read_labels(write(tmp_path, CALTECH + line))


def test_intervals_in_frames(tmp_path: Path) -> None:
    path = write(tmp_path, "start,stop,behaviour\n0,1,a\n3,3,b\n")
    assert read(path) == [["a", "a", "-", "b"]]
    assert "included" in read_labels(path).notes[0]
    path = write(tmp_path, "start_frame;end_frame;label\n0;2;a\n2;3;b\n")
    assert read(path) == [["a", "a", "b"]]
    assert "left out" in read_labels(path).notes[0]


def test_intervals_in_seconds_need_a_rate(tmp_path: Path) -> None:
    path = write(tmp_path, "Subject,Behavior,Start (s),Stop (s)\nm1,run,0,1\nm2,rest,1.5,2\n")
    with pytest.raises(InputError, match="in seconds and no frame rate is known; give the frame rate"):
        read_labels(path)
    assert read(path, 2.0) == [["run", "run", "-", "-"], ["-", "-", "-", "rest"]]
    assert read_labels(path, 2.0).streams == ("m1", "m2")
    told = write(tmp_path, "Behavior,Start (s),Stop (s),FPS\nrun,0,1,2\n", "b.csv")
    assert read_labels(told).fps == 2
    found = inspect_file(path)
    assert (found["kind"], found["n_frames"], found["fps"]) == ("labels", 0, None)
    assert found["covariates"]["m1"]["classes"] == ["run"]


def test_behaviours_that_overlap_are_given_a_stream_each(tmp_path: Path) -> None:
    labels = read_labels(write(tmp_path, "start,stop,label\n0,3,walk\n2,4,sniff\n"))
    assert labels.streams == ("labels: walk", "labels: sniff")
    assert labels.codes.tolist() == [[0, 0, 0, 0, -1], [-1, -1, 0, 0, 0]]
    assert "overlap" in labels.notes[1]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("start,stop,label\n3,1,a\n", "interval 1 stops at 1 before it starts"),
        ("start,stop,label\nx,1,a\n", "'x' is no frame or time"),
        ("start,stop,label\n1,2,a\n3", "last row has 1 of 3 columns"),
        ("start,stop,label\n", "no interval"),
        ("a,b\n1,2\n", "no behaviour labels"),
        ("", "no behaviour labels"),
    ],
)
def test_tables_that_are_no_labels(text: str, says: str, tmp_path: Path) -> None:
    path = write(tmp_path, text)
    with pytest.raises(InputError, match=says) as caught:
        read_labels(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["run\nrun\nrest\n,\nrun\n".replace(",\n", "nan\n"), 'label\nrun\nrun\nrest\n""\nrun\n'],
)
def test_one_text_per_frame(text: str, tmp_path: Path) -> None:
    assert read(write(tmp_path, text)) == [["run", "run", "rest", "-", "run"]]


def test_one_number_per_frame(tmp_path: Path) -> None:
    assert read(write(tmp_path, "frame,cluster\n7,10\n8,2\n9,2\n10,10\n")) == [["10", "2", "2", "10"]]
    labels = read_labels(tmp_path / "a.csv")
    assert (labels.first_frame, labels.classes) == (7, (("2", "10"),))
    for values in (np.array([3, 1, 1, 3]), np.array([3.0, 1, 1, 3]), np.array(["3", "1", "1", "3"])):
        np.save(tmp_path / "a.npy", values)
        assert read(tmp_path / "a.npy") == [["3", "1", "1", "3"]]
    np.save(tmp_path / "a.npy", np.array([0.5, 1]))
    assert not is_labels(tmp_path / "a.npy")


def test_matlab_vectors(tmp_path: Path, shared: Path) -> None:
    from scipy.io import savemat

    mouse = read_labels(shared / "data/mmm/demo_MMM_sC1CON.mat")
    with h5py.File(shared / "data/mmm/demo_MMM_sC1CON.mat") as file:
        assert np.array_equal(mouse.codes[0] + 1, file["sC1CON"][0])
    assert mouse.classes == (tuple("12345678"),)
    savemat(tmp_path / "a.mat", {"c": np.array([[2], [2], [9]])})
    assert read(tmp_path / "a.mat") == [["2", "2", "9"]]
    for other in ({"c": np.ones((3, 3))}, {"c": np.ones((1, 3)), "d": np.ones(3)}, {"c": np.array([[0.5, 1]])}, {}):
        savemat(tmp_path / "a.mat", other)
        assert not is_labels(tmp_path / "a.mat")


def test_what_is_no_labels(tmp_path: Path) -> None:
    assert not is_labels(tmp_path)
    assert not is_labels(tmp_path / "none")
    assert not is_labels(write(tmp_path, "A sentence.\nAnother one.\nA third.\nThe last.\n", "readme.txt"))
    assert not is_labels(write(tmp_path, "1.5\n1.5\n2.5\n"))


def test_labels_that_exist_are_valid() -> None:
    with pytest.raises(InputError, match="do not fit its classes"):
        Labels(("a",), (("x",),), np.array([[1]]))
    with pytest.raises(InputError, match="n_streams, n_frames"):
        Labels(("a",), (("x",),), np.array([0]))
