"""Temperatures from logs, names and arrays."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from napari_atlas.data.covariates import NO_TEMPERATURE, Temperature
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
        'time_s,temp_C\n-1,20.5\n0,\n1,nan\n,22\n2,"21"\n',
    ],
)
def test_logs(text: str, tmp_path: Path) -> None:
    path = write(tmp_path, text)
    log = read_temperature_csv(path)
    assert is_temperature_log(path)
    assert log.times.tolist() == [-1, 2]
    assert log.values.tolist() == [20.5, 21]


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
        ("time,temp_C\n2021-03-01 10:00,20\n", "column time holds"),
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
    log = Temperature(np.array([0.0, 100.0]), np.array([20.0, 30.0]))
    assert overlap(log, 0, 100) == 1
    assert overlap(log, -50, 50) == 0.5
    assert overlap(log, 100, 200) == 0
    assert overlap(log, 300, 400) == 0
    assert overlap(log, 50, 50) == 1
    assert overlap(log, math.nan, math.nan) == 0
    assert overlap(Temperature.constant(17), math.nan, math.nan) == 1
    assert overlap(NO_TEMPERATURE, 0, 100) == 0
