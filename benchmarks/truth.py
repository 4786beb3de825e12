"""How much of temperature holds on unseen animals of the real jellyfish and sticklebacks: one JSON object.

Tracks are those of ``golden/atlas_tracks.npz``; every 4th is test, every 8th validation.

    python benchmarks/truth.py [--seeds 5] [--set key=value ...] [--shared ../shared]
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from napari_atlas.analysis.alignment import held_out_r2
from napari_atlas.data.config import FitConfig
from napari_atlas.data.windows import SPLITS, Windows
from napari_atlas.model.fitting import fit_epochs, start_fit
from napari_atlas.model.runner import encode_all, prepare

# Which of every 8 tracks is validation, and which of every 4 is test.
VALIDATION, TEST = 1, 3
SPECIES = (("jellyfish", "jelly_z", "jelly_temps"), ("fish", "fish_z", "fish_temps"))


def load(shared: Path) -> Windows:
    """Return the windows of both species with their tracks' split."""
    arrays = {name: np.load(shared / f"data/atlas/{name}.npz") for name, _, _ in SPECIES}
    windows = Windows.from_arrays(
        {name: arrays[name][z] for name, z, _ in SPECIES}, {name: arrays[name][label] for name, _, label in SPECIES}
    )
    golden = np.load(shared / "golden/atlas_tracks.npz")
    split = np.empty(len(windows.table), dtype=np.int8)
    for name, _, _ in SPECIES:
        split[windows.table.rows_of(name)] = split_of(golden[f"{name}_track"])
    return windows.with_split(split)


def split_of(track: np.ndarray) -> np.ndarray:
    """Return the part of each window: every 4th track is test, every 8th validation, the rest training."""
    codes = np.full(track.size, SPLITS.index("train"))
    codes[track % 8 == VALIDATION] = SPLITS.index("validation")
    codes[track % 4 == TEST] = SPLITS.index("test")
    return codes


def fitted(windows: Windows, config: FitConfig) -> dict[str, object]:
    """Return what one fit reports on its test windows."""
    prepared = prepare(windows, config)
    state = start_fit(prepared.model, config)
    reports = list(fit_epochs(state, prepared.resident, windows, config))
    found = held_out_r2(windows.table, encode_all(prepared).predicted, seed=config.seed)
    return {
        "seed": config.seed,
        "epochs": len(reports),
        "best_epoch": state.best_epoch,
        **{
            name: {part: round(getattr(figures, part), 3) for part in ("train", "validation", "test", "shuffled")}
            for name, figures in found.items()
        },
    }


def main() -> None:
    """Fit with every seed and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--set", dest="settings", action="append", default=[])
    parser.add_argument("--shared", type=Path, default=Path(__file__).parents[1] / ".." / "shared")
    asked = parser.parse_args()
    config = FitConfig.from_dict(dict(text.split("=", 1) for text in asked.settings))
    windows = load(asked.shared)
    fits = [fitted(windows, replace(config, seed=seed)) for seed in range(asked.seeds)]
    worst = {name: min(fit[name]["test"] for fit in fits) for name, _, _ in SPECIES}
    print(json.dumps({"worst_test_r2": worst, "seeds": fits}))


if __name__ == "__main__":
    main()
