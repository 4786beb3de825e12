"""What is known of how well variables can be read off the latents of runs, and having it measured."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari.utils.notifications import show_info

from napari_atlas.data.scores import Scores
from napari_atlas.data.scrub_text import read_scrubs
from napari_atlas.errors import InputError
from napari_atlas.io.atomic import read_json
from napari_atlas.io.runs import RunFolder, label_of, list_runs
from napari_atlas.views._worker import call_in_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_atlas.views.desk import Desk

__all__ = ["Figures", "counterpart", "measure", "measure_if_scrubbed", "read_figures", "scrubbed_of"]


@dataclass(frozen=True)
class Figures:
    """What is known of one run.

    Attributes
    ----------
    run
        Its id; empty if there is none.
    label
        What people call it.
    scrubbed
        Variables that were taken out of its latent.
    scores
        What was measured; None if nothing was.
    fault
        Why what was measured cannot be read; empty if it can.
    """

    run: str = ""
    label: str = ""
    scrubbed: tuple[str, ...] = ()
    scores: Scores | None = None
    fault: str = ""

    @property
    def called(self) -> str:
        """Its name for people."""
        return self.label or self.run


def read_figures(folder: Path, run: str) -> Figures:
    """Return what is known of a run of a project; for a worker thread."""
    there = RunFolder(folder / "runs" / run)
    scores, fault = None, ""
    try:
        scores = _scores_of(there)
    except InputError as error:
        fault = str(error)
    return Figures(run, label_of(there), scrubbed_of(there), scores, fault)


def scrubbed_of(run: RunFolder) -> tuple[str, ...]:
    """Return the variables that a fit was asked to take out of its latent."""
    settings = run.config.get("config", {})
    return tuple(s.name for s in read_scrubs(str(settings.get("scrub", ""))) if s.scrubber != "none" and s.strength)


def counterpart(folder: Path, shown: str) -> tuple[str, bool]:
    """Return the newest other run that scrubs if the one on show does not, or the other way round.

    Returns
    -------
    tuple
        Its id, empty if there is none, and whether the run on show scrubs.
    """
    scrubs = bool(scrubbed_of(RunFolder(folder / "runs" / shown)))
    others = [run for run in list_runs(folder) if run.name != shown and (run.path / "latents.npz").is_file()]
    found = [run.name for run in others if bool(scrubbed_of(run)) != scrubs]
    return (found[-1] if found else ""), scrubs


def measure(desk: Desk, run: str, then: Callable[[], None], otherwise: Callable[[str], None]) -> None:
    """Measure what the latent of a run tells, in a child process."""
    desk.runner.run("score", str(desk.folder), "--run", run, then=then, otherwise=otherwise)


def measure_if_scrubbed(desk: Desk, run: str) -> None:
    """Measure a run that was mapped just now, or the newest one, if it scrubs and was not measured yet."""
    folder = desk.folder

    def begin(found: str) -> None:
        if found and desk.folder == folder and not desk.session.job.running:
            measure(desk, found, lambda: None, show_info)

    call_in_thread(lambda: _unmeasured(folder, run), begin, lambda error: None)


def _unmeasured(folder: Path, run: str) -> str:
    fitted = [found for found in list_runs(folder) if found.weights.is_file()]
    chosen = RunFolder(folder / "runs" / run) if run else fitted[-1]
    return chosen.name if scrubbed_of(chosen) and not (chosen.path / "score.json").is_file() else ""


def _scores_of(run: RunFolder) -> Scores | None:
    file = run.path / "score.json"
    if not file.is_file():
        return None
    try:
        return Scores.from_dict(read_json(file))
    except (AttributeError, KeyError, TypeError) as error:
        raise InputError.of(file, "it does not hold what was measured", "press Measure again") from error
