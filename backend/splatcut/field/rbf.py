# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Interpolation of the Gaussians' properties at any point, by radial basis functions of adaptive width.

For a query x with the K + 1 nearest Gaussians at distances d_0 <= ... <= d_K (method: the continuous field)
    h = mean(d_0 .. d_{K-1}),    R = d_K,
    phi_j = exp(-(d_j / h)^2 / 2) * (1 - (d_j / R)^2)^2,    f_inter(x) = sum_j phi_j g_j / sum_j phi_j.
The second factor is a departure from the paper, which has the first alone. There the K-th neighbour enters and leaves
the sum with a weight far from zero, and the interpolation jumps wherever the set of neighbours changes. With it a
neighbour's weight is zero when it comes in or goes out, so that f_inter is continuous everywhere but where all K + 1
neighbours are equally far away, where no choice of K of them could be.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from splatcut.field import rbf_cpu

#: The backward pass keeps this many sums, for as many threads, unless there are too many Gaussians for it to pay.
_PARTS = 4
_PARTS_UP_TO = 100_000


def rbf_weights(points: Tensor, centres: Tensor, present: Tensor | None = None) -> Tensor:
    """[M, K + 1] weights in [0, 1], each row summing to 1; differentiable in ``points`` and ``centres``.

    The farthest of the K + 1 weighs nothing (it only sets the radius R); so the weights do not depend on the order of
    the centres, and stay continuous when Gaussians have moved since their lists were made. Where all are equally far
    away (duplicates) all weigh the same.

    Args:
        points: [M, 3] queries; centres: [M, K + 1, 3] centres of their neighbours, same frame.
        present: [M, K + 1] bool, False where there is no neighbour because there are fewer than K + 1 Gaussians. Such
            rows have all Gaussians as neighbours and need no radius: their second factor is 1. A row without any
            neighbour has weights 0.
    """
    square = (points[:, None, :] - centres).square().sum(-1)
    known = torch.ones_like(square, dtype=torch.bool) if present is None else present
    full = known.all(dim=1, keepdim=True)
    square = torch.where(known, square, torch.zeros_like(square))
    at_centre = square == 0
    # The root's slope is infinite at 0; there it counts as 0.
    distance = torch.where(at_centre, 0.0, torch.where(at_centre, 1.0, square).sqrt())
    farthest = distance.amax(dim=1, keepdim=True)
    number = known.sum(dim=1, keepdim=True) - full.to(torch.int64)
    width = (distance.sum(dim=1, keepdim=True) - farthest * full) / number.clamp(min=1)
    tiny = torch.finfo(square.dtype).tiny
    kernel = torch.exp(-0.5 * square / width.square().clamp(min=tiny))
    radius = farthest.square()
    taper = ((radius - square).clamp(min=0.0) / radius.clamp(min=tiny)).square()
    weight = torch.where(known, torch.where(full, kernel * taper, kernel), 0.0)
    total = weight.sum(dim=1, keepdim=True)
    lost = total <= tiny
    even = known.to(square.dtype) / known.sum(dim=1, keepdim=True).clamp(min=1)
    return torch.where(lost, even, weight / torch.where(lost, 1.0, total))


def interpolate(points: Tensor, means: Tensor, values: Tensor, index: Tensor, *, reference: bool = False) -> Tensor:
    """f_inter [M, C]: the values of the neighbours, weighted; gradients reach points, means and values.

    On the CPU numba kernels compute it, forward and backward; elsewhere torch.

    Args:
        points: [M, 3]; means: [N, 3] centres, same frame; values: [N, C] one row per Gaussian.
        index: [M, K + 1] int64 as ``NeighbourIndex.query`` gives it, -1 where there is no further Gaussian.
        reference: always the plain torch twin, by way of ``rbf_weights``.
    """
    rows, columns = index.shape
    if len(means) == 0:
        return values.new_zeros((rows, values.shape[1]))
    if points.device.type == "cpu" and not reference:
        return _CpuInterpolate.apply(points, means, values, index)  # pyright: ignore[reportReturnType]
    present = index >= 0
    flat = index.clamp(min=0).reshape(-1)
    centres = means.index_select(0, flat).reshape(rows, columns, 3)
    weights = rbf_weights(points, centres, present)
    chosen = values.index_select(0, flat).reshape(rows, columns, values.shape[1])
    return torch.bmm(weights[:, None, :], chosen)[:, 0, :]


class _CpuInterpolate(torch.autograd.Function):
    """The numba kernels as a torch function, float32 or float64 (the values')."""

    @staticmethod
    def forward(ctx: Any, points: Tensor, means: Tensor, values: Tensor, index: Tensor) -> Tensor:
        ctx.save_for_backward(points, means, values, index)
        arrays = _arrays(points, means, values)
        out = np.zeros((len(points), values.shape[1]), arrays[2].dtype)
        rbf_cpu.interpolate(*arrays, index.contiguous().numpy(), out)
        return torch.from_numpy(out)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        points, means, values, index = ctx.saved_tensors
        arrays = _arrays(points, means, values)
        kind = arrays[2].dtype
        parts = _PARTS if len(means) <= _PARTS_UP_TO else 1
        grad_points = np.empty((len(points), 3), kind)
        grad_means = np.zeros((parts, len(means), 3), kind)
        grad_values = np.zeros((parts, *values.shape), kind)
        incoming = gradients[0].contiguous().numpy()
        rbf_cpu.interpolate_backward(
            *arrays, index.contiguous().numpy(), incoming, grad_points, grad_means, grad_values
        )
        return (
            torch.from_numpy(grad_points).to(points.dtype),
            torch.from_numpy(grad_means.sum(axis=0)).to(means.dtype),
            torch.from_numpy(grad_values.sum(axis=0)),
            None,
        )


def _arrays(points: Tensor, means: Tensor, values: Tensor) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    kind = values.dtype
    points, means, values = (tensor.detach().to(kind).contiguous() for tensor in (points, means, values))
    return points.numpy(), means.numpy(), values.numpy()
