"""What a run's card says, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["lines", "summary", "verdict"]

Card = Mapping[str, Any]

# What few courses allow at best is worth a word above the first, and no proof above the second.
_TELLING_P = 0.01
_CONVINCING_P = 0.05


def lines(card: Card) -> list[str]:
    """Return what a run reports about itself, one line for each kind of figure that it has.

    Parameters
    ----------
    card
        What the fit stored: ``temperature_r2``, ``reconstruction_r2`` and ``neighbours``, each of which may be missing.
    """
    told = {
        "temperature R² on held-out windows": [
            f"{name} {_figure(f['test'])} (training {_figure(f['train'])}, validation {_figure(f['validation'])}, "
            f"shuffled {_figure(f['shuffled'])}{_courses(f)}{_limit(f)})"
            for name, f in _part(card, "temperature_r2").items()
        ],
        "reconstruction R² on held-out windows": [
            f"{name} {_figure(f['test'])} (training {_figure(f['train'])})"
            for name, f in _part(card, "reconstruction_r2").items()
        ],
        "nearest neighbours across species, held-out windows, difference of temperature ranks": [
            f"{pair} {_figure(f['difference'])} (shuffled {_figure(f['shuffled'])}, "
            f"5th percentile {_figure(f['shuffled_5th'])}{_limit(f)}{_sample(f)})"
            for pair, f in _part(card, "neighbours").items()
        ],
    }
    return [f"{what}: {'; '.join(figures)}" for what, figures in told.items() if figures]


def summary(card: Card) -> str:
    """Return the held-out R² of every species in a few words that end a line; empty without any."""
    told = [f"{name} {_figure(f['test'])}" for name, f in _part(card, "temperature_r2").items()]
    return f"; temperature R² on held-out windows: {', '.join(told)}" if told else ""


def verdict(card: Card) -> str:
    """Return in one sentence how far the map can be believed; empty where there is nothing to judge by."""
    figures = _part(card, "temperature_r2")
    if not figures:
        return _untied(card)
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
