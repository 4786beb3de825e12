"""Signals that are kept, and settings that are written down."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_atlas.data.pose import Pose
from napari_atlas.data.project import Project, RecordingEntry
from napari_atlas.data.recording import Recording
from napari_atlas.data.signals import SIGNALS, BinnedSignal, binned_signal, register_signal
from napari_atlas.data.species import Species
from napari_atlas.data.timebase import TimeBase
from napari_atlas.errors import InputError
from napari_atlas.io import signal_cache
from napari_atlas.io.loading import load_windows
from napari_atlas.io.project import FILE, create_project, read_project, update_project
from napari_atlas.io.provenance import recipe_hash
from napari_atlas.io.signal_cache import kept_signals, signal_file

MOUSE = Species("mouse", "centroid-speed + egocentric-pose", bin_rate=10.0, window=1.0, stride=0.5)
OTHERS = {
    "signal": "egocentric-pose",
    "keypoints": ("nose", "tail"),
    "bin_rate": 5.0,
    "min_confidence": 0.5,
    "max_jump": 9.0,
    "fill_gap": 3,
    "median": 5,
    "front": "tail",
    "back": "nose",
    "center": "mid",
    "angles": (("nose", "mid", "tail"),),
    "n_descriptors": 4,
}


@pytest.fixture
def recording() -> Recording:
    positions = np.random.default_rng(0).normal(size=(100, 2, 3, 2)).cumsum(axis=0)
    positions[40:44] = np.nan
    return Recording("r", "mouse", Pose(positions, ("nose", "mid", "tail"), ("x", "y")), TimeBase(100, 20.0))


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that grows by a name whenever a signal is computed."""
    calls: list[str] = []

    def counted(recording: Recording, species: Species) -> BinnedSignal:
        calls.append(recording.name)
        return binned_signal(recording, species)

    monkeypatch.setattr(signal_cache, "binned_signal", counted)
    return calls


def same(found: BinnedSignal, wanted: BinnedSignal) -> None:
    assert found.channels == wanted.channels
    np.testing.assert_array_equal(np.stack(found.values), np.stack(wanted.values))


def test_a_signal_is_computed_once(recording: Recording, computed: list[str], tmp_path: Path) -> None:
    wanted = binned_signal(recording, MOUSE)
    for _ in range(3):
        same(kept_signals(tmp_path, "abc-all")(recording, MOUSE), wanted)
    assert len(computed) == 1
    assert [*(tmp_path / "signals").iterdir()] == [signal_file(tmp_path, "abc-all", MOUSE, recording.timebase)]
    drawn = replace(MOUSE, color="#000000", marker="star", window=2.0, stride=1.0, name="rat")
    kept_signals(tmp_path, "abc-all")(recording, drawn)
    assert len(computed) == 1, "how windows are cut and drawn does not matter"


@pytest.mark.parametrize("name", OTHERS)
def test_another_setting_is_another_file(name: str, recording: Recording) -> None:
    changed = replace(MOUSE, **{name: OTHERS[name]})  # type: ignore[arg-type]
    clock = recording.timebase
    assert signal_file(Path(), "abc", changed, clock) != signal_file(Path(), "abc", MOUSE, clock)


def test_another_source_or_clock_is_another_file(recording: Recording) -> None:
    clock = recording.timebase
    mine = signal_file(Path(), "abc", MOUSE, clock)
    assert mine == signal_file(Path(), "abc", replace(MOUSE), replace(clock))
    assert mine != signal_file(Path(), "abd", MOUSE, clock)
    timed = replace(clock, frame_times=np.arange(100) / 20.0)
    for other in (replace(clock, fps=25.0), replace(clock, led_on_frame=3), timed):
        assert mine != signal_file(Path(), "abc", MOUSE, other)


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 not quite", None])
def test_a_damaged_cache_is_computed_again(
    damage: bytes | None, recording: Recording, computed: list[str], tmp_path: Path
) -> None:
    signal_of = kept_signals(tmp_path, "abc-all")
    wanted = signal_of(recording, MOUSE)
    path = signal_file(tmp_path, "abc-all", MOUSE, recording.timebase)
    path.write_bytes(path.read_bytes()[:-300] if damage is None else damage)
    same(signal_of(recording, MOUSE), wanted)
    same(signal_of(recording, MOUSE), wanted)
    assert len(computed) == 2


