"""Decoding on request: one process that has a run's weights at hand and answers JSON lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeGuard

import numpy as np
from numpy.typing import NDArray

from napari_atlas._variables import measurable, measure
from napari_atlas.data.cleaning import clean
from napari_atlas.data.kinematics import segment_lengths
from napari_atlas.data.packing import packed
from napari_atlas.data.pose import Pose
from napari_atlas.data.pose_layout import egocentric_layout, signal_parts
from napari_atlas.data.project import Project
from napari_atlas.data.signals import POSE_6D, body_of
from napari_atlas.data.species import Species
from napari_atlas.data.variables import Measured, Variable
from napari_atlas.data.windows import Windows
from napari_atlas.errors import AtlasError, InputError
from napari_atlas.io.loading import load_recording, load_windows
from napari_atlas.io.project import read_project
from napari_atlas.io.provenance import as_fitted, recipe_hash
from napari_atlas.io.runs import RunFolder, find_run

if TYPE_CHECKING:
    from napari_atlas.model.decoding import Decoder

__all__ = ["PROTOCOL", "serve"]

PROTOCOL = 1

_RANGE = (1.0, 99.0)
_LOOKED_AT = 200  # windows of a species that tell how large its values are
_MOST_STEPS = 500
_LARGEST = 1e30

Json = dict[str, Any]


def serve(folder: Path, run: str, lines: Iterable[str]) -> Iterator[Json]:
    """Load the weights of a run once, greet, and answer requests until there are none or one says ``bye``.

    Parameters
    ----------
    folder
        The project.
    run
        Id or label; "" is the newest.
    lines
        Requests, one JSON object a line. A bad one is answered by its ``error`` and changes nothing.

    Raises
    ------
    InputError
        If there is no such run, its weights cannot be used, or its windows are no longer those of the project.
    """
    service = _open(folder, run)
    yield service.hello()
    for line in filter(str.strip, lines):
        mark = None
        try:
            request = _read(line)
            mark = request.get("id")
            if request.get("do") == "bye":
                return
            answer = service.answer(request)
        except AtlasError as error:
            answer = {"error": str(error)}
        except (RuntimeError, MemoryError) as error:  # torch's own faults
            answer = {"error": f"the request failed: {str(error).splitlines()[:1]}; ask for less at a time"}
        yield {"id": mark, **answer}


class _Layout(Protocol):
    """How keypoints follow from channels."""

    @property
    def names(self) -> tuple[str, ...]: ...

    @property
    def edges(self) -> tuple[tuple[int, int], ...]: ...

    @property
    def unit(self) -> str: ...

    def points(self, values: NDArray[np.float64]) -> NDArray[np.float64]: ...


@dataclass(frozen=True, eq=False)
class _Service:
    """A run, ready to be asked.

    Attributes
    ----------
    run
        Its id.
    decoder
        Its weights.
    windows, channels
        What they were fitted to, and the names of the channels by species.
    latents
        (n_windows, latent_dim).
    measured, columns
        By name of a variable: its values, and its (n_windows, width) columns; only those that are told and known.
    layouts
        How keypoints follow from channels, for species whose signal is a pose.
    """

    run: str
    decoder: Decoder
    windows: Windows
    channels: Mapping[str, tuple[str, ...]]
    latents: NDArray[np.float32]
    measured: Mapping[str, Measured]
    columns: Mapping[str, NDArray[np.float32]]
    layouts: Mapping[str, _Layout]

    def hello(self) -> Json:
        """Return what can be asked for."""
        architecture = self.decoder.architecture
        ends = np.percentile(self.latents, _RANGE, axis=0)
        return {
            "hello": PROTOCOL,
            "run": self.run,
            "latent_dim": architecture.latent_dim,
            "n_windows": len(self.latents),
            "low": ends[0].tolist(),
            "high": ends[1].tolist(),
            "variance": self.latents.var(axis=0).tolist(),
            "variables": [self._variable(v) for v in architecture.variables if v.given],
            "species": [self._species(species) for species in self.windows.species],
        }

    def answer(self, request: Json) -> Json:
        """Return the answer to a request, or raise an `InputError`."""
        deeds: dict[str, Callable[[Json], Json]] = {"window": self._window, "decode": self._decode, "walk": self._walk}
        name = request.get("do")
        if name not in deeds:
            raise InputError.of("do", f"{name!r} cannot be done", f"ask for {', '.join(deeds)} or bye")
        return deeds[name](request)

    def _window(self, request: Json) -> Json:
        """Return a window as it was recorded, its latent, and its variables."""
        window = self._id(request, "window")
        species = self._species_of(window)
        values = self.windows.gather(np.array([window]))[0]
        told = {v.name: self._told(v, window) for v in self.decoder.architecture.variables if v.given}
        return {
            "window": window,
            "species": species,
            "latent": self.latents[window].tolist(),
            "variables": told,
            **self._shown(species, values),
        }

    def _decode(self, request: Json) -> Json:
        """Return what the decoder of a species makes of a latent and of what it is told."""
        window = self._id(request, "window") if "window" in request else -1
        if window < 0 and "latent" not in request:
            raise InputError.of("decode", "there is neither a window nor a latent", "give one of them, or both")
        latent = self._latent(request["latent"]) if "latent" in request else self.latents[window]
        species = self._named(request.get("species", self._species_of(window) if window >= 0 else None))
        columns = self._columns(window, request.get("variables", {}))
        values = self.decoder.decode(species, latent[None], columns)[0]
        return {"species": species, "latent": latent.tolist(), **self._shown(species, values)}

    def _walk(self, request: Json) -> Json:
        """Return windows on the straight way from one latent to another; all are told the same of the variables."""
        begin, end = self._id(request, "from"), self._id(request, "to")
        steps = request.get("steps", 10)
        if not _is_whole(steps) or not 2 <= steps <= _MOST_STEPS:
            raise InputError.of("steps", f"{steps!r}", f"give a whole number from 2 to {_MOST_STEPS}")
        share = np.linspace(0, 1, steps, dtype=np.float32)[:, None]
        latents = (1 - share) * self.latents[begin] + share * self.latents[end]
        species = self._named(request.get("species", self._species_of(begin)))
        columns = np.repeat(self._columns(begin, request.get("variables", {})), steps, axis=0)
        values = self.decoder.decode(species, latents, columns)
        return {"species": species, "latents": packed(latents), **self._shown(species, values)}

    def _shown(self, species: str, values: NDArray[np.float64]) -> Json:
        """Return values, and the keypoints that they tell where the signal is a pose."""
        posed = {"points": packed(self.layouts[species].points(values))} if species in self.layouts else {}
        return {"values": packed(values), **posed}

    def _columns(self, window: int, asked: Any) -> NDArray[np.float32]:
        """Return (1, n_columns): what is asked for, else what is known of a window, else unknown."""
        variables = self.decoder.architecture.variables
        given = {v.name: v for v in variables if v.given}
        if not isinstance(asked, dict) or (strange := [name for name in asked if name not in given]):
            told = ", ".join(map(repr, strange)) if isinstance(asked, dict) else repr(asked)
            known = f"choose from {', '.join(given)}" if given else "leave variables out"
            raise InputError.of("variables", f"the decoders are not told {told}", known)
        parts = [np.empty(0, np.float32)]
        for variable in variables:
            if asked.get(variable.name) is not None:
                parts.append(_column(variable, asked[variable.name]))
            elif variable.name in asked or window < 0 or variable.name not in self.columns:
                parts.append(np.full(variable.width, np.nan, np.float32))
            else:
                parts.append(self.columns[variable.name][window])
        return np.concatenate(parts)[None]

    def _id(self, request: Json, name: str) -> int:
        window = request.get(name)
        if not _is_whole(window) or not 0 <= window < len(self.latents):
            raise InputError.of(name, f"there is no window {window!r}", f"give 0 to {len(self.latents) - 1}")
        return window

    def _latent(self, asked: Any) -> NDArray[np.float32]:
        n = self.decoder.architecture.latent_dim
        if not isinstance(asked, list) or len(asked) != n or not all(map(_is_number, asked)):
            raise InputError.of("latent", "it cannot be decoded", f"give a list of {n} finite numbers")
        return np.array(asked, dtype=np.float32)

    def _named(self, species: Any) -> str:
        names = [s.name for s in self.decoder.architecture.species]
        if species not in names:
            raise InputError.of("species", f"{species!r} has no decoder", f"choose from {', '.join(names)}")
        return str(species)

    def _species_of(self, window: int) -> str:
        table = self.windows.table
        return table.keys[int(table.track[window])].species

    def _variable(self, variable: Variable) -> Json:
        """Return what a variable can be set to, by species, for those that know it: classes, or where numbers lie."""
        found, of = self.measured.get(variable.name), {}
        for species in self.windows.species if found is not None else ():
            rows = self.windows.table.rows_of(species.name)
            known = np.isfinite(self.columns[variable.name][rows]).all(axis=1)
            if found is None or not known.any():
                continue
            if variable.kind == "class":
                of[species.name] = {"classes": np.unique(found.labels()[rows[known]]).tolist()}
            else:
                ends = np.percentile(found.values[rows[known]], _RANGE, axis=0)
                of[species.name] = {"low": ends[0].tolist(), "high": ends[1].tolist()}
        return {"name": variable.name, "kind": variable.kind, "species": of}

    def _told(self, variable: Variable, window: int) -> Any:
        """Return the value of a variable in a window, as a request would name it; None if it is unknown."""
        if variable.name not in self.columns or not np.isfinite(self.columns[variable.name][window]).all():
            return None
        found = self.measured[variable.name]
        if variable.kind == "class":
            return str(found.labels()[window])
        values = found.values[window].tolist()
        return values[0] if len(values) == 1 else values

    def _species(self, species: Species) -> Json:
        """Return what the windows of a species are, and how large their values usually get."""
        ids = self.windows.table.rows_of(species.name)
        some = self.windows.gather(ids[:: max(1, ids.size // _LOOKED_AT)])
        told: Json = {
            "name": species.name,
            "color": species.color,
            "n_times": some.shape[1],
            "channels": self.channels.get(species.name) or [f"channel {i + 1}" for i in range(some.shape[2])],
            "low": _ends(some)[0],
            "high": _ends(some)[1],
        }
        if layout := self.layouts.get(species.name):
            low, high = _ends(layout.points(some))
            pose = {"names": layout.names, "edges": layout.edges, "unit": layout.unit, "low": low, "high": high}
            told["pose"] = pose
        return told


def _open(folder: Path, name: str) -> _Service:
    from napari_atlas.model.decoding import Decoder

    run = find_run(folder, name)
    project = as_fitted(read_project(folder), run.config)
    if run.config.get("recipe") != recipe_hash(project):
        raise InputError.of(f"run {run.name}", "its recordings or settings changed since", "fit again")
    decoder = Decoder(run.weights)
    windows, tracks = load_windows(project)
    latents = _latents(run, (len(windows.table), decoder.architecture.latent_dim))
    given = [v for v in decoder.architecture.variables if v.given]
    there = measurable(project, windows.table) if given else ()
    measured = measure(project, windows.table, [v.name for v in given if v.name in there])
    service = _Service(
        run=run.name,
        decoder=decoder,
        windows=windows,
        channels={track.key.species: track.channels for track in tracks},
        latents=latents,
        measured=measured,
        columns={v.name: v.columns(measured[v.name]) for v in given if v.name in measured},
        layouts=_layouts(project, windows),
    )
    for species in windows.species:  # the first time takes longest
        service.answer({"do": "decode", "latent": [0.0] * latents.shape[1], "species": species.name})
    return service


def _latents(run: RunFolder, shape: tuple[int, int]) -> NDArray[np.float32]:
    found = run.read_latents().get("mu")
    if found is None or found.shape != shape:
        raise InputError.of(f"run {run.name}", "it has no latents of the project's windows", "fit again")
    return np.ascontiguousarray(found, dtype=np.float32)


def _layouts(project: Project, windows: Windows) -> dict[str, _Layout]:
    """Return by species how keypoints follow from channels, where the signal tells."""
    found: dict[str, _Layout] = {}
    for species in windows.species:
        recording = load_recording(project, next(e for e in project.recordings if e.species == species.name))
        if not isinstance(recording.tracks, Pose):
            continue
        pose = clean(recording.tracks, species)
        for name, first, _ in signal_parts(recording, species):
            if name == "egocentric-pose":
                found[species.name] = egocentric_layout(pose, species, first)
            elif name == POSE_6D:
                found[species.name] = _tree(pose, species, first, windows.signals[species.name].n_channels)
    return found


def _tree(pose: Pose, species: Species, first: int, n_channels: int) -> _Layout:
    from napari_atlas.model.decoding import TreeLayout

    body = body_of(pose, species)
    joints = pose.positions[:, :, list(body.keypoints)].astype(np.float64)
    return TreeLayout(body, first, n_channels, segment_lengths(joints.reshape(-1, *joints.shape[2:]), body.tree))


def _read(line: str) -> Json:
    try:
        request = json.loads(line)
    except ValueError as error:
        raise InputError.of("request", f"it is not JSON ({error})", "write one JSON object a line") from error
    if not isinstance(request, dict):
        raise InputError.of("request", "it is not an object", 'write {"do": "decode", …}')
    return request


def _column(variable: Variable, value: Any) -> NDArray[np.float32]:
    """Return the columns of a value that a request names."""
    n = {"number": len(variable.mean), "angle": 1}.get(variable.kind, 0)
    values = value if isinstance(value, list) else [value]
    if n and (len(values) != n or not all(map(_is_number, values))):
        wanted = "a finite number" if n == 1 else f"a list of {n} finite numbers"
        raise InputError.of(f"variable {variable.name}", f"{value!r} cannot be told", f"give {wanted}")
    return variable.column(tuple(values) if n else str(value))


def _ends(values: NDArray[np.float64]) -> tuple[list[float], list[float]]:
    """Return low and high of the last axis, without the few values that lie furthest out; 0 where none is known."""
    flat = values.reshape(-1, values.shape[-1]).copy()
    flat[:, ~np.isfinite(flat).any(axis=0)] = 0.0
    low, high = np.nanpercentile(flat, (0.5, 99.5), axis=0)
    return low.tolist(), high.tolist()


def _is_whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST
