# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Placing, moving and deleting prompts, from Python with a viewport's matrices."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from bl_ext.user_default.splatcut.bridge import prompts, splats, state
from bl_ext.user_default.splatcut.core import prompts as core
from bl_ext.user_default.splatcut.ops import preview
from blender_scene import HEIGHT, WIDTH, balls, error_of, front, orthographic, pixel, show_preview
from mathutils import Euler, Matrix
from two_balls import RADIUS

ops: Any = bpy.ops.splatcut


@pytest.fixture
def obj() -> Any:
    return balls()


def placed(obj: Any, index: int = 0) -> tuple[core.PlacedPrompt, ...]:
    return prompts.read(obj.splatcut)[0][index].prompts


def test_the_first_click_makes_the_first_object(obj: Any) -> None:
    assert ops.prompt_add_point(**pixel(-1, 0, RADIUS), **front()) == {"FINISHED"}
    (item,), (view,) = prompts.read(obj.splatcut)
    assert item.name == "object"
    (prompt,) = item.prompts
    assert (prompt.kind, prompt.positive, prompt.view) == ("POINT", True, view.uid)
    np.testing.assert_allclose(prompt.position, (-1, 0, RADIUS), atol=0.1)
    # The stored pixel, seen through the stored camera, is the stored position.
    pixels, _ = view.camera.project([prompt.position])
    np.testing.assert_allclose(pixels[0], prompt.pixels[:2], atol=0.05)


def test_clicks_in_one_view_share_it_and_unused_views_go(obj: Any) -> None:
    settings = obj.splatcut
    for x in (-1.0, -0.9, -1.1):
        ops.prompt_add_point(**pixel(x, 0, RADIUS), **front())
    ops.prompt_add_point(**pixel(1, 0, RADIUS), positive=False, **front())
    assert len(settings.prompt_views) == 1
    ops.prompt_add_point(**pixel(-1, 0, RADIUS), **front(turn=0.2))
    assert len(settings.prompt_views) == 2
    assert [p.positive for p in placed(obj)] == [True, True, True, False, True]
    ops.prompt_delete(uid=placed(obj)[4].uid)
    assert len(settings.prompt_views) == 1
    ops.prompt_clear()
    assert (len(settings.prompt_views), len(settings.objects)) == (0, 1)


def test_the_engine_gets_what_was_clicked(obj: Any) -> None:
    ops.object_add(name="red")
    at = pixel(-1, 0, RADIUS)
    ops.prompt_add_point(**at, **front())
    ops.prompt_add_point(x=3, y=4, positive=False, **front())
    ops.prompt_add_box(x0=at["x"] + 90, y0=at["y"] - 80, x1=at["x"] - 90, y1=at["y"] + 70, **front())
    ops.object_add(name="blue")
    ops.prompt_add_point(position=(1, 0, 0.6))
    (red, blue), (view,) = core.build_objects(*prompts.read(obj.splatcut))
    (in_view,) = red.prompts
    assert in_view.points == (pytest.approx((at["x"], at["y"], 1)), (3, 4, 0))
    assert in_view.box == pytest.approx((at["x"] - 90, at["y"] - 80, at["x"] + 90, at["y"] + 70))
    assert blue.prompts[0].points == (pytest.approx((1, 0, 0.6, 1)),)
    assert (view.width, view.height, view.fx, view.cx) == (WIDTH, HEIGHT, pytest.approx(720), 400)
    np.testing.assert_allclose(
        view.camera_from_world, np.diag([1, -1, -1, 1]) @ np.array(Matrix.Translation((0, 0, -6)))
    )


def test_clicks_follow_the_objects_transform(obj: Any) -> None:
    obj.matrix_world = Matrix.LocRotScale((0.2, 0.3, -1.0), Euler((0.3, -0.4, 2.0)), (0.5, 0.5, 0.5))
    bpy.context.view_layer.update()
    surface = np.array([-1.0, 0.0, 0.0])  # centre of the red ball, file frame
    seen = obj.matrix_world @ Matrix.Translation(surface.tolist()).to_translation()
    at = pixel(*seen)
    ops.prompt_add_point(**at, **front())
    ((item,), (view,)) = prompts.read(obj.splatcut)
    (prompt,) = item.prompts
    assert np.linalg.norm(np.array(prompt.position) - surface) == pytest.approx(RADIUS, abs=0.1)
    pixels, _ = view.camera.project([surface])
    np.testing.assert_allclose(pixels[0], (at["x"], at["y"]), atol=0.01)


