"""Give a fit its variables: decoders that are told them, and their columns beside the windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from napari_atlas.data.variables import Measured, Variable
from napari_atlas.model.batches import Resident
from napari_atlas.model.runner import Prepared
from napari_atlas.model.scrubbing import make_scrubbers
from napari_atlas.model.vae import AtlasVAE

__all__ = ["with_variables"]


def with_variables(
    prepared: Prepared, new: Sequence[Variable], measured: Mapping[str, Measured], trained_before: bool = False
) -> Prepared:
    """Return a fit whose network knows further variables.

    Parameters
    ----------
    prepared
        A fit that has not begun.
    new
        Variables that its network does not have yet.
    measured
        By name, of the new ones and of those that the network has; one that is missing is unknown throughout.
    trained_before
        Whether the network's weights are to be kept: what is told then changes nothing until it is trained.

    Raises
    ------
    InputError
        If a variable was measured as another kind than the network knows, or a scrubber does not fit.
    """
    model, config = prepared.model, prepared.config
    architecture = replace(model.architecture, variables=(*model.architecture.variables, *new))
    make_scrubbers(architecture, config)  # a fault is told before anything is trained
    if new:
        torch.manual_seed(config.seed)
        grown = AtlasVAE(architecture).to(next(model.parameters()).device)
        if trained_before:
            _take_over(grown, model)
        model = grown.train(model.training)
    resident = {name: _told(data, model, measured) for name, data in prepared.resident.items()}
    return replace(prepared, model=model, resident=resident)


def _take_over(grown: nn.Module, model: nn.Module) -> None:
    """Take all weights over; where more is told now, its columns are 0."""
    old, new = model.state_dict(), grown.state_dict()
    for name, weights in new.items():
        if weights.shape == old[name].shape:
            weights.copy_(old[name])
        else:
            weights.zero_()
            weights[tuple(slice(n) for n in old[name].shape)] = old[name]
    grown.load_state_dict(new)
    frozen = {name for name, weights in model.named_parameters() if not weights.requires_grad}
    for name, parameter in grown.named_parameters():
        parameter.requires_grad_(name not in frozen)


def _told(data: Resident, model: AtlasVAE, measured: Mapping[str, Measured]) -> Resident:
    columns = [
        variable.columns(measured[variable.name])[data.ids]
        if variable.name in measured
        else np.full((data.ids.size, variable.width), np.nan, np.float32)
        for variable in model.architecture.variables
    ]
    stacked = np.concatenate([np.empty((data.ids.size, 0), np.float32), *columns], axis=1)
    return replace(data, variables=torch.from_numpy(stacked).to(data.signal.device))
