"""Convolution, halving and ReLU of short windows as one product of matrices, forwards and backwards.

For windows of a few dozen times the library's convolution spends most of its time on anything but arithmetic. Here
even and odd times are computed as two blocks, so that the larger of two neighbours, and its gradient, are plain
operations on whole blocks; the ReLU comes after it, on half of the numbers.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

__all__ = ["convolve", "store_for_convolve"]

_keep_where_above = torch.ops.aten.threshold_backward


def convolve(x: Tensor, layer: nn.Conv1d, halve: bool) -> Tensor:
    """Return ReLU of the layer's "same" convolution, of the larger of each two neighbouring times if asked.

    Parameters
    ----------
    x
        (n_windows, n_times, n_in).
    layer
        Of odd kernel size.
    halve
        Whether to halve time; an odd last time is dropped, and a single time stays.

    Returns
    -------
    Tensor
        (n_windows, n_times or n_times // 2, n_out).
    """
    weight, bias = layer.weight, layer.bias
    assert bias is not None
    far = layer.kernel_size[0] // 2 - x.shape[1] + 1
    if far > 0:  # the outermost weights meet nothing but padding
        weight = weight[:, :, far:-far]
    n_phases, kind = 2 if halve and x.shape[1] > 1 else 1, x.device.type
    if not torch.is_autocast_enabled(kind):
        return _apply(x, weight, bias, n_phases)
    narrow = torch.get_autocast_dtype(kind)
    with torch.autocast(kind, enabled=False):
        return _apply(x.to(narrow), weight.to(narrow), bias.to(narrow), n_phases)


def store_for_convolve(layer: nn.Conv1d) -> None:
    """Lay the layer's weights out in memory as `convolve` multiplies with them; to all else they are the same."""
    layer.weight.data = layer.weight.data.permute(2, 1, 0).contiguous().permute(2, 1, 0)


def _apply(x: Tensor, weight: Tensor, bias: Tensor, n_phases: int) -> Tensor:
    found: Tensor = _Convolution.apply(x, weight, bias, n_phases)  # type: ignore[no-untyped-call]
    return found


class _Convolution(torch.autograd.Function):
    """Saves the shifted copies, the output, and how far each odd time is ahead of its even neighbour."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, n_phases: int) -> Tensor:
        n_out, n_in, kernel = weight.shape
        n, n_times = len(x), x.shape[1] // n_phases
        padded = _padded(x, kernel // 2)
        strides = (n_in, padded.stride(0), n_phases * n_in, 1)
        shifted = padded.as_strided((n_phases, n, n_times, kernel * n_in), strides).reshape(-1, kernel * n_in)
        matrix = weight.permute(2, 1, 0).reshape(kernel * n_in, n_out)
        y = (shifted @ matrix).view(n_phases, n, n_times, n_out)
        ahead = y[1] - y[0] if n_phases == 2 else None
        out = torch.maximum(y[0], y[1]) if n_phases == 2 else y[0]
        out.add_(bias).relu_()
        ctx.save_for_backward(shifted, matrix, out, ahead)
        ctx.shape = x.shape
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        shifted, matrix, out, ahead = ctx.saved_tensors
        (n, n_times, n_in), n_out = ctx.shape, matrix.shape[1]
        kernel = len(matrix) // n_in
        gradient = _keep_where_above(gradient, out, 0)
        to_bias = gradient.sum((0, 1))
        phases = gradient[None] if ahead is None else _of_the_larger(gradient, ahead)
        rows = phases.reshape(-1, n_out)
        to_weight = (shifted.T @ rows).view(kernel, n_in, n_out).permute(2, 1, 0)
        if not ctx.needs_input_grad[0]:
            return None, to_weight, to_bias, None
        to_shifted = (rows @ matrix.T).view(*phases.shape[:3], kernel, n_in)
        to_padded = rows.new_zeros(n, n_times + kernel - 1, n_in)
        step, span = len(phases), len(phases) * phases.shape[2]
        for phase in range(step):
            for i in range(kernel):
                to_padded[:, phase + i : phase + i + span : step].add_(to_shifted[phase, :, :, i])
        return to_padded[:, kernel // 2 : kernel // 2 + n_times], to_weight, to_bias, None


def _padded(x: Tensor, n: int) -> Tensor:
    """Return x with n times of 0 before and after."""
    if not n:
        return x.contiguous()
    padded = x.new_empty(len(x), x.shape[1] + 2 * n, x.shape[2])
    padded[:, :n].zero_()
    padded[:, -n:].zero_()
    padded[:, n:-n].copy_(x)
    return padded


def _of_the_larger(gradient: Tensor, ahead: Tensor) -> Tensor:
    """Return (2, …) gradients of even and odd times: all of it goes to the larger, to the even one of equals."""
    both = gradient.new_empty(2, *gradient.shape)
    _keep_where_above.grad_input(gradient, ahead, 0, grad_input=both[1])
    torch.sub(gradient, both[1], out=both[0])
    return both
