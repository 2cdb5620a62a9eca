# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What the rasterisers return."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
Device = Literal["cpu", "cuda", "reference"]


@dataclass(frozen=True, eq=False)
class Rendered:
    """A rendered view. Pixels in tiles that were left out are 0 (transmittance 1).

    Attributes:
        image: [H, W, 3] float32, display-referred sRGB as trained, not clamped above, background blended in; [H, W, 0]
            where no colour was asked for.
        features: [H, W, C] float32, sum over Gaussians of blending weight times feature; C is 0 without features.
        transmittance: [H, W] float32 in [0, 1]: what is left of the background; 1 - transmittance is the alpha.
    """

    image: F32
    features: F32
    transmittance: F32

    @property
    def alpha(self) -> F32:
        """[H, W] float32 in [0, 1]: what the Gaussians cover."""
        return 1 - self.transmittance


@dataclass(frozen=True, eq=False)
class Accumulated:
    """Sums over a view's pixels of the blending weights w_i(p) (method: lifting).

    Attributes:
        weight: [N] float32, sum of w_i(p), square pixels; 0 for Gaussians the view does not show.
        weighted: [N, K] float32, sum of w_i(p) * signal_k(p).
    """

    weight: F32
    weighted: F32
