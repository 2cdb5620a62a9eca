# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""When to tell the user that a lone click may have been misunderstood (method: masks)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from splatcut.messages import ObjectPrompt, Points3DPrompt, ViewPrompt
from splatcut.scene.masks import MaskSet

#: Share of all that the views show, above which an object is suspiciously large.
LARGE = 0.5
#: Share of the other views whose masks agree with the vote, below which the click is uncertain.
AGREEING = 0.34


def is_lone_click(item: ObjectPrompt) -> bool:
    """Whether one point is all that was said about an object."""
    if len(item.prompts) != 1:
        return False
    prompt = item.prompts[0]
    if isinstance(prompt, ViewPrompt):
        return len(prompt.points) == 1 and prompt.box is None
    return isinstance(prompt, Points3DPrompt) and len(prompt.points) == 1


def click_warnings(
    objects: Sequence[ObjectPrompt],
    masks: MaskSet,
    labels: NDArray[np.integer],
    weight: NDArray[np.floating],
) -> list[str]:
    """A sentence for each object that was clicked once and whose result is suspicious.

    Args:
        objects: what was said, K objects in the masks' order.
        labels: [N] label of every Gaussian, k + 1 for object k.
        weight: [N] how much the views show of each, square pixels.
    """
    shown = float(weight.sum())
    found = []
    for k, item in enumerate(objects):
        if not is_lone_click(item):
            continue
        share = float(weight[labels == k + 1].sum()) / shown if shown > 0 else 0.0
        has_mask = np.array([bool((mask[k] > 127).any()) if mask.size else False for mask in masks.probability])
        agreeing = int((has_mask & (masks.confidence[:, k] > 0)).sum()) - 1
        others = int((has_mask | (masks.confidence[:, k] <= 0)).sum()) - 1
        advice = "If this is not what you meant, click a second place on the object or draw a box around it."
        if share > LARGE:
            found.append(
                f"The click on {item.name!r} selected {100 * share:.0f}% of the visible scene, which is unusually "
                f"large for one object. {advice}"
            )
        elif others > 0 and agreeing < AGREEING * others:
            found.append(
                f"The click on {item.name!r} is uncertain: the masks of only {max(0, agreeing)} of {others} other "
                f"views agree with it. {advice}"
            )
    return found
