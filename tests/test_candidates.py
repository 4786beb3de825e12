"""What could be taken out of the latent of a project, and in which words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from napari_atlas import workflow
from napari_atlas.data.scrub_text import WAYS
from napari_atlas.data.variables import Candidate
from napari_atlas.io.project import read_project


def test_motion_of_keypoints_is_offered_and_one_species_is_not(striped_project: Path) -> None:
    windows, _ = workflow.load_windows(read_project(striped_project))
    found = {each.name: each for each in workflow.scrub_candidates(striped_project, windows.table)}
    assert {"individual", "recording", "heading", "speed", "speed-parts"} <= found.keys()
    assert found["heading"] == Candidate("heading", "angle")
    assert found["recording"] == Candidate("recording", "class")
    assert not {"species", "temperature"} & found.keys()


def test_where_all_windows_are_alike_it_says_so(jelly_project: Path) -> None:
    windows, _ = workflow.load_windows(read_project(jelly_project))
    table = replace(windows.table, temperature=windows.table.temperature * 0 + 20)
    found = {each.name: each for each in workflow.scrub_candidates(jelly_project, table)}
    assert found["recording"].hindrance == "one recording only: nothing to scrub"
    assert found["temperature"].hindrance == "the same in all windows: nothing to scrub"
    assert not found["activity"].hindrance
    assert "heading" not in found


def test_the_form_has_words_for_every_scrubber() -> None:
    import napari_atlas.model.scrubbing  # noqa: F401  # enters them
    from napari_atlas.model.scrubbers import SCRUBBERS

    own = {name: kind for name, kind in SCRUBBERS.items() if kind.build.__module__.startswith("napari_atlas.")}
    assert own.keys() | {"auto"} == WAYS.keys()
    assert {name: set(kind.kinds) for name, kind in own.items()} == {name: set(WAYS[name].kinds) for name in own}
