"""Marks on disk: nothing that anybody marked is ever lost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from napari_atlas.data.marks import Annotations, Mark, Spans
from napari_atlas.errors import InputError
from napari_atlas.io.annotations import change_annotations, mend_annotations, read_annotations

SPANS = Spans({("reef-1", "0"): np.array([[0, 10], [20, 30]]), ("Riff 2 µ", "ä"): np.array([[5, 6]])})

MARKER = """
import sys
from pathlib import Path
from napari_atlas.data.marks import Mark
from napari_atlas.io.annotations import change_annotations
for i in range(12):
    change_annotations(Path(sys.argv[1]), lambda a: a.with_mark(Mark("note", f"{sys.argv[2]} {i}")))
"""


def test_marks_come_back_as_they_were(tmp_path: Path) -> None:
    assert read_annotations(tmp_path).marks == ()
    marks = (Mark("tag", "bout", SPANS, "#00AAFF", 3), Mark("note", 'a "quoted"\nline'), Mark("selection", "s", SPANS))
    written = change_annotations(tmp_path, lambda a: Annotations(marks))
    assert read_annotations(tmp_path).same(written)
    assert json.loads((tmp_path / "annotations.json").read_text(encoding="utf-8"))["format"] == 1


def test_two_programs_that_mark_at_once_lose_nothing(tmp_path: Path) -> None:
    both = [subprocess.Popen([sys.executable, "-c", MARKER, str(tmp_path), name]) for name in ("one", "two")]
    assert [process.wait(60) for process in both] == [0, 0]
    names = {mark.name for mark in read_annotations(tmp_path).marks}
    assert names == {f"{name} {i}" for name in ("one", "two") for i in range(12)}


@pytest.mark.parametrize(
    "text",
    [
        '{"format": 1, "marks": [{"kind": "tag", "na',
        "[]",
        '{"format": 1, "marks": [{"kind": "tag", "name": "x"}]}',
        '{"format": 1, "marks": [{"kind": "tag", "name": 7, "spans": []}]}',
        '{"format": 1, "marks": [{"kind": "tag", "name": "x", "spans": [], "key": "a"}]}',
        '{"format": 2, "marks": []}',
    ],
)
def test_a_damaged_file_is_told_of_and_never_written_over(tmp_path: Path, text: str) -> None:
    file = tmp_path / "annotations.json"
    file.write_text(text, encoding="utf-8")
    for deed in (lambda: read_annotations(tmp_path), lambda: change_annotations(tmp_path, lambda a: Annotations())):
        with pytest.raises(InputError) as refused:
            deed()
        assert str(refused.value).startswith(str(file))
        assert "\n" not in str(refused.value)
    assert file.read_text(encoding="utf-8") == text


def test_a_damaged_file_is_set_aside_and_what_can_be_read_is_kept(tmp_path: Path) -> None:
    change_annotations(tmp_path, lambda a: Annotations((Mark("tag", "good", SPANS), Mark("note", "bad"))))
    file = tmp_path / "annotations.json"
    damaged = file.read_text(encoding="utf-8").replace('"note"', '"rumour"')
    for i in (1, 2):
        file.write_text(damaged, encoding="utf-8")
        aside = mend_annotations(tmp_path)
        assert aside.name == f"annotations.damaged-{i}.json"
        assert aside.read_text(encoding="utf-8") == damaged
    assert [mark.name for mark in read_annotations(tmp_path).marks] == ["good"]


def test_a_refused_change_leaves_the_file_alone(tmp_path: Path) -> None:
    change_annotations(tmp_path, lambda a: Annotations((Mark("tag", "a"), Mark("tag", "b"))))
    before = (tmp_path / "annotations.json").read_bytes()
    with pytest.raises(InputError):
        change_annotations(tmp_path, lambda a: a.renamed("tag", "a", "b"))
    assert (tmp_path / "annotations.json").read_bytes() == before


def test_a_project_that_is_gone_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not there any more"):
        change_annotations(tmp_path / "gone", lambda a: a.with_mark(Mark("note", "x")))
    assert not (tmp_path / "gone").exists()
