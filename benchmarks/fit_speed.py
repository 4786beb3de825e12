"""How fast an epoch is beside the loop that one would write first, same weights and batches: one JSON object.

The plain loop has ``nn.MaxPool1d``, ``nn.AdaptiveAvgPool1d``, Adam at its defaults, a ``DataLoader`` of single windows
without workers, and an ``.item()`` per loss term. Both run on one thread (or on the same GPU) in turns.

    python benchmarks/fit_speed.py [--epochs 3] [--device cpu] [--shared ../shared]
"""

from __future__ import annotations

import argparse
import copy
import json
import statistics
import sys
import time
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).parent))
import truth

from napari_atlas.data.config import FitConfig
from napari_atlas.model import fitting
from napari_atlas.model.batches import training_order
from napari_atlas.model.capture import Stepper
from napari_atlas.model.losses import Weights, terms_of, total
from napari_atlas.model.runner import Prepared, prepare


class PlainEncoder(nn.Module):
    """The encoder with the pools that PyTorch offers, and the same weights."""

    def __init__(self, of: nn.Module) -> None:
        super().__init__()
        conv1, conv2, conv3, hidden, posterior = (
            copy.deepcopy(getattr(of, name)) for name in ("conv1", "conv2", "conv3", "hidden", "posterior")
        )
        pools = (nn.MaxPool1d(2), nn.MaxPool1d(2), nn.AdaptiveAvgPool1d(4))
        self.layers = nn.Sequential(
            conv1, nn.ReLU(), pools[0], conv2, nn.ReLU(), pools[1], conv3, nn.ReLU(), pools[2],
            nn.Flatten(), hidden, nn.ReLU(), posterior,
        )  # fmt: skip

    def forward(self, windows: Tensor) -> Tensor:
        """Return μ and log σ² in one tensor."""
        return self.layers(windows.transpose(1, 2))


class PlainLoop:
    """What one would write first: a data set of windows, a loader per species, a loss term at a time."""

    def __init__(self, prepared: Prepared, rows: dict[str, Tensor], config: FitConfig) -> None:
        self.model, self.config, self.rows = copy.deepcopy(prepared.model), config, rows
        for key, encoder in self.model.encoders.items():
            self.model.encoders[key] = PlainEncoder(encoder)
        self.device = next(self.model.parameters()).device
        self.model.to(self.device)
        self.optimiser = torch.optim.Adam(self.model.parameters(), lr=config.learning_rate)
        self.generator = torch.Generator().manual_seed(config.seed)
        self.noise = torch.Generator(self.device).manual_seed(config.seed)
        every = {name: torch.arange(r.ids.size, device=self.device) for name, r in prepared.resident.items()}
        self.sets = {
            name: TensorDataset(r.windows(every[name]).cpu(), r.labels.cpu()) for name, r in prepared.resident.items()
        }

    def epoch(self, beta: float) -> float:
        """Train for one epoch and return the mean loss."""
        self.model.train()
        orders = training_order(self.rows, self.config.batch_size, self.generator)
        loaders = {name: DataLoader(data, batch_sampler=orders[name].tolist()) for name, data in self.sets.items()}
        n_steps = len(next(iter(orders.values())))
        weights, sums = Weights(beta, self.config.temperature_weight), [0.0] * 4
        for batches in zip(*loaders.values(), strict=True):
            self.optimiser.zero_grad()
            loss = torch.zeros((), device=self.device)
            n_all = sum(len(batch[0]) for batch in batches)
            noise = torch.randn((n_all, self.config.latent_dim), generator=self.noise, device=self.device)
            for name, batch in zip(loaders, batches, strict=True):
                windows, labels = (part.to(self.device) for part in batch)
                mine, noise = noise[: len(windows)], noise[len(windows) :]
                terms = terms_of(self.model(name, windows, mine), windows, labels)
                loss = loss + total(terms, weights)
                for i, term in enumerate(terms):
                    sums[i] += term.item()
            loss.backward()
            self.optimiser.step()
            sums[3] += loss.item()
        return sums[3] / n_steps


