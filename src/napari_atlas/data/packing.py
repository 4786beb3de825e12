"""Arrays inside JSON."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["packed", "unpacked"]


def packed(values: NDArray[np.floating]) -> dict[str, Any]:
    """Return an array as JSON types: its ``shape``, and ``float32``, its little-endian values in base64; NaN stays."""
    raw = np.ascontiguousarray(values, dtype="<f4").tobytes()
    return {"shape": list(values.shape), "float32": base64.b64encode(raw).decode("ascii")}


def unpacked(value: Mapping[str, Any]) -> NDArray[np.float32]:
    """Return the array that `packed` was given."""
    raw = np.frombuffer(base64.b64decode(value["float32"]), dtype="<f4")
    return raw.reshape(value["shape"]).astype(np.float32)
