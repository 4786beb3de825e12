"""What many overlapping windows cost in memory and time: one JSON object.

36 recordings of 32 400 frames and 54 channels, windows of 51 frames at every frame. ``ratio`` is the peak of memory
above the imports, signals included, over the size of the signals; windows written out would take 51. ``fit_ratio`` goes
on to the scalers and the training arrays, which are a copy in single precision. ``seconds_per_million`` cuts from 10⁴
to 10⁶ windows and gathers all of them in batches.

    python benchmarks/windows_memory.py [--recordings 36] [--frames 32400] [--channels 54]
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time

import numpy as np

from napari_atlas.data.species import Species
from napari_atlas.data.windows import Track, TrackKey, Windows

WINDOW = 51
BATCH = 256


def peak_bytes() -> int:
    """Return the most memory that this process has held."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def make_track(number: int, n_frames: int, n_channels: int) -> Track:
    """Return the signal of one recording at 30 frames per second."""
    rng = np.random.default_rng(number)
    return Track(
        key=TrackKey("mouse", f"recording-{number}", "mouse"),
        values=rng.random((n_frames, n_channels)),
        times=np.arange(n_frames) / 30,
        frames=np.arange(n_frames + 1),
        temperature=np.full(n_frames, 20.0 + number),
        length=WINDOW,
        starts=np.arange(n_frames - WINDOW + 1),
        labels=np.empty(0),
    )


def cut(n_recordings: int, n_frames: int, n_channels: int) -> Windows:
    """Return the windows of so many recordings."""
    tracks = (make_track(i, n_frames, n_channels) for i in range(n_recordings))
    return Windows.from_tracks(tracks, [Species("mouse", "array", bin_rate=0)])


def gather(windows: Windows) -> float:
    """Gather every window once, in batches in random order, and return a sum so that nothing is left out."""
    order, total = np.random.default_rng(0).permutation(len(windows.table)), 0.0
    for begin in range(0, order.size, BATCH):
        total += float(windows.gather(order[begin : begin + BATCH])[:, 0, 0].sum())
    return total


def memory(n_recordings: int, n_frames: int, n_channels: int) -> dict[str, float]:
    """Return peaks over the size of the signals; to be called once per process."""
    import torch

    from napari_atlas.model.batches import fit_scaling, make_resident

    before, size = peak_bytes(), n_recordings * n_frames * n_channels * 8
    windows = cut(n_recordings, n_frames, n_channels)
    windows.gather(np.arange(BATCH))
    after_windows = peak_bytes()
    resident = make_resident(windows, fit_scaling(windows), torch.device("cpu"))["mouse"]
    resident.windows(torch.arange(BATCH))
    return {
        "ratio": round((after_windows - before) / size, 3),
        "fit_ratio": round((peak_bytes() - before) / size, 3),
        "signals_mb": round(size / 1e6),
        "n_windows": len(windows.table),
    }


def seconds_per_million(n_windows: int) -> float:
    """Return the time of cutting and gathering, per million windows of one-channel signals; median of three."""
    spent = []
    for _ in range(3):
        begin = time.perf_counter()
        gather(cut(10, n_windows // 10 + WINDOW - 1, 1))
        spent.append(time.perf_counter() - begin)
    return statistics.median(spent) / n_windows * 1e6


def main() -> None:
    """Measure memory in a process of its own, and time here."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recordings", type=int, default=36)
    parser.add_argument("--frames", type=int, default=32_400)
    parser.add_argument("--channels", type=int, default=54)
    parser.add_argument("--memory-only", action="store_true")
    asked = parser.parse_args()
    if asked.memory_only:
        print(json.dumps(memory(asked.recordings, asked.frames, asked.channels)))
        return
    run = subprocess.run([sys.executable, *sys.argv, "--memory-only"], capture_output=True, text=True, check=True)
    times = {n: round(seconds_per_million(n), 3) for n in (10_000, 100_000, 1_000_000)}
    slope = round(times[1_000_000] / times[10_000], 2)
    print(json.dumps({**json.loads(run.stdout), "seconds_per_million": times, "last_over_first": slope}))


if __name__ == "__main__":
    main()