def test_a_cache_that_does_not_fit_is_computed_again(recording: Recording, computed: list[str], tmp_path: Path) -> None:
    path = signal_file(tmp_path, "abc", MOUSE, recording.timebase)
    path.parent.mkdir()
    for arrays in ({"values": np.zeros((2, 50, 1))}, {"channels": np.array(["a"]), "values": np.zeros((1, 50, 1))}, {}):
        np.savez(path, **arrays)
        same(kept_signals(tmp_path, "abc")(recording, MOUSE), binned_signal(recording, MOUSE))
    assert len(computed) == 3


def test_a_folder_that_cannot_be_written_is_no_fault(
    recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, **arrays: object) -> None:
        raise InputError.of(path, "it cannot be written", "check rights")

    monkeypatch.setattr(signal_cache, "write_arrays", refuse)
    same(kept_signals(tmp_path, "abc")(recording, MOUSE), binned_signal(recording, MOUSE))


def test_signals_of_the_lab_are_not_kept(recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    level = {"value": 1.0}

    def level_of(pose: Pose, individual: int, timebase: TimeBase, species: Species) -> np.ndarray:
        return np.full((pose.n_samples, 1), level["value"])

    monkeypatch.setitem(SIGNALS, "level", SIGNALS["centroid-speed"])
    register_signal("level", "px", Pose)(level_of)
    signal_of, species = kept_signals(tmp_path, "abc"), replace(MOUSE, signal="level")
    assert signal_of(recording, species).values[0].max() == 1.0
    level["value"] = 2.0
    assert signal_of(recording, species).values[0].max() == 2.0


def test_a_project_that_is_opened_again_computes_nothing(computed: list[str], tmp_path: Path) -> None:
    rows = ["scorer" + ",net" * 6, "bodyparts,nose,nose,nose,tail,tail,tail", "coords" + ",x,y,likelihood" * 2]
    rng = np.random.default_rng(0)
    rows += [",".join(str(v) for v in (i, *rng.normal(50, 9, 2), 0.9, *rng.normal(5, 9, 2), 0.8)) for i in range(200)]
    tracks = tmp_path / "mouse.csv"
    tracks.write_text("\n".join(rows), encoding="utf-8")
    project = create_project(tmp_path / "p").with_species(MOUSE)
    project = project.with_recording(RecordingEntry("r", "mouse", tracks, fps=20.0))
    first, _ = load_windows(project)
    again, found = load_windows(project)
    assert computed == ["r"]
    assert found[0].channels == ("centroid-speed (px/ms)", "nose x (body lengths)")
    np.testing.assert_array_equal(again.signals["mouse"].tracks[0], first.signals["mouse"].tracks[0])
    finer = replace(project, species=(replace(MOUSE, median=3),))
    changed, _ = load_windows(finer)
    assert len(computed) == 2
    assert not np.array_equal(changed.signals["mouse"].tracks[0], first.signals["mouse"].tracks[0])


def test_settings_are_written_and_read_again(tmp_path: Path) -> None:
    project = create_project(tmp_path / "p")
    refined = replace(MOUSE, **OTHERS)  # type: ignore[arg-type]
    grown = project.with_species(MOUSE).with_species(replace(refined, name="rat"))
    update_project(project, grown)
    again = read_project(project.folder)
    assert again.species == grown.species
    assert again.species[0].refinements == {}
    text = (project.folder / FILE).read_text(encoding="utf-8")
    plain, _, _ = text.partition('name = "rat"')
    assert "median" not in plain, "what is off is not written"
    assert 'angles = [["nose", "mid", "tail"]]' in text


def test_a_recipe_tells_refinements_apart(tmp_path: Path) -> None:
    tracks = tmp_path / "a.csv"
    tracks.write_text("x", encoding="utf-8")
    entry = RecordingEntry("r", "mouse", tracks)
    hashes = {
        recipe_hash(Project(tmp_path, "p", (replace(MOUSE, **{name: value}),), (entry,)))  # type: ignore[arg-type]
        for name, value in {"color": "#000000", **OTHERS}.items()
    }
    assert len(hashes) == 1 + len(OTHERS)
