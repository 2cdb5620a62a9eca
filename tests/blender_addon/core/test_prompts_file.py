# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prompts from a file: what is taken over, and what is refused with which words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from blender_addon.core import prompts_file
from blender_addon.core.prompts_file import FilePrompt

from splatcut.errors import UserError
from splatcut.messages import InlineView

EYE = tuple(tuple(float(i == j) for j in range(4)) for i in range(4))
VIEW = InlineView("a", 8, 6, 5, 5, 4, 3, EYE)


def written(folder: Path, *prompts: dict[str, Any]) -> Path:
    path = folder / "prompts.json"
    path.write_text(json.dumps({"version": 1, "objects": [{"name": "cup", "prompts": list(prompts)}]}))
    return path


def test_points_and_boxes_one_by_one(tmp_path: Path) -> None:
    objects = prompts_file.load(
        written(
            tmp_path,
            {"view": "a", "points": [[1, 2, 1], [3, 4, 0]], "box": [0, 1, 5, 6]},
            {"points3d": [[1, 2, 3, 1]]},
            {"view": "b", "points": [[5, 5, 1]]},
        )
    )
    assert prompts_file.listed(objects[0]) == [
        FilePrompt("POINT", "a", True, (1, 2)),
        FilePrompt("POINT", "a", False, (3, 4)),
        FilePrompt("BOX", "a", True, (0, 1, 5, 6)),
        FilePrompt("POINT", "", True, (), (1, 2, 3)),
        FilePrompt("POINT", "b", True, (5, 5)),
    ]
    assert prompts_file.views_of(objects) == ("a", "b")


def test_masks_are_refused(tmp_path: Path) -> None:
    (tmp_path / "m.png").write_bytes(b"")
    with pytest.raises(UserError, match="'cup' in .* mask or strokes, .* splatcut segment"):
        prompts_file.load(written(tmp_path, {"mask": {"view": "a", "file": "m.png"}}))


def test_views_that_are_not_there() -> None:
    prompts_file.check_views(["a"], {"a": VIEW})
    with pytest.raises(UserError, match="set to Virtual"):
        prompts_file.check_views(["a"], {})
    with pytest.raises(UserError, match="'b', which is not among the chosen views: a"):
        prompts_file.check_views(["a", "b"], {"a": VIEW})
