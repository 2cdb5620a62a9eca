# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The numbers of the 3DGS rasterisation rule, shared by all implementations."""

from __future__ import annotations

from splatcut.scene.gaussians import CLASSIC

#: Contributions with a smaller alpha are skipped.
ALPHA_MIN = 1.0 / 255.0
#: Alpha is clipped here; no gradient passes the clip. It is 0.99 in single precision, as 3DGS has it, in double
#: precision too: behind two clipped Gaussians the transmittance is then below the minimum in either, behind 0.99 itself
#: it is not.
ALPHA_MAX = 0.9900000095367432
#: A Gaussian that would bring the transmittance below this is not drawn, nor is anything behind it.
TRANSMITTANCE_MIN = 1e-4
#: Added to the diagonal of the projected covariance, square pixels (the low-pass filter of 3DGS), where the scene's own
#: ``PixelFilter`` says nothing else.
LOW_PASS = CLASSIC.variance
#: The projection is linearised at a point at most this many half fields of view from the axis.
FOV_GUARD = 1.3
#: Side of a tile in pixels.
TILE = 16
