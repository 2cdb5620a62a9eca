# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Hard labels from probabilities (method: objects out)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from splatcut.scene.gaussians import F32

Labels = NDArray[np.int32]

#: What a ``grow`` of 1 adds to the logit of a probability.
GROW_LOGIT = 4.0


def background_probability(probability: F32) -> F32:
    """[N] float32 in [0, 1]: what the objects leave over, 1 - their sum.

    The objects' masks share the pixels out among them, so their probabilities add up: a Gaussian that is 0.4 one
    object and 0.4 its neighbour is 0.2 background, and belongs to an object. Where masks overlap the sum may exceed
    1; nothing is left for the background then.
    """
    total = probability.astype(np.float64).sum(axis=1)
    return np.clip(1.0 - total, 0.0, 1.0).astype(np.float32)


def labels_from_probability(probability: F32) -> Labels:
    """[N] int32 labels, 0 the background, k the k-th object (from 1): the largest of the objects' and the background's
    probability. A tie with the background goes to the background, one among objects to the first of them; a single
    object therefore needs more than 0.5.

    Args:
        probability: [N, K] float32 in [0, 1], of each object.

    Raises:
        ValueError: a value that is not in [0, 1].
    """
    if probability.shape[1] == 0:
        return np.zeros(probability.shape[0], dtype=np.int32)
    if not bool(np.all((probability >= 0.0) & (probability <= 1.0))):
        raise ValueError("Probabilities must lie in [0, 1].")
    best = np.argmax(probability, axis=1)
    value = np.take_along_axis(probability, best[:, None], axis=1)[:, 0]
    wins = value > background_probability(probability)
    return np.where(wins, best + 1, 0).astype(np.int32)


def grown(probability: F32, grow: Sequence[float]) -> F32:
    """[N, K] float32 in [0, 1]: probabilities with their logits shifted by ``GROW_LOGIT`` times each object's ``grow``.

    What is certain, 0 or 1, stays as it is.

    Args:
        probability: [N, K] float32 in [0, 1]; grow: K numbers in [-1, 1], the objects' ``ObjectPrompt.grow``.
    """
    if not any(grow):
        return probability
    odds = np.exp(GROW_LOGIT * np.asarray(grow, dtype=np.float64))
    share = probability * odds
    return np.clip(share / (share + (1.0 - probability)), 0.0, 1.0).astype(np.float32)
