# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What the refinement's benchmarks are made of."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from raster_scenes import SceneOptions, random_scene

from bench import gpu, refine
from bench.refine_case import Clock
from splatcut.scene.camera import View


def test_the_clock_adds_up_stages_of_one_name() -> None:
    clock = Clock()
    for name, seconds in (("a", 0.02), ("b", 0.01), ("a", 0.02)):
        clock.stage(name, 2)
        time.sleep(seconds)
        clock.step()
        clock.step()
    clock.stop()
    time.sleep(0.02)
    clock.stop()
    assert clock.steps == {"a": 4, "b": 2}
    assert 0.04 <= clock.wall["a"] < 0.5
    assert clock.cpu["a"] < 0.03
    assert clock.wall["b"] >= 0.01


@pytest.mark.parametrize("layout", ["beside", "behind"])
def test_a_larger_scene_is_the_scene_and_copies_of_its_background(layout: str) -> None:
    scene = random_scene(0, SceneOptions(count=50))
    background = scene.gaussians.take(slice(0, 30))
    view = View("a", scene.camera)
    large = refine.enlarged(scene.gaussians, background, 120, layout, view, 3.0)
    assert len(large) == 120
    np.testing.assert_array_equal(large.means[:50], scene.gaussians.means)
    np.testing.assert_array_equal(large.sh[50:80], background.sh)
    right, _, forward = scene.camera.camera_from_world[:3, :3]
    width = scene.camera.width / scene.camera.fx * 3.0
    steps = [4 * width, -4 * width] if layout == "beside" else [6.0, 12.0]
    along = right if layout == "beside" else forward
    for number, step in enumerate(steps):
        moved = large.means[50 + 30 * number : 80 + 30 * number] - background.means
        np.testing.assert_allclose(moved, np.broadcast_to(step * along, (30, 3)), atol=1e-4)
    assert refine.enlarged(scene.gaussians, background, 40, layout, view, 3.0) is scene.gaussians


def test_tables_hold_every_row() -> None:
    record = {"wall_seconds": 1.0, "cpu_seconds": 2.0, "peak_memory_bytes": 3 << 20}
    stages = [{"name": name, **record} for name in ("load", "lift", "refine", "write")]
    report = {"stages": stages, "refine": {"rounds": [{"movable": 1234, "iterations": 400}]}}
    run = {"process": {**record, "peak_memory_bytes": 5 << 20}, "report": report}
    band: dict[str, Any] = {
        "tau_move": 0.1,
        "size": [504, 378],
        "movable": 99,
        "cpu_ms_per_iteration": 41.6,
        "cpu_seconds": {"lift": 1.0},
    }
    made = refine.sections(
        {
            "machine": "a machine", "scene": "statue", "quality": "standard", "layout": "behind", "stages": run,
            "growth": [{"gaussians": 400_000, "seen": 0.25, **run}], "band": [band],
        }
    )  # fmt: skip
    text = "\n".join(made.values())
    assert "| 400,000 | 25% | 1,234 | 2.0 | 2.0 | 4.0 | 2.0 | 1.0 | 5 |" in text
    assert "| 0.1 | 504x378 | 99 | 42 | 0.0 | 0.0 | 1.0 |" in text
    assert "1,234 may move, 400 iterations" in text
    assert "behind the scene" in text


def test_without_a_gpu_the_comparison_is_skipped_with_a_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gpu, "missing", lambda: "there is no GPU here")
    monkeypatch.setattr("sys.argv", ["gpu.py"])
    assert gpu.main() == 0
    assert capsys.readouterr().out == "Skipped: there is no GPU here\n"
