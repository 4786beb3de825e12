"""Training data on the device: signals and an index, from which batches are gathered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_atlas.data.scaling import Scaler
from napari_atlas.data.windows import Windows
from napari_atlas.errors import InputError
from napari_atlas.model.kinematics import Joints
from napari_atlas.model.vae import SpeciesShape

__all__ = ["Resident", "Scaling", "fit_scaling", "make_resident", "shapes_of", "training_order"]


@dataclass(frozen=True)
class Scaling:
    """Scalers of one species: its signal and its temperature, both fitted on training windows."""

    signal: Scaler
    temperature: Scaler


@dataclass(frozen=True, eq=False)
class Resident:
    """One species' data on the device.

    Attributes
    ----------
    signal
        (n_bins_in_all, n_channels) float32, z-scored, unknown values 0 (the mean).
    offsets
        (n_windows,) row at which each window begins.
    labels
        (n_windows,) z-scored temperature, NaN where unknown.
    ids
        (n_windows,) window ids, rising.
    span
        (n_times,) 0, 1, 2 …
    variables
        (n_windows, n_columns) columns of the architecture's variables, NaN where unknown.
    joints
        How windows become positions of joints, for a species whose signal tells; else none.
    """

    signal: Tensor
    offsets: Tensor
    labels: Tensor
    ids: NDArray[np.int64]
    span: Tensor
    variables: Tensor
    joints: tuple[Joints, ...] = ()

    def windows(self, rows: Tensor) -> Tensor:
        """Return the (n_rows, n_times, n_channels) windows of these rows of ``ids``."""
        bins = self.offsets[rows, None] + self.span
        return self.signal.index_select(0, bins.flatten()).view(*bins.shape, -1)


def shapes_of(windows: Windows) -> tuple[SpeciesShape, ...]:
    """Return the window shape of every species."""
    return tuple(
        SpeciesShape(s.name, windows.lengths[s.name], windows.signals[s.name].n_channels) for s in windows.species
    )


def fit_scaling(windows: Windows) -> dict[str, Scaling]:
    """Return the scalers of every species, fitted on its training windows.

    Raises
    ------
    InputError
        If a species has fewer than two training windows or a constant signal.
    """
    table = windows.table
    scaling = {}
    for species in windows.species:
        rows = table.rows_of(species.name)
        rows = rows[table.in_split("train")[rows]]
        if rows.size < 2:
            raise InputError.of(
                f"species {species.name}",
                f"{rows.size} training windows",
                "add recordings, shorten its window or stride, or hold less out",
            )
        scaling[species.name] = Scaling(Scaler.of_windows(windows, rows), Scaler.of_labels(table.temperature[rows]))
    return scaling


def make_resident(windows: Windows, scaling: dict[str, Scaling], device: torch.device) -> dict[str, Resident]:
    """Return every species' signals, offsets and labels on the device."""
    resident = {}
    for species in windows.species:
        name, ids = species.name, windows.table.rows_of(species.name)
        signals = windows.signals[name]
        values = np.empty((len(signals), signals.n_channels), dtype=np.float32)
        for rows, track in signals.parts():
            values[rows] = np.nan_to_num(scaling[name].signal.apply(track), nan=0.0)
        labels = scaling[name].temperature.apply(windows.table.temperature[ids]).astype(np.float32)
        resident[name] = Resident(
            signal=torch.from_numpy(values).to(device),
            offsets=torch.from_numpy(windows.offsets[ids]).to(device),
            labels=torch.from_numpy(labels).to(device),
            ids=ids,
            span=torch.arange(windows.lengths[name], device=device),
            variables=torch.empty(ids.size, 0, device=device),
        )
    return resident


def training_order(rows: dict[str, Tensor], batch_size: int, generator: torch.Generator) -> dict[str, Tensor]:
    """Return, per species, the (n_steps, n_windows_per_step) rows of one epoch, in random order.

    An epoch is one pass over the longest species; the others begin anew when they are through. A species with
    fewer windows than a batch gives all of them at each step.

    Parameters
    ----------
    rows
        Per species (n_training_windows,) rows of its `Resident`.
    batch_size
        Windows of each species per step.
    generator
        Source of the random order, on the CPU.
    """
    sizes = {name: min(batch_size, r.numel()) for name, r in rows.items()}
    n_steps = max(r.numel() // sizes[name] for name, r in rows.items())
    orders = {}
    for name, mine in rows.items():
        per_pass = mine.numel() // sizes[name]
        passes = -(-n_steps // per_pass)
        shuffled = [torch.randperm(mine.numel(), generator=generator)[: per_pass * sizes[name]] for _ in range(passes)]
        orders[name] = mine[torch.cat(shuffled).to(mine.device)][: n_steps * sizes[name]].view(n_steps, sizes[name])
    return orders
