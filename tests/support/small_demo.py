# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The demo scene with one object and a few of its views: a job that takes seconds."""

from __future__ import annotations

import json
from pathlib import Path

#: Every tenth view, and those that something is prompted in.
STEP, FIRST, PROMPTED = 12, 9, ("view_049", "view_001")


def write_small_demo(demo: Path, folder: Path) -> tuple[Path, Path]:
    """Writes cameras.json and prompts.json (the teapot) into a folder; returns their paths."""
    cameras = json.loads((demo / "cameras.json").read_text(encoding="utf-8"))
    kept = [c for k, c in enumerate(cameras) if k % STEP == FIRST or c["img_name"] in PROMPTED]
    prompts = json.loads((demo / "prompts.json").read_text(encoding="utf-8"))
    prompts["objects"] = [item for item in prompts["objects"] if item["name"] == "teapot"]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cameras.json").write_text(json.dumps(kept), encoding="utf-8")
    (folder / "prompts.json").write_text(json.dumps(prompts), encoding="utf-8")
    return folder / "cameras.json", folder / "prompts.json"
