# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Scenes whose positions were turned or scaled without their Gaussians, as Blender's Apply leaves them.

Flat Gaussians of a trained scene lie in the surfaces that their neighbours' positions form, and Gaussians are about as
large as their neighbours are far apart. Neither holds where positions alone were changed. No turn fits 16 right scenes
clearly better than none; after quarter turns of the positions one does in all of them that have flat Gaussians. Turns
below 60 degrees and scales between 1/20 and 20 mostly stay unseen, as scenes differ by as much.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from splatcut.messages.findings import Finding
from splatcut.scene.gaussians import Gaussians
from splatcut.scene.rotations import quarter_turns, rotation_matrices

F64 = NDArray[np.float64]

#: Gaussians that are looked at, of those with this opacity; neighbours that show the surface, and that the distance
#: is measured to.
SAMPLE, OPAQUE, AROUND, NEAR = 4000, 0.3, 12, 4
#: How much flatter than wide a Gaussian, and the places of its neighbours, must be to show a surface.
FLAT = 3.0
#: Gaussians that it takes to tell; mean |cosine| to the surface below which they do not lie in it, by how much more
#: they must once turned, and degrees of that turn.
FEWEST, LOOSE, CLEARLY, TURNED = 200, 0.58, 0.12, 20.0
#: Sizes over distances that no trained scene has: 18 captures and made scenes have 0.13 to 1.8.
SMALL, LARGE = 0.02, 20.0

_REMEDY = (
    "Use the file as it was trained, or as it was before a transform was applied; SplatCut's add-on for Blender can "
    "give Gaussians their transform as long as it knows them."
)


def applied_findings(gaussians: Gaussians) -> list[Finding]:
    """A warning where positions seem to have been transformed without rotations or scales."""
    from scipy.spatial import cKDTree

    shown = np.flatnonzero((gaussians.opacities() > OPAQUE) & np.isfinite(gaussians.means).all(axis=1))
    if len(shown) < FEWEST:
        return []
    means = gaussians.means[shown].astype(np.float64)
    some = np.random.default_rng(0).choice(len(shown), min(SAMPLE, len(shown)), replace=False)
    distance, near = (np.asarray(found) for found in cKDTree(means).query(means[some], AROUND + 1))
    scales = gaussians.log_scales[shown[some]].astype(np.float64)
    apart = np.maximum(distance[:, NEAR], 1e-300)
    size = float(np.exp(np.median(scales.max(axis=1) - np.log(apart))))
    if not SMALL < size < LARGE:
        return [_warning(f"its Gaussians are {size:.2g} times as large as they are far apart", "scaled")]
    around = means[near] - means[near].mean(axis=1, keepdims=True)
    extent, axes = np.linalg.eigh(np.einsum("nij,nik->njk", around, around))
    ordered = np.sort(scales, axis=1)
    telling = (ordered[:, 1] - ordered[:, 0] > np.log(FLAT)) & (extent[:, 1] > FLAT * extent[:, 0])
    if int(telling.sum()) < FEWEST:
        return []
    rows = shown[some][telling]
    turns = rotation_matrices(gaussians.quats[rows].astype(np.float64))
    thin = turns[np.arange(len(rows)), :, scales[telling].argmin(axis=1)]
    normals = axes[telling][:, :, 0]
    own = _alignment(thin, normals, np.eye(3))
    found = max((_refined(thin, normals, turn) for turn in quarter_turns()), key=lambda pair: pair[0])
    angle = float(np.degrees(np.arccos(np.clip((np.trace(found[1]) - 1) / 2, -1, 1))))
    if own < LOOSE and found[0] > own + CLEARLY and angle > TURNED:
        return [
            _warning(f"its Gaussians lie in its surfaces only once they are turned by {angle:.0f} degrees", "turned")
        ]
    return []


def _warning(what: str, done: str) -> Finding:
    return Finding(
        "warning",
        f"The scene's positions seem to have been {done} without its Gaussians, as applying a transform in Blender "
        f"does: {what}.",
        remedy=_REMEDY,
    )


def _alignment(thin: F64, normals: F64, turn: F64) -> float:
    """Mean |cosine| between thin axes [N, 3], turned, and normals [N, 3]; half is chance."""
    return float(np.abs(np.einsum("ni,ni->n", thin @ turn.T, normals)).mean())


def _refined(thin: F64, normals: F64, turn: F64) -> tuple[float, F64]:
    """The alignment, and the turn near the one given that aligns best (Kabsch, signs as they come)."""
    for _ in range(6):
        signs = np.sign(np.einsum("ni,ni->n", thin @ turn.T, normals))[:, None]
        left, _, right = np.linalg.svd((signs * normals).T @ thin)
        turn = left @ np.diag([1.0, 1.0, np.linalg.det(left @ right)]) @ right
    return _alignment(thin, normals, turn), turn
