"""How soon is there something to see of 100 000 latents, and how good is it beside a whole UMAP?

The latents are made up: half of them lie along eight closed curves and half in twelve clouds of differing width, all
with noise in each of eight dimensions, as a variational autoencoder leaves cyclic and discrete behaviour. Prints one
JSON object: `first_picture_ms` (from the run's latents on disk to principal components), `preview_s` (the preview),
`umap_s` (`umap.UMAP().fit_transform` in the same run), `ratio` (one over the other), and `trust_ratio` (trustworthiness
of the preview over that of the whole UMAP, 15 neighbours, on 5 000 fixed rows among themselves). `import_s` are imports
and the compiling at first use, which are left out of all other figures. `kept` is the mean share of the 15 nearest
windows that is kept, of the same rows in the whole latent. `small_preview_s` is a preview of 10 000 latents.

    python benchmarks/map_time.py [--windows 100000] [--ours] [--million]

With --ours, the program's own map is made as well, beginning from the preview; with --million, a preview of a million.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from napari_atlas.analysis.landmarks import preview
from napari_atlas.analysis.preservation import kept_neighbours, nearest
from napari_atlas.analysis.projection import MapRecipe, project, project_linearly
from napari_atlas.io.runs import RunFolder

N_LATENT = 8


def make_latents(n: int, seed: int = 0) -> np.ndarray:
    """Return (n, 8) made-up latents."""
    rng = np.random.default_rng(seed)
    curve = rng.integers(0, 8, n // 2)
    phase = rng.uniform(0, 2 * np.pi, (n // 2, 1))
    axes, middles = rng.normal(0, 0.7, (2, 2, 8, N_LATENT)), rng.normal(0, 1.2, (20, N_LATENT))
    waves = [np.sin((i + 1) * phase) * axes[0, i, curve] + np.cos((i + 1) * phase) * axes[1, i, curve] for i in (0, 1)]
    cloud = rng.integers(8, 20, n - n // 2)
    widths = rng.uniform(0.05, 0.5, (20, N_LATENT))
    clouds = middles[cloud] + rng.normal(size=(cloud.size, N_LATENT)) * widths[cloud]
    latents = np.concatenate([middles[curve] + sum(waves), clouds]) + rng.normal(0, 0.15, (n, N_LATENT))
    return rng.permutation(latents).astype(np.float32)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return seconds that work took, and its result."""
    begun = time.perf_counter()
    result = work()
    return time.perf_counter() - begun, result


def load_and_lay_out(run: RunFolder) -> np.ndarray:
    """Return principal components of a run's latents."""
    return project_linearly(run.read_latents()["mu"])


def warm_up() -> None:
    """Import and compile what the figures are not about."""
    from sklearn.manifold import trustworthiness
    from umap import UMAP

    few = make_latents(5000)
    preview(few, MapRecipe())
    project(few[:500], MapRecipe(), begin=project_linearly(few[:500]), n_epochs=11)
    UMAP(n_epochs=11).fit_transform(few)
    trustworthiness(few[:100], few[:100, :2])


def main() -> None:
    """Print the figures."""
    from sklearn.manifold import trustworthiness

    parser = argparse.ArgumentParser()
    parser.add_argument("--windows", type=int, default=100_000)
    parser.add_argument("--ours", action="store_true")
    parser.add_argument("--million", action="store_true")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    told: dict[str, Any] = {"windows": asked.windows, "import_s": timed(warm_up)[0]}
    from umap import UMAP

    latents, recipe = make_latents(asked.windows), MapRecipe()
    rows = np.sort(np.random.default_rng(1).choice(len(latents), min(5000, len(latents)), replace=False))
    with tempfile.TemporaryDirectory() as folder:
        run = RunFolder(Path(folder))
        run.write_latents(mu=latents)
        told["first_picture_ms"] = 1000 * timed(lambda: load_and_lay_out(run))[0]
    told["small_preview_s"] = timed(lambda: preview(make_latents(10_000), recipe))[0]
    told["preview_s"], soon = timed(lambda: preview(latents, recipe))
    if asked.million:
        told["million_preview_s"] = timed(lambda: preview(make_latents(1_000_000), recipe))[0]
    maps = {"preview": soon}
    told["nearest_s"], near = timed(lambda: nearest(latents, 16))
    if asked.ours:
        told["ours_s"], maps["ours"] = timed(lambda: project(latents, recipe, near, soon))
    told["umap_s"], maps["umap"] = timed(lambda: UMAP().fit_transform(latents))
    trust = {name: trustworthiness(latents[rows], map_[rows], n_neighbors=15) for name, map_ in maps.items()}
    told["trust"] = trust
    told["kept"] = {name: float(kept_neighbours(latents, map_, near)[rows].mean()) for name, map_ in maps.items()}
    told["ratio"] = told["umap_s"] / told["preview_s"]
    told["trust_ratio"] = trust["preview"] / trust["umap"]
    print(json.dumps(rounded(told)))


def rounded(value: Any) -> Any:
    """Return a JSON value with numbers that can be read."""
    if isinstance(value, dict):
        return {name: rounded(part) for name, part in value.items()}
    return round(float(value), 4) if isinstance(value, float | np.floating) else value


if __name__ == "__main__":
    main()
