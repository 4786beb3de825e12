"""What a run's card says, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["lines", "score_of", "summary", "verdict"]

Card = Mapping[str, Any]

# What few courses allow at best is worth a word above the first, and no proof above the second.
_TELLING_P = 0.01
_CONVINCING_P = 0.05


def lines(card: Card) -> list[str]:
    """Return what a run reports about itself, one line for each kind of figure that it has.

    Parameters
    ----------
    card
        What the fit stored: ``temperature_r2``, ``heads``, ``reconstruction_r2``, ``joint_error`` and ``neighbours``,
        each of which may be missing.
    """
    told = {
        "temperature R² on held-out windows": _scores(_part(card, "temperature_r2")),
        **{
            f"{head} {score_of(found)} on held-out windows": _scores(found["species"])
            for head, found in _part(card, "heads").items()
        },
        "reconstruction R² on held-out windows": [
            f"{name} {_figure(f['test'])} (training {_figure(f['train'])})"
            for name, f in _part(card, "reconstruction_r2").items()
        ],
        "mean distance of joints from where they were on held-out windows, in the file's own unit": [
            f"{name} {f['mean']:.3g}" for name, f in _part(card, "joint_error").items()
        ],
        "nearest neighbours across species, held-out windows, difference of temperature ranks": [
            f"{pair} {_figure(f['difference'])} (shuffled {_figure(f['shuffled'])}, "
            f"5th percentile {_figure(f['shuffled_5th'])}{_limit(f)}{_sample(f)})"
            for pair, f in _part(card, "neighbours").items()
        ],
    }
    return [f"{what}: {'; '.join(figures)}" for what, figures in told.items() if figures]


def score_of(head: Mapping[str, Any]) -> str:
    """Return which score a head of the card has."""
    return "balanced accuracy" if head["classes"] else "R²"


def summary(card: Card) -> str:
    """Return the held-out R² of every species in a few words that end a line; empty without any."""
    told = [f"{name} {_figure(f['test'])}" for name, f in _part(card, "temperature_r2").items()]
    return f"; temperature R² on held-out windows: {', '.join(told)}" if told else ""


def verdict(card: Card) -> str:
    """Return in one sentence how far the map can be believed; empty where there is nothing to judge by."""
    figures = _part(card, "temperature_r2")
    if not figures:
        return _by_heads(card) or _untied(card)
    known = [f for f in figures.values() if f["test"] is not None]
    if not known:
        return "Nothing can be said of windows that were not trained on."
    worst, best = min(f["test"] for f in known), max(f["test"] for f in known)
    beaten = any(f["shuffled"] is not None and f["test"] <= f["shuffled"] for f in known)
    if best < 0.05:
        return "On held-out windows the latent tells nothing about temperature: do not read the map by °C."
    if worst < 0.1 or beaten:
        return "On held-out windows temperature is hardly better than chance in one species: mistrust °C there."
    share = "Part of what the map shows by °C holds" if worst < 0.6 else "The map by °C holds"
    agreement = _agreement(card)
    joint = ", and " if agreement.endswith("agree better than chance") else ", but "
    return f"{share} for held-out windows{joint + agreement if agreement else ''}."


def _by_heads(card: Card) -> str:
    """Return how well each covariate beside the temperature is told; empty where nothing of it can be judged."""
    told = ((name, _standing(found["species"].values())) for name, found in _part(card, "heads").items())
    return " ".join(f"On held-out windows the latent tells {name} {standing}." for name, standing in told if standing)


def _standing(figures: Iterable[Mapping[str, Any]]) -> str:
    known = [f for f in figures if f["test"] is not None and f["shuffled"] is not None]
    if not known:
        return ""
    sure = all(f["smallest_p"] <= _CONVINCING_P for f in known)
    if not all(f["test"] > max(f["shuffled_95th" if sure else "shuffled"], 0) for f in known):
        return "no better than chance"
    return "better than chance" + ("" if sure else ", but too few recordings differ to be sure")


def _untied(card: Card) -> str:
    """Return what can be said where nothing is read off the latent."""
    if len(_part(card, "reconstruction_r2")) < 2:
        return ""
    agreement = _agreement(card) or "nothing that was measured ties the species together: do not compare them by place"
    return f"{agreement[0].upper()}{agreement[1:]}."


def _agreement(card: Card) -> str:
    known = [f for f in _part(card, "neighbours").values() if f["difference"] is not None]
    if not known:
        return ""
    telling = [f for f in known if f["smallest_p"] <= _CONVINCING_P]
    if not telling:
        return "too few recordings differ to tell whether neighbours of different species agree"
    better = [f["difference"] < f["shuffled_5th"] for f in telling]
    where = "" if len(set(better)) == 1 else "in some pair "
    return f"{where}neighbours of different species agree {'better' if all(better) else 'no better'} than chance"


def _scores(figures: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return how well something is told in each species, beside training and shuffled figures."""
    return [
        f"{name} {_figure(f['test'])} (training {_figure(f['train'])}, validation {_figure(f['validation'])}, "
        f"shuffled {_figure(f['shuffled'])}{_courses(f)}{_limit(f)}){_accuracy(f.get('accuracy'))}"
        for name, f in figures.items()
    ]


def _accuracy(figures: Mapping[str, Any] | None) -> str:
    """Return which share of windows is told right, whatever their class; empty for a number."""
    if not figures:
        return ""
    beside = f"training {_figure(figures['train'])}, shuffled {_figure(figures['shuffled'])}"
    return f", of all windows {_figure(figures['test'])} ({beside})"


def _figure(value: float | None) -> str:
    """Return a figure with two decimals, or "undefined"."""
    return "undefined" if value is None else f"{value:.2f}"


def _part(card: Card, name: str) -> Mapping[str, Mapping[str, Any]]:
    return card.get(name) or {}


def _courses(figures: Mapping[str, Any]) -> str:
    n = figures["n_courses"]
    return f", {n} independent course{'s' if n > 1 else ''}" if n else ""


def _limit(figures: Mapping[str, Any]) -> str:
    """Return what few independent courses allow at best."""
    smallest = figures.get("smallest_p")
    if smallest == 1:
        return ", which no shuffling can judge"
    return f", no p-value below 1/{round(1 / smallest)}" if smallest is not None and smallest > _TELLING_P else ""


def _sample(figures: Mapping[str, Any]) -> str:
    n, of = figures["n_windows"], figures["n_test"]
    return f", {n} of {of} windows" if n < of else ""
