# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Cuts Gaussians in two so that together they keep their parents' moments (method: hidden extents)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from splatcut.scene.gaussians import Gaussians, concatenate
from splatcut.scene.rotations import rotation_matrices


@dataclass(frozen=True, eq=False)
class Split:
    """Gaussians of which some were replaced by two children.

    Attributes:
        gaussians: M Gaussians: the first children in their parents' rows, the second ones at the end.
        parent: [M] int64, row of the input.
        changed: [M] bool, true for children.
    """

    gaussians: Gaussians
    parent: NDArray[np.int64]
    changed: NDArray[np.bool_]


def half_moments(share: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of the upper part of a standard normal that holds ``share`` [M] in (0, 1) of it."""
    share = np.asarray(share, np.float64)
    threshold = ndtri(1.0 - share)
    mean = np.exp(-0.5 * threshold**2) / np.sqrt(2.0 * np.pi) / share
    return mean, np.sqrt(np.maximum(1.0 + threshold * mean - mean**2, 1e-6))


def split(
    gaussians: Gaussians,
    index: NDArray[np.integer],
    axis: NDArray[np.integer],
    towards: NDArray[np.floating],
    share: NDArray[np.floating],
) -> Split:
    """Cuts Gaussians ``index`` [M] in two across their own axes ``axis`` [M].

    The axis' normal profile is cut where the upper part holds ``share`` of it; each child takes the mean, the variance
    and the mass of its part, so together they have the parent's mean, covariance and integrated opacity (peak opacity
    times volume), up to opacities that would exceed 1.

    Args:
        towards: [M, 3] directions that point to the object.
        share: [M] of their mass on the object's side, clipped to [0.1, 0.9].
    """
    chosen = gaussians.take(np.asarray(index))
    rows = np.arange(len(chosen))
    direction = rotation_matrices(chosen.quats)[rows, :, axis]
    sign = np.where((direction * towards).sum(axis=1) < 0, -1.0, 1.0)
    scale = np.exp(chosen.log_scales.astype(np.float64))[rows, axis]
    inside = np.clip(np.asarray(share, np.float64), 0.1, 0.9)

    def child(part: NDArray[np.float64], side: NDArray[np.float64]) -> Gaussians:
        mean, deviation = half_moments(part)
        means = chosen.means + direction * (side * mean * scale)[:, None]
        log_scales = chosen.log_scales.copy()
        log_scales[rows, axis] += np.log(deviation).astype(np.float32)
        opacity = np.clip(chosen.opacities().astype(np.float64) * part / deviation, 1e-6, 1.0 - 1e-4)
        logits = np.log(opacity / (1.0 - opacity)).astype(np.float32)
        return Gaussians(means.astype(np.float32), log_scales, chosen.quats, logits, chosen.sh)

    first, second = child(inside, sign), child(1.0 - inside, -sign)
    whole = concatenate([gaussians, second])
    for name in ("means", "log_scales", "opacity_logits"):
        getattr(whole, name)[np.asarray(index)] = getattr(first, name)
    parent = np.concatenate([np.arange(len(gaussians)), np.asarray(index)]).astype(np.int64)
    changed = np.zeros(len(whole), bool)
    changed[np.asarray(index)] = True
    changed[len(gaussians) :] = True
    return Split(whole, parent, changed)
