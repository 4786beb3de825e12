"""One recording of the reef: what it is to be, and how it is made and written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_atlas.sample.jellyfish import JELLYFISH_THERMAL, simulate_bells
from napari_atlas.sample.renderer import HEIGHT, WIDTH, Painter, bell_painter, shoal_painter
from napari_atlas.sample.simulator import (
    Clock,
    Course,
    Programme,
    Thermal,
    constant,
    draw_programme,
    ramp,
    simulate_course,
)
from napari_atlas.sample.stickleback import EDGES, NODES, STICKLEBACK_THERMAL, simulate_shoal
from napari_atlas.sample.writers import write_analysis, write_hulls, write_slp, write_thermocouple, write_video

__all__ = ["SPECIES", "Plan", "Species", "Written", "plan_recordings", "record"]

_VIDEO_STEP = 300


@dataclass(frozen=True)
class Plan:
    """A recording to be made.

    Attributes
    ----------
    species
        Whose recording.
    id, folder
        Name, and folder relative to the reef's.
    clock
        Its frames.
    programme
        Its water; a constant one is told by the folder's name, any other by a thermocouple file.
    individuals
        Number of animals.
    last
        Whether it is the last of its species.
    key
        Numbers that fix its chance, the reef's seed first.
    """

    species: Species
    id: str
    folder: str
    clock: Clock
    programme: Programme
    individuals: int
    last: bool
    key: tuple[int, ...]

    def steps(self, *, video: bool) -> int:
        """Return how many progress reports `record` gives."""
        return 1 + (-(-self.clock.frames // _VIDEO_STEP) if video else 0)


@dataclass(frozen=True)
class Written:
    """What the manifest (entry) and the truth (rows in the order of its columns) say of a recording."""

    id: str
    entry: dict[str, object]
    truth: list[tuple[object, ...]]


# Writes the tracks of a recording into a folder; returns the file's name, and what makes its video's painter.
Maker = Callable[[Path, Plan, Course, bool], tuple[str, Callable[[], Painter]]]
# Returns name, folder, programme and the two offsets (LED-on, tracking start) of the demo's recording of that number.
Script = Callable[[int, float], tuple[str, str, Programme, tuple[int, int]]]


@dataclass(frozen=True)
class Species:
    """What the reef knows of one species.

    Attributes
    ----------
    name, signal, keypoints
        Its name, and the activity signal that suits it.
    fps
        Frame rate of its recordings.
    windows, short_windows
        Length and stride in seconds, for statistics and for a demo.
    thermal
        How it answers to warmth.
    individual
        Start of the individuals' names.
    script, make
        What the demo's recordings are, and how tracks are made.
    """

    name: str
    signal: str
    keypoints: tuple[str, ...]
    fps: float
    windows: tuple[int, int]
    short_windows: tuple[int, int]
    thermal: Thermal
    individual: str
    script: Script
    make: Maker

    def as_dict(self, *, short: bool) -> dict[str, object]:
        """Return the species' entry in the manifest; *short* takes the demo's windows."""
        window, stride = self.short_windows if short else self.windows
        return {
            "name": self.name,
            "signal": self.signal,
            "keypoints": list(self.keypoints),
            "bin_rate": 1.0,
            "window": window,
            "stride": stride,
        }


def plan_recordings(
    species: Species, amount: tuple[int, tuple[int, int], float], seed: int, *, independent: bool
) -> list[Plan]:
    """Plan the recordings of one species.

    Parameters
    ----------
    species
        Whose recordings.
    amount
        Number of recordings, fewest and most animals, and seconds.
    seed
        The reef's seed.
    independent
        Whether each recording draws its own programme, rather than follow the demo's script.
    """
    recordings, (fewest, most), seconds = amount
    plans = []
    for index in range(recordings):
        key = (seed, SPECIES.index(species), index)
        name, place, programme, offsets = species.script(index, seconds)
        if independent:
            name = place = f"{index + 1:02d}"
            programme = draw_programme(np.random.default_rng((*key, 0)), species.thermal, seconds)
            offsets = (0, 0)
        clock = Clock(species.fps, round(seconds * species.fps), *offsets)
        animals = fewest + index % (most - fewest + 1)
        last = index == recordings - 1
        folder = f"{species.name}/{place}"
        plans.append(Plan(species, f"{species.name}-{name}", folder, clock, programme, animals, last, key))
    return plans


def record(folder: Path, plan: Plan, *, video: bool) -> Iterator[str | Written]:
    """Make one recording; yield a sentence per step, and what was written just before the last.

    Parameters
    ----------
    folder
        The reef's folder.
    plan
        What to make.
    video
        Whether to draw a video.
    """
    place = folder / plan.folder
    place.mkdir(parents=True, exist_ok=True)
    course = simulate_course(
        np.random.default_rng((*plan.key, 1)), plan.clock, plan.programme, plan.species.thermal, plan.individuals
    )
    tracks, painter = plan.species.make(place, plan, course, video)
    temperature: dict[str, object] = {"folder": True}
    if len(plan.programme.seconds) > 1:
        write_thermocouple(
            place / "thermocouple.csv", plan.programme, plan.clock, np.random.default_rng((*plan.key, 3))
        )
        temperature = {"file": f"{plan.folder}/thermocouple.csv"}
    if video:
        for done in write_video(place / "video.mp4", painter(), plan.clock.frames, plan.clock.fps):
            yield f"Drawing {plan.id}, frame {done} of {plan.clock.frames}"
    yield _written(plan, course, tracks, "video.mp4" if video else "", temperature)
    yield f"Wrote {plan.id}"


def _written(plan: Plan, course: Course, tracks: str, video: str, temperature: dict[str, object]) -> Written:
    """Return what the manifest and the truth say of a recording whose files are there."""
    names = [f"{plan.species.individual}_{index}" for index in range(plan.individuals)]
    entry: dict[str, object] = {
        "id": plan.id,
        "species": plan.species.name,
        "tracks": f"{plan.folder}/{tracks}",
        "video": f"{plan.folder}/{video}" if video else "",
        "fps": plan.clock.fps,
        "led_on_frame": plan.clock.led_on_frame,
        "tracking_start_frame": plan.clock.tracking_start_frame,
        "temperature": temperature,
        "individuals": names,
    }
    water = list(zip(course.seconds.astype(int).tolist(), course.celsius.round(3).tolist(), strict=True))
    rows: list[tuple[object, ...]] = [
        (plan.species.name, plan.id, name, second, celsius, h)
        for name, hidden in zip(names, course.hidden.round(4).tolist(), strict=True)
        for (second, celsius), h in zip(water, hidden, strict=True)
    ]
    return Written(plan.id, entry, rows)


def _make_jellyfish(place: Path, plan: Plan, course: Course, video: bool) -> tuple[str, Callable[[], Painter]]:
    """Write the hulls of one recording; finer outlines where a video shows them."""
    bells = simulate_bells(np.random.default_rng((*plan.key, 2)), plan.clock, course, vertices=25 if video else 16)
    tracked = slice(plan.clock.tracking_start_frame, None)
    write_hulls(place / "hulls.mat", bells.outlines[:, tracked], bells.seen[:, tracked])
    return "hulls.mat", lambda: bell_painter(bells.outlines, plan.key[-1])


def _make_sticklebacks(place: Path, plan: Plan, course: Course, video: bool) -> tuple[str, Callable[[], Painter]]:
    """Write the nodes of one recording; the last recording with a video becomes a ``.slp`` file."""
    shoal = simulate_shoal(np.random.default_rng((*plan.key, 2)), plan.clock, course)
    tracks = shoal.tracks[:, plan.clock.tracking_start_frame :]
    name = "sticklebacks.slp" if video and plan.last else "sticklebacks.analysis.h5"
    if name.endswith(".slp"):
        write_slp(place / name, tracks, NODES, EDGES, (plan.clock.frames, HEIGHT, WIDTH, 3))
    else:
        write_analysis(place / name, tracks, NODES, EDGES)
    return name, lambda: shoal_painter(shoal.points, plan.key[-1])


def _script_jellyfish(index: int, seconds: float) -> tuple[str, str, Programme, tuple[int, int]]:
    """Hold at 20 °C, ramp to 36, 40, 0 or 50 °C, hold; the first video begins before light and tracking."""
    target = (36, 40, 0, 50)[index % 4]
    again = "" if index < 4 else f"-{index // 4 + 1}"
    programme = ramp(20.0, float(target), 0.25 * seconds, 0.75 * seconds)
    return f"20to{target}{again}", f"20to{target}{again}", programme, (61, 10) if index == 0 else (0, 0)


def _script_sticklebacks(index: int, seconds: float) -> tuple[str, str, Programme, tuple[int, int]]:
    """Stay at 17 or 22.5 °C for all of the *seconds*."""
    celsius, turn = (17, 22.5)[index % 2], index // 2
    letter = chr(ord("a") + turn) if turn < 26 else str(turn + 1)
    return f"{celsius}C-{letter}", f"{celsius}C_{letter}", constant(float(celsius)), (0, 0)


SPECIES = (
    Species(
        name="jellyfish",
        signal="hull-area-rate",
        keypoints=(),
        fps=30.0,
        windows=(60, 30),
        short_windows=(30, 5),
        thermal=JELLYFISH_THERMAL,
        individual="animal",
        script=_script_jellyfish,
        make=_make_jellyfish,
    ),
    Species(
        name="stickleback",
        signal="centroid-speed",
        keypoints=("body_1", "body_2", "body_3"),
        fps=121.0,
        windows=(5, 2),
        short_windows=(5, 2),
        thermal=STICKLEBACK_THERMAL,
        individual="track",
        script=_script_sticklebacks,
        make=_make_sticklebacks,
    ),
)
