"""Does scrubbing work? Animals with known factors, each factor taken out of the latent by each scrubber that fits.

Test windows alone are judged: how well the factor can be told from the latent (R² or balanced accuracy, five folds),
beside chance; how well the behaviour can, by logistic regression on training windows; and the share of the signal that
the reconstruction misses. `plain` tells the decoder nothing, `none` tells it all factors and scrubs nothing, and a
scrubber is `none` and the scrubbing of one factor. A scrubber keeps to the bounds if linear and QDA decoding are
within 0.05 of chance, the behaviour's accuracy falls by at most 0.03, and the error rises by at most 15 %, both against
`none` of the same seed.

Prints one JSON object. What was fitted before is taken from the file of `--rows`, which grows line by line:

    python benchmarks/scrubbing.py [--seeds 5] [--only qd mals ...] [--set key=value ...] [--arena]
        [--rows scrubbing.jsonl] [--table docs/scrubbing.md]
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from napari_atlas.analysis.decodability import Decoding, choose_windows, decode
from napari_atlas.data.config import FitConfig
from napari_atlas.data.variables import Measured, Variable
from napari_atlas.data.windows import Windows
from napari_atlas.model.conditioning import with_variables
from napari_atlas.model.fitting import fit_epochs, start_fit
from napari_atlas.model.runner import encode_all, prepare
from napari_atlas.model.scrubbers import SCRUBBERS
from napari_atlas.sample.factors import FactorSpec, factor_variables, factor_windows

NUISANCES = {"individual": "class", "heading": "angle", "speed": "number"}
SETTINGS = {
    "latent_dim": 12, "epochs": 60, "patience": 0, "batch_size": 128, "learning_rate": 2e-3, "schedule": "one-cycle",
    "averaging": 0.99, "beta": 0.01, "beta_warmup": 20, "device": "cpu",
}  # fmt: skip
TOLD = ("individual", "heading", "speed", "rig")
BOUNDS = {"decoding": 0.05, "behaviour": 0.03, "error": 1.15}
HOW = Decoding(shuffles=5)


def plans(only: list[str]) -> Iterator[tuple[str, str]]:
    """Yield pairs of variable and scrubber; the two baselines have no variable."""
    yield from (("", "plain"), ("", "none"))
    for variable, kind in NUISANCES.items():
        for scrubber in SCRUBBERS.values():
            if scrubber.weight and kind in scrubber.kinds and (not only or scrubber.name in only):
                yield variable, scrubber.name


def fitted(windows: Windows, measured: dict[str, Measured], config: FitConfig) -> tuple[np.ndarray, float]:
    """Return the latents of all windows, and the share of the test windows' signal that is missed."""
    prepared = prepare(windows, config)
    trained = windows.table.in_split("train")
    known = [Variable.of(measured[name], trained) for name in config.variable_names]
    prepared = with_variables(prepared, known, measured)
    state = start_fit(prepared.model, config)
    for _ in fit_epochs(state, prepared.resident, windows, config):
        pass
    encoded, test = encode_all(prepared), windows.table.in_split("test")
    return encoded.mu, float(encoded.residual_square[test].sum() / encoded.total_square[test].sum())


def told_behaviour(mu: np.ndarray, windows: Windows, behaviour: Measured) -> float:
    """Return how many test windows' behaviour logistic regression tells, once it has seen the training windows."""
    from sklearn.linear_model import LogisticRegression

    codes = behaviour.values[:, 0].astype(int)
    train, test = (windows.table.in_split(name) for name in ("train", "test"))
    scaled = (mu - mu[train].mean(axis=0)) / np.maximum(mu[train].std(axis=0), 1e-9)
    return float(LogisticRegression(max_iter=500).fit(scaled[train], codes[train]).score(scaled[test], codes[test]))


def decoded(mu: np.ndarray, windows: Windows, measured: Measured) -> dict[str, tuple[float, float]]:
    """Return score and chance by decoder."""
    chosen = choose_windows(windows.table, measured, HOW)
    rows = decode("latent", mu[chosen.ids], chosen, windows.table, HOW)
    return {row.decoder: (round(row.score, 4), round(row.chance, 4)) for row in rows}


def measure(seed: int, variable: str, scrubber: str, asked: argparse.Namespace) -> dict[str, object]:
    """Return the figures of one fit."""
    windows = factor_windows(FactorSpec(seed=seed), turned=not asked.arena)
    measured = factor_variables(windows.table)
    config = FitConfig.from_dict({
        **SETTINGS, **dict(text.split("=", 1) for text in asked.settings), "seed": seed,
        "condition": "" if scrubber == "plain" else ",".join(TOLD),
        "scrub": f"{variable}:{scrubber}" if variable else "",
    })  # fmt: skip
    began = time.perf_counter()
    mu, error = fitted(windows, measured, config)
    seconds = time.perf_counter() - began
    names = (variable,) if variable else tuple(NUISANCES)
    return {
        "seed": seed, "variable": variable, "scrubber": scrubber, "error": round(error, 4),
        "behaviour": round(told_behaviour(mu, windows, measured["behaviour"]), 4),
        "decoded": {name: decoded(mu, windows, measured[name]) for name in names}, "seconds": round(seconds, 1),
    }  # fmt: skip


