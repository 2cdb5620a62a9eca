# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The Gaussians of a scene as plain arrays."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]

#: Value of the constant spherical harmonic; colour = 0.5 + SH_C0 * dc (display-referred sRGB, as trained).
SH_C0 = 0.28209479177387814

#: Opacities are computed with this far from 0 and 1, where the logit is infinite.
OPACITY_MARGIN = 1e-6
#: The logit of 1 - ``OPACITY_MARGIN``; its negative is that of ``OPACITY_MARGIN``.
MOST_LOGIT = np.float32(math.log1p(-OPACITY_MARGIN) - math.log(OPACITY_MARGIN))
#: Stands for a standard deviation of zero, which has no logarithm.
LEAST_SCALE = 1e-12
LEAST_LOG_SCALE = np.float32(math.log(LEAST_SCALE))

#: The arrays of ``Gaussians``, each with a row for every Gaussian.
ARRAYS = ("means", "log_scales", "quats", "opacity_logits", "sh")


@dataclass(frozen=True)
class PixelFilter:
    """How a scene was trained to be drawn: what the size of a pixel does to a Gaussian (method: pixel filter).

    Attributes:
        variance: added to the diagonal of the projected covariance, square pixels.
        compensated: whether the opacity falls by as much as the filter widens the Gaussian, so that what it covers
            stays the same ("antialiased", "mip").
    """

    variance: float = 0.3
    compensated: bool = False


#: That of 3D Gaussian Splatting; of antialiased scenes as most trainers make them; and of Mip-Splatting and Brush.
CLASSIC, ANTIALIASED, MIP = PixelFilter(), PixelFilter(0.3, True), PixelFilter(0.1, True)


@dataclass(frozen=True)
class Gaussians:
    """N Gaussians in the file's own world frame and in the units in which a 3DGS PLY stores them.

    Attributes:
        means: [N, 3] float32, centres, world frame.
        log_scales: [N, 3] float32, natural logarithm of the standard deviations along the own axes.
        quats: [N, 4] float32, rotation world_from_gaussian, wxyz, not necessarily normalised.
        opacity_logits: [N] float32, opacity before the sigmoid.
        sh: [N, K, 3] float32, spherical-harmonics colour coefficients, K = (degree + 1)^2, degree 0 to 4,
            coefficient 0 is the constant term, last axis is red, green, blue.
        pixel_filter: how they were trained to be drawn.
    """

    means: F32
    log_scales: F32
    quats: F32
    opacity_logits: F32
    sh: F32
    pixel_filter: PixelFilter = CLASSIC

    def __post_init__(self) -> None:
        count = self.means.shape[0]
        coefficients = self.sh.shape[1] if self.sh.ndim == 3 else -1
        expected = {
            "means": (count, 3),
            "log_scales": (count, 3),
            "quats": (count, 4),
            "opacity_logits": (count,),
            "sh": (count, coefficients, 3),
        }
        for name, shape in expected.items():
            array = getattr(self, name)
            if array.shape != shape or array.dtype != np.float32:
                raise ValueError(f"{name} must be float32 of shape {shape}, not {array.dtype} of shape {array.shape}.")
        if coefficients not in (1, 4, 9, 16, 25):
            raise ValueError(f"sh must have 1, 4, 9, 16 or 25 coefficients, not {coefficients}.")

    def __len__(self) -> int:
        return self.means.shape[0]

    @property
    def sh_degree(self) -> int:
        """Degree of the spherical harmonics, 0 to 4."""
        return math.isqrt(self.sh.shape[1]) - 1

    @property
    def antialiased(self) -> bool:
        """Whether they were trained with opacities that make up for the pixel filter."""
        return self.pixel_filter.compensated

    def take(self, index: NDArray[np.integer] | NDArray[np.bool_] | slice) -> Gaussians:
        """The Gaussians at ``index`` (indices, a boolean mask or a slice), in that order."""
        return replace(self, **{name: np.ascontiguousarray(getattr(self, name)[index]) for name in ARRAYS})

    def opacities(self) -> F32:
        """[N] float32 in (0, 1): the opacity after the sigmoid."""
        with np.errstate(over="ignore"):
            return (1.0 / (1.0 + np.exp(-self.opacity_logits))).astype(np.float32)

    def scales(self) -> F32:
        """[N, 3] float32: standard deviations along the own axes, world units."""
        return np.exp(self.log_scales)

    def base_colours(self) -> F32:
        """[N, 3] float32: display-referred sRGB of the constant term, not clamped."""
        return 0.5 + np.float32(SH_C0) * self.sh[:, 0, :]

    def computable(self) -> Gaussians:
        """The same Gaussians with finite numbers for infinite ones that mean something (the same object without any).

        A logit of +-infinity is an opacity of 1 or 0, a log scale of -infinity a flat Gaussian: trainers and converters
        write them. ``MOST_LOGIT`` and ``LEAST_LOG_SCALE`` stand for them, which no picture can tell apart.
        """
        solid, flat = np.isinf(self.opacity_logits), np.isneginf(self.log_scales)
        if not solid.any() and not flat.any():
            return self
        logits = np.where(solid, np.copysign(MOST_LOGIT, self.opacity_logits), self.opacity_logits)
        return replace(self, opacity_logits=logits, log_scales=np.where(flat, LEAST_LOG_SCALE, self.log_scales))

    def invalid(self) -> NDArray[np.bool_]:
        """[N] bool: Gaussians with a value that is not finite, where these are ``computable``."""
        bad = np.zeros(len(self), dtype=bool)
        for name in ARRAYS:
            array = getattr(self, name)
            bad |= ~np.isfinite(array).reshape(len(self), -1).all(axis=1)
        return bad


def concatenate(parts: list[Gaussians]) -> Gaussians:
    """One set of Gaussians from several with the same SH degree and pixel filter, in order."""
    if len({part.pixel_filter for part in parts}) > 1:
        raise ValueError("Gaussians with different pixel filters cannot be one scene.")
    return replace(parts[0], **{name: np.concatenate([getattr(part, name) for part in parts]) for name in ARRAYS})
