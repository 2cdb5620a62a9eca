# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where prompts stand on the screen, and which one the mouse is on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from blender_addon.core import overlay, prompts
from blender_addon.core.cameras import Viewport, limited
from blender_addon.core.prompts import PlacedObject, PlacedPrompt, PlacedView

WORLD = np.diag([2.0, 2.0, 2.0, 1.0])
WINDOW = np.array([[1.5, 0, 0.1, 0], [0, 2.0, -0.2, 0], [0, 0, -1.001, -0.2], [0, 0, -1, 0]])


def viewport(distance: float = 8.0, turn: float = 0.0, size: tuple[int, int] = (800, 600)) -> Viewport:
    c, s = np.cos(turn), np.sin(turn)
    view = np.array([[c, 0, -s, 0], [0, 1, 0, 0], [s, 0, c, -distance], [0, 0, 0, 1]], float)
    return Viewport.of(view, WINDOW, *size, WORLD)


def placed(*items: PlacedPrompt) -> list[PlacedObject]:
    return [PlacedObject("object", "vase", prompts=items)]


def view_of(port: Viewport) -> PlacedView:
    camera = port.camera()
    assert camera is not None
    return PlacedView("view", limited(camera, prompts.LONGEST_SIDE))


@pytest.mark.parametrize("size", [(800, 600), (2400, 1800)])
def test_a_click_is_drawn_where_it_was_made(size: tuple[int, int]) -> None:
    port = viewport(size=size)
    view = view_of(port)
    x, y = 300.0, 200.0
    position = view.camera.unproject([(x, y)], [3.0])[0]
    for item in (
        PlacedPrompt("p", "POINT", "view", True, (x, y, 0, 0), tuple(position)),
        PlacedPrompt("p", "POINT", "view", False, (x, y, 0, 0), None),
    ):
        (mark,) = overlay.marks(placed(item), [view], port)
        scale = size[0] / view.camera.width
        np.testing.assert_allclose(mark.centre, (x * scale, size[1] - y * scale), atol=1e-6)


def test_points_stay_on_their_surface_when_the_view_turns() -> None:
    position = (0.5, 0.25, -0.5)
    item = PlacedPrompt("p", "POINT", "", True, (0, 0, 0, 0), position)
    for turn in (0.0, 0.5, -1.0):
        port = viewport(turn=turn)
        (mark,) = overlay.marks(placed(item), [], port)
        pixels, _ = view_of(port).camera.project([position])
        np.testing.assert_allclose(mark.centre, (pixels[0, 0], 600 - pixels[0, 1]), atol=1e-6)
    assert overlay.marks(placed(item), [], viewport(distance=-20)) == []


def test_points_on_nothing_show_in_their_own_view_only() -> None:
    port = viewport()
    item = PlacedPrompt("p", "POINT", "view", False, (5.0, 5.0, 0, 0), None)
    assert len(overlay.marks(placed(item), [view_of(port)], port)) == 1
    assert overlay.marks(placed(item), [view_of(port)], viewport(turn=0.1)) == []
    assert overlay.marks(placed(item), [], port) == []


def test_boxes_are_rectangles_in_their_view_and_planes_in_others() -> None:
    port = viewport()
    view = view_of(port)
    position = tuple(view.camera.unproject([(250.0, 150.0)], [4.0])[0])
    item = PlacedPrompt("b", "BOX", "view", True, (200, 100, 300, 200), position)
    (mark,) = overlay.marks(placed(item), [view], port)
    np.testing.assert_allclose(mark.lines[:, 0], [(200, 500), (300, 500), (300, 400), (200, 400)], atol=1e-6)
    np.testing.assert_allclose(mark.lines[:, 1], np.roll(mark.lines[:, 0], -1, axis=0), atol=1e-6)
    (turned,) = overlay.marks(placed(item), [view], viewport(turn=0.6))
    corners = prompts.box_corners(view.camera, item.pixels, position, 1.0)
    pixels, _ = view_of(viewport(turn=0.6)).camera.project(corners)
    np.testing.assert_allclose(turned.lines[:, 0], np.stack([pixels[:, 0], 600 - pixels[:, 1]], 1), atol=1e-6)


def test_lines_end_where_they_pass_the_viewer() -> None:
    port = viewport()
    behind, before = (0.0, 0.0, 10.0), (0.2, 0.0, 0.0)
    (line,) = overlay.screen_lines(port, [(behind, before)])
    end, _ = overlay.screen_points(port, [before])
    np.testing.assert_allclose(line[1], end[0])
    assert np.isfinite(line).all()
    # Towards the viewer the line goes on in the same direction.
    nearer, _ = overlay.screen_points(port, [(0.15, 0.0, 2.5)])
    direction, towards = line[0] - line[1], nearer[0] - end[0]
    assert direction @ towards > 0.999 * np.linalg.norm(direction) * np.linalg.norm(towards)
    assert len(overlay.screen_lines(port, [(behind, (0.0, 1.0, 9.0))])) == 0


def test_orthographic_viewports_show_prompts_too() -> None:
    window = np.diag([0.5, 0.5, -0.01, 1.0])
    port = Viewport.of(viewport().view_matrix, window, 800, 600, WORLD)
    assert port.is_orthographic
    item = PlacedPrompt("p", "POINT", "", True, (0, 0, 0, 0), (0.5, 0.25, 3.0))
    (mark,) = overlay.marks(placed(item), [], port)
    np.testing.assert_allclose(mark.centre, (600, 375))


def test_the_mouse_hits_points_before_boxes_and_later_ones_first() -> None:
    port = viewport()
    view = view_of(port)
    at = tuple(view.camera.unproject([(200.0, 100.0)], [4.0])[0])
    first = PlacedPrompt("first", "POINT", "view", True, (200.0, 100.0, 0, 0), at)
    box = PlacedPrompt("box", "BOX", "view", True, (200, 100, 300, 200), at)
    found = overlay.marks(placed(first, replace(first, uid="second"), box), [view], port)
    assert overlay.hit(found, 200, 500) == "second"
    assert overlay.hit(found, 200 + overlay.RADIUS + 1, 500) == "second"
    assert overlay.hit(found, 260, 502) == "box"
    assert overlay.hit(found, 250, 450) == ""  # inside of a box is not on it
    assert overlay.hit(found, 250, 506) == ""
    assert overlay.hit(found, 250, 506, scale=2) == "box"
    assert overlay.hit(found, 200 - 2 * overlay.RADIUS - 3, 500, scale=2) == "second"
    assert overlay.hit([], 1, 1) == ""
