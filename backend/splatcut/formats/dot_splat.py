# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The ``.splat`` format: 32 bytes a Gaussian, colours without view dependence.

Position and linear scale as 3 + 3 little-endian float32, colour and opacity as 4 uint8, the quaternion wxyz as 4 uint8
of ``q * 128 + 128``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from splatcut.errors import UserError
from splatcut.scene.gaussians import OPACITY_MARGIN, SH_C0, Gaussians

_DTYPE = np.dtype([("position", "<f4", 3), ("scale", "<f4", 3), ("colour", "u1", 4), ("rotation", "u1", 4)])


def read(path: Path) -> Gaussians:
    """Reads a ``.splat`` file; opacities 0 and 255 become logits of about -13.8 and 13.8, which give the same bytes.

    Quaternions keep the length they have in the file, so that writing them again gives the same bytes.
    """
    size = path.stat().st_size
    if size % _DTYPE.itemsize:
        raise UserError(
            f"{path.name} is not a .splat file, or it is truncated: its size of {size} bytes is not a multiple of "
            f"{_DTYPE.itemsize}. Copy or export it again."
        )
    rows = np.fromfile(path, _DTYPE)
    opacity = np.clip(rows["colour"][:, 3] / 255.0, OPACITY_MARGIN, 1 - OPACITY_MARGIN)
    with np.errstate(invalid="ignore", divide="ignore"):
        log_scales = np.log(rows["scale"].astype(np.float64))
    sh = (rows["colour"][:, :3] / 255.0 - 0.5) / SH_C0
    return Gaussians(
        means=np.ascontiguousarray(rows["position"], dtype=np.float32),
        log_scales=log_scales.astype(np.float32),
        quats=(rows["rotation"] / 128.0 - 1).astype(np.float32),
        opacity_logits=np.log(opacity / (1 - opacity)).astype(np.float32),
        sh=sh.astype(np.float32)[:, None, :],
    )


def write(path: Path, gaussians: Gaussians) -> None:
    """Writes a ``.splat`` file in the order of the Gaussians; only the constant colour is kept."""
    rows = np.zeros(len(gaussians), _DTYPE)
    rows["position"] = gaussians.means
    with np.errstate(over="ignore"):
        rows["scale"] = np.exp(gaussians.log_scales.astype(np.float64))
    rows["colour"][:, :3] = np.clip(np.round(gaussians.base_colours() * 255), 0, 255)
    rows["colour"][:, 3] = np.round(gaussians.opacities() * 255)
    quats = gaussians.quats.astype(np.float64)
    length = np.linalg.norm(quats, axis=1, keepdims=True)
    # Quaternions that come from bytes are of length 1 but for rounding; normalising would round them once more.
    rounded = np.abs(length - 1) < 1 / 32
    quats = np.where(rounded, quats, quats / np.maximum(length, 1e-12))
    rows["rotation"] = np.clip(np.round(quats * 128 + 128), 0, 255)
    path.write_bytes(rows.tobytes())
