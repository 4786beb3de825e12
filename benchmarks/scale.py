"""How long an epoch of a scrubbed fit takes, and what memory it needs, as the recordings grow: one JSON object.

Four mice of 324 000 frames, 18 joints as 6-D rotations and a root (111 channels), a window of 51 frames at every frame,
batch 2048, 64 latent dimensions, residual networks, full posterior; individual, heading and the speeds of the parts are
scrubbed. Shares of 1, 10 and 100 % of it are asked for. On a GPU all of them are measured. On a CPU one hundredth is,
and the others are told from it and marked as estimates: the time as the number of steps, the memory as that of the
signals and of the rest, which stays.

    python benchmarks/scale.py [--device auto] [--steps 3]
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import torch

from napari_atlas.data.config import FitConfig
from napari_atlas.data.species import Species
from napari_atlas.data.variables import Measured, Variable
from napari_atlas.data.windows import Track, TrackKey, Windows

MICE, FRAMES, CHANNELS, WINDOW = 4, 324_000, 111, 51
SHARES = (0.01, 0.1, 1.0)
CONFIG = FitConfig(
    latent_dim=64, encoder="residual", posterior="full", batch_size=2048, optimiser="adamw", learning_rate=1e-4,
    clip=10_000.0, split="none", epochs=400, scrub="individual,heading,speed-parts",
)  # fmt: skip


def peak_bytes(device: torch.device) -> int:
    """Return the most memory held: on the GPU, or by this process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def poses(number: int, n_frames: int) -> Track:
    """Return the signal of one mouse: slow rotations, as poses have them."""
    rng = np.random.default_rng(number)
    phase, rate = rng.uniform(0, 6.28, CHANNELS), rng.uniform(0.02, 0.3, CHANNELS)
    values = np.sin(np.arange(n_frames)[:, None] * rate + phase) + rng.normal(0, 0.1, (n_frames, CHANNELS))
    return Track(
        key=TrackKey("mouse", f"session-{number}", f"mouse-{number}"),
        values=values,
        times=np.arange(n_frames) / 90,
        frames=np.arange(n_frames + 1),
        temperature=np.full(n_frames, np.nan),
        length=WINDOW,
        starts=np.arange(n_frames - WINDOW + 1),
        labels=np.empty(0),
    )


def variables(windows: Windows) -> dict[str, Measured]:
    """Return what is scrubbed: who it is, a heading and four speeds."""
    rng, table = np.random.default_rng(0), windows.table
    names = tuple(key.individual for key in table.keys)
    return {
        "individual": Measured("individual", "class", table.track[:, None].astype(float), names),
        "heading": Measured("heading", "angle", rng.uniform(-3.1, 3.1, (len(table), 1))),
        "speed-parts": Measured("speed-parts", "number", rng.gamma(2, 1, (len(table), 4))),
    }


def measure(share: float, device_name: str, n_steps: int) -> dict[str, object]:
    """Return seconds per epoch and memory of a share of the frames; to be called once per process."""
    from napari_atlas.model.batches import training_order
    from napari_atlas.model.capture import Stepper
    from napari_atlas.model.conditioning import with_variables
    from napari_atlas.model.fitting import choose_device
    from napari_atlas.model.losses import Labels, labels_by_step, parts_of
    from napari_atlas.model.runner import begin, prepare
    from napari_atlas.model.steps import Batch

    device, before = choose_device(device_name), peak_bytes(torch.device("cpu"))
    tracks = (poses(i, int(FRAMES * share)) for i in range(MICE))
    windows = Windows.from_tracks(tracks, [Species("mouse", "array", bin_rate=0)])
    prepared = prepare(windows, replace(CONFIG, device=device_name))
    measured = variables(windows)
    everywhere = np.ones(len(windows.table), bool)
    prepared = with_variables(prepared, [Variable.of(m, everywhere) for m in measured.values()], measured)
    state, data = begin(prepared), prepared.resident["mouse"]
    stepper = Stepper(state, prepared.resident, prepared.config)
    rows = {"mouse": torch.arange(data.ids.size, device=device)}
    order = training_order(rows, prepared.config.batch_size, state.generator)["mouse"]
    values, counted = labels_by_step([data.labels[order]], ())
    sizes = (order.shape[1],)

    def step(i: int) -> None:
        stepper(Batch({"mouse": order[i]}, Labels(values[i], counted[i], sizes, parts_of(sizes, device))), 1.0)

    prepared.model.train()
    step(0)
    synchronise(device)
    begun = time.perf_counter()
    taken = range(1, min(len(order), n_steps + 1))
    for i in taken:
        step(i)
    synchronise(device)
    per_step = (time.perf_counter() - begun) / max(1, len(taken))
    held = peak_bytes(device)
    signals = data.signal.numel() * 4
    return {
        "share": share,
        "n_windows": int(data.ids.size),
        "steps_per_epoch": len(order),
        "seconds_per_step": round(per_step, 3),
        "seconds_per_epoch": round(per_step * len(order), 1),
        "memory_gb": round((held - (0 if device.type == "cuda" else before)) / 1e9, 2),
        "signals_gb": round(signals / 1e9, 2),
        "estimate": False,
        "device": prepared.device,
    }


def foretold(known: dict[str, object], share: float) -> dict[str, object]:
    """Return the figures of a larger share, told from a smaller one."""
    times = share / float(known["share"])
    steps = round(float(known["n_windows"]) * times / CONFIG.batch_size)
    signals = float(known["signals_gb"]) * times
    # While they are read, signals are held in double precision as well.
    memory = float(known["memory_gb"]) + 3 * (signals - float(known["signals_gb"]))
    return known | {
        "share": share,
        "n_windows": round(float(known["n_windows"]) * times),
        "steps_per_epoch": steps,
        "seconds_per_epoch": round(float(known["seconds_per_step"]) * steps, 1),
        "memory_gb": round(memory, 2),
        "signals_gb": round(signals, 2),
        "estimate": True,
    }


def synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def main() -> None:
    """Measure each share in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--steps", type=int, default=4, help="steps that are timed")
    parser.add_argument("--share", type=float, help="measure this share only")
    asked = parser.parse_args()
    if asked.share:
        print(json.dumps(measure(asked.share, asked.device, asked.steps)))
        return
    found: list[dict[str, object]] = []
    for share in SHARES:
        if found and not torch.cuda.is_available():
            found.append(foretold(found[0], share))
            continue
        command = [sys.executable, __file__, "--device", asked.device, "--steps", str(asked.steps)]
        done = subprocess.run([*command, "--share", str(share)], stdout=subprocess.PIPE, text=True, check=True)
        found.append(json.loads(done.stdout.splitlines()[-1]))
    print(json.dumps({"shares": found, "batch": CONFIG.batch_size, "latent_dim": CONFIG.latent_dim}))


if __name__ == "__main__":
    main()
