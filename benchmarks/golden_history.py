"""Loss terms over the epochs beside those of the reference, all windows in training: one JSON object.

A figure agrees where the mean over the seeds differs from the reference's single run by no more than four standard
deviations of the seeds, or by 3 %, whichever is more.

    python benchmarks/golden_history.py [--seeds 5] [--epochs 250] [--shared ../shared]
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent))
import truth

from napari_atlas.data.config import FitConfig
from napari_atlas.data.presets import PRESETS
from napari_atlas.data.windows import Windows
from napari_atlas.model.fitting import fit_epochs, start_fit
from napari_atlas.model.runner import prepare

EPOCHS = (1, 25, 50, 100, 250)
TERMS = {"recon": "reconstruction", "kl": "kl", "temp": "temperature"}


def reference(shared: Path) -> dict[int, dict[str, float]]:
    """Return the reference's terms by epoch."""
    with (shared / "golden" / "atlas_reference_history.csv").open(encoding="utf-8", newline="") as lines:
        return {int(row["epoch"]): {term: float(row[term]) for term in TERMS} for row in csv.DictReader(lines)}


def history(windows: Windows, seed: int, epochs: int) -> NDArray[np.float64]:
    """Return (n_epochs, n_terms) of one fit with the reference's settings."""
    everything = windows.with_split(np.zeros(len(windows.table), dtype=np.int8))
    config = FitConfig.from_dict({**PRESETS["reference"].values, "seed": seed, "epochs": epochs, "device": "cpu"})
    prepared = prepare(everything, config)
    state = start_fit(prepared.model, config)
    reports = fit_epochs(state, prepared.resident, everything, config)
    return np.array([[report.train[ours] for ours in TERMS.values()] for report in reports])


def compare(found: NDArray[np.float64], golden: dict[int, dict[str, float]]) -> list[dict[str, object]]:
    """Return one row per epoch and term of (n_seeds, n_epochs, n_terms) figures."""
    rows: list[dict[str, object]] = []
    for epoch in (e for e in EPOCHS if e <= found.shape[1]):
        for i, term in enumerate(TERMS):
            mine, wanted = found[:, epoch - 1, i], golden[epoch][term]
            allowed = max(4 * float(mine.std(ddof=1)), 0.03 * wanted)
            difference = abs(wanted - float(mine.mean()))
            rows.append({
                "epoch": epoch, "term": term, "reference": wanted, "ours": round(float(mine.mean()), 4),
                "difference": round(difference, 4), "allowed": round(allowed, 4), "agrees": difference <= allowed,
            })  # fmt: skip
    return rows


def main() -> None:
    """Fit with several seeds and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=max(EPOCHS))
    parser.add_argument("--shared", type=Path, default=Path(__file__).parents[1] / ".." / "shared")
    asked = parser.parse_args()
    windows = truth.load(asked.shared)
    found = np.stack([history(windows, seed, asked.epochs) for seed in range(asked.seeds)])
    rows = compare(found, reference(asked.shared))
    print(json.dumps({"agree": sum(bool(row["agrees"]) for row in rows), "of": len(rows), "rows": rows}))


if __name__ == "__main__":
    main()
