# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is drawn over the viewport: right where there is a GPU without a window, and never an exception."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import bpy
import gpu
import numpy as np
import pytest
from bl_ext.user_default.splatcut.core import overlay
from bl_ext.user_default.splatcut.ui import overlays
from blender_scene import balls, front, pixel
from mathutils import Matrix
from two_balls import RADIUS

ops: Any = bpy.ops.splatcut
SIZE = 64


@pytest.fixture
def canvas() -> Any:
    """Draws into an image [SIZE, SIZE, 4] of floats, row 0 at the bottom."""
    if bpy.app.background and not hasattr(gpu, "init"):
        pytest.skip("this Blender has no GPU module without a window")
    try:
        if hasattr(gpu, "init"):
            gpu.init()
        target = gpu.types.GPUOffScreen(SIZE, SIZE)
    except (SystemError, RuntimeError) as error:
        pytest.skip(f"no GPU, not even in software ({error})")

    def draw(function: Any) -> np.ndarray:
        with target.bind():
            frame = gpu.state.active_framebuffer_get()
            frame.clear(color=(0, 0, 0, 0))
            with gpu.matrix.push_pop():
                gpu.matrix.load_matrix(Matrix.Identity(4))
                corners = Matrix(((2 / SIZE, 0, 0, -1), (0, 2 / SIZE, 0, -1), (0, 0, -1, 0), (0, 0, 0, 1)))
                gpu.matrix.load_projection_matrix(corners)
                function()
            buffer = frame.read_color(0, 0, SIZE, SIZE, 4, 0, "FLOAT")
        buffer.dimensions = SIZE * SIZE * 4
        return np.array(buffer, dtype=np.float32).reshape(SIZE, SIZE, 4)

    yield draw
    target.free()


def test_positive_points_are_filled_with_their_colour_and_negative_ones_dark(canvas: Any) -> None:
    centre, colour = np.array([32.0, 24.0]), (0.9, 0.6, 0.0, 1.0)
    positive = canvas(lambda: overlays._disc(centre, True, colour, 1.0))
    negative = canvas(lambda: overlays._disc(centre, False, colour, 1.0))
    for image in (positive, negative):
        drawn = np.argwhere(image[:, :, 3] > 0.3)
        np.testing.assert_allclose(drawn.mean(axis=0), (23.5, 31.5), atol=0.6)
        radius = np.sqrt(len(drawn) / np.pi)
        assert overlay.RADIUS - 1 < radius < overlay.RADIUS + 2
    beside = (24 + 3, 32 + 3)  # within the disc, on neither stroke
    np.testing.assert_allclose(positive[beside][:3], colour[:3], atol=0.02)
    assert negative[beside][:3].max() < 0.1
    # Both have the level stroke, dark on the light colour and white on the dark one; the plus has the upright one.
    level, upright = (slice(23, 25), 32 + 3), (24 + 3, slice(31, 33))
    assert positive[level][:, :3].mean() < 0.3
    assert negative[level][:, :3].mean() > 0.6
    assert positive[upright][:, :3].mean() < 0.3
    assert negative[upright][:, :3].mean() < 0.1


def test_lines_are_drawn_as_wide_as_asked(canvas: Any) -> None:
    image = canvas(lambda: overlays._lines(np.array([[(8.0, 32.0), (56.0, 32.0)]]), (1.0, 1.0, 1.0, 1.0), 4.0))
    assert image[:, 32, 3].sum() == pytest.approx(4.0, abs=1.2)
    assert image[:, 4, 3].sum() == 0


def test_drawing_never_raises_and_complains_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> None:
        raise ReferenceError("StructRNA of type Object has been removed")

    monkeypatch.setattr(overlays, "_failed", False)
    monkeypatch.setattr(overlays, "_draw", broken)
    monkeypatch.setattr(overlays, "_draw_hover", broken)
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            overlays.draw()
            overlays.draw_hover(bpy.context, (0, 0))
    assert len(caplog.records) == 1
    assert overlays._failed


def test_only_visible_splats_show_their_prompts() -> None:
    obj = balls()
    ops.prompt_add_point(**pixel(-1, 0, RADIUS), **front())
    view = front()
    context = SimpleNamespace(
        view_layer=bpy.context.view_layer,
        region=SimpleNamespace(width=view["width"], height=view["height"]),
        region_data=SimpleNamespace(view_matrix=view["view_matrix"], window_matrix=view["window_matrix"]),
        space_data=None,
    )
    settings, (mark,) = overlays.shown_marks(context)
    at = pixel(-1, 0, RADIUS)
    np.testing.assert_allclose(mark.centre, (at["x"], view["height"] - at["y"]), atol=0.1)
    assert settings == obj.splatcut
    obj.hide_set(True)
    assert overlays.shown_marks(context) == (None, [])
