"""What encoding tells beside the latents."""

from __future__ import annotations

import numpy as np
import torch

from napari_atlas.data.config import FitConfig
from napari_atlas.data.windows import Windows
from napari_atlas.model.runner import encode_all, prepare


def test_squares_are_summed_over_known_values() -> None:
    rng = np.random.default_rng(0)
    stack = rng.normal(5.0, 2.0, (30, 12, 2))
    stack[rng.random(stack.shape) < 0.1] = np.nan
    prepared = prepare(Windows.from_arrays({"fish": stack}), FitConfig(split="none", temperature_weight=0.0))
    encoded = encode_all(prepared)
    scaled = prepared.scaling["fish"].signal.apply(prepared.windows.gather(np.arange(30)))
    filled = torch.from_numpy(np.nan_to_num(scaled).astype(np.float32))
    with torch.no_grad():
        drawn = prepared.model("fish", filled).reconstruction.numpy()
    np.testing.assert_allclose(encoded.total_square, np.nansum(scaled**2, axis=(1, 2)), rtol=1e-4)
    np.testing.assert_allclose(encoded.residual_square, np.nansum((drawn - scaled) ** 2, axis=(1, 2)), rtol=1e-4)
