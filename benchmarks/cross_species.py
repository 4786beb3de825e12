"""Do nearest neighbours across species share the hidden state? The latent beside two random forests, in one run.

Prints one JSON object: `latent_ratio` and `forest_ratio` (error of the hidden state over the shuffled error, on test
windows), `ratio` (one over the other), per seed and in the mean; and `null_ratio`, the latent's when the hidden states
of whole recordings have changed places. Without a head nothing ties the species to each other:

    python benchmarks/cross_species.py [--seeds 5] [--set key=value ...]
    python benchmarks/cross_species.py --seeds 10 --set temperature_weight=0
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
from pathlib import Path

import numpy as np

from napari_atlas import workflow
from napari_atlas.analysis.alignment import shuffle_by_course
from napari_atlas.analysis.neighbours import cross_species_error
from napari_atlas.data.config import FitConfig
from napari_atlas.sample.reef import ReefSpec, write_reef


def make_project(folder: Path, seed: int) -> Path:
    """Return the project of a statistics reef."""
    for _ in write_reef(folder / "reef", ReefSpec.statistics(seed)):
        pass
    project = folder / "reef.atlas"
    workflow.new(project)
    for _ in workflow.add_reef(project, folder / "reef"):
        pass
    return project


def read_truth(path: Path) -> dict[tuple[str, int], tuple[np.ndarray, np.ndarray]]:
    """Return (seconds, hidden state) by recording and number of the animal."""
    rows: dict[tuple[str, int], list[tuple[float, float]]] = {}
    with path.open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            key = (row["recording"], int(row["individual"].rsplit("_", 1)[1]))
            rows.setdefault(key, []).append((float(row["second"]), float(row["hidden_state"])))
    return {key: tuple(np.array(values).T) for key, values in rows.items()}


def hidden_states(atlas, truth) -> np.ndarray:
    """Return the (n_windows,) mean hidden state of every window."""
    table = atlas.windows.table
    states = np.empty(len(table))
    for i, key in enumerate(table.keys):
        number = atlas.recordings[key.recording].individuals.index(key.individual)
        seconds, hidden = truth[key.recording, number]
        ids = np.flatnonzero(table.track == i)
        length = atlas.windows.lengths[key.species]
        times = table.seconds[ids, None] + np.arange(length) + 0.5 - length / 2
        states[ids] = np.interp(times, seconds, hidden).mean(axis=1)
    return states


def features(windows: np.ndarray) -> np.ndarray:
    """Return simple summaries of (n_windows, n_times) windows."""
    with np.errstate(invalid="ignore"):
        filled = np.where(np.isfinite(windows), windows, np.nanmean(windows, axis=1, keepdims=True))
    centred = filled - filled.mean(axis=1, keepdims=True)
    variance = np.maximum((centred**2).sum(axis=1), 1e-12)
    columns = [
        filled.mean(axis=1),
        filled.std(axis=1),
        *np.quantile(filled, [0, 0.1, 0.25, 0.5, 0.75, 0.9, 1], axis=1),
        (filled < 0.3 * np.median(filled, axis=1, keepdims=True)).mean(axis=1),
        (centred[:, 1:] * centred[:, :-1]).sum(axis=1) / variance,
        np.abs(np.diff(filled, axis=1)).mean(axis=1),
    ]
    return np.column_stack(columns)


def forest_predictions(atlas, states: np.ndarray, seed: int) -> np.ndarray:
    """Return (n_windows,) hidden states as one forest per species, trained on training windows, predicts them."""
    from sklearn.ensemble import RandomForestRegressor

    table = atlas.windows.table
    predicted = np.full(len(table), np.nan)
    for species in table.species_names():
        ids = table.rows_of(species)
        x = features(atlas.windows.gather(ids)[:, :, 0])
        train = table.in_split("train")[ids]
        forest = RandomForestRegressor(n_estimators=200, min_samples_leaf=5, n_jobs=1, random_state=seed)
        predicted[ids] = forest.fit(x[train], states[ids][train]).predict(x)
    return predicted


def null_ratios(latents: list[np.ndarray], states: list[np.ndarray], courses: list[np.ndarray]) -> np.ndarray:
    """Return the latent's ratio when the hidden states of whole recordings have changed places, 200 times."""
    rng = np.random.default_rng(0)
    pairs = list(zip(states, courses, strict=True))
    shuffled = ([shuffle_by_course(*pair, rng) for pair in pairs] for _ in range(200))
    return np.array([cross_species_error(latents, values).ratio for values in shuffled])


def compare(project: Path, truth_file: Path, config: FitConfig) -> dict[str, float]:
    """Return the error ratios of the latent and of the forests on test windows."""
    events = list(workflow.fit(project, config))
    atlas = workflow.load_atlas(project)
    table = atlas.windows.table
    states = hidden_states(atlas, read_truth(truth_file))
    forests = forest_predictions(atlas, states, config.seed)
    test = [table.rows_of(name)[table.in_split("test")[table.rows_of(name)]] for name in table.species_names()]
    values = [states[ids] for ids in test]
    latent = cross_species_error([atlas.latents[ids] for ids in test], values)
    forest = cross_species_error([forests[ids, None] for ids in test], values)
    null = null_ratios([atlas.latents[ids] for ids in test], values, [table.track[ids].astype(int) for ids in test])
    r2 = [
        1 - ((states[ids] - forests[ids]) ** 2).sum() / ((states[ids] - states[ids].mean()) ** 2).sum() for ids in test
    ]
    return {
        "latent_ratio": round(latent.ratio, 4),
        "null_ratio": {
            "mean": round(float(null.mean()), 4),
            "lowest_5_percent": round(float(np.quantile(null, 0.05)), 4),
        },
        "forest_ratio": round(forest.ratio, 4),
        "ratio": round(latent.ratio / forest.ratio, 4),
        "forest_r2": [round(float(value), 3) for value in r2],
        "temperature_r2": [f["test"] and round(f["test"], 3) for f in events[-1].data["temperature_r2"].values()],
        "epochs": events[-1].data["epochs"],
    }


def main() -> None:
    """Print the figures of every seed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--set", dest="settings", action="append", default=[])
    asked = parser.parse_args()
    settings = dict(text.split("=", 1) for text in asked.settings)
    results = []
    for seed in range(asked.seeds):
        with tempfile.TemporaryDirectory() as folder:
            project = make_project(Path(folder), seed)
            config = FitConfig.from_dict({**settings, "seed": seed})
            results.append(compare(project, Path(folder) / "reef" / "truth.csv", config))
    ratios = [result["ratio"] for result in results]
    print(json.dumps({"ratio": float(np.mean(ratios)), "worst_ratio": max(ratios), "seeds": results}))


if __name__ == "__main__":
    main()
