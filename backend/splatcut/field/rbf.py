# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Interpolation of the Gaussians' properties at any point, by radial basis functions of adaptive width.

For a point x whose K + 1 nearest Gaussians have the distances d_1 <= ... <= d_{K+1} and the properties g_j (method: the
continuous field; K = 8)
    h = mean(d_1 .. d_K),    kappa_j = exp(-(d_j / h)^2 / 2) (1 - (d_j / d_{K+1})^2)^2,
    f(x) = sum_j kappa_j g_j / sum_j kappa_j.
The second factor is a departure from the paper, which has the first alone. There the K-th neighbour enters and leaves
the sum with a weight far from zero, and the interpolation jumps wherever the set of neighbours changes. With it a
neighbour's weight is zero when it comes in or goes out, so that f is continuous everywhere but where all K + 1
neighbours are equally far away, where no choice of K of them could be.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def rbf_weights(points: Tensor, centres: Tensor, present: Tensor | None = None) -> Tensor:
    """[M, K + 1] weights kappa_j / sum kappa in [0, 1]; differentiable in ``points`` and ``centres``.

    The farthest of the K + 1 weighs nothing (it only gives d_{K+1}); so the weights do not depend on the order of the
    centres, and stay continuous when Gaussians have moved since their lists were made. Where all are equally far away
    (duplicates) all weigh the same.

    Args:
        points: [M, 3] queries; centres: [M, K + 1, 3] centres of their neighbours, same frame.
        present: [M, K + 1] bool, False where there is no neighbour because there are fewer than K + 1 Gaussians. Such
            rows have all Gaussians as neighbours and need no d_{K+1}: their second factor is 1. A row without any
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
    h = (distance.sum(dim=1, keepdim=True) - farthest * full) / number.clamp(min=1)
    tiny = torch.finfo(square.dtype).tiny
    bell = torch.exp(-0.5 * square / h.square().clamp(min=tiny))
    radius = farthest.square()
    taper = ((radius - square).clamp(min=0.0) / radius.clamp(min=tiny)).square()
    kappa = torch.where(known, torch.where(full, bell * taper, bell), 0.0)
    total = kappa.sum(dim=1, keepdim=True)
    lost = total <= tiny
    even = known.to(square.dtype) / known.sum(dim=1, keepdim=True).clamp(min=1)
    return torch.where(lost, even, kappa / torch.where(lost, 1.0, total))


def interpolate(points: Tensor, means: Tensor, values: Tensor, index: Tensor) -> Tensor:
    """f(x) [M, C]: the values of the neighbours, weighted; gradients reach points, means and values.

    Args:
        points: [M, 3]; means: [N, 3] centres, same frame; values: [N, C] one row per Gaussian; all of one dtype.
        index: [M, K + 1] int64 as ``NeighbourIndex.query`` gives it, -1 where there is no further Gaussian.
    """
    if len(means) == 0:
        return values.new_zeros((len(points), values.shape[1]))
    rows = index.clamp(min=0)
    # Not means[rows], whose gradient is summed by threads in any order, so that a run's bits would differ.
    weights = rbf_weights(points, functional.embedding(rows, means), index >= 0)
    return functional.embedding_bag(rows, values, per_sample_weights=weights, mode="sum")
