"""Several processes on one fit, through Lightning Fabric (extra ``[cluster]``)."""

from __future__ import annotations

import os

import torch
from torch import Tensor

from napari_atlas.errors import InputError
from napari_atlas.model.steps import Share

__all__ = ["join"]


def join() -> Share:
    """Meet the other processes that torchrun started for this fit, and return this one's share of every batch.

    Each process computes its part of a batch, and gradients are added up, so the result is that of one process with
    the same batch, up to rounding; only batch normalisation looks at each part alone.

    Raises
    ------
    InputError
        If there are several processes, but not the extra that they need.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return Share()
    try:
        from lightning_fabric import Fabric
    except ImportError as error:
        raise InputError.of("torchrun", "several processes need Fabric", "install napari-atlas[cluster]") from error
    here = int(os.environ.get("LOCAL_WORLD_SIZE", size))
    kind = "cuda" if torch.cuda.is_available() else "cpu"
    fabric = Fabric(accelerator=kind, devices=here, num_nodes=size // here, strategy="ddp")
    fabric.launch()

    def add_up(tensor: Tensor) -> None:
        found = fabric.all_reduce(tensor, reduce_op="sum")
        assert isinstance(found, Tensor)
        tensor.copy_(found)

    return Share(fabric.global_rank, fabric.world_size, add_up)