def finish(device: torch.device) -> float:
    """Return the time once the device has done all its work."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def matmul_rate(device: torch.device) -> float:
    """Return floating point operations per second of a large product of matrices."""
    a = torch.randn(1024, 1024, device=device)
    best = 0.0
    for _ in range(8):
        begin = finish(device)
        a @ a
        best = max(best, 2 * 1024**3 / (finish(device) - begin))
    return best


def flop_of_step(state: fitting.FitState, prepared: Prepared, rows: dict[str, Tensor], config: FitConfig) -> int:
    """Return the operations of one step, forwards and backwards."""
    with FlopCounterMode(display=False) as counter:
        batch = {n: order[0] for n, order in training_order(rows, config.batch_size, torch.Generator()).items()}
        loss = torch.stack([
            total(terms_of(state.model(n, prepared.resident[n].windows(r)), prepared.resident[n].windows(r),
                           prepared.resident[n].labels[r]), Weights(1.0, 1.0))
            for n, r in batch.items()
        ]).sum()  # fmt: skip
        loss.backward()
    return int(counter.get_total_flops())


def profile_of(step) -> dict[str, float]:
    """Return the share of the operations that take most of an epoch's time."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profiler:
        step()
    rows = sorted(profiler.key_averages(), key=lambda row: row.self_cpu_time_total, reverse=True)
    whole = sum(row.self_cpu_time_total for row in rows)
    return {row.key: round(row.self_cpu_time_total / whole, 3) for row in rows[:10]}


def measure(device: torch.device, epochs: int, shared: Path) -> dict[str, object]:
    """Return the times of both loops on one device."""
    torch.set_num_threads(1)
    config = FitConfig(device=device.type)
    windows = truth.load(shared)
    prepared = prepare(windows, config)
    torch.set_num_threads(1)
    rows = {
        name: torch.nonzero(torch.from_numpy(windows.table.in_split("train"))[torch.from_numpy(r.ids)]).squeeze(1)
        for name, r in prepared.resident.items()
    }
    plain = PlainLoop(prepared, rows, config)
    state = fitting.start_fit(prepared.model, config)
    on_device = {name: r.to(device) for name, r in rows.items()}
    state.epoch = config.beta_warmup
    stepper = Stepper(state, prepared.resident, config)

    def ours() -> float:
        return fitting._train(state, prepared.resident, on_device, config, stepper)["total"]

    first = (ours(), plain.epoch(config.beta))
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(epochs):
        for spent, run in zip(times, (ours, lambda: plain.epoch(config.beta)), strict=True):
            begin = finish(device)
            run()
            spent.append(finish(device) - begin)
    mine, theirs = (statistics.median(spent) for spent in times)
    n_steps = len(next(iter(training_order(rows, config.batch_size, torch.Generator()).values())))
    floor = flop_of_step(state, prepared, on_device, config) * n_steps / matmul_rate(device)
    return {
        "ratio": round(theirs / mine, 2),
        "epoch_ms": round(1000 * mine, 1),
        "plain_epoch_ms": round(1000 * theirs, 1),
        "loss_difference": abs(first[0] - first[1]),
        "floor_fraction": round(floor / mine, 3),
        "profile": profile_of(ours) if device.type == "cpu" else {},
    }


def main() -> None:
    """Measure on the CPU, and on an NVIDIA GPU where there is one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--shared", type=Path, default=Path(__file__).parents[1] / ".." / "shared")
    asked = parser.parse_args()
    on_cpu = measure(torch.device("cpu"), asked.epochs, asked.shared)
    gpu = measure(torch.device("cuda"), asked.epochs, asked.shared) if torch.cuda.is_available() else "not measured"
    print(json.dumps({**on_cpu, "gpu": gpu}))


if __name__ == "__main__":
    main()
