"""Figures of decodability as lines of text."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from napari_atlas.data.scores import Scores

__all__ = ["further_lines", "score_lines"]


def score_lines(scores: Scores) -> list[str]:
    """Return what was found as lines of text: a table, the notes, and further figures."""
    pairs = {(row.variable, row.decoder, row.source): row for row in scores.decoded}
    table: list[tuple[str, ...]] = [("variable", "decoder", "latent", "chance", "signal", "windows")]
    for row in scores.decoded:
        if row.source == "latent":
            beside = pairs.get((row.variable, row.decoder, "signal"))
            name = f"{row.variable} (scrubbed)" if row.scrubbed else row.variable
            figures = (row.score, row.chance, beside.score if beside else math.nan)
            table.append((name, row.decoder, *map(_figure, figures), str(row.n_windows)))
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in table]
    return [*lines, *scores.notes, *further_lines(scores.more)]


def further_lines(more: dict[str, Any]) -> Iterator[str]:
    """Yield a line for each further figure."""
    behaviour, clusters, errors = more.get("behaviour"), more.get("clusters"), more.get("reconstruction", {})
    if behaviour:
        latent, signal = behaviour["latent"], behaviour["signal"]
        yield (
            f"{behaviour['name']}, macro F1, {behaviour['held_out']} held out: {_figure(latent['macro_f1'])} "
            f"(chance {_figure(latent['chance'])}, signal {_figure(signal['macro_f1'])})"
        )
    for name, value in more.get("confounding", {}).items():
        for other, share in value.items():
            yield f"{name} and {other} determine each other to {_figure(share)} of 1"
    for name, value in more.get("obeyed", {}).items():
        yield f"windows decoded under another {name} have it to {_figure(value)}"
    for name, value in more.get("sessions", {}).items():
        figures = f"{_figure(value['windows'])} (chance {_figure(value['chance'])})"
        yield f"{name} of sessions left out, told right: {figures}"
    if clusters:
        told = ", ".join(f"{name} {_figure(value)}" for name, value in clusters["entropy"].items())
        yield f"how evenly clusters are shared, 0 to 1: {told}"
    if "ratio" in errors:
        yield f"reconstruction error {errors['error']:.3f}, {errors['ratio']:.2f} times that of the baseline"


def _figure(value: float | None) -> str:
    return "-" if value is None or not math.isfinite(value) else f"{value:.2f}"
