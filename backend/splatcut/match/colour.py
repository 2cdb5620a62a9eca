# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""sRGB's transfer function between display-referred and linear values, and its slope (IEC 61966-2-1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from splatcut.scene.gaussians import F32

_KNEE, _LINEAR_KNEE = np.float32(0.04045), np.float32(0.0031308)
_A, _SLOPE, _POWER = np.float32(0.055), np.float32(12.92), np.float32(2.4)


def decode(display: NDArray[np.floating]) -> F32:
    """Linear values of display-referred ones, any shape; below 0 is 0, and above 1 the curve goes on."""
    c = np.maximum(display, 0).astype(np.float32, copy=False)
    return np.where(c <= _KNEE, c / _SLOPE, ((c + _A) / (1 + _A)) ** _POWER).astype(np.float32, copy=False)


def decode_slope(display: NDArray[np.floating]) -> F32:
    """The derivative of ``decode``; below 0 that at 0, so that a colour can come back from there."""
    c = np.maximum(display, 0).astype(np.float32, copy=False)
    bent = _POWER / (1 + _A) * ((c + _A) / (1 + _A)) ** (_POWER - 1)
    return np.where(c <= _KNEE, 1 / _SLOPE, bent).astype(np.float32, copy=False)


def encode(linear: NDArray[np.floating]) -> F32:
    """Display-referred values of linear ones, any shape; the inverse of ``decode``."""
    c = np.maximum(linear, 0).astype(np.float32, copy=False)
    return np.where(c <= _LINEAR_KNEE, c * _SLOPE, (1 + _A) * c ** (1 / _POWER) - _A).astype(np.float32, copy=False)


def encode_slope(linear: NDArray[np.floating]) -> F32:
    """The derivative of ``encode``, at most 12.92."""
    c = np.maximum(linear, _LINEAR_KNEE).astype(np.float32, copy=False)
    bent = (1 + _A) / _POWER * c ** (1 / _POWER - 1)
    return np.where(linear <= _LINEAR_KNEE, _SLOPE, bent).astype(np.float32, copy=False)