def test_a_click_beside_the_splat_is_refused_unless_it_says_not_here(obj: Any) -> None:
    assert "no splat under the mouse" in error_of(ops.prompt_add_point, x=3, y=3, **front())
    assert len(obj.splatcut.objects) == 0
    assert ops.prompt_add_point(x=3, y=3, positive=False, **front()) == {"FINISHED"}
    assert placed(obj)[0].position is None
    assert "no splat" in error_of(ops.prompt_flip, uid=placed(obj)[0].uid)


def test_clicks_in_orthographic_views_are_points_in_space(obj: Any) -> None:
    scale = HEIGHT / 4.0
    assert ops.prompt_add_point(x=WIDTH / 2 - scale, y=HEIGHT / 2, **orthographic()) == {"FINISHED"}
    (prompt,) = placed(obj)
    assert prompt.view == ""
    np.testing.assert_allclose(prompt.position, (-1, 0, RADIUS), atol=0.1)
    assert len(obj.splatcut.prompt_views) == 0
    corners = {"x0": 200, "y0": 200, "x1": 400, "y1": 400}
    assert "perspective" in error_of(ops.prompt_add_box, **corners, **orthographic())


def test_a_second_box_in_a_view_takes_the_place_of_the_first(obj: Any) -> None:
    at = pixel(-1, 0, RADIUS)
    for margin in (60, 80):
        ops.prompt_add_box(
            x0=at["x"] - margin, y0=at["y"] - margin, x1=at["x"] + margin, y1=at["y"] + margin, **front()
        )
    (box,) = placed(obj)
    assert box.pixels == pytest.approx((at["x"] - 80, at["y"] - 80, at["x"] + 80, at["y"] + 80))
    ops.prompt_add_box(x0=10, y0=10, x1=790, y1=590, **front(turn=0.3))
    assert len(placed(obj)) == 2


def test_boxes_that_hold_nothing_or_are_tiny_are_refused(obj: Any) -> None:
    assert "too small" in error_of(ops.prompt_add_box, x0=100, y0=100, x1=102, y1=300, **front())
    assert "no splat inside the box" in error_of(ops.prompt_add_box, x0=5, y0=5, x1=60, y1=60, **front())
    # The middle of this one shows the gap between the balls.
    left, right = pixel(-1.3, 0.4), pixel(1.3, -0.4)
    ops.prompt_add_box(x0=left["x"], y0=left["y"], x1=right["x"], y1=right["y"], **front())
    assert placed(obj)[0].position is not None


def test_a_point_can_be_moved_also_in_another_view(obj: Any) -> None:
    ops.prompt_add_point(**pixel(-1, 0, RADIUS), **front())
    uid = placed(obj)[0].uid
    ops.prompt_move(uid=uid, dx=20, dy=-10, **front())
    (moved,) = placed(obj)
    start = pixel(-1, 0, RADIUS)
    assert moved.pixels[:2] == pytest.approx((start["x"] + 20, start["y"] - 10), abs=0.1)
    assert moved.uid == uid
    before = obj.splatcut.prompt_views[0].uid
    ops.prompt_move(uid=uid, dx=5, dy=5, **front(turn=0.3))
    assert [view.uid for view in obj.splatcut.prompt_views] != [before]
    assert "no splat" in error_of(ops.prompt_move, uid=uid, dx=-300, dy=0, **front(turn=0.3))
    assert "no such prompt" in error_of(ops.prompt_move, uid="gone", dx=1, dy=1, **front())
    assert len(obj.splatcut.prompt_views) == 1


def test_a_box_can_be_moved_also_in_another_view(obj: Any) -> None:
    at = pixel(-1, 0, RADIUS)
    ops.prompt_add_box(x0=at["x"] - 60, y0=at["y"] - 60, x1=at["x"] + 60, y1=at["y"] + 60, **front())
    uid = placed(obj)[0].uid
    ops.prompt_move(uid=uid, dx=15, dy=-25, **front())
    (box,) = placed(obj)
    assert box.pixels == pytest.approx((at["x"] - 45, at["y"] - 85, at["x"] + 75, at["y"] + 35), abs=0.01)
    ops.prompt_move(uid=uid, dx=0, dy=0, **front(turn=0.5))
    (turned,) = placed(obj)
    assert turned.view != box.view
    width = turned.pixels[2] - turned.pixels[0]
    assert 0.5 * 120 < width < 120 * (math.cos(0.5) + 0.3)


