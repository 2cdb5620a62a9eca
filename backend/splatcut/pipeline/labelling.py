# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""From masks to probabilities of all Gaussians, boundary Gaussians split on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from splatcut import raster
from splatcut.boundary import BoundaryOptions, Variance, mask_variance
from splatcut.cameras import View
from splatcut.gaussians import F32, Gaussians
from splatcut.lift import Lifted, LiftOptions, accumulate_views, vote
from splatcut.masks.types import MaskSet
from splatcut.messages import JobOptions
from splatcut.pipeline.checkpoints import Arrays
from splatcut.progress import Progress
from splatcut.split import SplitOptions, edge_normals, split, split_axes


@dataclass(frozen=True, eq=False)
class Labelled:
    """The scene with a probability for every Gaussian.

    Attributes:
        gaussians: M Gaussians, children of split ones included.
        parent: [M] int64, row of the input scene.
        changed: [M] bool, rows that differ from their parent's.
        probability: [M, K] float32 in [0, 1].
        weight: [M] float32, how much the views show of each, square pixels.
        boundary: per object, number of Gaussians whose mask variance is above tau.
    """

    gaussians: Gaussians
    parent: NDArray[np.int64]
    changed: NDArray[np.bool_]
    probability: F32
    weight: F32
    boundary: tuple[int, ...]

    def arrays(self) -> Arrays:
        """What has to be kept to make this again from the input scene: the changed rows and the labels."""
        children = self.gaussians.take(self.changed)
        return {
            "parent": self.parent,
            "changed": self.changed,
            "probability": self.probability,
            "weight": self.weight,
            "means": children.means,
            "log_scales": children.log_scales,
            "opacity_logits": children.opacity_logits,
        }

    @staticmethod
    def from_arrays(scene: Gaussians, arrays: Arrays, boundary: tuple[int, ...]) -> Labelled:
        """The inverse of ``arrays``."""
        parent, changed = arrays["parent"], arrays["changed"]
        gaussians = scene if not changed.any() else scene.take(parent)
        for name in ("means", "log_scales", "opacity_logits"):
            if changed.any():
                getattr(gaussians, name)[changed] = arrays[name]
        return Labelled(gaussians, parent, changed, arrays["probability"], arrays["weight"], boundary)


def lift_and_split(
    scene: Gaussians,
    views: Sequence[View],
    masks: MaskSet,
    options: JobOptions,
    progress: Progress,
    device: raster.Device = "cpu",
) -> Labelled:
    """Lifts the masks; splits boundary Gaussians and lifts again, as long as there are any to split.

    Args:
        views: the views of ``masks``, in its order.
    """
    boundary = BoundaryOptions(tau=options.tau)
    splitting = SplitOptions(rounds=SplitOptions().rounds if options.split else 0)
    gaussians, parent = scene, np.arange(len(scene))
    changed = np.zeros(len(scene), bool)
    lifted, variance = _lift(gaussians, views, masks, boundary, progress, device)
    for _ in range(splitting.rounds):
        index = np.flatnonzero(variance.boundary(boundary))
        if not index.size:
            break
        object_of = variance.total[index].argmax(axis=1)
        normal, scale = edge_normals(gaussians, index, views, masks, object_of, progress, device)
        axis = split_axes(gaussians.take(index), normal, scale, splitting.min_pixels)
        chosen = axis >= 0
        if not chosen.any():
            break
        share = lifted.probability[index[chosen], object_of[chosen]]
        made = split(gaussians, index[chosen], axis[chosen], normal[chosen], share)
        gaussians, parent, changed = made.gaussians, parent[made.parent], changed[made.parent] | made.changed
        lifted, variance = _lift(gaussians, views, masks, boundary, progress, device)
    counts = tuple(int(n) for n in (variance.total > boundary.tau).sum(axis=0))
    return Labelled(gaussians, parent, changed, lifted.probability, lifted.weight, counts)


def _lift(
    gaussians: Gaussians,
    views: Sequence[View],
    masks: MaskSet,
    boundary: BoundaryOptions,
    progress: Progress,
    device: raster.Device,
) -> tuple[Lifted, Variance]:
    sums = accumulate_views(gaussians, views, masks, progress, device)
    lifted = vote(gaussians, sums, masks.confidence, LiftOptions())
    return lifted, mask_variance(sums, len(gaussians), masks.confidence, boundary)
