# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What lifting and everything after it starts from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from splatcut import raster
from splatcut.scene.camera import View
from splatcut.scene.gaussians import Gaussians
from splatcut.scene.masks import MaskSet


@dataclass(frozen=True, eq=False)
class Problem:
    """A scene and masks of its objects.

    Attributes:
        scene: N Gaussians.
        views: the V views of ``masks``, in its order; their cameras have the masks' sizes.
        masks: of K objects.
        device: that the work is done on.
    """

    scene: Gaussians
    views: Sequence[View]
    masks: MaskSet
    device: raster.Device = "cpu"
