"""Temperatures from logs, names and arrays."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from napari_atlas.data.covariates import NO_COURSE, Course
from napari_atlas.data.sources import Source
from napari_atlas.errors import InputError
from napari_atlas.io.temperature import (
    is_temperature_log,
    overlap,
    read_temperature_csv,
    read_window_temperatures,
    temperature_from_name,
)


def write(tmp_path: Path, text: str, name: str = "log.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    [
        "time_s,measured_temp_C,setpoint_temp_C\n-1,20.5,20\n2,21,20\n",
        "time_s,setpoint_temp_C,measured_temp_C\n-1,20,20.5\n2,20,21\n",
        "\ufeffTime (s);Temp\n-1;20,5\n2;21,0\n",
        "n\tseconds\ttemperature\n1\t-1\t20.5\n2\t2\t21\n\n",
        'time_s,temp_C\n-1,20.5\n,22\n2,"21"\n',
        "Plot title: tank 3\nlogger 17, serial 4\ntime_s,temp_C\n-1,20.5\n2,21\n",
        "elapsed (min),temp\n-0.0166666666666666666,20.5\n0.033333333333333333,21\n",
        "time_ms,temp_K\n-1000,293.65\n2000,294.15\n",
        "time_s,temp (°F)\n-1,68.9\n2,69.8\n",
        "time_s,temp\n-1,20.5 C\n2,69.8F\n",
    ],
)
def test_logs(text: str, tmp_path: Path) -> None:
    path = write(tmp_path, text)
    log = read_temperature_csv(path)
    assert is_temperature_log(path)
    assert log.times.tolist() == [-1, 2]
    assert np.allclose(log.values, [20.5, 21], rtol=1e-12)


def test_a_missing_reading_stays_missing_and_so_does_the_time_around_it(tmp_path: Path) -> None:
    log = read_temperature_csv(write(tmp_path, "time_s,temp_C\n0,20\n10,\n20,nan\n30,23\n40,24\n"))
    assert log.at([0, 35]).tolist() == [20, 23.5]
    assert np.isnan(log.at([5, 10, 15, 25])).all()


def test_beyond_the_ends_nothing_is_known_unless_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path, "time_s,temp_C\n0,20\n10,22\n")
    assert np.isnan(read_temperature_csv(path).at([-1, 11])).all()
    assert read_temperature_csv(path, Source(extend=True)).at([-1, 11]).tolist() == [20, 22]


@pytest.mark.parametrize(
    ("times", "start", "seconds"),
    [
        (("2021-03-01 10:00", "2021-03-01 10:00:30"), "2021-03-01 09:59", [60, 90]),
        (("01.03.2021 10:00", "01.03.2021 10:01"), "2021-03-01 10:00", [0, 60]),
        (("25/03/2021 10:00", "25/03/2021 10:01"), "2021-03-25 10:00", [0, 60]),
        (("03/25/2021 10:00 PM", "03/25/2021 10:01 PM"), "2021-03-25 22:00", [0, 60]),
        (("1614592800", "1614592860"), "2021-03-01 10:00", [0, 60]),
        (("0:10:00", "0:10:01.5"), "", [600, 601.5]),
        (("23:59:59", "0:00:01"), "", [86399, 86401]),
    ],
)
def test_times_of_day_and_elapsed_times(
    times: tuple[str, str], start: str, seconds: list[float], tmp_path: Path
) -> None:
    path = write(tmp_path, f"Date Time,temp_C\n{times[0]},20\n{times[1]},21\n")
    assert is_temperature_log(path)
    assert read_temperature_csv(path, start=start).times.tolist() == seconds


def test_the_unit_given_wins_and_an_impossible_one_is_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path, "time_s,temp\n0,77\n10,86\n")
    assert np.allclose(read_temperature_csv(path, Source(unit="F")).values, [25, 30])
    with pytest.raises(InputError, match=r"median of 82, which cannot be °C; give its unit, perhaps F"):
        read_temperature_csv(path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("\n\n", "empty"),
        ("time_s,temp_C\n", "no reading"),
        ("time_s,temp_C\n,\n1,\n", "no reading"),
        ("time_s,speed\n1,2\n", "no column of temperatures"),
        ("frame,temp_C\n1,2\n", "no column of times"),
        ("time_s,temp_C\n1,warm\n", "column temp_C holds 'warm'"),
        ("time,temp_C\n2021-03-01 10:00,20\n", "it tells clock times; give that of time zero"),
        ("time,temp_C\n03/04/2021 10:00,20\n", "two ways"),
        ("time,temp_C\nnoon,20\n", "column time holds 'noon', which is no time"),
        ("time_s,temp_C\n1,20\n3,20\n2,20\n", "time falls after 3 s"),
    ],
)
def test_faulty_logs(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=says) as caught:
        read_temperature_csv(write(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_a_missing_log_and_a_binary_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv"):
        read_temperature_csv(tmp_path / "none.csv")
    (tmp_path / "b.csv").write_bytes(b"time,temp\0\1")
    with pytest.raises(InputError, match="not a text table"):
        read_temperature_csv(tmp_path / "b.csv")


@pytest.mark.parametrize(
    ("name", "celsius"),
    [
        ("17C tank a", 17),
        ("22.5C group 3", 22.5),
        ("22.5 °C", 22.5),
        ("tank_22C_day1", 22),
        ("2026-11-20_17C", 17),
        ("fish 4 deg C", 4),
        ("18°c", 18),
        ("-1.5C ice", -1.5),
        ("fish-tank-17C", 17),
        ("17C a 17C", 17),
    ],
)
def test_names_that_tell_a_temperature(name: str, celsius: float) -> None:
    assert temperature_from_name(name) == celsius


@pytest.mark.parametrize(
    "name",
    ["", "C57BL", "mouse C57 3", "25mm", "17-22C", "20→36°C crash", "17C 22C", "jelly_22_5C", "17Cold", "22,5C", "12c"],
)
def test_names_that_tell_none(name: str) -> None:
    assert math.isnan(temperature_from_name(name))


def test_one_value_per_window(tmp_path: Path) -> None:
    np.save(tmp_path / "t.npy", np.array([[17], [22]]))
    assert read_window_temperatures(tmp_path / "t.npy").tolist() == [17, 22]
    for text in ("17\n22\n", "label\n17\n22\n", "window,temp_C\n0,17\n1,22\n"):
        assert read_window_temperatures(write(tmp_path, text)).tolist() == [17, 22]
    assert np.isnan(read_window_temperatures(write(tmp_path, "t\n17\nnan\n"))[1])


def test_values_that_are_not_one_per_window(tmp_path: Path) -> None:
    np.save(tmp_path / "t.npy", np.zeros((4, 2)))
    np.save(tmp_path / "s.npy", np.array(["a", "b"]))
    for path in (tmp_path / "t.npy", tmp_path / "s.npy", write(tmp_path, "1,2\n3,4\n"), write(tmp_path, "a\nb\n", "x")):
        with pytest.raises(InputError):
            read_window_temperatures(path)


def test_overlap() -> None:
    log = Course(np.array([0.0, 100.0]), np.array([20.0, 30.0]))
    assert overlap(log, 0, 100) == 1
    assert overlap(log, -50, 50) == 0.5
    assert overlap(log, 100, 200) == 0
    assert overlap(log, 300, 400) == 0
    assert overlap(log, 50, 50) == 1
    assert overlap(log, math.nan, math.nan) == 0
    assert overlap(Course.constant(17), math.nan, math.nan) == 1
    assert overlap(NO_COURSE, 0, 100) == 0
