"""The recipes for readers and tables stay true."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from napari_atlas.io.mapping_file import read_mapping
from napari_atlas.io.readers import READERS, read_tracks

HOWTOS = Path(__file__).parents[2] / "docs" / "howto"


def blocks(name: str, language: str) -> list[str]:
    return re.findall(
        rf"^```{language}\n(.*?)^```", (HOWTOS / name).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )


def test_a_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("napari_atlas.io.readers.READERS", dict(READERS))
    exec("".join(blocks("reader.md", "python")), {})
    assert "tanktrack ('fish-0', 'fish-1') [[ 3.  4.]\n [nan nan]]" in capsys.readouterr().out


def test_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    exec("".join(blocks("table.md", "python")), {})
    assert "10 [[1.5 2. ]\n [1.6 2. ]\n [nan nan]\n [1.7 2. ]]" in capsys.readouterr().out
    (text,) = blocks("table.md", "toml")
    (tmp_path / "m.toml").write_text(text)
    mapping = read_mapping(tmp_path / "m.toml")
    assert mapping.columns == tuple(tomllib.loads(text)["columns"])
    header = [name for _, name in mapping.used()]
    rows = [["0", "0", "a", *"1234567"], ["0", "0", "b", "lost", *"234567"], ["1", "0.1", "a", *"123", "-1", *"567"]]
    (tmp_path / "t.csv").write_text("\n".join(",".join(row) for row in [header, *rows]))
    file = read_tracks(tmp_path / "t.csv", mapping=tmp_path / "m.toml")
    assert (file.tracks.positions.shape, file.tracks.missing_fraction, file.fps) == ((2, 2, 2, 2), 0.5, 10.0)