def within(row: dict, none: dict) -> bool:
    """Return whether a scrubber keeps to all bounds."""
    plain = [pair for name, pair in row["decoded"][row["variable"]].items() if name != "mlp"]
    return (
        all(score - chance <= BOUNDS["decoding"] for score, chance in plain)
        and none["behaviour"] - row["behaviour"] <= BOUNDS["behaviour"]
        and row["error"] <= BOUNDS["error"] * none["error"]
    )


def summary(rows: list[dict]) -> list[dict]:
    """Return one row for each variable and scrubber, its figures averaged over the seeds."""
    none = {row["seed"]: row for row in rows if row["scrubber"] == "none"}
    found = []
    for variable in NUISANCES:
        for name in dict.fromkeys(row["scrubber"] for row in rows):
            mine = [row for row in rows if row["scrubber"] == name and row["variable"] in ("", variable)]
            if not mine:
                continue
            pairs = {key: np.mean([row["decoded"][variable][key] for row in mine], axis=0).round(3).tolist()
                     for key in mine[0]["decoded"][variable]}  # fmt: skip
            found.append({
                "variable": variable, "scrubber": name, "decoded": pairs,
                "behaviour": float(np.mean([row["behaviour"] for row in mine]).round(3)),
                "error": float(np.mean([row["error"] / none[row["seed"]]["error"] for row in mine]).round(3)),
                "within": sum(within(row, none[row["seed"]]) for row in mine) if mine[0]["variable"] else None,
                "seeds": len(mine), "seconds": float(np.median([row["seconds"] for row in mine])),
            })  # fmt: skip
    return found


def table_of(found: list[dict]) -> str:
    """Return the summary as Markdown."""
    lines = []
    for variable, kind in NUISANCES.items():
        mine = [row for row in found if row["variable"] == variable]
        decoders = list(mine[0]["decoded"])
        lines += [
            f"**{variable}** ({kind})", "",
            "| scrubber | " + " | ".join(decoders) + " | behaviour | error | seeds within bounds |",
            "| --- |" + " --- |" * (len(decoders) + 3),
        ]  # fmt: skip
        for row in mine:
            told = [f"{score:.2f} ({chance:.2f})" for score, chance in row["decoded"].values()]
            kept = "" if row["within"] is None else f"{row['within']} of {row['seeds']}"
            figures = [*told, f"{row['behaviour']:.3f}", f"{row['error']:.2f}", kept]
            lines.append(f"| {row['scrubber']} | " + " | ".join(figures) + " |")
        lines.append("")
    return "\n".join(lines)


def put_between_marks(path: Path, name: str, text: str) -> None:
    """Write a text between ``<!-- name -->`` and ``<!-- end of name -->``."""
    marks = f"<!-- {name} -->", f"<!-- end of {name} -->"
    pattern = re.compile(f"(?<={re.escape(marks[0])}).*?(?={re.escape(marks[1])})", re.DOTALL)
    path.write_text(pattern.sub(f"\n{text}\n", path.read_text(encoding="utf-8"), count=1), encoding="utf-8")


def collect(asked: argparse.Namespace) -> list[dict]:
    """Return a row for each fit; those that the file of rows holds are not fitted again."""
    lines = asked.rows.read_text(encoding="utf-8").splitlines() if asked.rows and asked.rows.exists() else []
    rows = [json.loads(line) for line in lines]
    for seed in range(asked.first, asked.first + asked.seeds):
        for variable, scrubber in plans(asked.only):
            if any((r["seed"], r["variable"], r["scrubber"]) == (seed, variable, scrubber) for r in rows):
                continue
            rows.append(measure(seed, variable, scrubber, asked))
            if asked.rows:
                with asked.rows.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(rows[-1]) + "\n")
    return rows


def main() -> None:
    """Fit all, print the figures, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--set", dest="settings", action="append", default=[])
    parser.add_argument("--arena", action="store_true", help="coordinates that are not turned with the animal")
    parser.add_argument("--rows", type=Path)
    parser.add_argument("--table", type=Path)
    asked = parser.parse_args()
    found = summary(collect(asked))
    if asked.table:
        put_between_marks(asked.table, "table of scrubbing", table_of(found))
    passes = {variable: [row["scrubber"] for row in found
                         if row["variable"] == variable and row["within"] == row["seeds"]]
              for variable in NUISANCES}  # fmt: skip
    print(json.dumps({"passes": passes, "summary": found}))


if __name__ == "__main__":
    main()
