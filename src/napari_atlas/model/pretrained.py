"""Use of a trained model: encode with it as it is, train it on, or give it another species or head."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from napari_atlas.data.config import FitConfig
from napari_atlas.data.scaling import Scaler
from napari_atlas.data.windows import Windows
from napari_atlas.errors import InputError
from napari_atlas.model.batches import Scaling, make_resident, shapes_of
from napari_atlas.model.checkpoint import load_weights
from napari_atlas.model.encoding import Encoded, encode
from napari_atlas.model.fitting import choose_device
from napari_atlas.model.heads import Head
from napari_atlas.model.runner import Prepared, adopt, prepare
from napari_atlas.model.vae import Architecture, AtlasVAE, SpeciesShape, head_key, module_key

__all__ = [
    "add_heads",
    "add_species",
    "adopt_pretrained",
    "continue_fit",
    "encode_frozen",
    "freeze",
    "load_pretrained",
    "parts_of",
    "with_heads",
]


def parts_of(model: AtlasVAE) -> dict[str, nn.Module]:
    """Return the parts that can be frozen, by names such as ``encoder/fish``, ``decoder/fish``, ``head/day``."""
    species = [(s.name, module_key(s.name)) for s in model.architecture.species]
    parts = {f"encoder/{name}": model.encoders[key] for name, key in species}
    parts |= {f"decoder/{name}": model.decoders[key] for name, key in species}
    if model.architecture.temperature:
        parts["head/temperature"] = model.heads["temperature"]
    return parts | {f"head/{h.name}": model.heads[head_key(h.name)] for h in model.architecture.heads}


def freeze(model: AtlasVAE, names: Iterable[str], frozen: bool = True) -> None:
    """Keep parts as they are while the others are trained, or free them again.

    A frozen part stays in evaluation mode too, so the running statistics of its batch normalisation do not move.

    Parameters
    ----------
    model
        Changed in place.
    names
        Of the parts, as `parts_of` has them.
    frozen
        Whether to freeze or to free.

    Raises
    ------
    InputError
        If there is no such part.
    """
    parts = parts_of(model)
    for name in names:
        if name not in parts:
            raise InputError.of(f"part {name!r}", "the model has no such part", f"choose from {', '.join(parts)}")
        parts[name].requires_grad_(not frozen)
    model.train(model.training)


def add_species(model: AtlasVAE, species: Iterable[SpeciesShape], frozen: bool = True) -> AtlasVAE:
    """Return a model with further species in the same latent.

    Parameters
    ----------
    model
        Left as it is.
    species
        Windows of the new ones; their encoders and decoders begin at random.
    frozen
        Whether the species and heads that were there are frozen, so the new ones come to the latent as it is.

    Raises
    ------
    InputError
        If the model has a species of that name.
    """
    new = tuple(species)
    _check_new("species", [s.name for s in model.architecture.species], [s.name for s in new])
    architecture = replace(model.architecture, species=(*model.architecture.species, *new))
    return _grown(model, architecture, frozen)


def add_heads(model: AtlasVAE, heads: Iterable[Head], frozen: bool = False) -> AtlasVAE:
    """Return a model with further heads, which begin at random; *frozen* is as in `add_species`.

    Raises
    ------
    InputError
        If the model has a head of that name.
    """
    new = tuple(heads)
    _check_new("head", ["temperature", *(h.name for h in model.architecture.heads)], [h.name for h in new])
    return _grown(model, replace(model.architecture, heads=(*model.architecture.heads, *new)), frozen)


def load_pretrained(path: Path, species: Iterable[SpeciesShape]) -> tuple[AtlasVAE, dict[str, Scaling]]:
    """Return a trained model and its scalers, if it can take windows of these species as they are.

    Raises
    ------
    InputError
        If the file cannot be read, lacks one of the species, or was made for windows of another shape.
    """
    model, scaling = load_weights(path)
    known = [s.name for s in model.architecture.species]
    for shape in species:
        if shape.name not in known:
            raise InputError.of(path, f"it has no species {shape.name}, only {', '.join(known)}", "fit that one first")
        _check_shape(path, model, shape)
    return model, scaling


def encode_frozen(path: Path, windows: Windows, device: str = "auto") -> Encoded:
    """Return the latents of new recordings in a trained latent; nothing is trained or scaled anew.

    Parameters
    ----------
    path
        Weights of a run.
    windows
        Of species that it knows, cut as they were then.
    device
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.

    Raises
    ------
    InputError
        If the weights are of other species or window shapes.
    """
    model, scaling = load_pretrained(path, shapes_of(windows))
    where = choose_device(device)
    return encode(model.to(where), make_resident(windows, scaling, where), scaling)


def adopt_pretrained(windows: Windows, config: FitConfig, path: Path, called: str = "") -> Prepared:
    """Return a fit that is over: the weights of a run as they are, and windows that they may never have seen.

    Parameters
    ----------
    windows
        Of species that the run knows, cut as they were then.
    config
        Size of the latent, encoder and posterior become the run's.
    path
        Weights of a run.
    called
        What they are called in notes; else the name of the file.

    Raises
    ------
    InputError
        If the weights are of other species or window shapes, or the device is not there.
    """
    model, scaling = load_pretrained(path, shapes_of(windows))
    note = f"weights of {called or path.name}: nothing was trained here"
    return adopt(windows, _settings(config, model.architecture), model, scaling, note)


def continue_fit(
    windows: Windows, config: FitConfig, init_from: Path, frozen: bool = False, called: str = ""
) -> Prepared:
    """Return a fit that begins with the weights of a run instead of at random.

    Species of these windows that the run does not know are added. Species that it knows keep their scalers, those
    that are not among the windows keep their weights. Size of the latent, encoder and posterior are the run's,
    whatever the settings say.

    Parameters
    ----------
    windows
        With their split.
    config
        Settings of the new fit.
    init_from
        Weights of a run.
    frozen
        Whether everything that the run has trained is frozen, so only what is new is trained.
    called
        What the weights are called in notes; else the name of the file.

    Raises
    ------
    InputError
        If a species has windows of another shape than in the run, or nothing is left to train. Heads that the
        settings name and `with_heads` adds are left to train.
    """
    old, scalers = load_weights(init_from)
    for shape in shapes_of(windows):
        _check_shape(init_from, old, shape)
    a = old.architecture
    heads = [name for name in config.head_names if name not in {head.name for head in a.heads}]
    fresh = prepare(windows, _settings(config, a))
    new = tuple(s for s in shapes_of(windows) if s.name not in scalers)
    with_head = a.temperature or fresh.model.architecture.temperature
    model = _grown(old, replace(a, species=(*a.species, *new), temperature=with_head), frozen)
    if not heads and not any(weight.requires_grad for weight in model.parameters()):
        raise InputError.of(init_from, "all of its parts are frozen", "add a species, or train the old ones on")
    model = model.to(next(fresh.model.parameters()).device)
    scaling = {name: _kept(scalers[name], mine) if name in scalers else mine for name, mine in fresh.scaling.items()}
    scaling = {name: s for name, s in scalers.items() if name not in scaling} | scaling
    found = [s.name for s in new] + ["temperature head"] * (with_head and not a.temperature)
    found += [f"head {name}" for name in heads]
    note = f"weights taken from {called or init_from.name}{', frozen' if frozen else ''}; new: {_told(found)}"
    theirs = f"latent_dim={a.latent_dim}, encoder={a.encoder} and posterior={a.posterior} are those of the weights"
    resident = make_resident(windows, scaling, next(model.parameters()).device)
    return replace(fresh, model=model, scaling=scaling, resident=resident, notes=(*fresh.notes, note, theirs))


def with_heads(
    prepared: Prepared, covariates: Mapping[Head, ArrayLike], scalers: Mapping[str, Scaler] | None = None
) -> Prepared:
    """Return a fit whose latent is asked for further covariates.

    Parameters
    ----------
    prepared
        A fit that has not begun.
    covariates
        Per head (n_windows,) labels by window id. Numbers may have any unit, NaN where unknown, and are z-scored on
        training windows; classes count from 0, −1 or NaN where unknown.
    scalers
        By head, those of numbers that are scaled as they were before.

    Raises
    ------
    InputError
        If the labels do not fit the windows or the classes.
    """
    model, table = prepared.model, prepared.windows.table
    torch.manual_seed(prepared.config.seed)
    model = add_heads(model, [head for head in covariates if head not in model.architecture.heads])
    unknown = np.full(len(table), np.nan)
    trained = table.in_split("train")
    columns = [
        _column(head, covariates.get(head, unknown), trained, (scalers or {}).get(head.name))
        for head in model.architecture.heads
    ]
    stacked = torch.from_numpy(np.stack([unknown, *columns], axis=1).astype(np.float32))
    resident = {}
    for name, data in prepared.resident.items():
        labels = stacked[torch.from_numpy(data.ids)].to(data.labels.device)
        labels[:, 0] = data.labels
        resident[name] = replace(data, labels=labels)
    return replace(prepared, model=model, resident=resident)


def _column(head: Head, labels: ArrayLike, trained: NDArray[np.bool_], scaler: Scaler | None) -> NDArray[np.float64]:
    """Return (n_windows,) labels as the head's loss wants them."""
    values = np.asarray(labels, float)
    if values.shape != trained.shape:
        raise InputError.of(f"head {head.name}", f"labels {values.shape} for {trained.size} windows", "give one each")
    if not head.n_classes:
        return (scaler or Scaler.of_labels(values[trained])).apply(values)
    if (values >= head.n_classes).any():
        raise InputError.of(f"head {head.name}", f"class {np.nanmax(values):g} of {head.n_classes}", "count from 0")
    return values


