"""Kinematic trees as small JSON or TOML files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.kinematics import KinematicTree
from napari_atlas.errors import InputError, naming
from napari_atlas.io.tables import read_document

__all__ = ["read_tree"]

# What files call them; case and underscores do not matter.
_NAMES = ("joints", "keypoints", "labels")
_CHAINS = ("chains", "tree", "kinematictree")
_OFFSETS = ("offsets", "offset")


def read_tree(path: Path | str) -> KinematicTree:
    """Return the kinematic tree that a JSON or TOML file tells.

    The file holds ``chains`` (or ``kinematic_tree``), lists of joints; ``joints`` (or ``keypoints``, ``labels``),
    their names, if the chains hold numbers; and, if it likes, ``offsets``, three numbers for each joint. Capitals are
    small letters too.

    Raises
    ------
    InputError
        If the file is missing or not valid, or holds no tree.
    """
    path = Path(path)
    found = {key.lower().replace("_", ""): value for key, value in read_document(path).items()}
    with naming(path):
        chains = _lists(_entry(found, _CHAINS), "chains")
        names = [str(name) for name in _entry(found, _NAMES)]
        if any(isinstance(joint, str) for chain in chains for joint in chain):
            tree = KinematicTree.from_chains([[str(joint) for joint in chain] for chain in chains])
            names = names or list(tree.names)
        else:
            tree = KinematicTree.from_chains([[_name_of(joint, names) for joint in chain] for chain in chains])
        if offsets := _entry(found, _OFFSETS):
            return tree.with_offsets(_directions(offsets, names)[tree.indices_in(names)])
        return tree


def _entry(found: Mapping[str, Any], names: Sequence[str]) -> list[Any]:
    value: Any = next((found[name] for name in names if name in found), [])
    if not isinstance(value, list):
        raise InputError.of(names[0], f"{value!r} is no list", "write a list")
    return value


def _lists(values: list[Any], where: str) -> list[list[Any]]:
    if not all(isinstance(value, list) for value in values):
        raise InputError.of(where, "it is no list of lists", 'write [["root", "knee", "ankle"], ["root", "tail"]]')
    return values


def _name_of(joint: object, names: Sequence[str]) -> str:
    if isinstance(joint, bool) or not isinstance(joint, int) or not 0 <= joint < len(names):
        told = f"there is no joint {joint!r} among {len(names)} names"
        raise InputError.of("chains", told, "count joints from 0, and name all of them in joints")
    return names[joint]


def _directions(offsets: list[Any], names: Sequence[str]) -> NDArray[np.float64]:
    try:
        return np.array(offsets, dtype=np.float64).reshape(len(names), 3)
    except (TypeError, ValueError) as error:
        cure = f"give {len(names)} lists of 3 numbers"
        raise InputError.of("offsets", "they are not three numbers for each joint", cure) from error
