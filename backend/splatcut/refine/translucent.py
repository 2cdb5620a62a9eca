# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Translucent objects are held to what they covered in the scene that came in (method: translucent objects).

A mask says what belongs to an object, not how much light comes through it. What lets light through in the input does so
in the middle of its masks, in all views; an opaque object's Gaussians are thin in one view or another at most.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from splatcut import raster
from splatcut.lift.labelled import Labelled
from splatcut.lift.problem import Problem
from splatcut.progress import Progress
from splatcut.refine.edges import EDGE
from splatcut.scene.gaussians import F32, Gaussians

#: A Gaussian is translucent when its object alone covers less of the pixels that show it, in the mean over the views.
OPAQUE = 0.8
#: An object is translucent when more than this share of what is seen of it is. Opaque captures have up to 0.002.
SHARE = 0.01
#: Views that this is measured in, spread over all that show the object.
VIEWS = 16
#: A Gaussian counts as measured where the middle of the masks shows this much of it, square pixels.
MEASURED = 0.3


def held_to_the_input(problem: Problem, labelled: Labelled, progress: Progress) -> Problem:
    """The problem with masks [K, H, W] that ask no more of a translucent object than it covers in the input.

    Where an object's translucent Gaussians make up a pixel, its mask becomes the object's own coverage there, if that
    is less. All other masks are the very same arrays.
    """
    masks = list(problem.masks.probability)
    bare = replace(labelled.gaussians, sh=labelled.gaussians.sh[:, :1])
    for k, mine in enumerate((labelled.hard() > 0.5).T):
        own = bare.take(np.flatnonzero(mine))
        cover = _covered(own, k, problem, progress)
        if cover is None:
            continue
        for number, view in enumerate(problem.views):
            progress.step(0)
            if problem.masks.confidence[number, k] > 0:
                drawn = raster.render(own, view.camera, features=cover[:, None], colour=False, device=problem.device)
                through = (drawn.alpha > 1 / 255) & (raster.over_alpha(drawn.features[..., 0], drawn.alpha) < OPAQUE)
                least = np.minimum(masks[number][k], np.rint(255 * drawn.alpha).astype(np.uint8))
                masks[number] = masks[number].copy()
                masks[number][k] = np.where(through, least, masks[number][k])
    return replace(problem, masks=replace(problem.masks, probability=masks))


def _covered(own: Gaussians, k: int, problem: Problem, progress: Progress) -> F32 | None:
    """[M] how much an object's Gaussians alone cover of the pixels that show each of them, 1 where that is not known;
    None for an opaque object."""
    total, covered = np.zeros(len(own)), np.zeros(len(own))
    trusted = np.flatnonzero(problem.masks.confidence[:, k] > 0)
    spread = np.unique(np.linspace(0, len(trusted) - 1, min(VIEWS, len(trusted))).astype(int))
    for number in trusted[spread] if len(own) else ():
        progress.step(0)
        middle = _middle(problem.masks.probability[number][k])
        if not middle.any():
            continue
        camera = problem.views[number].camera
        prepared = raster.prepare(own, camera, problem.device)
        alpha = raster.render(own, camera, colour=False, device=problem.device, prepared=prepared).alpha
        signals = np.stack([middle, middle * alpha]).astype(np.float32)
        sums = raster.accumulate(own, camera, signals, device=problem.device, prepared=prepared).weighted
        total += sums[:, 0]
        covered += sums[:, 1]
    known = total > MEASURED
    mean = np.where(known, covered / np.maximum(total, 1e-9), 1.0)
    seen = total[known].sum()
    if not seen or total[known & (mean < OPAQUE)].sum() <= SHARE * seen:
        return None
    return mean.astype(np.float32)


def _middle(mask: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """[H, W] bool: deeper in a mask [H, W] than the band along its edge, where coverage says nothing yet."""
    return ndimage.binary_erosion(mask > 127, iterations=EDGE, border_value=1)
