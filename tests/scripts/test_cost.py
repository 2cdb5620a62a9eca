# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The benchmarks of time and memory: what they run on, and their rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from raster_scenes import SceneOptions, random_scene

from bench import gpu, large, refine
from splatcut.cameras import load_views
from splatcut.scene.camera import View


def test_a_larger_scene_is_the_scene_and_copies_of_its_background() -> None:
    scene = random_scene(0, SceneOptions(count=50))
    background = scene.gaussians.take(slice(0, 30))
    view = View("a", scene.camera)
    made = refine.enlarged(scene.gaussians, background, 120, view, 3.0)
    assert len(made) == 120
    np.testing.assert_array_equal(made.means[:50], scene.gaussians.means)
    np.testing.assert_array_equal(made.sh[50:80], background.sh)
    width = scene.camera.width / scene.camera.fx * 3.0
    for number, step in enumerate([4 * width, -4 * width]):
        moved = made.means[50 + 30 * number : 80 + 30 * number] - background.means
        along = scene.camera.camera_from_world[0, :3]
        np.testing.assert_allclose(moved, np.broadcast_to(step * along, (30, 3)), atol=1e-4)
    assert refine.enlarged(scene.gaussians, background, 40, view, 3.0) is scene.gaussians


def test_a_scene_has_images_masks_and_cameras_of_another_size(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    camera = random_scene(0, SceneOptions(count=5)).camera
    monkeypatch.setattr(refine, "load_views", lambda *_: [View("a", camera)])
    half = np.zeros((camera.height, camera.width), np.uint8)
    half[:, camera.width // 2 :] = 255
    for kind in ("images", "masks"):
        (tmp_path / "scene" / kind).mkdir(parents=True)
        Image.fromarray(half).save(tmp_path / "scene" / kind / "a.png")
    made = refine.resized(tmp_path / "scene", 2.0, tmp_path / "twice")
    (view,) = load_views(made / "cameras.json")
    assert (view.camera.width, view.camera.height) == (2 * camera.width, 2 * camera.height)
    assert view.camera.fx == pytest.approx(2 * camera.fx)
    mask = np.asarray(Image.open(made / "masks" / "a.png"))
    assert mask.shape == (2 * camera.height, 2 * camera.width)
    assert set(np.unique(mask)) == {0, 255}


def test_a_run_becomes_a_row() -> None:
    record = {"wall_seconds": 1.0, "cpu_seconds": 2.0, "peak_memory_bytes": 5 << 20}
    stages = [{"name": name, **record} for name in ("load", "lift", "refine", "write")]
    run = {"stages": stages, "refine": {"movable": 1234}, "process": {**record, "cpu_seconds": 9.0}}
    assert refine.cost(run) == ["1,234", "2.0", "2.0", "4.0", "9.0", "1.0", "5"]


def test_a_million_gaussians_are_copies_in_a_grid_about_the_original() -> None:
    places, wide = large.cells(7)
    assert wide == 3
    assert places[0] == large.Cell(0, 0)
    assert len(set(places)) == 7
    assert all(abs(cell.right) <= 1 and abs(cell.down) <= 1 for cell in places)


def test_without_a_gpu_the_comparison_is_skipped_with_a_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gpu, "missing", lambda: "there is no GPU here")
    monkeypatch.setattr("sys.argv", ["gpu.py"])
    assert gpu.main() == 0
    assert capsys.readouterr().out == "Skipped: there is no GPU here\n"
