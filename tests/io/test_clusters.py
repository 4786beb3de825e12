"""Clusters on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_atlas.data.clusters import Clustering
from napari_atlas.errors import InputError
from napari_atlas.io.clusters import cluster_names, clusters_passed_over, delete_clusters, read_clusters, write_clusters
from napari_atlas.io.runs import RunFolder

MADE = Clustering("k-means 2", "k-means · k=2", np.array([0, 1, -1]), ("rest", "schwimmt ä"), note="They come again.")


def test_clusters_come_back_as_they_were(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    write_clusters(run, MADE)
    (read,) = read_clusters(run, 3)
    assert (read.name, read.recipe, read.labels, read.colors, read.note) == (
        *(MADE.name, MADE.recipe, MADE.labels, MADE.colors, MADE.note),
    )
    np.testing.assert_array_equal(read.codes, MADE.codes)
    delete_clusters(run, MADE.name)
    delete_clusters(run, MADE.name)
    assert read_clusters(run, 3) == ()


def test_what_cannot_be_shown_is_passed_over_and_told(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    write_clusters(run, MADE)
    folder = tmp_path / "clusters"
    whole = (folder / "k-means 2.npz").read_bytes()
    (folder / "cut.npz").write_bytes(whole[: len(whole) // 2])
    (folder / "text.npz").write_text("no clusters", encoding="utf-8")
    np.savez(folder / "other.npz", x=np.zeros(3))
    np.savez(folder / "lost.npz", codes=np.array([0, 5]), labels=["a"], colors=["#000000"], recipe="")
    np.savez(folder / "many.npz", codes=np.zeros(9, int), labels=["a"], colors=["#000000"], recipe="")
    np.savez(folder / "real.npz", codes=np.zeros(3), labels=["a"], colors=["#000000"], recipe="")
    assert [c.name for c in read_clusters(run, 3)] == ["k-means 2"]
    told = {Path(line.split(": ")[0]).stem: line for line in clusters_passed_over(run, 3)}
    assert set(told) <= {"cut", "text", "other", "lost", "many", "real", "clusters lost"}
    assert len(told) == 6
    assert "9 windows, and the run has 3" in told["many"]
    assert len(cluster_names(run)) == 7


@pytest.mark.parametrize("name", ["../up", "", " a", "a.", "a/b", "x" * 81, "a\nb"])
def test_names_that_cannot_be_files_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="cannot name a file"):
        write_clusters(RunFolder(tmp_path), Clustering(name, "", np.array([0]), ("1",)))
    assert not (tmp_path / "clusters").exists()
