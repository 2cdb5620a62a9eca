# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Gaussians that straddle an object's edge: the total variance of their mask signal (method: boundary Gaussians).

The signal is s = 2m - 1 in [-1, 1], so its variance lies in [0, 1] and the paper's tau = 0.6 has a meaning. The
variance between views alone would miss a Gaussian that lies half inside in every view; by the law of total variance
    sigma_i^2 = sum_v (W_iv / W_i) [ (s_iv - s_i)^2 + (1 - s_iv^2) ],
the first term being the disagreement between views, the second the straddling inside them (pixels counted as inside
with probability M and outside with 1 - M; for hard masks this is the variance over all pixels, 1 - s_i^2).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from splatcut.lift.vote import ViewSums
from splatcut.scene.gaussians import F32

#: A view counts for a Gaussian's variance only if it shows at least this share of what the Gaussian's best view shows
#: of it (W_iv against max_v W_iv).
MIN_VIEW_SHARE = 0.05


def mask_variance(sums: Sequence[ViewSums], count: int, confidence: F32, min_view_share: float = MIN_VIEW_SHARE) -> F32:
    """[N, K] float32 in [0, 1]: the total variance of the mask signal over the views that count; 0 where unseen.

    Args:
        sums: per view; count: N; confidence: [V, K] in [0, 1].
    """
    kinds = confidence.shape[1]
    best = np.zeros(count, np.float32)
    for view in sums:
        best[view.index] = np.maximum(best[view.index], view.weight)
    floor = best * np.float32(min_view_share)
    weight, first, second = (np.zeros((count, kinds)) for _ in range(3))
    for view, c in zip(sums, confidence, strict=True):
        keep = view.weight >= floor[view.index]
        index, w = view.index[keep], view.weight[keep, None].astype(np.float64)
        signal = np.clip(2.0 * view.weighted[keep] / w - 1.0, -1.0, 1.0)
        weight[index] += c * w
        first[index] += c * w * signal
        second[index] += c * w * signal**2
    safe = np.maximum(weight, 1e-12)
    mean, mean_square = first / safe, second / safe
    seen = weight > 1e-6
    disagreement = np.where(seen, np.clip(mean_square - mean**2, 0.0, 1.0), 0.0)
    straddling = np.where(seen, np.clip(1.0 - mean_square, 0.0, 1.0), 0.0)
    return disagreement.astype(np.float32) + straddling.astype(np.float32)


def boundary(variance: F32, tau: float) -> NDArray[np.bool_]:
    """[N, K] bool: the boundary Gaussians B_k of every object, whose mask variance [N, K] is above ``tau``."""
    return variance > tau
