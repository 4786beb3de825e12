"""Tables by a column mapping, guessed or saved."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from napari_atlas.data.mapping import ColumnMapping, KeypointColumns
from napari_atlas.errors import InputError
from napari_atlas.io import _sheets
from napari_atlas.io.inspection import inspect_file
from napari_atlas.io.readers import find_reader, read_tracks
from napari_atlas.io.table import guess_mapping, read_mapping, read_table, table_columns, write_mapping

NOSE = KeypointColumns("nose", "nx", "ny")
WIDE = "Frame,nx,ny,p,speed\n5,1,2,0.5,7\n6,3,4,1,8\n8,5,-1,0,inf\n"
LONG = "id,f,x,y,v\na,0,1,2,10\nb,0,3,4,11\nb,1,5,6,12\na,2,7,8,13\n"


def write(tmp_path: Path, text: str, name: str = "a.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def same(one: np.ndarray, other: object) -> None:
    np.testing.assert_array_equal(one, np.asarray(other, dtype=float))


def test_wide(tmp_path: Path) -> None:
    point = KeypointColumns("nose", "nx", "ny", confidence="p")
    mapping = ColumnMapping((point,), columns=("speed",), frame="Frame", fps=30, missing=(-1,))
    file = read_table(write(tmp_path, WIDE), mapping)
    nan = math.nan
    same(file.tracks.positions[:, 0, 0], [[1, 2], [3, 4], [nan, nan], [5, nan]])
    same(file.tracks.confidence[:, 0, 0], [0.5, 1, nan, 0])
    same(file.columns.column("speed"), [7, 8, nan, nan])
    assert (file.first_frame, file.fps, file.tracks.individuals) == (5, 30, ("animal-0",))


def test_long(tmp_path: Path) -> None:
    mapping = ColumnMapping((KeypointColumns("c", "x", "y"),), columns=("v",), frame="f", individual="id")
    file = read_table(write(tmp_path, LONG), mapping)
    nan = [math.nan, math.nan]
    assert file.tracks.individuals == file.columns.individuals == ("a", "b")
    same(file.tracks.positions[:, :, 0], [[[1, 2], [3, 4]], [nan, [5, 6]], [[7, 8], nan]])
    same(file.columns.values[..., 0], [[10, 11], [math.nan, 12], [13, math.nan]])
    counted = read_table(tmp_path / "a.csv", ColumnMapping(mapping.keypoints, individual="id"))
    same(counted.tracks.positions[:, :, 0], [[[1, 2], [3, 4]], [[7, 8], [5, 6]]])


def test_long_by_time(tmp_path: Path) -> None:
    text = "t,id,x,y\n0.5,1,1,1\n0,1,0,0\n0.5,2,5,5\n1,2,6,6\n"
    mapping = ColumnMapping((KeypointColumns("c", "x", "y"),), time="t", individual="id", time_unit="ms")
    file = read_table(write(tmp_path, text), mapping)
    same(file.times, [0, 0.0005, 0.001])
    assert file.fps == 2000
    same(file.tracks.positions[:, 0, 0, 0], [0, 1, math.nan])


def test_columns_alone_and_several_animals_in_one_row(tmp_path: Path) -> None:
    path = write(tmp_path, "ax,ay,bx,by,temp\n1,2,3,4,20\n5,6,7,8,21\n")
    alone = read_table(path, ColumnMapping(columns=("temp", "ax")))
    assert alone.tracks is alone.columns
    same(alone.tracks.values[:, 0], [[20, 1], [21, 5]])
    points = (KeypointColumns("c", "ax", "ay", individual="a"), KeypointColumns("c", "bx", "by", individual="b"))
    both = read_table(path, ColumnMapping(points, columns=("temp",)))
    assert both.tracks.individuals == both.columns.individuals == ("a", "b")
    same(both.tracks.positions[:, :, 0], [[[1, 2], [3, 4]], [[5, 6], [7, 8]]])
    same(both.columns.values[..., 0], [[20, 20], [21, 21]])


@pytest.mark.parametrize("text", ["a line\n\nnx;ny\n1,5;2\n3,5;4\n", "a\nb\nnx\tny\n1.5\t2\n3.5\t4\n"])
def test_other_marks_and_rows_above_the_header(text: str, tmp_path: Path) -> None:
    file = read_table(write(tmp_path, text), ColumnMapping((NOSE,), skip_rows=2))
    same(file.tracks.positions[:, 0, 0], [[1.5, 2], [3.5, 4]])


def test_workbooks_and_parquet(tmp_path: Path) -> None:
    import pandas as pd

    frame = pd.DataFrame({"time": [0.0, 0.1, 0.2], "nose_x": [1, 2, 3], "nose_y": [4.0, None, 6.0], "who": "me"})
    frame.to_parquet(tmp_path / "a.parquet")
    with pd.ExcelWriter(tmp_path / "a.xlsx") as book:
        pd.DataFrame({"note": ["nothing"]}).to_excel(book, sheet_name="info", index=False)
        frame.to_excel(book, sheet_name="tracks", index=False)
        book.sheets["tracks"].cell(9, 9).value = ""
    for name, sheet in (("a.parquet", ""), ("a.xlsx", "tracks")):
        mapping = guess_mapping(tmp_path / name, sheet)
        assert mapping is not None
        file = read_table(tmp_path / name, ColumnMapping(mapping.keypoints, time="time", sheet=sheet))
        same(file.tracks.positions[:, 0, 0], [[1, 4], [2, math.nan], [3, 6]])
        assert file.fps == 10
        assert table_columns(tmp_path / name, sheet)["nose_x"] == ("1", "2", "3")
    assert find_reader(tmp_path / "a.parquet").name == "table"
    with pytest.raises(InputError, match="no sheet 'x'; choose from info, tracks"):
        table_columns(tmp_path / "a.xlsx", "x")
    for name in ("a.parquet", "a.xlsx"):
        (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:-40])
        with pytest.raises(InputError, match="damaged"):
            read_tracks(tmp_path / name)


def test_without_the_packages_for_workbooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1" + bytes(99))
    monkeypatch.setattr(_sheets.importlib.util, "find_spec", lambda name: None)
    for read in (read_tracks, table_columns):
        with pytest.raises(InputError, match=r"needs .*pyarrow; install napari-atlas\[tables\]"):
            read(tmp_path / "a.parquet")
    assert "install napari-atlas[tables]" in inspect_file(tmp_path / "a.parquet")["notes"][0]


@pytest.mark.parametrize(
    ("mapping", "says"),
    [
        (
            ColumnMapping((KeypointColumns("nose", "nx", "y"),)),
            "keypoints.nose.y: it has no column 'y'; choose from Frame",
        ),
        (ColumnMapping((NOSE,), columns=("p", "q")), "columns: it has no column 'q'"),
        (ColumnMapping((NOSE,), frame="p"), "frame numbers are not all whole"),
        (ColumnMapping((NOSE,), time="who"), "column who holds 'me', which is no time"),
        (ColumnMapping((NOSE,), columns=("who",)), "column 'who' holds 'me' in row 1 below the header"),
        (ColumnMapping((NOSE,), individual="gap"), "column 'gap' is empty in row 2"),
        (ColumnMapping((NOSE,), frame="twice"), "frame 3 is there twice; name the column that tells the individuals"),
        (ColumnMapping((NOSE,), frame="twice", individual="who"), "frame 3 of me is there twice; take out one"),
        (ColumnMapping((NOSE,), frame="far"), "2 of the 100 frames that it spans"),
    ],
)
def test_wrong_mappings(mapping: ColumnMapping, says: str, tmp_path: Path) -> None:
    text = "Frame,nx,ny,p,who,gap,twice,far\n0,1,2,0.5,me,a,3,0\n1,1,2,0.5,me,,3,99\n"
    with pytest.raises(InputError) as caught:
        read_table(write(tmp_path, text), mapping)
    assert says in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path / 'a.csv'}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nx,ny\n", "no row"),
        ("nx,ny\n1,2\n3", "last row has 1 of 2 columns"),
        ("nx,ny\n0,1,2\n", "rows have 3 cells and its header 2"),
        ("", "not a table"),
    ],
)
def test_tables_that_cannot_be_read(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=says):
        read_table(write(tmp_path, text), ColumnMapping((NOSE,)))


def test_words_that_stand_for_missing(tmp_path: Path) -> None:
    path = write(tmp_path, "t,nx,ny\n0,lost,2\n1,3,-1\n2,-1,5\n")
    file = read_table(path, ColumnMapping((NOSE,), time="t", missing=("lost", -1, 0)))
    same(file.tracks.positions[:, 0, 0], [[math.nan, 2], [3, math.nan], [math.nan, 5]])
    same(file.times, [0, 1, 2])


def test_times_that_fall_are_left_out_and_dates_become_seconds(tmp_path: Path) -> None:
    mapping = ColumnMapping((NOSE,), time="t")
    fallen = read_table(write(tmp_path, "t,nx,ny\n0,1,1\n1,1,1\n0,1,1\n1,1,1\n"), mapping)
    assert fallen.times.size == 0
    assert fallen.fps == 1
    assert "do not rise" in fallen.notes[0]
    dated = read_table(write(tmp_path, "t,nx,ny\n2026-05-01 10:00:00,1,1\n2026-05-01 10:00:02,1,1\n"), mapping)
    same(dated.times, [0, 2])
    assert dated.notes == ("Time zero is 2026-05-01 10:00:00.",)
    one_day = read_table(write(tmp_path, "t,nx,ny\n01/02/2014 00:00:01,1,1\n01/02/2014 00:00:03,1,1\n"), mapping)
    same(one_day.times, [0, 2])
    with pytest.raises(InputError, match="can be read in two ways"):
        read_table(write(tmp_path, "t,nx,ny\n01/02/2014 00:00:01,1,1\n02/02/2014 00:00:03,1,1\n"), mapping)


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("frame,nose_x,nose_y,nose_likelihood", [("", "nose", "nose_x", "nose_y", "", "nose_likelihood")]),
        (
            "Time;Hip, left X;Hip, left Y;Hip, left Z",
            [("", "Hip, left", "Hip, left X", "Hip, left Y", "Hip, left Z", "")],
        ),
        ("x (px),y (px)", [("", "centroid", "x (px)", "y (px)", "", "")]),
        ("x1,y1,x2,y2", [("1", "centroid", "x1", "y1", "", ""), ("2", "centroid", "x2", "y2", "", "")]),
        ("a_x,a_y,b_x", [("", "a", "a_x", "a_y", "", "")]),
        ("a_x,a_y,b_x,b_y,b_z", None),
        ("nose_x,nose.x,nose_y", None),
        ("x,y,vertex", None),
        ("scorer,a_x,a_y", None),
        ("time,temp", None),
    ],
)
def test_what_is_guessed(header: str, wanted: list[tuple[str, ...]] | None, tmp_path: Path) -> None:
    mark = ";" if ";" in header else ","
    mapping = guess_mapping(write(tmp_path, f"{header}\n{mark.join('1' for _ in header.split(mark))}\n"))
    found = mapping and [(p.individual, p.keypoint, p.x, p.y, p.z, p.confidence) for p in mapping.keypoints]
    assert found == wanted


def test_more_that_is_guessed(tmp_path: Path) -> None:
    mapping = guess_mapping(write(tmp_path, "Frame,time_ms,track_id,x,y,speed,sex\n0,5,1,2,3,4,f\n"))
    assert mapping is not None
    assert (mapping.frame, mapping.time, mapping.time_unit, mapping.individual) == (
        "Frame",
        "time_ms",
        "ms",
        "track_id",
    )
    assert mapping.columns == ("speed",)
    assert guess_mapping(write(tmp_path, "x,y\na,b\n")) is None
    assert guess_mapping(tmp_path) is None


def test_a_guessed_column_that_turns_out_to_be_text_is_left_out(tmp_path: Path) -> None:
    path = write(tmp_path, "x,y,state\n" + "1,2,0\n" * 30 + "1,2,lost\n")
    file = read_tracks(path)
    assert (file.tracks.n_samples, file.columns.names) == (31, ())
    assert "left out" in file.notes[0]
    path.write_text("x,y\n" + "1,2\n" * 30 + "1,lost\n")
    with pytest.raises(InputError, match="column 'y' holds 'lost' in row 31"):
        read_tracks(path)


def test_a_mapping_is_saved_and_read_again(tmp_path: Path) -> None:
    points = (
        KeypointColumns("nose tip", "nose x", "nose y", "nose z", "p"),
        KeypointColumns("tail", "tail x", "tail y", "tail z"),
    )
    texts = {"frame": "Frame", "time": "Time (s)", "time_unit": "ms", "individual": "ID", "sheet": "März"}
    full = ColumnMapping(points, ("speed", "temp"), fps=25.0, skip_rows=3, missing=(-1.0, "lost"), **texts)
    owned = ColumnMapping((KeypointColumns("c", "x1", "y1", individual="one"),))
    for mapping in (full, owned, ColumnMapping(columns=("a",))):
        write_mapping(tmp_path / "m.toml", mapping)
        found = read_mapping(tmp_path / "m.toml")
        assert json.dumps(vars(found), default=vars) == json.dumps(vars(mapping), default=vars)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[keypoints.a]\nx = 'x'\n", "keypoints.a: it has no column for y; name y"),
        ("[keypoints.a]\nx = 'x'\ny = 'y'\nlikelihood = 'p'\n", "no key 'likelihood'; choose from x, y, z, confidence"),
        ("[table]\nframes = 'f'\n", "no key 'frames'; choose from frame, time"),
        ("[tables]\n", "no key 'tables'; choose from table, keypoints"),
        ("columns = 'a'\n", "columns: 'a' is no list"),
        ("columns = ['a']\n[table]\nfps = 0\n", "0 is no frame rate"),
        ("columns = ['a']\n[table]\ntime_unit = 'year'\n", "choose from s, ms, us, min, h"),
        ("columns = ['a']\n[table]\nframe = 3\n", "frame: 3 is no text"),
        ("keypoints = 3\n", "it is not a section"),
        ("[keypoints.a]\nx='x'\ny='y'\nz='z'\n[keypoints.b]\nx='x'\ny='y'\n", "some keypoints have a z"),
        ("[table]\nindividual='id'\n[animals.m.a]\nx='x'\ny='y'\n", "told in two ways"),
        ("", "neither keypoints nor columns"),
        ("x =", "not valid TOML"),
    ],
)
def test_mappings_that_are_refused(text: str, says: str, tmp_path: Path) -> None:
    path = write(tmp_path, text, "m.toml")
    with pytest.raises(InputError) as caught:
        read_mapping(path)
    assert says in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_table_is_read_by_a_saved_mapping_whatever_its_format(tmp_path: Path) -> None:
    table = write(tmp_path, "scorer,u,v\n0,1,2\n1,3,4\n")
    with pytest.raises(InputError, match="not recognised as keypoints; name them x and y"):
        read_tracks(table)
    mapping = write(tmp_path, "[table]\nframe = 'scorer'\n[keypoints.nose]\nx = 'u'\ny = 'v'\n", "m.toml")
    file = read_tracks(table, mapping=mapping)
    assert file.format == "table"
    same(file.tracks.positions[:, 0, 0], [[1, 2], [3, 4]])
    with pytest.raises(InputError, match="leave the part out"):
        read_tracks(table, "a", mapping)
    with pytest.raises(InputError, match="no such file"):
        read_tracks(tmp_path / "none.csv", mapping=mapping)