def _grown(model: AtlasVAE, architecture: Architecture, frozen: bool) -> AtlasVAE:
    """Return a model of a larger architecture with the weights of the smaller, on the same device."""
    grown = AtlasVAE(architecture).to(next(model.parameters()).device)
    grown.load_state_dict(grown.state_dict() | model.state_dict())
    before = dict(model.named_parameters())
    for name, weight in grown.named_parameters():
        if name in before:
            weight.requires_grad_(before[name].requires_grad and not frozen)
    return grown.train(model.training)


def _check_new(kind: str, there: list[str], new: list[str]) -> None:
    for i, name in enumerate(new):
        if name in (*there, *new[:i]):
            raise InputError.of(f"{kind} {name}", "the model has it already", "give the new one another name")


def _check_shape(path: Path, model: AtlasVAE, shape: SpeciesShape) -> None:
    for known in model.architecture.species:
        if known.name == shape.name and known != shape:
            raise InputError.of(
                path, f"its windows of {known.name} have {known.n_times} times and {known.n_channels} channels, "
                f"these have {shape.n_times} and {shape.n_channels}", "cut them as they were, or fit anew",
            )  # fmt: skip


def _settings(config: FitConfig, a: Architecture) -> FitConfig:
    """Return the settings with those that the weights decide."""
    return replace(config, latent_dim=a.latent_dim, encoder=a.encoder, posterior=a.posterior)


def _kept(old: Scaling, new: Scaling) -> Scaling:
    """Return the old scalers; that of the temperature is new if the run knew none."""
    return replace(old, temperature=new.temperature) if np.isnan(old.temperature.mean).any() else old


def _told(names: Iterable[str]) -> str:
    return ", ".join(names) or "nothing"
