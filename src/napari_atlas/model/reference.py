"""Checkpoints of the public ATLAS implementation."""

from __future__ import annotations

import os
from pathlib import Path

import torch

from napari_atlas.errors import InputError
from napari_atlas.model.checkpoint import read_foreign
from napari_atlas.model.vae import Architecture, AtlasVAE, SpeciesShape, module_key

__all__ = ["load_reference", "save_reference"]

_ENCODER = {"conv.0": "conv1", "conv.3": "conv2", "conv.6": "conv3", "fc.0": "hidden", "fc.2": "posterior"}
_DECODER = {"net.0": "hidden", "net.2": "out"}
_PREFIXES = ("jelly", "fish")


def load_reference(path: Path, species: tuple[SpeciesShape, ...]) -> AtlasVAE:
    """Return the model of a reference checkpoint, its two species given the names in *species*.

    The reference calls its species jelly and fish; they are matched to *species* by window length, and in this
    order where the lengths are equal.

    Raises
    ------
    InputError
        If the file is not such a checkpoint or does not fit the species.
    """
    state = read_foreign(path)
    needed = [f"{prefix}_dec.net.2.bias" for prefix in _PREFIXES] + ["temp_head.net.2.bias", "jelly_enc.fc.2.bias"]
    missing = [name for name in needed if name not in state]
    if missing:
        raise InputError.of(path, f"it holds no {missing[0]}", "give a checkpoint of the ATLAS reference")
    names = _match(path, state, species)
    latent_dim = state["jelly_enc.fc.2.bias"].numel() // 2
    model = AtlasVAE(Architecture(species, latent_dim, temperature=True))
    try:
        model.load_state_dict(_renamed(state, names))
    except (RuntimeError, KeyError) as error:
        raise InputError.of(
            path, "its layers do not fit the species' windows", "give the windows it was made for"
        ) from error
    return model.eval()


def save_reference(path: Path, model: AtlasVAE) -> None:
    """Write the weights as the reference does, a plain state dict that it and `load_reference` can read.

    The first species becomes its jellyfish, the second one its fish. Scalers are not part of such a file: the
    reference stores its windows z-scored.

    Raises
    ------
    InputError
        If the reference has no such network: it has two species, a temperature head and its own encoder.
    """
    a = model.architecture
    if len(a.species) != 2 or not a.temperature or a.heads or (a.encoder, a.posterior) != ("conv", "diagonal"):
        raise InputError.of(
            path, "the reference has two species, a temperature head, encoder conv and posterior diagonal",
            "export a run of that kind",
        )  # fmt: skip
    names = dict(zip(_PREFIXES, (s.name for s in a.species), strict=True))
    ours = model.state_dict()
    state = {foreign: ours[mine].detach().cpu().clone() for foreign, mine in _pairs(names)}
    temporary = path.with_name(path.name + ".part")
    with temporary.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _match(path: Path, state: dict[str, torch.Tensor], species: tuple[SpeciesShape, ...]) -> dict[str, str]:
    lengths = {prefix: state[f"{prefix}_dec.net.2.bias"].numel() for prefix in _PREFIXES}
    left = list(species)
    names = {}
    for prefix, length in lengths.items():
        fitting = [s for s in left if s.n_times * s.n_channels == length]
        if not fitting or len(species) != len(_PREFIXES):
            have = ", ".join(f"{s.name} {s.n_times}" for s in species)
            raise InputError.of(path, f"it wants windows of {list(lengths.values())} samples, the project has {have}",
                                "add the two species it was made for")  # fmt: skip
        names[prefix] = fitting[0].name
        left.remove(fitting[0])
    return names


def _renamed(state: dict[str, torch.Tensor], names: dict[str, str]) -> dict[str, torch.Tensor]:
    """Return the tensors under the names that they have here."""
    return {mine: state[foreign] for foreign, mine in _pairs(names)}


def _pairs(names: dict[str, str]) -> list[tuple[str, str]]:
    """Return the name of every tensor in the reference and here; *names* has the species of each prefix."""
    blocks = [("temp_head", "heads.temperature", _DECODER)]
    for prefix, name in names.items():
        blocks.append((f"{prefix}_enc", f"encoders.{module_key(name)}", _ENCODER))
        blocks.append((f"{prefix}_dec", f"decoders.{module_key(name)}", _DECODER))
    return [
        (f"{foreign}.{layer}.{kind}", f"{block}.{mine}.{kind}")
        for foreign, block, layers in blocks
        for layer, mine in layers.items()
        for kind in ("weight", "bias")
    ]
