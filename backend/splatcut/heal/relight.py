# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Shadows that something left on what it mostly hid: the tones from around it continued."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import spsolve
from scipy.spatial import cKDTree

from splatcut.scene.gaussians import F32

#: What is seen in this share of what it would show is believed; what is seen less than this is not.
BELIEVED, DOUBTED = 0.95, 0.7
#: Neighbours that tones pass between, and that a tone is the mean of.
LINKS, TONE = 10, 24
#: Shadows are taken as grey, but tones that must rise by this factor tell no hue; texture rises by at most this one.
DARK, MOST = 3.0, 1.5
#: Texture fades where less than this share was seen.
TOLD = 0.5


def continued_tones(means: NDArray[np.floating], colours: F32, seen: NDArray[np.floating], weight: F32) -> F32:
    """[N, 3] the colours where they are believed; where they are not, with tones continued over the surface.

    Args:
        means: [N, 3] world; colours: [N, 3]; seen: [N] in [0, 1], share of what each shows that was seen before.
        weight: [N] how much each shows.
    """
    count = len(means)
    if count < TONE + 1:
        return colours
    distance, near = (np.asarray(part) for part in cKDTree(means).query(means, k=TONE + 1))
    reach = np.median(distance[:, LINKS])
    kernel = np.exp(-0.5 * (distance / np.maximum(distance[:, -1:] / 2, 1e-12)) ** 2) * weight[near]
    tone = (kernel[..., None] * colours[near]).sum(axis=1) / np.maximum(kernel.sum(axis=1), 1e-12)[:, None]
    rows = np.repeat(np.arange(count), LINKS)
    columns = near[:, 1 : LINKS + 1].ravel()
    link = np.exp(-0.5 * (distance[:, 1 : LINKS + 1].ravel() / reach) ** 2)
    graph = sparse.coo_matrix((link, (rows, columns)), shape=(count, count)).tocsr()
    graph = graph.maximum(graph.T)
    belief = np.clip((seen - DOUBTED) / (BELIEVED - DOUBTED), 0, 1)
    held = np.where(belief >= 1, 1e3, belief / np.maximum(1 - belief, 1e-3)) + 1e-6
    laplacian = sparse.diags(np.asarray(graph.sum(axis=1)).ravel()) - graph
    smooth = spsolve(sparse.csc_matrix(laplacian + sparse.diags(held)), held[:, None] * tone)
    smooth = np.maximum(np.asarray(smooth), 0)
    grey = smooth.mean(axis=1, keepdims=True) / np.maximum(tone.mean(axis=1, keepdims=True), 1 / 255)
    neutral = np.clip((DARK - grey) / (DARK - 1), 0, 1)
    target = neutral * grey * tone + (1 - neutral) * smooth
    gain = np.clip(grey, 1, MOST) * np.clip(seen / TOLD, 0, 1)[:, None]
    new = np.maximum(target + gain * (colours - tone), 0)
    return np.where(((belief < 1) & (grey[:, 0] > 1))[:, None], new, colours).astype(np.float32)
