# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""How much a mask counts in the vote: by how well it agrees with the vote of the others (method: masks)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from splatcut.masks.self_prompts import RenderedVote

#: A mask whose intersection over union with the vote is lower does not vote.
MIN_AGREEMENT = 0.6
#: An object of which the vote shows no pixel above this probability counts as not visible in a view.
ABSENT = 0.2


def agreement(mask: NDArray[np.bool_], own: RenderedVote) -> float:
    """Intersection over union of a 2D mask with the vote, over the pixels the vote knows; in [0, 1]."""
    inside = own.inside
    candidate = mask & own.known
    union = int((inside | candidate).sum())
    return float((inside & candidate).sum() / union) if union else 0.0


def confidence_of(agreements: NDArray[np.float64]) -> NDArray[np.float64]:
    """[K] in [0, 1], of masks with these agreements [K]: their squares, and 0 below ``MIN_AGREEMENT``."""
    return np.where(agreements >= MIN_AGREEMENT, agreements**2, 0.0)


def is_absent(own: RenderedVote) -> bool:
    """Whether the vote knows most of a view and shows the object nowhere in it."""
    shown = float((own.probability * own.known).max(initial=0.0))
    return shown < ABSENT and bool(own.known.mean() > 0.5)
