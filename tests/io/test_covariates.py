"""Where covariates come from, and that nothing is invented between or beyond their readings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_atlas.data.columns import Columns
from napari_atlas.data.project import RecordingEntry
from napari_atlas.data.sources import Source, celsius
from napari_atlas.data.timebase import TimeBase
from napari_atlas.errors import InputError
from napari_atlas.io.covariates import covariates_of, temperature_of
from napari_atlas.io.track_file import TrackFile

CLOCK = TimeBase(100, 10.0, tracking_start_frame=50)
WARM = np.array([[70.0, 72.0], [np.nan, 74.0], [np.nan, np.nan]])


def entry(**more: object) -> RecordingEntry:
    return RecordingEntry("a", "s", Path("a.csv"), fps=10.0, tracking_start_frame=50, **more)  # type: ignore[arg-type]


def file() -> TrackFile:
    values = np.zeros((100, 2, 2))
    values[:, :, 0] = np.arange(100)[:, None]
    values[:3, :, 1], values[3:, :, 1] = WARM, 77.0
    return TrackFile(Columns(("x", "y"), ("speed", "temp_F"), values))


def test_a_column_of_the_tracks_in_fahrenheit_becomes_celsius_frame_by_frame() -> None:
    course = temperature_of(entry(temperature=Source(column="temp_F")), file(), CLOCK)
    found = course.at([49, 50, 51, 52, 53, 149, 150])
    assert np.allclose(found[[1, 2, 4, 5]], [celsius(71, "F"), celsius(74, "F"), 25, 25])
    assert np.isnan(found[[0, 3, 6]]).all()
    with pytest.raises(InputError, match=r"column heat.*choose from speed, temp_F"):
        temperature_of(entry(temperature=Source(column="heat")), file(), CLOCK)


def test_a_column_that_cannot_be_celsius_is_asked_about() -> None:
    columns = Columns(("x",), ("temp",), np.full((100, 1, 1), 295.0))
    with pytest.raises(InputError, match="perhaps K"):
        temperature_of(entry(temperature=Source(column="temp")), TrackFile(columns), CLOCK)
    kelvin = temperature_of(entry(temperature=Source(column="temp", unit="K")), TrackFile(columns), CLOCK)
    assert kelvin.at(60) == pytest.approx(21.85)


def test_numbers_classes_columns_and_logs(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("time_s,rh,state\n0,40,wet\n100,60,dry\n", encoding="utf-8")
    log = tmp_path / "log.csv"
    found = covariates_of(
        entry(
            conditions={"treatment": "heat"},
            covariates={
                "dose": Source(value=3.5),
                "speed": Source(column="speed"),
                "humidity": Source(file=log, column="rh"),
                "state": Source(file=log, column="state"),
            },
        ),
        file(),
        CLOCK,
    )
    assert (found["treatment"][0].classes, found["treatment"][0].at(1e9)) == (("heat",), 0)
    assert found["dose"][0].at([0, 1]).tolist() == [3.5, 3.5]
    assert len(found["speed"]) == 2
    assert found["speed"][1].at([50, 60]).tolist() == [0, 10]
    assert found["humidity"][0].at(50) == 50
    state = found["state"][0]
    assert [state.classes[int(code)] for code in state.at([0, 99, 100])] == ["wet", "wet", "dry"]
    assert np.isnan(state.at([-1, 101])).all()


def test_labels_of_frames(shared: Path) -> None:
    path = shared / "data" / "rats" / "5_annot.txt"
    (course,) = covariates_of(entry(covariates={"behaviour": Source(file=path)}), file(), CLOCK)["behaviour"]
    names = [course.classes[int(code)] for code in course.at([0, 390, 391, 467, 468])]
    assert names == ["base", "base", "social", "social", "nonsocial"]
    with pytest.raises(InputError, match="choose from S1, S2"):
        covariates_of(entry(covariates={"b": Source(file=path, column="S9")}), file(), CLOCK)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (Source(column="speed"), "it holds no column beside the tracks"),
        (Source(file=Path("log.csv")), "several columns.*rh, state"),
        (Source(file=Path("log.csv"), column="x"), "no column 'x'"),
        (Source(file=Path("late.csv")), "it covers 1000 to 2000 s, the tracks 5 to 15 s"),
    ],
)
def test_sources_that_cannot_be_used(
    source: Source, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "log.csv").write_text("time_s,rh,state\n0,40,wet\n100,60,dry\n", encoding="utf-8")
    (tmp_path / "late.csv").write_text("time_s,rh\n1000,40\n2000,41\n", encoding="utf-8")
    bare = TrackFile(Columns(("x",), (), np.zeros((100, 1, 0))))
    with pytest.raises(InputError, match=says) as caught:
        covariates_of(entry(covariates={"c": source}), bare, CLOCK)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("22.5", Source(value=22.5)),
        ("72F", Source(value=72.0, unit="F")),
        ("295 K", Source(value=295.0, unit="K")),
        ("21 °C", Source(value=21.0, unit="C")),
        ("heat", Source(value="heat")),
        ("5 mg", Source(value="5 mg")),
        ("column:Measured_Temp_Deg_C", Source(column="Measured_Temp_Deg_C")),
        ("", Source()),
    ],
)
def test_what_people_type(text: str, source: Source) -> None:
    assert Source.of_text(text) == source


def test_a_file_that_is_there_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("x", encoding="utf-8")
    assert Source.of_text(str(path)) == Source(file=path)
    assert Source.of_text(f"{path}::rh") == Source(file=path, column="rh")
    assert Source(value=50.0, unit="F").in_celsius() == Source(value=10.0)
    with pytest.raises(InputError, match="no unit of temperature"):
        Source(unit="R")
