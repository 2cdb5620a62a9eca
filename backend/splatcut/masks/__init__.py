# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Masks of the objects in every view: from prompts or from a folder, and brought to agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from splatcut.lazy import offered

if TYPE_CHECKING:
    from splatcut.masks.consensus import Consensus, contradictions, lift_agreeing
    from splatcut.masks.findings import read_checked
    from splatcut.masks.making import from_prompts
    from splatcut.masks.misread_clicks import click_warnings
    from splatcut.masks.scene_segmenter import SceneSegmenter
    from splatcut.masks.viewpoints import views_about_prompts

__all__ = [
    "Consensus",
    "SceneSegmenter",
    "click_warnings",
    "contradictions",
    "from_prompts",
    "lift_agreeing",
    "read_checked",
    "views_about_prompts",
]

__getattr__ = offered(
    __name__,
    {
        "click_warnings": "misread_clicks",
        "Consensus": "consensus",
        "contradictions": "consensus",
        "lift_agreeing": "consensus",
        "SceneSegmenter": "scene_segmenter",
        "from_prompts": "making",
        "read_checked": "findings",
        "views_about_prompts": "viewpoints",
    },
)
