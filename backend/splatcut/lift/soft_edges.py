# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Gaussians that straddle an edge, sent to both sides (method: objects out)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from splatcut.lift.labels import Labels, background_probability
from splatcut.scene.gaussians import F32, Gaussians

#: A Gaussian goes to both sides when the smaller side's share is at least this, in (0, 0.5].
LEAST = 0.1


@dataclass(frozen=True, eq=False)
class SoftEdges:
    """Gaussians of which those that straddle an edge were replaced by two, one on either side.

    Attributes:
        gaussians: M Gaussians; rows 0 to N - 1 are the input's, the twins follow.
        labels: [M] int32.
        parent: [M] int64, row of the input.
        changed: [M] bool, rows whose opacity differs from the parent's.
    """

    gaussians: Gaussians
    labels: Labels
    parent: NDArray[np.int64]
    changed: NDArray[np.bool_]


def split_opacity(logits: F32, share: NDArray[np.floating]) -> tuple[F32, F32]:
    """Opacity logits of two Gaussians of one shape that stand for one: 1 - o = (1 - o)^s (1 - o)^(1 - s).

    Drawn over each other their opacities o1, o2 give 1 - (1 - o1)(1 - o2) = o, exactly at the Gaussian's peak; on its
    flanks, where both are weakened by the same falloff g, coverage is higher by o1 o2 g (1 - g), at most a quarter of
    o1 o2. Colours are equal, so the blended colour is unchanged where the coverage is.

    Args:
        logits: [N] float32, opacities before the sigmoid.
        share: [N] in (0, 1), of the first of the two.
    """
    depth = np.logaddexp(0.0, logits.astype(np.float64))  # -log(1 - o)

    def part(s: NDArray[np.float64]) -> F32:
        x = s * depth  # o_s / (1 - o_s) = exp(x) - 1
        return np.where(x > 30.0, x, np.log(np.expm1(np.clip(x, 1e-300, 30.0)))).astype(np.float32)

    s = np.asarray(share, dtype=np.float64)
    return part(s), part(1.0 - s)


def soft_edges(gaussians: Gaussians, probability: F32, labels: Labels) -> SoftEdges:
    """Sends every Gaussian that straddles an edge to both sides, its opacity split by its probability.

    The two sides are the label's class and the most probable other one (objects and background). A Gaussian's share
    is taken between these two. One whose label is not its most probable class (a removed island) was put where it is
    on purpose and stays whole. All other rows are untouched.

    Args:
        gaussians: N Gaussians.
        probability: [N, K] float32 in [0, 1], of each object.
        labels: [N] int32, the hard labels.
    """
    classes = np.concatenate([background_probability(probability)[:, None], probability], axis=1).astype(np.float64)
    rows = np.arange(len(gaussians))
    own = classes[rows, labels]
    others = classes.copy()
    others[rows, labels] = -1.0
    second = np.argmax(others, axis=1).astype(np.int32)
    other = np.maximum(others[rows, second], 0.0)
    share = own / np.maximum(own + other, 1e-12)
    straddles = np.flatnonzero((own >= other) & (1.0 - share >= LEAST) & (own > 0.0)).astype(np.int64)
    first, twin = split_opacity(gaussians.opacity_logits[straddles], share[straddles])
    parent = np.concatenate([rows.astype(np.int64), straddles])
    result = gaussians.take(parent)
    logits = result.opacity_logits.copy()
    logits[straddles], logits[len(gaussians) :] = first, twin
    changed = np.zeros(parent.size, dtype=bool)
    changed[straddles] = True
    changed[len(gaussians) :] = True
    return SoftEdges(
        Gaussians(result.means, result.log_scales, result.quats, logits, result.sh),
        np.concatenate([labels, second[straddles]]).astype(np.int32),
        parent,
        changed,
    )
