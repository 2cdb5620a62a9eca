# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Planes about something that is taken out, and their surfaces seen squarely."""

from __future__ import annotations

from dataclasses import replace

import heal_scenes
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from splatcut.heal.chart import hidden_and_free, make_chart
from splatcut.heal.planes import Plane, find_planes
from splatcut.heal.visibility import Sight, look
from splatcut.scene.gaussians import Gaussians

TABLE = Plane(np.zeros(3), np.eye(3), 0.05)


@pytest.mark.parametrize(("seed", "size"), [(0, 1.0), (1, 0.01), (2, 300.0)])
def test_a_noisy_table_is_found_among_clutter_wherever_it_is(seed: int, size: float) -> None:
    rng = np.random.default_rng(seed)
    table = np.column_stack([rng.uniform(-1, 1, (600, 2)), rng.normal(scale=0.008, size=600)])
    clutter = rng.uniform(-1, 1, (60, 3))
    body = np.column_stack([rng.uniform(-0.3, 0.3, (200, 2)), rng.uniform(0, 0.6, 200)])
    turn, place = Rotation.random(random_state=seed).as_matrix(), rng.normal(size=3) * 10
    points, removed, above = (size * (part @ turn.T + place) for part in (
        np.concatenate([table, clutter]), body, np.array([[0.0, 0.0, 3.0]]),
    ))  # fmt: skip
    first = find_planes(points, removed, above[0])[0]
    assert first.axes[2] @ turn[:, 2] > 0.995  # towards the cameras
    assert abs((first.origin / size - place) @ turn[:, 2]) < 0.02
    np.testing.assert_allclose(first.axes @ first.axes.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(first.axes) == pytest.approx(1.0)
    np.testing.assert_allclose(first.world(first.own(points)), points, rtol=1e-9, atol=1e-9 * size)


def test_too_few_points_are_no_plane() -> None:
    rng = np.random.default_rng(0)
    flat = np.column_stack([rng.uniform(-1, 1, (30, 2)), np.zeros(30)])
    assert find_planes(flat, flat[:5], np.array([0.0, 0.0, 3.0])) == []
    assert find_planes(np.zeros((0, 3)), flat, np.zeros(3)) == []


def sight(depth: float, covered: bool) -> Sight:
    """A view from above that sees ``depth`` everywhere."""
    camera = replace(heal_scenes.cameras(1)[0], width=8, height=6, fx=8.0, fy=8.0, cx=4.0, cy=3.0)
    pose = np.diag([1.0, -1.0, -1.0, 1.0])
    pose[2, 3] = 3.0
    camera = replace(camera, camera_from_world=pose)
    return Sight(camera, np.full((6, 8), covered), np.full((6, 8), depth, np.float32))


@pytest.mark.parametrize(
    ("depth", "covered", "found"),
    [
        (2.0, True, (1, 0, 0)),  # the removed hides it
        (3.0, False, (0, 0, 0)),  # it is seen
        (np.inf, False, (0, 1, 0)),  # it is seen through
        (5.0, True, (0, 1, 0)),  # the removed lies behind it
        (2.0, False, (0, 0, 1)),  # something else hides it
    ],
)
def test_hidden_and_free(depth: float, covered: bool, found: tuple[int, int, int]) -> None:
    counts = hidden_and_free(np.zeros((1, 3)), TABLE, [sight(depth, covered)])
    assert tuple(int(count[0]) for count in counts) == found
    outside = hidden_and_free(np.full((1, 3), 50.0), TABLE, [sight(depth, covered)])
    assert not np.any(outside)


def seen(scene: Gaussians, removed: np.ndarray) -> list[Sight]:
    return look(scene, removed, heal_scenes.cameras())


def test_the_hole_of_a_chart_is_where_the_ball_stood() -> None:
    made = heal_scenes.standing(black=False)
    rest, ball = made.scene.take(~made.removed), made.scene.means[made.removed]
    plane = Plane(np.zeros(3), np.eye(3), heal_scenes.SPACING)
    chart = make_chart(rest, rest.base_colours(), ball, plane, seen(made.scene, made.removed))
    assert chart is not None
    cells = chart.points(np.zeros_like(chart.cover)).reshape(*chart.cover.shape, 3)
    radius = np.hypot(cells[..., 0], cells[..., 1])
    assert chart.hole[radius < 0.5 * heal_scenes.HIDDEN].all()
    assert not chart.hole[radius > heal_scenes.HIDDEN + 2 * heal_scenes.SPACING].any()
    known = (radius > 0.3) & (radius < 0.45)
    colours = 0.6 + 0.15 * cells[known][:, 0]
    np.testing.assert_allclose(chart.colour[known][:, 0], colours, atol=0.02)
    np.testing.assert_allclose(cells[..., 2], 0, atol=1e-9)


def test_a_whole_table_has_no_hole() -> None:
    table, ball = heal_scenes.table(), heal_scenes.ball()
    scene = heal_scenes.concatenate([table, ball])
    removed = np.arange(len(scene)) >= len(table)
    plane = Plane(np.zeros(3), np.eye(3), heal_scenes.SPACING)
    assert make_chart(table, table.base_colours(), ball.means, plane, seen(scene, removed)) is None
