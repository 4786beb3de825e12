"""What the settings of scrubbing say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_atlas.data.config import FitConfig
from napari_atlas.data.scrub_text import Scrub, read_scrubs, scrub_text
from napari_atlas.errors import InputError

NAMES = st.text("abcdefgh- ", min_size=1, max_size=8).map(str.strip).filter(bool)


def test_each_part_names_variable_scrubber_and_strength() -> None:
    assert read_scrubs(" individual, speed:mals:2 ,heading:qd") == (
        Scrub("individual"),
        Scrub("speed", "mals", 2.0),
        Scrub("heading", "qd"),
    )
    assert read_scrubs("") == ()


@given(
    st.lists(st.builds(Scrub, NAMES, st.sampled_from(["auto", "qd"]), st.floats(0, 100)), unique_by=lambda s: s.name)
)
def test_what_is_written_is_read_again(scrubs: list[Scrub]) -> None:
    told = read_scrubs(scrub_text(scrubs))
    assert [(s.name, s.scrubber) for s in told] == [(s.name, s.scrubber) for s in scrubs]
    assert [s.strength for s in told] == pytest.approx([s.strength for s in scrubs], rel=1e-5)


@pytest.mark.parametrize("text", ["a:b:c:d", ":mals", "speed:mals:much", "speed:mals:-1", "speed:mals:nan", "a,a:qd"])
def test_what_cannot_be_read_is_said(text: str) -> None:
    with pytest.raises(InputError, match="setting scrub"):
        FitConfig(scrub=text)


def test_the_settings_name_each_variable_once() -> None:
    config = FitConfig(scrub="individual:auto:1.0, heading", condition="heading,temperature")
    assert config.scrub == "individual,heading"
    assert config.variable_names == ("individual", "heading", "temperature")
