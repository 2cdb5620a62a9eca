# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Gaussians to and from gsply's container (the same units: log scales, wxyz, logits, SH as [N, K, 3])."""

from __future__ import annotations

from typing import Any

import numpy as np

from splatcut.scene.gaussians import Gaussians


def from_gsply(data: Any) -> Gaussians:
    """Gaussians from gsply's container."""
    base = np.asarray(data.sh0, dtype=np.float32)[:, None, :]
    rest = data.shN if data.shN is not None else base[:, :0]
    return Gaussians(
        means=np.ascontiguousarray(data.means, dtype=np.float32),
        log_scales=np.ascontiguousarray(data.scales, dtype=np.float32),
        quats=np.ascontiguousarray(data.quats, dtype=np.float32),
        opacity_logits=np.ascontiguousarray(data.opacities, dtype=np.float32).reshape(-1),
        sh=np.ascontiguousarray(np.concatenate([base, np.asarray(rest, dtype=np.float32)], axis=1)),
    )


def to_gsply(gsply: Any, gaussians: Gaussians) -> Any:
    """gsply's container of the Gaussians, quaternions normalised (zero ones become no rotation)."""
    length = np.linalg.norm(gaussians.quats, axis=1, keepdims=True)
    quats = np.where(length > 1e-12, gaussians.quats / np.maximum(length, 1e-12), np.array([1, 0, 0, 0], np.float32))
    return gsply.GSData.from_arrays(
        means=gaussians.means,
        scales=gaussians.log_scales,
        quats=quats.astype(np.float32),
        opacities=gaussians.opacity_logits,
        sh0=np.ascontiguousarray(gaussians.sh[:, 0]),
        shN=np.ascontiguousarray(gaussians.sh[:, 1:]) if gaussians.sh_degree else None,
        format="ply",
    )
