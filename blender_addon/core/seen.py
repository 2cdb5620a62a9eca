# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What files say as people see it, and back: standard deviations, opacities, quaternions of length 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from splatcut.scene.gaussians import F32, LEAST_SCALE

#: Relative difference up to which a seen value counts as the raw one's: processors and numpy releases differ in the
#: last bit of exp, and a .blend may travel.
_TOLERANCE = np.float32(4e-7)
#: Logits whose opacities are exactly 0 and 1 in single precision, where a logit would be infinite.
_INVISIBLE, _OPAQUE = np.float32(-104.0), np.float32(17.4)


def normalised(quats: F32) -> F32:
    """[N, 4] quaternions of length 1; such without a length become the identity, as everywhere."""
    length = np.sqrt(np.einsum("ij,ij->i", quats, quats, dtype=np.float64))
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.where(length > 0, 1 / length, 0)
    result = (quats * factor[:, None]).astype(np.float32)
    result[length == 0] = (1, 0, 0, 0)
    return result


def scales(log_scales: F32) -> F32:
    with np.errstate(over="ignore"):
        return np.exp(log_scales)


def opacities(logits: F32) -> F32:
    with np.errstate(over="ignore"):
        return (1 / (1 + np.exp(-logits.astype(np.float64)))).astype(np.float32)


def _same(seen: F32, expected: F32) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        return np.asarray((seen == expected) | (np.abs(seen - expected) <= _TOLERANCE * np.abs(expected)))


def raw_log_scales(seen: F32, raw: F32 | None) -> F32:
    """[N, 3] logarithms of standard deviations [N, 3]; those of ``raw`` where it says the same."""
    if raw is not None and (same := _same(seen, scales(raw))).all():
        return raw
    with np.errstate(invalid="ignore"):
        logs = np.log(np.where(seen <= 0, np.float32(LEAST_SCALE), seen))
    return logs if raw is None else np.where(same, raw, logs)


def raw_logits(seen: F32, raw: F32 | None) -> F32:
    """[N] logits of opacities [N]; those of ``raw`` where it says the same."""
    if raw is not None and (same := _same(seen, opacities(raw))).all():
        return raw
    exact = np.clip(seen.astype(np.float64), 0, 1)
    with np.errstate(divide="ignore"):
        logits = (np.log(exact) - np.log1p(-exact)).clip(_INVISIBLE, _OPAQUE).astype(np.float32)
    return logits if raw is None else np.where(same, raw, logits)


def raw_quats(seen: F32, raw: F32 | None) -> F32:
    """[N, 4] quaternions as they are seen; those of ``raw`` where it says the same."""
    if raw is None:
        return seen
    same = np.all(np.abs(seen - normalised(raw)) <= _TOLERANCE, axis=1, keepdims=True)
    return raw if same.all() else np.where(same, raw, seen)
