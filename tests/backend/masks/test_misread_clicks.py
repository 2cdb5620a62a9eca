# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np

from splatcut.masks.misread_clicks import click_warnings, is_lone_click
from splatcut.messages import ObjectPrompt, Points3DPrompt, ViewPrompt
from splatcut.scene.masks import MaskSet

CLICK = ObjectPrompt("pot", (ViewPrompt("a", ((3.0, 4.0, 1),)),))
TWO = ObjectPrompt("pot", (ViewPrompt("a", ((3.0, 4.0, 1), (5.0, 4.0, 1))),))
LABELS = np.array([1, 1, 0, 0])


def masks(trusted: int, others: int = 6, absent: int = 0) -> MaskSet:
    """The clicked view, ``others`` of which the first ``trusted`` agree, and views that are known not to show it."""
    mask = np.full((1, 2, 2), 255, np.uint8)
    confidence = [1.0] + [0.9] * trusted + [0.0] * (others - trusted) + [1.0] * absent
    pictures = [mask] * (1 + others) + [np.zeros_like(mask)] * absent
    names = tuple(f"v{i}" for i in range(len(pictures)))
    return MaskSet(("pot",), names, pictures, np.array(confidence, np.float32)[:, None])


def test_lone_clicks() -> None:
    assert is_lone_click(CLICK)
    assert is_lone_click(ObjectPrompt("pot", (Points3DPrompt(((0.0, 0.0, 1.0, 1),)),)))
    assert not is_lone_click(TWO)
    assert not is_lone_click(ObjectPrompt("pot", (ViewPrompt("a", ((3.0, 4.0, 1),), (1.0, 1.0, 9.0, 9.0)),)))
    assert not is_lone_click(ObjectPrompt("pot", (*CLICK.prompts, ViewPrompt("b", ((3.0, 4.0, 1),)))))


def test_nothing_is_said_about_a_usual_result() -> None:
    assert click_warnings([CLICK], masks(6), LABELS, np.array([1.0, 1.0, 3.0, 3.0])) == []
    # Views that do not show the object neither agree nor disagree.
    assert click_warnings([CLICK], masks(2, 4, absent=20), LABELS, np.array([1.0, 1.0, 3.0, 3.0])) == []


def test_most_of_the_scene_is_suspicious() -> None:
    said = click_warnings([CLICK], masks(6), LABELS, np.array([3.0, 3.0, 1.0, 1.0]))
    assert len(said) == 1
    assert "'pot' selected 75% of the visible scene" in said[0]


def test_masks_that_disagree_are_suspicious() -> None:
    said = click_warnings([CLICK], masks(1), LABELS, np.ones(4))
    assert len(said) == 1
    assert "masks of only 1 of 6 other views agree" in said[0]
    assert "draw a box" in said[0]
    assert click_warnings([CLICK], masks(3), LABELS, np.ones(4)) == []


def test_only_lone_clicks_are_doubted() -> None:
    assert click_warnings([TWO], masks(0), LABELS, np.array([3.0, 3.0, 1.0, 1.0])) == []
