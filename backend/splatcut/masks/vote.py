# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The running vote of the masks about every Gaussian, to which views are added and from which they are taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from splatcut import raster
from splatcut.lift.vote import ViewSums
from splatcut.masks.self_prompts import RenderedVote, rendered_vote
from splatcut.scene.camera import View
from splatcut.scene.gaussians import F32, Gaussians

if TYPE_CHECKING:
    from splatcut.raster.cpu import Prepared

#: A Gaussian has a vote about an object when trusted views show this much of it, square pixels.
MIN_EVIDENCE = 0.3


class Vote:
    """Sums over views of W_iv and F_ivk for N Gaussians and K objects, weighted by the views' confidence."""

    def __init__(self, count: int, kinds: int) -> None:
        self._inside = np.zeros((count, kinds))
        self._total = np.zeros((count, kinds))

    def add(self, sums: ViewSums, confidence: NDArray[np.floating]) -> None:
        """Counts a view with weights ``confidence`` [K]; negative weights take it out again."""
        self._inside[sums.index] += confidence * sums.weighted
        self._total[sums.index] += confidence * sums.weight[:, None]

    def features(self) -> F32:
        """[N, 2 K] float32: probability times known, then known (0 or 1)."""
        known = self._total > MIN_EVIDENCE
        probability = np.where(known, self._inside / np.maximum(self._total, 1e-9), 0.0).clip(0.0, 1.0)
        return np.concatenate([probability, known], axis=1).astype(np.float32)

    def without(self, sums: ViewSums, confidence: NDArray[np.floating]) -> F32:
        """``features`` as they would be without one view, so that a view is not judged by its own mask."""
        self.add(sums, -np.asarray(confidence))
        result = self.features()
        self.add(sums, confidence)
        return result


def rendered_votes(
    gaussians: Gaussians,
    view: View,
    features: F32,
    device: raster.Device = "cpu",
    prepared: Prepared | None = None,
) -> list[RenderedVote]:
    """What a vote's ``features`` say about each object in a view."""
    drawn = raster.render(gaussians, view.camera, features=features, colour=False, device=device, prepared=prepared)
    kinds = features.shape[1] // 2
    return [rendered_vote(drawn.features[..., k], drawn.features[..., kinds + k]) for k in range(kinds)]
