"""The whole synthetic reef: recordings of two species, their truth, and a manifest that lists them.

The folder holds ``reef.json`` (written last), ``truth.csv`` and one folder per recording. A program that reads
``reef.json`` needs to know nothing of how the reef was made.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Event as Flag
from typing import TYPE_CHECKING

from napari_atlas.data.results import Event
from napari_atlas.errors import InputError
from napari_atlas.sample.recordings import SPECIES, Plan, Written, plan_recordings, record
from napari_atlas.sample.writers import write_text, write_truth

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["ReefSpec", "write_reef"]

_WORKERS = 2


@dataclass(frozen=True)
class ReefSpec:
    """What a reef contains.

    Attributes
    ----------
    name
        Name of the reef, kept in the manifest.
    jellyfish_recordings, stickleback_recordings
        Number of recordings of each species.
    jellyfish_individuals, stickleback_individuals
        Fewest and most animals of a recording; recordings take turns through that range.
    jellyfish_seconds, stickleback_seconds
        Length of what the tracker saw, seconds.
    seed
        Fixes every byte.
    video
        Whether to draw videos; then the last stickleback recording is a ``.slp`` file.
    independent
        Whether each recording draws its own temperature programme; if not, the demo's programmes are taken in turn.
    """

    name: str
    jellyfish_recordings: int = 4
    stickleback_recordings: int = 4
    jellyfish_individuals: tuple[int, int] = (2, 3)
    stickleback_individuals: tuple[int, int] = (3, 4)
    jellyfish_seconds: float = 240.0
    stickleback_seconds: float = 60.0
    seed: int = 0
    video: bool = True
    independent: bool = False

    def __post_init__(self) -> None:
        """Refuse a reef without recordings, animals or time."""
        for species in SPECIES:
            self._check(species.name)

    def _check(self, species: str) -> None:
        """Refuse impossible numbers of one species."""
        recordings, (fewest, most), seconds = self.of(species)
        if recordings < 1:
            raise InputError.of(f"{species}_recordings", f"{recordings} recordings", "ask for at least one")
        if not 1 <= fewest <= most:
            raise InputError.of(f"{species}_individuals", f"{fewest} to {most} animals", "give 1 ≤ fewest ≤ most")
        if not 2.0 <= seconds <= 86_400.0:
            raise InputError.of(f"{species}_seconds", f"{seconds} s", "ask for 2 s to one day")

    def of(self, species: str) -> tuple[int, tuple[int, int], float]:
        """Return number of recordings, range of animals and seconds of *species*."""
        return (
            getattr(self, f"{species}_recordings"),
            getattr(self, f"{species}_individuals"),
            getattr(self, f"{species}_seconds"),
        )

    @classmethod
    def demo(cls, seed: int = 0) -> ReefSpec:
        """Return the small reef with videos: four recordings of each species."""
        return cls("demo", seed=seed)

    @classmethod
    def statistics(cls, seed: int = 0) -> ReefSpec:
        """Return the reef for statistics: twelve independent recordings of each species, no videos."""
        return cls(
            "statistics",
            jellyfish_recordings=12,
            stickleback_recordings=12,
            jellyfish_individuals=(2, 2),
            stickleback_individuals=(2, 2),
            jellyfish_seconds=1200.0,
            stickleback_seconds=300.0,
            seed=seed,
            video=False,
            independent=True,
        )


def write_reef(folder: Path, spec: ReefSpec) -> Iterator[Event]:
    """Write a reef, reporting progress on the way; two recordings are made at a time.

    Parameters
    ----------
    folder
        Where to write; made if missing, files of the same name are replaced.
    spec
        What to write.

    Yields
    ------
    Event
        ``"progress"`` with steps done and in all. Closing the generator stops the work within a moment, and then
        there is no ``reef.json``.

    Raises
    ------
    InputError
        If *folder* is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError.of(folder, "is a file", "choose a folder")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "reef.json").unlink(missing_ok=True)
    plans = [
        plan
        for species in SPECIES
        for plan in plan_recordings(species, spec.of(species.name), spec.seed, independent=spec.independent)
    ]
    written: dict[str, Written] = {}
    yield from _make_all(folder, plans, spec, written)
    write_truth(folder / "truth.csv", (row for plan in plans for row in written[plan.id].truth))
    write_text(folder / "reef.json", json.dumps(_manifest(spec, plans, written), indent=1, ensure_ascii=False) + "\n")


@dataclass(frozen=True)
class _Crew:
    """Threads that make recordings, and the queue on which they report.

    Attributes
    ----------
    folder
        The reef's folder.
    video
        Whether to draw videos.
    reports
        Sentences, what was written, or the fault that ended a recording.
    stop
        Set when nobody listens any more.
    """

    folder: Path
    video: bool
    reports: SimpleQueue[str | Written | Exception]
    stop: Flag

    def work(self, plan: Plan) -> None:
        """Make one recording."""
        try:
            for report in record(self.folder, plan, video=self.video):
                if self.stop.is_set():
                    return
                self.reports.put(report)
        except Exception as fault:  # noqa: BLE001 - the listener raises it
            self.reports.put(fault)


def _make_all(folder: Path, plans: list[Plan], spec: ReefSpec, written: dict[str, Written]) -> Iterator[Event]:
    """Make every recording on two threads and fill *written*; yield one event per finished step."""
    total, done = sum(plan.steps(video=spec.video) for plan in plans), 0
    crew = _Crew(folder, spec.video, SimpleQueue(), Flag())
    with ThreadPoolExecutor(_WORKERS) as pool:
        try:
            for plan in plans:
                pool.submit(crew.work, plan)
            while done < total:
                report = crew.reports.get()
                if isinstance(report, Exception):
                    raise report
                if isinstance(report, Written):
                    written[report.id] = report
                    continue
                done += 1
                yield Event("progress", report, done, total)
        finally:
            crew.stop.set()


def _manifest(spec: ReefSpec, plans: list[Plan], written: dict[str, Written]) -> dict[str, object]:
    """Return the content of ``reef.json``."""
    return {
        "name": spec.name,
        "seed": spec.seed,
        "species": [species.as_dict(short=not spec.independent) for species in SPECIES],
        "recordings": [written[plan.id].entry for plan in plans],
        "truth": "truth.csv",
    }