def test_deleting_the_chosen_prompt_and_flipping(obj: Any) -> None:
    for x in (-1.0, -0.9, -1.1):
        ops.prompt_add_point(**pixel(x, 0, RADIUS), **front())
    item = obj.splatcut.objects[0]
    kept = [p.uid for p in placed(obj)]
    item.active_prompt = 1
    ops.prompt_flip(uid=kept[1])
    assert [p.positive for p in placed(obj)] == [True, False, True]
    ops.prompt_delete()
    assert [p.uid for p in placed(obj)] == [kept[0], kept[2]]
    assert item.active_prompt == 1
    ops.prompt_delete()
    ops.prompt_delete()
    assert "no prompt" in error_of(ops.prompt_delete)


def test_clearing_one_object_or_all(obj: Any) -> None:
    for name in ("red", "blue"):
        ops.object_add(name=name)
        ops.prompt_add_point(**pixel(-1, 0, RADIUS), **front())
    ops.prompt_clear()
    assert [len(item.prompts) for item in obj.splatcut.objects] == [1, 0]
    ops.prompt_clear(every=True)
    assert [len(item.prompts) for item in obj.splatcut.objects] == [0, 0]


def test_what_cannot_be_clicked_says_why(obj: Any) -> None:
    at = pixel(-1, 0, RADIUS)
    assert "view_matrix" in error_of(ops.prompt_add_point, **at)
    rows = {**front(), "view_matrix": [list(row) for row in front()["view_matrix"]]}
    assert "mathutils.Matrix" in error_of(ops.prompt_add_point, **at, **rows)
    assert "finite" in error_of(ops.prompt_add_point, position=(math.nan, 0, 0))
    assert "no such object" in error_of(ops.prompt_add_point, object=3, **at, **front())
    obj.scale = (1, 2, 1)
    bpy.context.view_layer.update()
    assert "unevenly" in error_of(ops.prompt_add_point, **at, **front())
    assert len(obj.splatcut.objects) == 0


def test_every_change_asks_for_a_preview(obj: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(preview, "request", asked.append)
    steps = (
        lambda: ops.object_add(name="vase"),
        lambda: ops.prompt_add_point(**pixel(-1, 0, RADIUS), **front()),
        lambda: ops.prompt_move(uid=placed(obj)[0].uid, dx=2, dy=2, **front()),
        lambda: ops.prompt_flip(uid=placed(obj)[0].uid),
        lambda: ops.object_grow(),
        lambda: ops.object_rename(name="pot"),
        lambda: ops.prompt_delete(),
        lambda: ops.prompt_clear(),
        lambda: ops.object_remove(),
    )
    for step in steps:
        asked.clear()
        step()
        assert asked
        assert set(asked) == {obj.splatcut.uid}


def test_a_preview_of_other_prompts_is_marked_out_of_date(obj: Any) -> None:
    ops.prompt_add_point(**pixel(-1, 0, RADIUS), **front())
    uid = obj.splatcut.uid
    show_preview(obj)
    assert not state.preview(uid).stale
    ops.prompt_add_point(**pixel(-0.8, 0, RADIUS), **front())
    assert state.preview(uid).stale
    ops.prompt_clear()
    assert state.preview(uid) is None


def test_saving_and_opening_keeps_all_prompts_bit_by_bit(obj: Any, tmp_path: Path) -> None:
    at = pixel(-1, 0, RADIUS)
    ops.object_add(name="Vase übrig")
    ops.prompt_add_point(**at, **front())
    ops.prompt_add_point(x=3, y=4, positive=False, **front(turn=0.4))
    ops.prompt_add_box(x0=at["x"] - 60, y0=at["y"] - 60, x1=at["x"] + 60, y1=at["y"] + 60, **front())
    ops.prompt_add_point(position=(1, 0, 0.6))
    before, uid = prompts.read(obj.splatcut), obj.splatcut.uid
    key = core.fingerprint(*before)
    path = str(tmp_path / "prompts.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    assert splats.find(uid) is None
    bpy.ops.wm.open_mainfile(filepath=path)
    after = prompts.read(splats.find(uid).splatcut)
    assert after[0] == before[0]
    assert core.fingerprint(*after) == key
