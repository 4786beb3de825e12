"""What the latent of a run still tells of who, where and how: measured on held-out windows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_atlas._variables import measurable, measure
from napari_atlas.data.project import Project
from napari_atlas.data.results import Event, counted
from napari_atlas.data.score_text import score_lines
from napari_atlas.data.scores import Decoded, Scores
from napari_atlas.data.scrub_text import Scrub, names_in, read_scrubs
from napari_atlas.data.variables import Measured
from napari_atlas.data.windows import Windows
from napari_atlas.errors import InputError, StoppedError
from napari_atlas.io.loading import load_windows
from napari_atlas.io.project import read_project
from napari_atlas.io.provenance import as_fitted, heads_of, recipe_hash
from napari_atlas.io.runs import RunFolder, find_run

if TYPE_CHECKING:
    from napari_atlas.analysis.decodability import Chosen, Decoding
    from napari_atlas.analysis.raw_signal import RawSignal

__all__ = ["ScoreWishes", "score"]

ShouldStop = Callable[[], bool]

_ALWAYS = ("individual", "recording", "species")
_PARTS = {"test": "test windows", "held-out": "test and validation windows"}
_CONTROLS = ("healthy", "control", "baseline", "before", "vehicle", "saline", "sham", "wt", "wildtype", "wild type")
_CLUSTERS = 8


@dataclass(frozen=True)
class ScoreWishes:
    """What is to be measured of a run.

    Attributes
    ----------
    variables
        Names with commas between; else those that the fit knows, and animal, recording and species.
    behaviour
        The covariate that tells what was done; else one that is called so, if there is one.
    baseline
        Another run, which reconstruction is compared with.
    grouped
        Whether whole recordings are held out where that can be done.
    seed
        The same seed gives the same figures.
    """

    variables: str = ""
    behaviour: str = ""
    baseline: str = ""
    grouped: bool = False
    seed: int = 0


@dataclass(frozen=True)
class _Subject:
    """A run and its windows, their split as it was in the fit.

    Attributes
    ----------
    measured
        Variables to be told, by name, those that were to be scrubbed first.
    scrubbed, given
        Names of those that were to be scrubbed, and of those that the decoders are told.
    behaviour
        What was done; None where nothing tells.
    """

    run: RunFolder
    windows: Windows
    mu: NDArray[np.float32]
    errors: NDArray[np.float32]
    measured: dict[str, Measured]
    scrubbed: tuple[str, ...]
    behaviour: Measured | None


def score(folder: Path, wishes: ScoreWishes, run: str = "", should_stop: ShouldStop = lambda: False) -> Iterator[Event]:
    """Measure what the latent of a run tells and write it into the run; a generator of events.

    Parameters
    ----------
    folder
        The project.
    wishes
        What is to be measured.
    run
        Id or label; "" is the newest one.
    should_stop
        Asked between two variables.

    Raises
    ------
    InputError
        If there is no such run or variable, or the run has no latents.
    StoppedError
        If a stop was asked for; nothing is written then.
    """
    from napari_atlas.analysis.decodability import Decoding

    project, how = read_project(folder), Decoding(grouped=wishes.grouped, seed=wishes.seed)
    subject = _subject(project, find_run(folder, run), wishes)
    baseline = _errors_of(find_run(folder, wishes.baseline), subject) if wishes.baseline else np.empty(0, np.float32)
    n, name = len(subject.measured) + 1, subject.run.name
    yield Event("started", f"measuring what the latent of run {name} tells", 0, n, {"run": name})
    rows: list[Decoded] = []
    notes: list[str] = []
    more: dict[str, Any] = {"windows": {}, "mmd": {}, "confounding": {}, "obeyed": {}}
    for done, measured in enumerate(subject.measured.values(), start=1):
        if should_stop():
            raise StoppedError("stopped; nothing was written")
        found, told, further = _of_variable(subject, measured, how)
        rows += found
        notes += told
        for key, value in further.items():
            more[key][measured.name] = value
        yield Event("progress", f"measured {measured.name}", done, n)
    more |= {**_of_behaviour(subject, how), **_of_sessions(subject, how), **_of_reconstruction(subject, baseline)}
    more["clusters"] = _of_clusters(subject, how)
    scores = Scores(name, tuple(rows), tuple(dict.fromkeys(notes)), {key: v for key, v in more.items() if v})
    subject.run.write("score", scores.as_dict())
    text = f"run {name}: told of {counted(len(subject.measured), 'variable')}"
    yield Event("done", text, n, n, {**scores.as_dict(), "lines": score_lines(scores)})


def _subject(project: Project, run: RunFolder, wishes: ScoreWishes) -> _Subject:
    fitted, latents = as_fitted(project, run.config), run.read_latents()
    if run.config.get("recipe") != recipe_hash(fitted):
        raise InputError.of(f"run {run.name}", "its recordings or settings have changed since", "fit again")
    if not {"mu", "split"} <= latents.keys():
        raise InputError.of(f"run {run.name}", "it has no latents yet", "wait for the fit, or fit again")
    windows = load_windows(fitted)[0]
    if len(windows.table) != len(latents["mu"]):
        raise InputError.of(f"run {run.name}", "it has other windows than its recordings now", "fit again")
    windows = windows.with_split(latents["split"])
    scrubs, known = _asked_of(run)
    there = measurable(fitted, windows.table)
    asked = names_in(wishes.variables) or _usual(known, there, windows)
    behaviour = wishes.behaviour or _behaviour_of(windows)
    for option, names in (("--variables", asked), ("--behaviour", (behaviour,) if behaviour else ())):
        if missing := [name for name in names if name not in there]:
            cure = f"choose from {', '.join(there)}"
            raise InputError.of(option, f"the windows have no variable {missing[0]!r}", cure)
    measured = measure(fitted, windows.table, dict.fromkeys((*asked, *((behaviour,) if behaviour else ()))))
    scrubbed = tuple(scrub.name for scrub in scrubs if scrub.strength and scrub.scrubber != "none")
    order = sorted(asked, key=lambda name: name not in scrubbed)
    errors = latents.get("reconstruction_error", np.empty(0))
    return _Subject(
        run, windows, latents["mu"], errors, {name: measured[name] for name in order}, scrubbed, measured.get(behaviour)
    )


def _asked_of(run: RunFolder) -> tuple[tuple[Scrub, ...], tuple[str, ...]]:
    """Return what the fit was asked to scrub, and the names of all variables that it knows; older runs know none."""
    found = run.config.get("config")
    settings = found if isinstance(found, dict) else {}
    scrubs = read_scrubs(str(settings.get("scrub", "")))
    told = names_in(str(settings.get("condition", "")))
    return scrubs, tuple(dict.fromkeys((*(scrub.name for scrub in scrubs), *told)))


def _usual(known: tuple[str, ...], there: tuple[str, ...], windows: Windows) -> tuple[str, ...]:
    always = [name for name in _ALWAYS if name != "species" or len(windows.table.species_names()) > 1]
    return tuple(dict.fromkeys((*(name for name in known if name in there), *always)))


def _behaviour_of(windows: Windows) -> str:
    from napari_atlas.analysis.confounding import behaviour_among

    return behaviour_among(column.name for column in windows.table.covariates if column.classes)


def _of_variable(
    subject: _Subject, measured: Measured, how: Decoding
) -> tuple[list[Decoded], list[str], dict[str, Any]]:
    """Return how well one variable is told, what is to be said of it, and further figures of it."""
    from napari_atlas.analysis.decodability import choose_windows, decode, groupable
    from napari_atlas.analysis.mmd import mean_mmd
    from napari_atlas.analysis.raw_signal import RawSignal

    table, name = subject.windows.table, measured.name
    chosen = choose_windows(table, measured, how)
    scrubbed, notes = name in subject.scrubbed, list(chosen.notes)
    mu = subject.mu[chosen.ids]
    rows = decode("latent", mu, chosen, table, how, scrubbed=scrubbed)
    further: dict[str, Any] = {"windows": chosen.part}
    if chosen.ids.size:
        raw = RawSignal(subject.windows, chosen.ids)
        rows += decode("signal", raw.features(chosen.ids), chosen, table, how, scrubbed=scrubbed)
        further |= _obedience(subject, chosen, raw, how)
        if measured.classes:
            further["mmd"] = mean_mmd(mu, chosen.measured.values[:, 0].astype(np.int64), how.seed)
        if chosen.part == "all":
            notes.append(f"{name}: told from all windows, those of the training too, since too few are held out")
        if how.grouped and not groupable(chosen, table):
            notes.append(f"{name}: whole recordings cannot be held out, since it differs between them")
    confounding, told = _confounding(subject, measured)
    return rows, [*notes, *told], further | ({"confounding": confounding} if confounding else {})


def _confounding(subject: _Subject, measured: Measured) -> tuple[dict[str, float], list[str]]:
    """Return how far the variable and what was done determine each other, and a sentence where it is too far."""
    from napari_atlas.analysis.confounding import confounded, confounding

    behaviour = subject.behaviour
    if behaviour is None or behaviour.name == measured.name:
        return {}, []
    found, told = confounding(measured, behaviour), confounded(measured, behaviour)
    return ({behaviour.name: found} if math.isfinite(found) else {}), [told] if told else []


def _obedience(subject: _Subject, chosen: Chosen, raw: RawSignal, how: Decoding) -> dict[str, Any]:
    """Return how far windows that are decoded under another value have that value, if the decoders are told it."""
    from napari_atlas.analysis.restrictiveness import Gauge, asked_instead, obeyed
    from napari_atlas.model.decoding import Decoder

    name, table = chosen.measured.name, subject.windows.table
    if name not in _asked_of(subject.run)[1] or not subject.run.weights.is_file():
        return {}
    decoder = Decoder(subject.run.weights)
    given = {variable.name: variable for variable in decoder.architecture.variables if variable.given}
    if name not in given:
        return {}
    owners = table.of_key("species")[chosen.ids]

    def decode(asked: Measured) -> NDArray[np.float64]:
        parts = []
        for variable in decoder.architecture.variables:
            of = subject.measured.get(variable.name)
            rows = replace(of, values=of.values[chosen.ids]) if of is not None else None
            rows = asked if variable.name == name else rows
            nothing = np.full((chosen.ids.size, variable.width), np.nan, np.float32)
            parts.append(nothing if rows is None else variable.columns(rows))
        columns, mu = np.concatenate(parts, axis=1), subject.mu[chosen.ids]
        found = {s: decoder.decode(s, mu[owners == s], columns[owners == s]) for s in np.unique(owners).tolist()}
        return raw.flat(chosen.ids, found)

    gauge = Gauge(raw.features(chosen.ids), chosen.measured, how.seed)
    return {"obeyed": obeyed(decode, gauge, asked_instead(chosen.measured, how.seed))}


def _of_behaviour(subject: _Subject, how: Decoding) -> dict[str, Any]:
    """Return how well what was done is told, whole recordings held out where that can be done.

    It is told of windows of all parts, since the fit did not see what was done, unless one of its heads asked for it.
    """
    from napari_atlas.analysis.decodability import choose_windows, groupable, labelled_f1
    from napari_atlas.analysis.raw_signal import RawSignal

    if subject.behaviour is None or not subject.behaviour.classes:
        return {}
    table, how = subject.windows.table, replace(how, grouped=True)
    unseen = subject.behaviour.name not in heads_of(subject.run.config)
    whole = replace(table, split=np.zeros_like(table.split)) if unseen else table
    chosen = choose_windows(whole, subject.behaviour, how)
    if not chosen.ids.size:
        return {}
    raw = RawSignal(subject.windows, chosen.ids).features(chosen.ids)
    return {
        "behaviour": {
            "name": subject.behaviour.name,
            "n_windows": chosen.ids.size,
            "held_out": "recordings" if groupable(chosen, table) else "stretches of time",
            "latent": labelled_f1("latent", subject.mu[chosen.ids], chosen, table, how),
            "signal": labelled_f1("signal", raw, chosen, table, how),
        }
    }


def _of_clusters(subject: _Subject, how: Decoding) -> dict[str, Any]:
    """Return how evenly animals and recordings share the clusters of a mixture of Gaussians."""
    from napari_atlas.analysis.folds import apart
    from napari_atlas.analysis.identity import cluster_entropy, mixture_clusters

    table = subject.windows.table
    ids = apart(table, np.ones(len(table), dtype=np.bool_))
    if ids.size < 5 * _CLUSTERS:
        return {}
    codes = mixture_clusters(subject.mu[ids], _CLUSTERS, how.seed)
    classes = {name: m for name, m in subject.measured.items() if name in _ALWAYS}
    entropy = {name: cluster_entropy(codes, m.values[ids, 0].astype(np.int64)) for name, m in classes.items()}
    return {"k": _CLUSTERS, "n_windows": ids.size, "entropy": entropy}


def _of_sessions(subject: _Subject, how: Decoding) -> dict[str, Any]:
    """Return how well types of sessions are told, for classes that are the same throughout each recording."""
    from napari_atlas.analysis.folds import apart, recording_codes
    from napari_atlas.analysis.identity import tell_sessions
    from napari_atlas.analysis.mmd import effect_size
    from napari_atlas.data.variables import table_variable

    table, found = subject.windows.table, {}
    animals = table_variable(table, "individual")
    for column in table.covariates:
        measured = table_variable(table, column.name)
        if not column.classes or measured is None or animals is None:
            continue
        ids = apart(table, measured.known)
        sessions, types = recording_codes(table, ids), measured.values[ids, 0].astype(np.int64)
        if np.unique(np.stack([sessions, types]), axis=1).shape[1] != np.unique(sessions).size:
            continue  # it changes within a recording
        told = tell_sessions(subject.mu[ids], sessions, types, seed=how.seed)
        plain = next((i for i, name in enumerate(column.classes) if name.lower() in _CONTROLS), 0)
        who = animals.values[ids, 0].astype(np.int64)
        effect = effect_size(subject.mu[ids], who, sessions, types != plain, how.seed)
        if math.isfinite(told.windows) or math.isfinite(effect):
            found[column.name] = {**asdict(told), "effect_size": effect, "beside": column.classes[plain]}
    return {"sessions": found} if found else {}


def _errors_of(run: RunFolder, subject: _Subject) -> NDArray[np.float32]:
    errors = run.read_latents().get("reconstruction_error", np.empty(0, np.float32))
    if errors.size != subject.errors.size or run.config.get("recipe") != subject.run.config.get("recipe"):
        raise InputError.of(f"run {run.name}", "it has other windows than this one", "compare runs of the same windows")
    return errors


def _of_reconstruction(subject: _Subject, baseline: NDArray[np.float32]) -> dict[str, Any]:
    """Return the mean squared error of held-out windows, z-scored, beside that of the baseline."""
    held = subject.windows.table.in_split("test")
    rows = held if held.any() else np.ones_like(held)
    if not subject.errors.size:
        return {}
    mine = float(subject.errors[rows].mean())
    beside = {"baseline": float(baseline[rows].mean())} if baseline.size else {}
    ratio = {"ratio": mine / beside["baseline"]} if beside.get("baseline") else {}
    return {"reconstruction": {"error": mine, **beside, **ratio}}
