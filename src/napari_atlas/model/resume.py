"""The whole state of a fit on disk, so that a fit that was cut off goes on as if nothing had happened."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from napari_atlas.errors import InputError, NewerFormatError
from napari_atlas.model.checkpoint import write_tensors
from napari_atlas.model.steps import FitState

__all__ = ["load_resume", "save_resume"]

FORMAT = 1
_CURE = "fit again, or restore a copy"
_GLOBAL = "global_generator"


def save_resume(path: Path, state: FitState) -> None:
    """Write the state of a fit between two epochs, in one move.

    Whatever the state has is written: numbers, generators, tensors, and anything with a ``state_dict``.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    tensors: dict[str, Tensor] = {}
    parts = {part.name: _flat(_plain(getattr(state, part.name)), part.name, tensors) for part in _parts(state)}
    parts[_GLOBAL] = _flat(torch.get_rng_state(), _GLOBAL, tensors)
    header = {"format": FORMAT, "state": parts, "digest": _digest(parts, tensors)}
    write_tensors(path, tensors, header)


def load_resume(path: Path, state: FitState) -> None:
    """Bring a fit that was just begun with the same settings to where the file left off.

    Parameters
    ----------
    path
        What `save_resume` wrote.
    state
        A fit before its first epoch; after a refusal it must not be used.

    Raises
    ------
    NewerFormatError
        If a newer version wrote the file.
    InputError
        If the file is missing, truncated, changed, or of a fit of another shape.
    """
    header, tensors = _read(path)
    try:
        parts = {name: _deep(part, tensors) for name, part in header["state"].items()}
        noise = parts.pop(_GLOBAL)
        if not len(state.scrubbers):
            parts.pop("scrubbers", None)
        expected = {part.name for part in _parts(state)} - ({"scrubbers"} if not len(state.scrubbers) else set())
        if set(parts) != expected:
            raise ValueError("other parts")
        for name, value in parts.items():
            _restore(state, name, value)
        _check_shapes(state)
        torch.set_rng_state(noise)
    except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
        raise InputError.of(path, "it belongs to a fit of another shape", _CURE) from error


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    try:
        data = path.read_bytes()
        size = int.from_bytes(data[:8], "little")
        header = json.loads(json.loads(data[8 : 8 + size])["__metadata__"]["atlas"])
        newer = int(header["format"]) > FORMAT
        tensors = {} if newer else {name: tensor.clone() for name, tensor in load(data).items()}
        whole = newer or header["digest"] == _digest(header["state"], tensors)
    except FileNotFoundError as error:
        raise InputError.of(path, "there is no such file", "fit again") from error
    except (SafetensorError, KeyError, TypeError, ValueError, OSError) as error:
        raise InputError.of(path, "it is damaged or cut short", _CURE) from error
    if newer:
        raise NewerFormatError.of(path, f"format {header['format']} is newer than {FORMAT}", "update napari-atlas")
    if not whole:
        raise InputError.of(path, "it was changed after it was written", _CURE)
    return header, tensors


def _digest(parts: dict[str, Any], tensors: dict[str, Tensor]) -> str:
    digest = hashlib.blake2b(json.dumps(parts, sort_keys=True).encode(), digest_size=16)
    for name in sorted(tensors):
        digest.update(f"{name} {tuple(tensors[name].shape)} {tensors[name].dtype}".encode())
        digest.update(tensors[name].reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _parts(state: FitState) -> tuple[dataclasses.Field[Any], ...]:
    return tuple(part for part in dataclasses.fields(state) if part.metadata.get("kept", True))


def _plain(value: Any) -> Any:
    """Return what has to be kept of a part of the state."""
    if isinstance(value, torch.Generator):
        return value.get_state()
    return value.state_dict() if hasattr(value, "state_dict") else value


def _restore(state: FitState, name: str, value: Any) -> None:
    part = getattr(state, name)
    if isinstance(part, torch.Generator):
        part.set_state(value)
    elif hasattr(part, "load_state_dict"):
        part.load_state_dict(value)
    else:
        setattr(state, name, value)


def _check_shapes(state: FitState) -> None:
    """Refuse moments and best weights that the network has no place for; PyTorch itself would notice too late."""
    moments = [
        (parameter, value)
        for parameter, kept in state.optimiser.state.items()
        for value in kept.values()
        if isinstance(value, Tensor) and value.ndim
    ]
    network = state.model.state_dict()
    if state.best_weights and set(state.best_weights) != set(network):
        raise ValueError("other best weights")
    pairs = moments + [(network[name], best) for name, best in state.best_weights.items()]
    if any(known.shape != kept.shape for known, kept in pairs):
        raise ValueError("other shapes")


def _flat(value: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """Return a value as JSON, its tensors put aside under a name of their own."""
    if isinstance(value, Tensor):
        tensors[name] = value.detach().cpu().contiguous().clone()
        return {"tensor": name}
    if isinstance(value, dict):
        return {"dict": [[key, _flat(inner, f"{name}.{key}", tensors)] for key, inner in value.items()]}
    if isinstance(value, list | tuple):
        kind = "tuple" if isinstance(value, tuple) else "list"
        return {kind: [_flat(inner, f"{name}.{i}", tensors) for i, inner in enumerate(value)]}
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{name}: a {type(value).__name__} cannot be kept")


def _deep(value: Any, tensors: dict[str, Tensor]) -> Any:
    """Return what `_flat` was given."""
    if not isinstance(value, dict):
        return value
    ((kind, inner),) = value.items()
    if kind == "tensor":
        return tensors[inner]
    if kind == "dict":
        return {key: _deep(part, tensors) for key, part in inner}
    if kind == "float":
        return float(inner)
    return {"tuple": tuple, "list": list}[kind](_deep(part, tensors) for part in inner)
