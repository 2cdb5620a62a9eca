# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From clicks to the engine's prompts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from blender_addon.core import cameras, prompts
from blender_addon.core.prompts import PlacedObject, PlacedPrompt, PlacedView
from hypothesis import given
from hypothesis import strategies as st

from splatcut.errors import UserError
from splatcut.messages import Points3DPrompt, ViewPrompt, parse_prompts, prompts_to_json
from splatcut.scene.camera import Camera


def camera(x: float = 0.0, width: int = 800) -> Camera:
    pose = np.eye(4)
    pose[:3, 3] = x, 0.2, 3.0
    return Camera(width, 600, 700.0, 710.0, width / 2, 300.0, pose)


def point(view: str, x: float, y: float, positive: bool = True, uid: str = "") -> PlacedPrompt:
    return PlacedPrompt(uid or f"{view}{x}{y}", "POINT", view, positive, (x, y, 0, 0), (x, y, 1.0))


def box(view: str, *corners: float) -> PlacedPrompt:
    return PlacedPrompt(f"b{corners}", "BOX", view, True, corners, (0.0, 0.0, 0.0))  # type: ignore[arg-type]


VIEWS = (PlacedView("a", camera()), PlacedView("b", camera(1.0)), PlacedView("unused", camera(2.0)))


def test_prompts_are_grouped_by_view() -> None:
    item = PlacedObject(
        "1", "vase", 0.25,
        (point("a", 10, 20), point("b", 30, 40), point("", 1, 2), point("a", 50, 60, False), box("b", 1, 2, 30, 40)),
    )  # fmt: skip
    objects, views = prompts.build_objects([item], VIEWS)
    assert len(objects) == 1
    assert (objects[0].name, objects[0].grow) == ("vase", 0.25)
    assert objects[0].prompts == (
        ViewPrompt("viewport_a", ((10, 20, 1), (50, 60, 0))),
        ViewPrompt("viewport_b", ((30, 40, 1),), (1, 2, 30, 40)),
        Points3DPrompt(((1, 2, 1.0, 1),)),
    )
    assert [view.name for view in views] == ["viewport_a", "viewport_b"]
    np.testing.assert_array_equal(cameras.from_inline(views[1]).camera_from_world, VIEWS[1].camera.camera_from_world)


def test_objects_that_do_not_say_where_are_left_out() -> None:
    items = [
        PlacedObject("1", "nothing"),
        PlacedObject("2", "only not", prompts=(point("a", 1, 2, positive=False),)),
        PlacedObject("3", "there", prompts=(point("b", 1, 2),)),
        PlacedObject("4", "boxed", prompts=(box("b", 1, 2, 9, 9),)),
        PlacedObject("5", "lost in space", prompts=(replace(point("", 1, 2), position=None),)),
    ]
    objects, views = prompts.build_objects(items, VIEWS)
    assert [item.name for item in objects] == ["there", "boxed"]
    assert prompts.ready_uids(items) == ("3", "4")
    assert [view.name for view in views] == ["viewport_b"]


def test_the_last_box_in_a_view_counts() -> None:
    item = PlacedObject("1", "vase", prompts=(box("a", 1, 2, 9, 9), box("a", 3, 4, 20, 20)))
    (built,), _ = prompts.build_objects([item], VIEWS)
    assert built.prompts == (ViewPrompt("viewport_a", (), (3, 4, 20, 20)),)


def test_a_lost_view_and_equal_names_are_told() -> None:
    with pytest.raises(UserError, match="'vase' belongs to a view that no longer exists"):
        prompts.build_objects([PlacedObject("1", "vase", prompts=(point("gone", 1, 2),))], VIEWS)


def test_what_is_built_is_what_the_engine_reads() -> None:
    item = PlacedObject("1", "vase", -0.5, (point("a", 10.5, 20.5), point("", 1, 2, False), box("a", 1, 2, 30, 40)))
    objects, _ = prompts.build_objects([item], VIEWS)
    assert parse_prompts(json.dumps(prompts_to_json(objects)), Path()) == objects


def test_the_fingerprint_follows_what_changes_labels_and_nothing_else() -> None:
    items = [PlacedObject("1", "vase", 0.0, (point("a", 1, 2),)), PlacedObject("2", "table", 0.0, (point("b", 1, 2),))]
    first = prompts.fingerprint(items, VIEWS)
    assert prompts.fingerprint([replace(items[0], name="pot"), items[1]], VIEWS) == first
    assert prompts.fingerprint([*items, PlacedObject("3", "empty")], VIEWS) == first
    assert prompts.fingerprint(items, VIEWS[:2]) == first
    others = [
        [replace(items[0], grow=0.1), items[1]],
        items[::-1],
        items[:1],
        [replace(items[0], prompts=(point("a", 1, 2, False), point("a", 1, 3))), items[1]],
    ]
    assert len({first, *(prompts.fingerprint(other, VIEWS) for other in others)}) == len(others) + 1
    moved = (PlacedView("a", camera(0.01)), VIEWS[1])
    assert prompts.fingerprint(items, moved) != first


def test_views_are_the_same_within_what_the_blend_holds() -> None:
    one = camera(0.3)
    stored = replace(one, camera_from_world=one.camera_from_world.astype(np.float32).astype(np.float64))
    assert prompts.same_view(one, stored)
    # A pixel's worth of turning, moving, zooming or resizing is another view.
    turned = np.eye(4)
    turned[:2, :2] = [[np.cos(1e-3), -np.sin(1e-3)], [np.sin(1e-3), np.cos(1e-3)]]
    for other in (
        replace(one, camera_from_world=turned @ one.camera_from_world),
        camera(0.304),
        replace(one, fx=one.fx + 1),
        replace(one, cx=one.cx + 1),
        replace(one, width=one.width + 1),
    ):
        assert not prompts.same_view(one, other)


@given(st.floats(0, 4000), st.floats(0, 600))
def test_large_viewports_are_kept_smaller_and_clicks_follow(x: float, y: float) -> None:
    large = camera(width=4000)
    kept, u, v = prompts.prompted_view(large, x, y)
    assert max(kept.width, kept.height) == prompts.LONGEST_SIDE
    there = large.unproject([(x, y)], [2.0])
    np.testing.assert_allclose(kept.project(there)[0], [(u, v)], atol=1e-6)


def test_small_viewports_are_kept_as_they_are() -> None:
    kept, x, y = prompts.prompted_view(camera(), 12.5, 30.5)
    assert (kept.width, kept.height, x, y) == (800, 600, 12.5, 30.5)


def test_boxes_may_be_dragged_from_any_corner_and_over_the_edge() -> None:
    view = camera()
    assert prompts.box_pixels(view, 100, 200, 300, 50) == (100, 50, 300, 200)
    assert prompts.box_pixels(view, -20, -30, 900, 700) == (0, 0, 800, 600)
    assert prompts.box_pixels(view, 10, 10, 13, 200) is None
    assert prompts.box_pixels(view, 810, 10, 900, 200) is None


def test_a_box_is_drawn_at_the_depth_of_what_it_holds() -> None:
    view = camera()
    surface = view.unproject([(200.0, 150.0)], [4.0])[0]
    corners = prompts.box_corners(view, (100, 50, 300, 250), tuple(surface), 1.0)
    pixels, depth = view.project(corners)
    np.testing.assert_allclose(pixels, [(100, 50), (300, 50), (300, 250), (100, 250)], atol=1e-9)
    np.testing.assert_allclose(depth, 4.0)
