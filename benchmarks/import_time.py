"""How long ``import napari_atlas`` takes, and whether it drags anything heavy in: one JSON object on stdout."""

import json
import statistics
import subprocess
import sys
import time

REPEATS = 9
HEAVY = ("anndata", "av", "h5py", "napari", "numba", "numpy", "pandas", "qtpy", "scipy", "sklearn", "sleap_io", "torch",
         "umap", "vispy")  # fmt: skip
MEASURE = f"""
import time
before = time.perf_counter()
import napari_atlas
took = time.perf_counter() - before
import json, sys
print(json.dumps([1000 * took, [name for name in {HEAVY!r} if name in sys.modules]]))
"""


def imported() -> tuple[float, list[str]]:
    """Return the milliseconds of the import in a fresh interpreter, and the heavy modules that it left."""
    done = subprocess.run([sys.executable, "-c", MEASURE], capture_output=True, text=True, check=True)
    milliseconds, heavy = json.loads(done.stdout)
    return milliseconds, heavy


def bare() -> float:
    """Return the milliseconds of a fresh interpreter that does nothing."""
    before = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return 1000 * (time.perf_counter() - before)


def main() -> None:
    """Measure the two in turn and print their medians."""
    runs = [(bare(), *imported()) for _ in range(REPEATS)]
    figures = {
        "import_ms": round(statistics.median(took for _, took, _ in runs), 2),
        "bare_ms": round(statistics.median(nothing for nothing, _, _ in runs), 2),
        "heavy": sorted({name for _, _, heavy in runs for name in heavy}),
        "repeats": REPEATS,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
