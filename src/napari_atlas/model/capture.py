"""Steps that are recorded once on an NVIDIA GPU and played again, which spares the launch of every operation."""

from __future__ import annotations

import torch
from torch import Tensor

from napari_atlas.data.config import FitConfig
from napari_atlas.model.batches import Resident
from napari_atlas.model.losses import Labels
from napari_atlas.model.steps import Batch, FitState, take_step

__all__ = ["Stepper"]

_WARM_UP = 3


class Stepper:
    """Takes the steps of a fit; everywhere but on an NVIDIA GPU one by one.

    The first steps are taken one by one there too, since libraries allocate what they need in them. All steps of a
    fit have batches of the same sizes.

    Parameters
    ----------
    state
        Of the fit.
    resident
        Data by species.
    config
        Settings.
    """

    def __init__(self, state: FitState, resident: dict[str, Resident], config: FitConfig) -> None:
        self._state, self._resident, self._config = state, resident, config
        device = state.weights.device
        self._records = device.type == "cuda" and state.share.size == 1 and not len(state.scrubbers)
        self._beta = torch.zeros((), device=device)
        self._batch: Batch | None = None
        self._terms = torch.zeros(6, device=device)
        self._graph: torch.cuda.CUDAGraph | None = None
        self._n_taken = 0

    def __call__(self, batch: Batch, beta: float) -> Tensor:
        """Train on one batch, and return the (6,) terms of `take_step`."""
        if not self._records:
            return take_step(self._state, self._resident, batch, self._config, beta)
        self._beta.fill_(beta)
        self._fill(batch)
        if self._graph is not None:
            self._graph.replay()
            self._state.step += 1
        elif self._n_taken < _WARM_UP:
            self._aside()
        else:
            self._record()
        self._n_taken += 1
        return self._terms

    def _fill(self, batch: Batch) -> None:
        """Put a batch where the recorded step reads it."""
        if self._batch is None:
            labels = batch.labels
            kept = Labels(labels.values.clone(), labels.shares.clone(), labels.sizes, labels.parts)
            self._batch = Batch({name: rows.clone() for name, rows in batch.rows.items()}, kept)
            return
        for name, rows in batch.rows.items():
            self._batch.rows[name].copy_(rows)
        self._batch.labels.values.copy_(batch.labels.values)
        self._batch.labels.shares.copy_(batch.labels.shares)

    def _take(self) -> None:
        assert self._batch is not None
        self._terms.copy_(take_step(self._state, self._resident, self._batch, self._config, self._beta))

    def _aside(self) -> None:
        """Take a step on a stream of its own, as recording will."""
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            self._take()
        torch.cuda.current_stream().wait_stream(stream)

    def _record(self) -> None:
        """Record a step, which does not take it yet, and play it."""
        graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(self._state.noise)
        with torch.cuda.graph(graph):
            self._take()
        self._graph = graph
        graph.replay()
