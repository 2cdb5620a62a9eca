# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Gaussians of a splat object as drawing and picking need them."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from splatcut.scene.gaussians import CLASSIC, F32, SH_C0, PixelFilter


@dataclass(frozen=True, eq=False)
class SplatArrays:
    """N Gaussians in the object's local frame, which is the file's. The arrays are shared: nobody writes to them.

    Attributes:
        positions: [N, 3] float32.
        scales: [N, 3] float32, standard deviations along the own axes (linear), local units.
        quats: [N, 4] float32, wxyz, normalised (or all zero, which stands for no rotation).
        base: [N, 3] float32, display-referred sRGB of the constant colour term, not clamped: colours are held above 0
            once the view-dependent part is added.
        opacity: [N] float32, 0 to 1.
        sh: [N, K - 1, 3] float32, the view-dependent coefficients, or None when they were not asked for or are none.
        key: changes whenever one of the arrays does.
        pixel_filter: how the scene was trained to be drawn.
    """

    positions: F32
    scales: F32
    quats: F32
    base: F32
    opacity: F32
    sh: F32 | None = None
    key: Hashable = None
    pixel_filter: PixelFilter = CLASSIC

    def __len__(self) -> int:
        return self.positions.shape[0]


def base_colours(dc: F32) -> F32:
    """[N, 3] float32 colours of the constant terms [N, 3], not clamped."""
    return np.float32(0.5) + np.float32(SH_C0) * dc
