# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Boundary Gaussians split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from splatcut import raster
from splatcut.lift.labelled import Labelled, lift_again
from splatcut.progress import Progress
from splatcut.scene.camera import View
from splatcut.scene.masks import MaskSet
from splatcut.split import SplitOptions, edge_normals, split, split_axes


def split_boundary(
    labelled: Labelled,
    views: Sequence[View],
    masks: MaskSet,
    tau: float,
    progress: Progress,
    device: raster.Device = "cpu",
    options: SplitOptions | None = None,
) -> Labelled:
    """Splits boundary Gaussians and lifts again, as long as there are any to split and rounds are left."""
    options = SplitOptions() if options is None else options
    for _ in range(options.rounds):
        index = np.flatnonzero(np.any(labelled.variance > tau, axis=1))
        if not index.size:
            break
        gaussians = labelled.gaussians
        object_of = labelled.variance[index].argmax(axis=1)
        normal, scale = edge_normals(gaussians, index, views, masks, object_of, progress, device)
        axis = split_axes(gaussians.take(index), normal, scale, options.min_pixels)
        chosen = axis >= 0
        if not chosen.any():
            break
        share = labelled.probability[index[chosen], object_of[chosen]]
        made = split(gaussians, index[chosen], axis[chosen], normal[chosen], share)
        labelled = replace(
            labelled,
            gaussians=made.gaussians,
            parent=labelled.parent[made.parent],
            changed=labelled.changed[made.parent] | made.changed,
            split=labelled.split[made.parent] | made.changed,
        )
        labelled = lift_again(labelled, views, masks, tau, progress, device)
    return labelled
