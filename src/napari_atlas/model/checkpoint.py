"""Weights on disk: safetensors with a JSON header."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from napari_atlas.data.scaling import Scaler
from napari_atlas.data.variables import Variable
from napari_atlas.errors import InputError, NewerFormatError, naming
from napari_atlas.model.batches import Scaling
from napari_atlas.model.heads import Head
from napari_atlas.model.vae import Architecture, AtlasVAE, SpeciesShape

__all__ = ["load_weights", "read_foreign", "save_weights", "write_tensors"]

FORMAT = 1


def save_weights(path: Path, model: AtlasVAE, scaling: dict[str, Scaling]) -> None:
    """Write the weights, and all that is needed to use them, in one move."""
    header = {
        "format": FORMAT,
        "architecture": dataclasses.asdict(model.architecture),
        "scaling": {name: _scaling_to_json(s) for name, s in scaling.items()},
    }
    tensors = {name: t.detach().cpu().contiguous() for name, t in model.state_dict().items()}
    write_tensors(path, tensors, header)


def write_tensors(path: Path, tensors: dict[str, torch.Tensor], header: dict[str, Any]) -> None:
    """Write tensors under a JSON header, in one move.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    temporary = path.with_name(path.name + ".part")
    try:
        with temporary.open("wb") as file:
            file.write(save(tensors, metadata={"atlas": json.dumps(header)}))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise InputError.of(
            path, f"it cannot be written ({error.strerror})", "free some space or check rights"
        ) from error


def load_weights(path: Path) -> tuple[AtlasVAE, dict[str, Scaling]]:
    """Return the model, in evaluation mode, and its scalers.

    Raises
    ------
    InputError
        If the file is missing, truncated, of another kind, or written by a newer version.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {})["atlas"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError as error:
        raise InputError.of(path, "there are no weights", "fit the model first") from error
    except (SafetensorError, KeyError, ValueError, OSError) as error:
        raise InputError.of(
            path, "it is not a whole weight file of this program", "fit again, or restore a copy"
        ) from error
    try:
        if int(header["format"]) > FORMAT:
            raise NewerFormatError.of(path, f"format {header['format']} is newer than {FORMAT}", "update napari-atlas")
        with naming(path):
            model = AtlasVAE(_architecture_from_json(header["architecture"]))
        scaling = {name: _scaling_from_json(s) for name, s in header["scaling"].items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError.of(path, "its header lacks a field", "fit again, or restore a copy") from error
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise InputError.of(path, "its weights do not fit its header", "fit again, or restore a copy") from error
    return model.eval(), scaling


def _architecture_from_json(values: dict[str, Any]) -> Architecture:
    species = tuple(SpeciesShape(**s) for s in values["species"])
    heads = tuple(Head(**h) for h in values.get("heads", ()))
    variables = tuple(Variable.from_dict(v) for v in values.get("variables", ()))
    parts = {part: values[part] for part in ("encoder", "posterior") if part in values}  # older files name none
    return Architecture(species, values["latent_dim"], values["temperature"], heads=heads, variables=variables, **parts)


def _scaling_to_json(scaling: Scaling) -> dict[str, Any]:
    return {
        part: {"mean": [None if np.isnan(m) else m for m in scaler.mean.tolist()], "std": scaler.std.tolist()}
        for part, scaler in (("signal", scaling.signal), ("temperature", scaling.temperature))
    }


def _scaling_from_json(values: dict[str, Any]) -> Scaling:
    parts = {name: Scaler(np.array(v["mean"], float), np.array(v["std"], float)) for name, v in values.items()}
    return Scaling(parts["signal"], parts["temperature"])


def read_foreign(path: Path) -> dict[str, torch.Tensor]:
    """Return the tensors of a torch checkpoint written elsewhere; nothing in it is executed.

    Raises
    ------
    InputError
        If it is missing or not a plain dictionary of tensors.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise InputError.of(path, "there is no such file", "check the path") from error
    except Exception as error:
        raise InputError.of(
            path, "it is not a plain torch state dict", "export one with torch.save(model.state_dict())"
        ) from error
    if not isinstance(state, dict) or not all(isinstance(t, torch.Tensor) for t in state.values()):
        raise InputError.of(
            path, "it is not a plain torch state dict", "export one with torch.save(model.state_dict())"
        )
    return state
