# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The scene with what the masks say about every Gaussian."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splatcut import raster
from splatcut.lift.labels import labels_from_probability
from splatcut.lift.problem import Problem
from splatcut.lift.variance import boundary, mask_variance
from splatcut.lift.vote import accumulate_views, views_showing, vote
from splatcut.progress import Progress
from splatcut.scene.gaussians import ARRAYS, F32, Gaussians

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Labelled:
    """The scene with a probability for every Gaussian.

    Attributes:
        gaussians: [M], those of the input scene, row by row.
        changed: [M] bool, rows that differ from the input's.
        probability: [M, K] float32 in [0, 1].
        weight: [M] float32, how much the views show of each, square pixels.
        views: [M] int32, how many of them show it (``lift.vote.views_showing``).
        variance: [M, K] float32 in [0, 1], total variance of the mask signal.
        boundary: per object, number of Gaussians whose mask variance is above tau.
    """

    gaussians: Gaussians
    changed: NDArray[np.bool_]
    probability: F32
    weight: F32
    views: NDArray[np.int32]
    variance: F32
    boundary: tuple[int, ...]

    def arrays(self) -> Arrays:
        """What has to be kept to make this again from the input scene: the changed rows and the labels."""
        rows = self.gaussians.take(self.changed)
        arrays: Arrays = {name: getattr(self, name) for name in _ROWS}
        arrays.update({name: getattr(rows, name) for name in ARRAYS})
        return arrays

    def hard(self) -> F32:
        """[M, K] float32, 1 for the object that a Gaussian belongs to, else 0."""
        labels = labels_from_probability(self.probability)
        return (labels[:, None] == np.arange(1, self.probability.shape[1] + 1)).astype(np.float32)

    @staticmethod
    def from_arrays(scene: Gaussians, arrays: Arrays, boundary: tuple[int, ...]) -> Labelled:
        """The inverse of ``arrays``."""
        changed = arrays["changed"]
        gaussians = scene if not changed.any() else scene.take(np.arange(len(scene)))
        if changed.any():
            for name in ARRAYS:
                getattr(gaussians, name)[changed] = arrays[name]
        return Labelled(gaussians=gaussians, boundary=boundary, **{name: arrays[name] for name in _ROWS})


#: Attributes of ``Labelled`` with a row for every Gaussian.
_ROWS = ("changed", "probability", "weight", "views", "variance")


def lift(problem: Problem, tau: float, progress: Progress) -> Labelled:
    """Lifts the masks into the scene as it is.

    Args:
        tau: mask variance that makes a boundary Gaussian, in [0, 1].
    """
    scene, masks = problem.scene, problem.masks
    count, kinds = len(scene), len(masks.objects)
    unknown, unseen = np.zeros((count, kinds), np.float32), np.zeros(count, np.float32)
    bare = Labelled(
        scene, np.zeros(count, bool), unknown, unseen, np.zeros(count, np.int32), unknown, (0,) * kinds
    )  # fmt: skip
    return lift_again(bare, problem, tau, progress)


def vote_of(problem: Problem, step: Callable[[], None] = lambda: None) -> Callable[[int], F32]:
    """The label image [H, W, K] in [0, 1] that the vote of all masks gives in a view, by the view's number.

    Args:
        step: called after each view that has voted.
    """
    probability, _ = vote(problem.scene, accumulate_views(problem, step), problem.masks.confidence)
    return label_images(problem, probability)


def label_images(problem: Problem, probability: F32) -> Callable[[int], F32]:
    """The label image [H, W, K] in [0, 1] of probabilities [N, K] in a view, by the view's number."""

    def shown(number: int) -> F32:
        camera = problem.views[number].camera
        drawn = raster.render(problem.scene, camera, features=probability, colour=False, device=problem.device)
        return drawn.features

    return shown


def lift_again(labelled: Labelled, problem: Problem, tau: float, progress: Progress) -> Labelled:
    """The same Gaussians with what the problem's masks say about them."""
    masks = problem.masks
    progress.stage("lift", len(masks.views))
    sums = accumulate_views(replace(problem, scene=labelled.gaussians), progress.step)
    probability, weight = vote(labelled.gaussians, sums, masks.confidence)
    views = views_showing(sums, len(labelled.gaussians), masks.confidence)
    variance = mask_variance(sums, len(labelled.gaussians), masks.confidence)
    counts = tuple(int(n) for n in boundary(variance, tau).sum(axis=0))
    return replace(
        labelled, probability=probability, weight=weight, views=views, variance=variance, boundary=counts
    )  # fmt: skip
