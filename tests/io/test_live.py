"""What a fit shows of itself comes back from disk, or is left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_atlas.data.live import Example, Live
from napari_atlas.io.live import LIVE_FILE, read_live, write_live


@pytest.fixture
def live(tmp_path: Path) -> Live:
    """Return three of nine windows, and an example of each of two species of unlike shape."""
    rng = np.random.default_rng(0)
    examples = tuple(
        Example(name, name == "fish", 5, *rng.normal(size=(2, length, width)).astype(np.float32))
        for name, length, width in (("fish", 4, 3), ("jelly", 7, 1))
    )
    places = rng.normal(size=(3, 2)).astype(np.float32)
    return Live(tmp_path, 12, 9, np.array([1, 4, 8]), places, np.array([0, 2, 1], dtype=np.int8), examples)


def test_it_comes_back(live: Live) -> None:
    write_live(live)
    found = read_live(live.run, under_way=False)
    assert found is not None
    assert (found.run, found.epoch, found.n_windows, found.under_way) == (live.run, 12, 9, False)
    for name in ("ids", "coordinates", "split"):
        assert np.array_equal(getattr(found, name), getattr(live, name))
    for mine, theirs in zip(found.examples, live.examples, strict=True):
        assert (mine.species, mine.held_out, mine.n_channels) == (theirs.species, theirs.held_out, theirs.n_channels)
        assert np.array_equal(mine.given, theirs.given)
        assert np.array_equal(mine.rebuilt, theirs.rebuilt)
    assert [file.name for file in live.run.iterdir()] == [LIVE_FILE], "nothing temporary is left"


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_what_is_not_whole_is_left_out(live: Live, share: float) -> None:
    assert read_live(live.run, under_way=True) is None
    write_live(live)
    file = live.run / LIVE_FILE
    whole = file.read_bytes()
    file.write_bytes(whole[: int(share * len(whole))])
    assert read_live(live.run, under_way=True) is None


def test_what_has_other_parts_is_left_out(live: Live) -> None:
    np.savez(live.run / LIVE_FILE, epoch=3)
    assert read_live(live.run, under_way=True) is None
