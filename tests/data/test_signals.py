"""Signals on movements whose answer is known."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_atlas.data.columns import Columns
from napari_atlas.data.outline import Outline
from napari_atlas.data.pose import Pose
from napari_atlas.data.recording import Recording
from napari_atlas.data.scaling import Scaler
from napari_atlas.data.signals import SIGNALS, binned_signal, signal_kind, signal_label
from napari_atlas.data.species import Species
from napari_atlas.data.timebase import TimeBase
from napari_atlas.data.windows import Track, Windows, make_tracks
from napari_atlas.errors import InputError

CLOCK = TimeBase(6, 100.0)
HOWTO = Path(__file__).parents[2] / "docs" / "howto" / "signal.md"


def pose_of(points: list[tuple[float, ...]], names: str, n_samples: int = 6) -> Pose:
    """Return one animal that holds still."""
    positions = np.broadcast_to(np.array(points, dtype=float), (n_samples, 1, len(points), len(points[0]))).copy()
    return Pose(positions, tuple(names.split()), ("x",))


def outline_of(polygon: np.ndarray) -> Outline:
    return Outline(("x",), (np.asarray(polygon, dtype=float),), (np.array([0, len(polygon)]),))


def shape(polygon: np.ndarray, **settings: int) -> np.ndarray:
    return signal_kind("outline-shape")(outline_of(polygon), 0, TimeBase(1), Species("x", **settings))[0]  # type: ignore[arg-type]


def test_keypoint_speed_is_that_of_each() -> None:
    pose = pose_of([(0, 0), (0, 0)], "a b")
    pose.positions[:, 0, 1, 0] = np.arange(6) * 3
    pose.positions[:, 0, 1, 1] = np.arange(6) * 4
    pose.positions[3, 0, 1, 0] = np.nan
    kind = signal_kind("keypoint-speed")
    assert kind.channels(pose, Species("x")) == ("a speed (px/ms)", "b speed (px/ms)")
    speed = kind(pose, 0, CLOCK, Species("x"))
    np.testing.assert_allclose(speed[:, 0], [np.nan, 0, 0, 0, 0, 0])
    np.testing.assert_allclose(speed[:, 1], [np.nan, 0.5, 0.5, np.nan, np.nan, 0.5])
    only = Species("x", keypoints=("b",))
    np.testing.assert_array_equal(kind(pose, 0, CLOCK, only)[:, 0], speed[:, 1])
    with pytest.raises(InputError, match="keypoint-speed needs the frame rate"):
        kind(pose, 0, TimeBase(6), only)


def test_speed_follows_recorded_times() -> None:
    pose = pose_of([(0, 0)], "a", 4)
    pose.positions[:, 0, 0, 0] = [0, 10, 20, 30]
    clock = TimeBase(4, frame_times=np.array([0.0, 0.1, 0.2, 0.4]))
    for name in ("centroid-speed", "keypoint-speed"):
        speed = signal_kind(name)(pose, 0, clock, Species("x"))[:, 0]
        np.testing.assert_allclose(speed, [np.nan, 0.1, 0.1, 0.05])


def test_egocentric_pose_looks_along_x() -> None:
    pose = pose_of([(10, 30), (10, 10), (14, 20)], "Nose Tail_base left_paw")
    kind, species = signal_kind("egocentric-pose"), Species("x")
    names = ("Nose x", "left_paw x", "left_paw y")
    assert kind.channels(pose, species) == tuple(f"{name} (body lengths)" for name in names)
    np.testing.assert_allclose(kind(pose, 0, CLOCK, species)[0], [0.5, 0.0, -0.2], atol=1e-12)
    rear = replace(species, keypoints=("Tail_base",))
    np.testing.assert_allclose(kind(pose, 0, CLOCK, rear)[0], [-0.5], atol=1e-12)
    centred = replace(species, center="Tail_base")
    assert kind.channels(pose, centred) == kind.channels(pose, species)
    np.testing.assert_allclose(kind(pose, 0, CLOCK, centred)[0], [1.0, 0.5, -0.2], atol=1e-12)
    beside = replace(species, center="left_paw", keypoints=("Nose",))
    np.testing.assert_allclose(kind(pose, 0, CLOCK, beside)[0], [0.5, 0.2], atol=1e-12)
    turned = replace(species, front="Tail_base", back="Nose", keypoints=("left_paw",))
    np.testing.assert_allclose(kind(pose, 0, CLOCK, turned)[0], [0.0, 0.2], atol=1e-12)


def test_egocentric_pose_keeps_height_and_the_middle_length() -> None:
    pose = pose_of([(0, 2, 1), (0, 0, 1), (0, 1, 5)], "nose tail hump")
    pose.positions[0, 0, 0, 1] = 4.0
    pose.positions[1, 0, 1] = np.nan
    seen = signal_kind("egocentric-pose")(pose, 0, CLOCK, Species("x"))
    assert np.isnan(seen[1]).all()
    np.testing.assert_allclose(seen[2], [0.5, 0, 0, 0, 2.0], atol=1e-12)
    np.testing.assert_allclose(seen[0], [1.0, 0, -0.5, 0, 2.0], atol=1e-12)


def test_the_body_axis_is_guessed_or_asked_for() -> None:
    kind, points = signal_kind("egocentric-pose"), [(0, 0), (1, 0), (2, 1), (3, 3)]
    for names in ("Snout paw ear Butt/Proximal-Tail", "head x y abdomen", "tail-m tail beak tail-e"):
        kind.channels(pose_of(points, names), Species("x"))
    with pytest.raises(InputError, match="where the front of the body is; set front to one of a, b, c, tail"):
        kind.channels(pose_of(points, "a b c tail"), Species("x"))
    with pytest.raises(InputError, match="where the back of the body is"):
        kind.channels(pose_of(points, "nose tail1 tail2 tail3"), Species("x"))
    with pytest.raises(InputError, match="no keypoint is called fin"):
        kind.channels(pose_of(points, "nose a b tail"), Species("x", front="fin"))
    with pytest.raises(InputError, match="both nose"):
        kind.channels(pose_of(points, "nose a b tail"), Species("x", back="nose"))


def test_joint_angles_of_a_right_angle() -> None:
    pose = pose_of([(1, 0), (0, 0), (0, 2)], "a b c")
    named = Species("x", angles=(("a", "b", "c"), ("c", "b", "a")))
    kind = signal_kind("joint-angles")
    assert kind.channels(pose, named)[:2] == ("a-b-c cos", "a-b-c sin")
    np.testing.assert_allclose(kind(pose, 0, CLOCK, named)[0], [0, 1, 0, -1], atol=1e-12)
    jointed = replace(pose, edges=((0, 1), (1, 2)))
    np.testing.assert_allclose(kind(jointed, 0, CLOCK, Species("x"))[0], [0, 1], atol=1e-12)
    with pytest.raises(InputError, match="set angles to triplets of a, b, c"):
        kind(pose, 0, CLOCK, Species("x"))
    pose.positions[:, 0, 0] = 0.0
    assert np.isnan(kind(pose, 0, CLOCK, named)).all()
    deep = pose_of([(0, 0, 1), (0, 0, 0), (0, -1, 0)], "a b c")
    np.testing.assert_allclose(kind(deep, 0, CLOCK, named)[0], [0, 1, 0, 1], atol=1e-12)


def test_outline_shape_of_known_shapes() -> None:
    t = np.arange(400) / 400 * 2 * np.pi
    disc = shape(10 * np.stack([np.cos(t), np.sin(t)], axis=1))
    np.testing.assert_allclose(disc, [np.log(100 * np.pi), *[0] * 7], atol=1e-3)
    square = np.array([[0, 0], [4, 0], [4, 4], [0, 4]])
    found = shape(square)
    np.testing.assert_allclose(found[:2], [np.log(16), 0], atol=1e-9)
    np.testing.assert_allclose(found[2:], [0, 0, 0, 1 / 9, 0, 0], atol=1e-9)
    bar = shape(np.array([[0, 0], [8, 0], [8, 2], [0, 2]]), n_descriptors=1)
    np.testing.assert_allclose(bar, [np.log(16), 0.75, 0], atol=1e-9)


def test_outline_shape_knows_neither_start_nor_size_nor_way_round_nor_spacing() -> None:
    polygon = np.array([[0, 0], [9, 1], [12, 6], [5, 9], [4, 4], [1, 6]], dtype=float)
    found = shape(polygon)
    assert found[2:].max() > 0.05
    split = np.insert(polygon, 2, [(polygon[1] + 2 * polygon[2]) / 3, polygon[2]], axis=0)
    for same in (np.roll(polygon, 2, axis=0), polygon[::-1], split):
        np.testing.assert_allclose(shape(same), found, atol=1e-9)
    np.testing.assert_allclose(shape(7 * polygon)[1:], found[1:], atol=1e-9)
    assert not np.allclose(shape(polygon * [1, 2])[2:], found[2:], atol=1e-3)


@pytest.mark.parametrize("lost", [[(0, 0)] * 5, [(0, 0), (1, 1), (2, 2)], [(0, 0), (np.nan, 1), (2, 2)]])
def test_an_outline_without_area_has_no_shape(lost: list[tuple[float, float]]) -> None:
    assert np.isnan(shape(np.array(lost))).all()


def test_several_signals_are_channels_side_by_side() -> None:
    rng = np.random.default_rng(0)
    pose = Pose(np.cumsum(rng.normal(size=(300, 2, 3, 2)), axis=0), ("nose", "mid", "tail"), ("x", "y"))
    columns = Columns(("x", "y"), ("heart", "gut"), rng.normal(50, 9, (300, 2, 2)))
    recording = Recording("r", "mouse", pose, TimeBase(300, 60.0), columns=columns)
    species = Species("mouse", "centroid-speed + egocentric-pose + column:heart", bin_rate=20, window=0.3, stride=0.1)
    tracks = make_tracks(recording, species)
    assert [t.key.individual for t in tracks] == ["x", "y"]
    assert tracks[0].channels[0] == "centroid-speed (px/ms)"
    assert tracks[0].channels[-1] == "heart"
    assert tracks[1].values.shape == (100, 1 + 3 + 1)
    np.testing.assert_allclose(tracks[1].values[:, -1], columns.values[:, 1, 0].reshape(100, 3).mean(axis=1))
    alone = binned_signal(recording, replace(species, signal="egocentric-pose"))
    np.testing.assert_array_equal(tracks[1].values[:, 1:4], alone.values[1])
    windows = Windows.from_tracks(tracks, [species])
    assert windows.lengths["mouse"] == 6
    ids = np.arange(len(windows.table))
    assert len(ids) == 2 * 48
    assert np.diff(windows.table.seconds[:3]) == pytest.approx([0.1, 0.1])
    scaled = Scaler.of_windows(windows, ids).apply(windows.gather(ids))
    np.testing.assert_allclose(np.nanmean(scaled, axis=(0, 1)), 0, atol=1e-9)
    np.testing.assert_allclose(np.nanstd(scaled, axis=(0, 1)), 1, atol=1e-9)


def test_a_constant_channel_is_named() -> None:
    windows = Windows.from_arrays({"x": np.random.default_rng(0).normal(size=(40, 10, 3)) * [2, 0, 5]})
    with pytest.raises(InputError, match="species x: of its 3 channels number 2 is constant or empty; check"):
        Scaler.of_windows(windows, np.arange(40))


def test_missing_counts_over_all_channels() -> None:
    positions = np.random.default_rng(0).normal(size=(200, 1, 4, 2))
    positions[:, 0, 3] = np.nan
    pose = Pose(positions, ("nose", "a", "tail", "b"), ("x",))
    species = Species("x", "keypoint-speed", bin_rate=0, window=1.0, stride=1.0)

    def count(tracks: Pose) -> int:
        recording = Recording("r", "x", tracks, TimeBase(200, 20.0))
        return len(Windows.from_tracks(make_tracks(recording, species), [species]).table)

    assert count(pose) == 10
    positions[:, 0, 1, 0] = np.nan
    assert count(pose) == 0


def test_signals_that_do_not_fit_say_what_does() -> None:
    pose = pose_of([(0, 0), (1, 0)], "a b")
    recording = Recording("r", "mouse", pose, CLOCK)
    for signal in ("hull-area-rate", "column:heart", "columns", "centroid-speed + outline-shape"):
        with pytest.raises(InputError, match=r"species mouse: signal .* needs .* from centroid-speed, keypoint-speed$"):
            binned_signal(recording, Species("mouse", signal))
    held = replace(recording, columns=Columns(("x",), ("gut",), np.zeros((6, 1, 1))))
    with pytest.raises(InputError, match=r"column heart: .* choose from gut"):
        binned_signal(held, Species("mouse", "column:heart"))
    for signal in ("speed", "column:", "centroid-speed + ", "a + b"):
        with pytest.raises(InputError, match=r"is not known; choose from .* several with"):
            binned_signal(recording, Species("mouse", signal))


def test_channels_have_to_agree_in_name_and_order() -> None:
    rng = np.random.default_rng(0)
    species = Species("x", "keypoint-speed", bin_rate=0, window=1.0, stride=1.0)

    def tracks(names: tuple[str, ...], species: Species) -> list[Track]:
        pose = Pose(rng.normal(size=(50, 1, 2, 2)), names, ("x",))
        return make_tracks(Recording("-".join(names), "x", pose, TimeBase(50, 10.0)), species)

    both = [*tracks(("a", "b"), species), *tracks(("b", "a"), species)]
    with pytest.raises(InputError, match=r"recording b-a: channel 1 is b speed .*, but in recording a-b .* a speed"):
        Windows.from_tracks(both, [species])
    named = replace(species, keypoints=("a", "b"))
    Windows.from_tracks([*tracks(("a", "b"), named), *tracks(("b", "a"), named)], [named])


def test_columns_of_one_animal_serve_all() -> None:
    pose = Pose(np.zeros((6, 2, 1, 2)), ("a",), ("x", "y"))
    columns = Columns(("",), ("heart", "gut"), np.arange(12.0).reshape(6, 1, 2))
    recording = Recording("r", "mouse", pose, CLOCK, columns=columns)
    found = binned_signal(recording, Species("mouse", "columns", bin_rate=0))
    assert found.channels == ("heart", "gut")
    np.testing.assert_array_equal(found.values[1], columns.values[:, 0])


def test_the_howto_stays_true(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SIGNALS, "height", SIGNALS["centroid-speed"])
    text = HOWTO.read_text(encoding="utf-8")
    spoken: list[object] = []
    here: dict[str, object] = {"print": lambda *words: spoken.extend(words)}
    exec("\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL)), here)
    assert spoken[0] == ("centroid-speed (px/ms)", *(f"{part} height (px)" for part in ("nose", "paw", "tail")))
    assert spoken[1] == 39
    for name in SIGNALS:
        assert name == "height" or f"| `{name}` |" in text, name


def test_labels_are_plain() -> None:
    assert signal_label("centroid-speed + column:gut") == "Speed of the whole animal + Column gut"
    assert signal_label("array") == "array"
