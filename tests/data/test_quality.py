"""What is wrong with tracks is counted, and told in plain words with the worst first."""

from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_atlas.data.outline import Outline
from napari_atlas.data.pose import Pose
from napari_atlas.data.quality import Quality, quality_of
from napari_atlas.data.recording import CutWindows

N = 1000
NODES = ("nose", "middle", "tail")


def walk(n_animals: int = 2) -> NDArray[np.float64]:
    """Return animals 20 px long that walk about in a field of 500 px."""
    rng = np.random.default_rng(3)
    steps = rng.normal(0, 0.7, (N, n_animals, 1, 2)).cumsum(axis=0) + 100 * np.arange(1, n_animals + 1)[:, None, None]
    body = np.array([[0.0, 0.0], [10.0, 3.0], [20.0, 0.0]]) + rng.normal(0, 0.1, (N, n_animals, 3, 2))
    return steps + body


def judged(positions: NDArray[np.float64], **beside: object) -> Quality:
    animals = tuple(f"animal-{i}" for i in range(positions.shape[1]))
    names = NODES if positions.shape[2] == len(NODES) else ("centre",)
    return quality_of(Pose(positions, names, animals), **beside)  # type: ignore[arg-type]


def test_good_tracks_need_no_sentence() -> None:
    quality = judged(walk(), video_frames=N, size=(500, 500))
    assert quality.sentences() == ()
    assert (quality.missing, quality.jumps, quality.stuck, quality.outside) == (0.0, {}, {}, 0.0)


def test_what_is_missing_is_told_by_keypoint_and_by_animal() -> None:
    positions = walk()
    positions[:400, 1, 2] = np.nan
    quality = judged(positions)
    assert quality.missing_by_keypoint == {"nose": 0.0, "middle": 0.0, "tail": pytest.approx(0.2)}
    assert quality.missing_by_animal == {"animal-0": 0.0, "animal-1": pytest.approx(400 / N / 3)}
    assert quality.sentences() == ("6.7 % of the positions are missing, most of tail (20 %)",)


def test_an_animal_that_is_never_there_comes_first() -> None:
    positions = walk()
    positions[:, 1] = np.nan
    positions[::2, 0, 0] += 300
    assert judged(positions).sentences()[0] == "animal-1: never tracked"


def test_gaps_lie_between_the_first_and_the_last_sight_of_an_animal() -> None:
    positions = walk()
    positions[:50, 0] = np.nan
    positions[100:300, 0] = np.nan
    positions[400:410, 0] = np.nan
    positions[600:700, 1, 0] = np.nan
    quality = judged(positions)
    assert quality.gaps == {"animal-0": 2, "animal-1": 0}
    assert quality.longest_gap == {"animal-0": 200, "animal-1": 0}
    assert "animal-0 is missing for 200 frames in a row" in quality.sentences()


def test_jumps_are_counted_away_and_back() -> None:
    positions = walk()
    positions[[100, 200, 300], 0, 0] += 80
    quality = judged(positions)
    assert quality.jumps == {"nose": 6}
    assert quality.sentences() == ("nose jumps 6 times by more than 20 usual steps",)


def test_resting_animals_do_not_jump() -> None:
    positions = np.round(walk(1)[:1].repeat(N, axis=0))
    positions[::7, 0, 0, 0] += 1
    assert judged(positions).jumps == {}


def test_a_keypoint_that_stays_put_is_told() -> None:
    positions = walk()
    positions[100:700, 0, 1] = positions[100, 0, 1]
    assert judged(positions).stuck == {"middle": 600}
    assert any("middle does not move for 600 frames" in text for text in judged(positions).sentences())


@pytest.mark.parametrize("n_nodes", [3, 1])
def test_the_same_animal_twice(n_nodes: int) -> None:
    positions = walk(3)[:, :, :n_nodes]
    positions[: int(0.6 * N), 2] = positions[: int(0.6 * N), 0] + 0.01
    quality = judged(positions)
    assert quality.same_animals == (("animal-0", "animal-2"),)
    assert quality.sentences()[0] == (
        "animal-0 and animal-2 are at the same place most of the time: the same animal twice?"
    )
    positions[: int(0.2 * N), 2] += 90
    assert judged(positions).same_animals == ()


def test_equal_columns_are_told() -> None:
    positions = walk()
    positions[:, :, 2] = positions[:, :, 0]
    assert judged(positions).same_keypoints == (("nose", "tail"),)
    positions[17, 0, 2] += 1
    assert judged(positions).same_keypoints == ()


def test_positions_outside_the_picture_and_a_video_of_another_length() -> None:
    positions = walk()
    positions[:, 1] += 1000
    quality = judged(positions, video_frames=400, size=(640, 480))
    assert quality.outside == pytest.approx(0.5)
    assert quality.sentences() == (
        "50 % of the positions lie outside the picture",
        "the tracks have 1000 frames, the video 400",
    )
    assert judged(positions, video_frames=N + 2).sentences() == ()


def test_outlines_are_judged_by_their_middles() -> None:
    square = np.array([[0.0, 0], [9, 0], [9, 9], [0, 9]])
    counts = np.full(N, 4)
    counts[200:500] = 0
    centres = np.random.default_rng(0).normal(0, 1, (N, 2)).cumsum(axis=0)
    vertices = np.concatenate([square + centre for centre in centres[counts > 0]])
    starts = np.concatenate([[0], counts.cumsum()])
    quality = quality_of(Outline(("jelly",), (vertices,), (starts,)))
    assert quality.longest_gap == {"jelly": 300}
    assert quality.missing == pytest.approx(0.3)
    assert quality.same_keypoints == ()


def test_windows_tell_what_is_missing() -> None:
    values = np.ones((4, 1, 8))
    values[0] = np.nan
    starts = (np.arange(4) * 8,)
    cut = CutWindows(("a",), (values,), starts, (np.full(4, np.nan),), (np.arange(4),), 32)
    assert quality_of(cut).missing == pytest.approx(0.25)


def test_empty_and_lost_tracks_are_no_fault() -> None:
    for positions in (np.empty((0, 1, 3, 2)), np.full((5, 1, 3, 2), np.nan), walk()[:1]):
        told = judged(positions, size=(10, 10)).as_dict()
        assert json.loads(json.dumps(told, allow_nan=False))["n_frames"] == len(positions)


def test_at_most_four_sentences() -> None:
    positions = walk(3)
    positions[:, 2] = positions[:, 0]
    positions[:, :, 2] = positions[:, :, 0]
    positions[:300, 1] = np.nan
    positions[::9, :, 1] += 200
    positions[::5, 1] = np.nan
    assert len(judged(positions, video_frames=10, size=(50, 50)).sentences()) == 4
