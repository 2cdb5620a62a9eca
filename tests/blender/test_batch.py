# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The batch script as a farm starts it: exit codes, and what it leaves behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(bool(bpy.app.binary_path), reason="started with the Python of a Blender module")


def batch(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs the script on the sources beside it."""
    command = [sys.executable, str(REPOSITORY / "scripts" / "batch_segment.py"), *map(str, arguments)]
    environment = {**os.environ, **variables}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=600)


def test_a_wrong_command_line(tmp_path: Path) -> None:
    result = batch("scene.ply", "--out", tmp_path / "out", BLENDER_USER_RESOURCES=str(tmp_path))
    assert result.returncode == 2
    assert "names no prompts" in result.stderr
    assert not (tmp_path / "out").exists()


def test_no_engine(tmp_path: Path) -> None:
    result = batch(
        "scene.ply", "--prompts", "p.json", "--out", tmp_path / "out", "--worker-python", tmp_path / "none",
        BLENDER_USER_RESOURCES=str(tmp_path),
    )  # fmt: skip
    assert result.returncode == 3, result.stderr
    assert "does not exist" in result.stderr


def test_scenes_that_fail_are_told_and_the_others_go_on(tmp_path: Path) -> None:
    (tmp_path / "bad.ply").write_bytes(b"no splat")
    (tmp_path / "p.json").write_text("{}")
    (tmp_path / "m.csv").write_text("scene,prompts\nbad.ply,p.json\nmissing.ply,p.json\n")
    result = batch("--manifest", tmp_path / "m.csv", "--out", tmp_path / "out", BLENDER_USER_RESOURCES=str(tmp_path))
    assert result.returncode == 1, result.stdout + result.stderr
    bad, missing = json.loads((tmp_path / "out" / "summary.json").read_text())["scenes"]
    assert (bad["status"], missing["status"]) == ("failed", "failed")
    assert "bad.ply" in bad["problem"]
    assert not bad["problem"].startswith("Error")
    assert "missing.ply is not there" in missing["problem"]
    assert "**missing failed.**" in (tmp_path / "out" / "summary.md").read_text()


@pytest.mark.slow
@pytest.mark.skipif(bpy.app.version < (5, 3), reason="takes minutes; runs in Blender 5.3, which renders splats itself")
def test_the_demo_is_cut_once(tmp_path: Path, demo: Path) -> None:
    arguments = [demo / "scene.ply", "--prompts", demo / "prompts.json", "--cameras", demo / "cameras.json"]
    arguments += ["--no-refine", "--quality", "draft", "--axes", "Z_UP", "--out", tmp_path / "out"]
    prompts = json.loads((demo / "prompts.json").read_text())
    prompts["objects"] = [item for item in prompts["objects"] if item["name"] == "pear"]
    (tmp_path / "p.json").write_text(json.dumps(prompts))
    arguments[2] = tmp_path / "p.json"
    arguments += ["--images", demo / "images", "--blend", tmp_path / "pear.blend"]
    arguments += ["--render", tmp_path / "pear.png", "--samples", "1"]
    variables = {"BLENDER_USER_RESOURCES": str(tmp_path), "SPLATCUT_CACHE": str(tmp_path / "cache")}
    result = batch(*arguments, **variables)
    assert result.returncode == 0, result.stdout + result.stderr
    (scene,) = json.loads((tmp_path / "out" / "summary.json").read_text())["scenes"]
    assert scene["status"] == "done"
    assert scene["objects"]["pear"] > 1000
    assert scene["objects"]["pear"] + scene["background"] == scene["gaussians"]
    for name in ("objects/pear.ply", "background.ply", "contact_sheet.png", "report.json"):
        assert (tmp_path / "out" / "demo" / name).is_file()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "pear.blend"))
    assert {"pear", "scene"} <= set(bpy.data.objects.keys())
    pear: Any = bpy.data.objects["pear"]
    assert (pear.type, pear.data.type) == ("POINTCLOUD", "GAUSSIAN_SPLAT")
    assert bpy.context.scene.view_settings.view_transform == "Standard"
    picture: Any = bpy.data.images.load(str(tmp_path / "pear.png"))
    values = np.empty(picture.size[0] * picture.size[1] * 4, np.float32)
    picture.pixels.foreach_get(values)
    colours = values.reshape(-1, 4)[:, :3]
    assert (colours.max(axis=1) > 0.1).mean() > 0.5  # the table and what stands on it
    assert ((colours[:, 1] > colours[:, 0]) & (colours[:, 1] > 2 * colours[:, 2])).mean() > 0.02  # plant and pear
    again = batch(*arguments, **variables)
    assert again.returncode == 0
    assert "done earlier" in again.stdout
