# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Translucent Gaussians stay as they are, and where they show, so do all shares of the pixel (method: translucent
objects).

A mask says what belongs to an object, not how much light comes through it. What lets light through in the input does so
in the middle of its masks, in all views; an opaque object's Gaussians are thin in one view or another at most.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from splatcut import raster
from splatcut.lift.labelled import Labelled
from splatcut.lift.problem import Problem
from splatcut.progress import Progress
from splatcut.refine.edges import EDGE
from splatcut.scene.camera import Camera
from splatcut.scene.gaussians import F32, Gaussians

#: A translucent object's Gaussian is translucent when the object alone covers less of the pixels that show it, in the
#: mean over the views.
OPAQUE = 0.9
#: An object is translucent when that mean is below one of these for more than a share of what is seen of it. Opaque
#: captures have shares of up to 0.002 and 0.04.
LIMITS = ((0.8, 0.01), (0.9, 0.1))
#: Views that this is measured in, spread over all that show the object.
VIEWS = 16
#: A Gaussian counts as measured where the masks show this much of it, square pixels.
MEASURED = 0.3
#: Translucent Gaussians show at a pixel where this share of it is theirs.
SHOWN = 1 / 32

Bytes = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Translucent:
    """The scene that came in, and what of its objects is translucent.

    Attributes:
        scene: N Gaussians; labels: [N, K] float32, 1 for the object that each belongs to, else 0.
        rows: [N] bool, the translucent ones.
    """

    scene: Gaussians
    labels: F32
    rows: NDArray[np.bool_]

    def targets(self, masks: Bytes, camera: Camera, device: raster.Device = "cpu") -> tuple[Bytes, Bytes]:
        """What a view's label image and the coverage of each object alone are held to, both [K, H, W] uint8.

        Those are the view's masks [K, H, W], but where translucent Gaussians show: there they are what they were. That
        holds for all objects: the mask of glass says nothing about the shares of what is seen through it.
        """
        features = np.hstack([self.labels, self.rows[:, None].astype(np.float32)])
        drawn = raster.render(self.scene, camera, features=features, colour=False, device=device).features
        through = drawn[..., -1] > SHOWN
        if not through.any():
            return masks, masks
        shares, alone = drawn[..., :-1].transpose(2, 0, 1), masks.copy()
        for k, mine in enumerate(self.labels.T > 0):
            own = self.scene.take(np.flatnonzero(mine))
            alone[k][through] = _bytes(raster.render(own, camera, colour=False, device=device).alpha[through])
        return np.where(through, _bytes(shares), masks), alone


def find_translucent(problem: Problem, labelled: Labelled, progress: Progress) -> Translucent | None:
    """What is translucent of the objects of a lifted scene; None if nothing is."""
    scene, labels = replace(labelled.gaussians, sh=labelled.gaussians.sh[:, :1]), labelled.hard()
    found = np.zeros(len(scene), bool)
    for k, mine in enumerate(labels.T > 0):
        rows = np.flatnonzero(mine)
        found[rows] = _lets_through(scene.take(rows), k, problem, progress)
    return Translucent(scene, labels, found) if found.any() else None


def _lets_through(own: Gaussians, k: int, problem: Problem, progress: Progress) -> NDArray[np.bool_]:
    """[M] bool: which of an object's Gaussians are translucent, none of an opaque object."""
    # In the middle of the masks and in all of them: how much they show of each, and how much is covered of that.
    sums = np.zeros((len(own), 4))
    trusted = np.flatnonzero(problem.masks.confidence[:, k] > 0)
    spread = np.unique(np.linspace(0, len(trusted) - 1, min(VIEWS, len(trusted))).astype(int))
    for number in trusted[spread] if len(own) else ():
        progress.step(0)
        inside = problem.masks.probability[number][k] > 127
        if not inside.any():
            continue
        # Along a mask's edge everything is thin.
        middle = ndimage.binary_erosion(inside, iterations=EDGE, border_value=1)
        camera = problem.views[number].camera
        prepared = raster.prepare(own, camera, problem.device)
        alpha = raster.render(own, camera, colour=False, device=problem.device, prepared=prepared).alpha
        signals = np.stack([middle, middle * alpha, inside, inside * alpha]).astype(np.float32)
        sums += raster.accumulate(own, camera, signals, device=problem.device, prepared=prepared).weighted
    seen, covered = sums[:, 0], sums[:, 1]
    known = seen > MEASURED
    if not any(seen[known & (covered < most * seen)].sum() > share * seen[known].sum() for most, share in LIMITS):
        return np.zeros(len(own), bool)
    # What is thin all over, as a stem is, lies in no middle; of glass it is believed to be what it looks like.
    seen, covered = np.where(known, sums.T[:2], sums.T[2:])
    return (seen > MEASURED) & (covered < OPAQUE * seen)


def _bytes(values: F32) -> Bytes:
    return np.rint(255 * np.clip(values, 0, 1)).astype(np.uint8)
