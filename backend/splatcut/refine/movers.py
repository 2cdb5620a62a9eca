# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Which Gaussians are optimised (method: what moves). All others keep their bits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from splatcut import raster
from splatcut.lift.labelled import Labelled
from splatcut.lift.problem import Problem
from splatcut.lift.variance import boundary
from splatcut.progress import Progress
from splatcut.refine.edges import near_edge
from splatcut.scene.gaussians import F32

#: Visible weight, in square pixels over all views, below which there is nothing to optimise a Gaussian by.
VISIBLE = 1.0
#: An object's Gaussian is optimised if its share outside of the masks, rendered alone, is above tau times this.
OUTSIDE = 0.5
#: A Gaussian is optimised if its share along the masks' edges is above tau times ``ALONG`` and its probability of being
#: an object's above ``MINE``.
ALONG, MINE = 0.02, 0.02


def choose_movers(problem: Problem, labelled: Labelled, tau: float, progress: Progress) -> NDArray[np.int64]:
    """[M] ascending rows of ``labelled`` to optimise: those of which one of these is true.

    - The views show them, and the mask variance is above ``tau``: they straddle an edge, or views contradict each other
      about them.
    - They belong to an object, show when it is rendered alone, and stick out of its masks there by more than half of
      ``tau``; what the scene hides has no variance.
    - The views show them, they may belong to an object, and more than a fiftieth of ``tau`` of them lies along the
      masks' edges: on a round object that is seen from all sides almost all of it is on the outline of some view, which
      the variance averages away.
    """
    straddles = boundary(labelled.variance, tau).any(axis=1) & (labelled.weight > VISIBLE)
    along, outside, alone = np.zeros((3, len(labelled.gaussians)), np.float32)
    progress.stage("movers", len(problem.views))
    objects = [np.flatnonzero(label) for label in (labelled.hard() > 0.5).T]
    for number, view in enumerate(problem.views):
        progress.step()
        confidence = problem.masks.confidence[number]
        if confidence.max(initial=0) <= 0:
            continue
        soft = problem.masks.soft(number)
        signal = near_edge(soft)[None].astype(np.float32)
        shown = raster.accumulate(labelled.gaussians, view.camera, signal, device=problem.device).weighted[:, 0]
        # A view counts as in ``labelled.weight``, of which this is a share.
        along += confidence.max() * shown
        for k, rows in enumerate(objects):
            if confidence[k] <= 0 or not rows.size:
                continue
            some = labelled.gaussians.take(rows)
            sums = raster.accumulate(some, view.camera, soft[k : k + 1], device=problem.device)
            alone[rows] += sums.weight
            outside[rows] += sums.weight - sums.weighted[:, 0]
    share = _share(along, labelled.weight)
    on_edge = (share > ALONG * tau) & (labelled.probability.max(axis=1, initial=0) > MINE) & (labelled.weight > VISIBLE)
    sticks_out = (_share(outside, alone) > OUTSIDE * tau) & (alone > VISIBLE)
    return np.flatnonzero(straddles | on_edge | sticks_out)


def _share(part: F32, whole: F32) -> F32:
    return (part / np.maximum(whole, 1e-6)).astype(np.float32)
