"""Does scrubbing the species bring two species together? The statistics reef, fitted four ways per seed.

`free` has no temperature head and scrubs nothing, `scrubbed` scrubs the species; `labelled` has a temperature head and
the labels of 5 % of the windows, `both` has these and scrubs the species. Of each: how well the species can be told
from the latents, beside chance, in five folds of all windows and of test windows alone (these are of three recordings
per species, whose temperatures differ, so that the species differ in what they do); and the cross-species error of the
hidden state of test windows as a share of the shuffled one (`ratio`), beside `null`, the same when the hidden states of
whole recordings have changed places.

Prints one JSON object. What was fitted before is taken from the file of `--rows`, which grows line by line:

    python benchmarks/scrub_species.py [--seeds 10] [--labelled-seeds 5] [--scrubber qd:2] [--set key=value ...]
        [--rows species.jsonl]
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from cross_species import hidden_states, make_project, null_ratios, read_truth

from napari_atlas.analysis.decodability import Decoding, choose_windows, decode
from napari_atlas.analysis.neighbours import cross_species_error
from napari_atlas.data.config import FitConfig
from napari_atlas.data.recording import Recording
from napari_atlas.data.splits import assign_split
from napari_atlas.data.variables import Variable, table_variable
from napari_atlas.data.windows import Windows, WindowTable
from napari_atlas.io.loading import load_recording, load_windows
from napari_atlas.io.project import read_project
from napari_atlas.model.conditioning import with_variables
from napari_atlas.model.fitting import fit_epochs, start_fit
from napari_atlas.model.runner import encode_all, prepare

SETTINGS = {
    "latent_dim": 4, "epochs": 60, "patience": 0, "batch_size": 256, "learning_rate": 2e-3, "schedule": "one-cycle",
    "averaging": 0.99, "beta": 0.1, "beta_warmup": 20, "device": "cpu",
}  # fmt: skip
WAYS = {"free": (False, False), "scrubbed": (False, True), "labelled": (True, False), "both": (True, True)}
LABELLED = 0.05
CLOSE = 0.05
HOW = Decoding(shuffles=5)


class Reef:
    """Windows, hidden states and recordings of one statistics reef."""

    def __init__(self, folder: Path, seed: int) -> None:
        project = read_project(make_project(folder, seed))
        self.recordings: dict[str, Recording] = {e.name: load_recording(project, e) for e in project.recordings}
        self.windows: Windows = load_windows(project)[0]
        self.windows = self.windows.with_split(assign_split(self.windows.table, FitConfig(seed=seed)).codes)
        self.latents = np.empty(0)
        self.states = hidden_states(self, read_truth(folder / "reef" / "truth.csv"))

    def partly_labelled(self, seed: int) -> Windows:
        """Return the windows with the temperature of a random 5 % alone."""
        table = self.windows.table
        known = np.random.default_rng(seed).random(len(table)) < LABELLED
        return replace(self.windows, table=replace(table, temperature=np.where(known, table.temperature, np.nan)))


def encoded(windows: Windows, config: FitConfig) -> np.ndarray:
    """Return the latents of all windows after a fit."""
    prepared = prepare(windows, config)
    if config.scrubs:
        measured = {"species": table_variable(windows.table, "species")}
        species = Variable.of(measured["species"], windows.table.in_split("train"), given=False)
        prepared = with_variables(prepared, [species], measured)
    state = start_fit(prepared.model, config)
    for _ in fit_epochs(state, prepared.resident, windows, config):
        pass
    return encode_all(prepared).mu


def told_species(mu: np.ndarray, table: WindowTable) -> dict[str, tuple[float, float]]:
    """Return score and chance by decoder."""
    chosen = choose_windows(table, table_variable(table, "species"), HOW)
    rows = decode("latent", mu[chosen.ids], chosen, table, HOW)
    return {row.decoder: (round(row.score, 4), round(row.chance, 4)) for row in rows}


def measure(reef: Reef, seed: int, way: str, asked: argparse.Namespace) -> dict[str, object]:
    """Return the figures of one fit."""
    labelled, scrubbed = WAYS[way]
    config = FitConfig.from_dict({
        **SETTINGS, **({} if labelled else {"temperature_weight": 0}), "seed": seed,
        "scrub": f"species:{asked.scrubber}" if scrubbed else "",
        **dict(text.split("=", 1) for text in asked.settings),
    })  # fmt: skip
    began = time.perf_counter()
    mu = encoded(reef.partly_labelled(seed) if labelled else reef.windows, config)
    seconds, table = time.perf_counter() - began, reef.windows.table
    told = {
        part: told_species(mu, of) for part, of in (("all", replace(table, split=0 * table.split)), ("test", table))
    }
    test = [ids[table.in_split("test")[ids]] for ids in map(table.rows_of, table.species_names())]
    latents, states = [mu[ids] for ids in test], [reef.states[ids] for ids in test]
    null = null_ratios(latents, states, [table.track[ids].astype(int) for ids in test])
    return {
        "seed": seed, "way": way, "species": told, "ratio": round(cross_species_error(latents, states).ratio, 4),
        "null": [round(float(null.mean()), 4), round(float(np.quantile(null, 0.05)), 4)], "seconds": round(seconds, 1),
    }  # fmt: skip


def summary(rows: list[dict]) -> dict[str, object]:
    """Return the figures over all seeds."""
    ratio = {(row["seed"], row["way"]): row["ratio"] for row in rows}
    scrubbed = [row for row in rows if row["way"] == "scrubbed"]
    pairs = [seed for seed, way in ratio if way == "both" and (seed, "labelled") in ratio]
    close = {part: sum(all(s - c <= CLOSE for name, (s, c) in row["species"][part].items() if name != "mlp")
                       for row in scrubbed) for part in ("all", "test")}  # fmt: skip
    return {
        "species_at_chance": {**close, "of": len(scrubbed)},
        "both_better_than_labelled": [sum(ratio[s, "both"] < ratio[s, "labelled"] for s in pairs), len(pairs)],
        "below_null": {way: sum(row["ratio"] < row["null"][1] for row in rows if row["way"] == way) for way in WAYS},
        "ratio": {way: sorted(row["ratio"] for row in rows if row["way"] == way) for way in WAYS},
    }


def main() -> None:
    """Fit all and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--labelled-seeds", type=int, default=5)
    parser.add_argument("--scrubber", default="qd:2")
    parser.add_argument("--set", dest="settings", action="append", default=[])
    parser.add_argument("--rows", type=Path)
    asked = parser.parse_args()
    lines = asked.rows.read_text(encoding="utf-8").splitlines() if asked.rows and asked.rows.exists() else []
    rows = [json.loads(line) for line in lines]
    for seed in range(asked.seeds):
        ways = WAYS if seed < asked.labelled_seeds else ("free", "scrubbed")
        missing = [way for way in ways if not any((r["seed"], r["way"]) == (seed, way) for r in rows)]
        if not missing:
            continue
        with tempfile.TemporaryDirectory() as folder:
            reef = Reef(Path(folder), seed)
        for way in missing:
            rows.append(measure(reef, seed, way, asked))
            if asked.rows:
                with asked.rows.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(rows[-1]) + "\n")
    print(json.dumps({**summary(rows), "seeds": rows}))


if __name__ == "__main__":
    main()
