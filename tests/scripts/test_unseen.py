# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Visual hulls of known bodies, new cameras about them, and what falls outside of a silhouette."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mask_scenes import iou, make_gaussians
from numpy.typing import NDArray

from bench.quality.angles import Outside, outside_share, turned, unseen_cameras
from bench.quality.hull import carve, hull_silhouette, object_box, points_in_hull, surface_points
from bench.renders import coverage
from splatcut.cameras import look_at
from splatcut.scene.camera import Camera
from splatcut.scene.gaussians import Gaussians

SIZE = 120
RNG = np.random.default_rng(3)
CENTRE = np.array([0.3, -0.2, 0.5])
UP = np.array([0.0, 0.0, 1.0])


def camera(azimuth: float, elevation: float = 0.0, distance: float = 4.0) -> Camera:
    a, e = math.radians(azimuth), math.radians(elevation)
    place = CENTRE + distance * np.array([math.cos(e) * math.cos(a), math.cos(e) * math.sin(a), math.sin(e)])
    return Camera(SIZE, SIZE, 130.0, 130.0, SIZE / 2, SIZE / 2, look_at(place, CENTRE, UP))


def ball(view: Camera, radius: float = 1.0, centre: NDArray[np.float64] = CENTRE) -> NDArray[np.bool_]:
    """The exact silhouette of a ball: the rays that pass its centre by less than the radius."""
    y, x = np.mgrid[0:SIZE, 0:SIZE] + 0.5
    rays = np.stack([(x - view.cx) / view.fx, (y - view.cy) / view.fy, np.ones_like(x)], axis=-1)
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    local = view.camera_from_world[:3, :3] @ centre + view.camera_from_world[:3, 3]
    along = rays @ local
    return (along > 0) & (local @ local - along**2 < radius**2)


ROUND = [camera(a, e) for e in (-50, -15, 20, 55) for a in range(0, 360, 30)]
BOX = np.stack([CENTRE - 1.6, CENTRE + 1.4])
EXACT = {"slack": 0.0, "most_refuting": 0.0}


def test_the_hull_of_a_ball_seen_from_all_around_is_the_ball_and_loses_nothing() -> None:
    hull = carve(ROUND, [ball(view) for view in ROUND], BOX, cells=128, **EXACT)
    radii = np.linalg.norm(hull.centres - CENTRE, axis=1)
    assert radii.min() > 0.9  # a shell, its inside is left out
    assert radii.max() < 1.12
    for view in (camera(17, 3), camera(200, 80), camera(77, -35)):
        assert iou(hull_silhouette(hull, view), ball(view)) > 0.95
    for view in [*ROUND[::7], camera(33, 10)]:
        silhouette = hull_silhouette(hull, view)
        # A pixel of the discs' own coarseness at the very rim.
        assert (ball(view, 0.97) & ~silhouette).sum() == 0


def test_two_bodies_and_the_gap_between_them() -> None:
    other = CENTRE + 1.1 * UP
    both = [ball(view, 0.4) | ball(view, 0.4, other) for view in ROUND]
    hull = carve(ROUND, both, np.stack([CENTRE - 1.0, CENTRE + 2.0]), cells=128, **EXACT)
    view = camera(40, 5)
    silhouette = hull_silhouette(hull, view)
    assert iou(silhouette, ball(view, 0.4) | ball(view, 0.4, other)) > 0.85
    x, y = view.project((CENTRE + 0.55 * UP)[None])[0][0]
    assert not silhouette[int(y), int(x)]


def test_slack_widens_by_as_many_pixels() -> None:
    masks = [ball(view) for view in ROUND]
    areas = []
    for slack in (0.0, 3.0):
        hull = carve(ROUND, masks, BOX, cells=128, slack=slack, most_refuting=0.0)
        areas.append(hull_silhouette(hull, camera(40, 5)).sum())
    growth = math.sqrt(areas[1] / math.pi) - math.sqrt(areas[0] / math.pi)
    assert growth == pytest.approx(3.0, abs=0.6)


def test_a_few_wrong_masks_are_outvoted_and_many_are_not() -> None:
    masks = [ball(view) for view in ROUND]
    masks[5] = np.zeros_like(masks[5])
    view = camera(40, 5)
    forgiving = carve(ROUND, masks, BOX, cells=64, slack=0.0, most_refuting=0.05)
    assert iou(hull_silhouette(forgiving, view), ball(view)) > 0.9
    strict = carve(ROUND, masks, BOX, cells=64, **EXACT)
    assert not hull_silhouette(strict, view).any()


def test_views_from_one_side_leave_the_depth_to_the_box() -> None:
    views = [camera(a) for a in (-12, -6, 0, 6, 12)]
    hull = carve(views, [ball(view, 0.5) for view in views], BOX, cells=128, **EXACT)
    # Seen from the side it is longer than it is high, up to the box's faces at the most.
    rows, columns = np.nonzero(hull_silhouette(hull, camera(90)))
    assert np.ptp(columns) > 2 * np.ptp(rows)
    assert (hull.centres >= BOX[0]).all()
    assert (hull.centres <= BOX[1]).all()


def test_what_hardly_any_view_sees_is_outside() -> None:
    # What lies right before the first camera is in neither of the other cameras' pictures.
    views = [camera(a, distance=2.0) for a in (0, 90, 270)]
    box = np.stack([CENTRE - 1.7, CENTRE + 1.7])
    reaches = []
    for share in (0.0, 0.5):
        hull = carve(views, [ball(view, 0.4) for view in views], box, cells=64, least_seeing=share, **EXACT)
        reaches.append(float((hull.centres - CENTRE)[:, 0].max()))
    assert reaches[0] > 1.5
    assert reaches[1] < 1.2


def test_the_surface_has_no_holes_where_views_end() -> None:
    views = [camera(a, distance=2.0) for a in range(0, 360, 30)]
    hull = carve(views, [np.ones((SIZE, SIZE), bool) for _ in views], np.stack([CENTRE - 1.7, CENTRE + 1.7]))
    assert hull_silhouette(hull, camera(10, 20, 8.0))[50:70, 50:70].all()


def test_coarse_and_fine_cells_agree() -> None:
    masks = [ball(view) for view in ROUND]
    view = camera(40, 5)
    pictures = [hull_silhouette(carve(ROUND, masks, BOX, cells=cells, **EXACT), view) for cells in (32, 64, 256)]
    assert iou(pictures[0], pictures[2]) > 0.9
    assert iou(pictures[1], pictures[2]) > 0.95


def test_an_empty_box_and_a_mask_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        carve(ROUND, [ball(view) for view in ROUND], np.stack([CENTRE, CENTRE]))
    with pytest.raises(ValueError, match="10x10"):
        carve(ROUND[:1], [np.ones((10, 10), bool)], BOX)
    with pytest.raises(ValueError, match="no view shows"):
        object_box(np.zeros((0, 3)), 0.1)


def wall() -> Gaussians:
    """An opaque wall of Gaussians in the plane x = 0.3 (that of the centre)."""
    grid = np.stack(np.meshgrid(np.linspace(-2, 2, 60), np.linspace(-2, 2, 60)), axis=-1).reshape(-1, 2)
    return make_gaussians(np.column_stack([np.full(len(grid), CENTRE[0]), grid + CENTRE[1:]]), 0.05, 0.9975)


def test_the_surface_in_the_masks_is_found_and_boxed() -> None:
    views = [camera(0), camera(20)]
    points = surface_points(wall(), views, [ball(view, 0.5) for view in views])
    assert np.abs(points[:, 0] - CENTRE[0]).max() < 0.12
    box = object_box(points, 0.0, trimmed=0.0)
    # The ball's silhouette on the plane through its centre, less the rim that is left out.
    assert box[:, 2] == pytest.approx([CENTRE[2] - 0.44, CENTRE[2] + 0.44], abs=0.08)
    wider = object_box(points, 0.1)
    assert (wider[0] < box[0]).all()
    assert (wider[1] > box[1]).all()


def test_points_behind_the_object_are_told_from_it() -> None:
    behind = CENTRE + np.array([[-3.0, 0.0, 0.0], [0.0, 0.0, 1.3]])
    points = np.concatenate([CENTRE + RNG.normal(0.0, 0.25, (50, 3)), behind])
    kept = points_in_hull(points, ROUND, [ball(view) for view in ROUND])
    assert np.array_equal(kept, points[:50])


@settings(max_examples=25)
@given(azimuth=st.floats(-180, 180), elevation=st.floats(-60, 60))
def test_a_turned_camera_still_looks_at_the_centre_from_its_distance(azimuth: float, elevation: float) -> None:
    base = camera(30, 10)
    new = turned(base, CENTRE, UP, azimuth, elevation)
    assert np.linalg.norm(new.position - CENTRE) == pytest.approx(4.0)
    assert new.project(CENTRE[None])[0][0] == pytest.approx([60, 60])
    expected = camera(30 + azimuth, 10 + elevation)
    assert new.position == pytest.approx(expected.position, abs=1e-9)
    assert new.camera_from_world == pytest.approx(expected.camera_from_world, abs=1e-9)


def test_unseen_cameras_keep_away_from_the_capture_and_from_each_other() -> None:
    known = [camera(a, e) for a in range(-20, 21, 10) for e in (0, 8)]
    chosen = unseen_cameras(known[::3], known, CENTRE)
    assert len(chosen) == 8
    assert all(angle >= 8.0 for _, angle in chosen)
    directions = np.array([view.position - CENTRE for view, _ in chosen]) / 4.0
    between = np.degrees(np.arccos(np.clip(directions @ directions.T, -1, 1)))[~np.eye(8, dtype=bool)]
    assert between.min() >= 8.0
    again = unseen_cameras(known[::3], known, CENTRE)
    assert [angle for _, angle in again] == [angle for _, angle in chosen]


def test_a_capture_from_everywhere_leaves_no_room() -> None:
    known = [camera(a, e) for a in range(0, 360, 6) for e in range(-84, 85, 6)]
    assert unseen_cameras(known[:3], known, CENTRE) == []


def test_the_share_outside_is_that_of_the_coverage() -> None:
    alpha = np.zeros((10, 10), np.float32)
    alpha[2:6, 2:6] = 1.0
    alpha[8, :] = 0.4
    truth = np.zeros((10, 10), bool)
    truth[2:6, 2:4] = True
    score = outside_share(alpha, truth)
    assert score.outside == pytest.approx(8 + 4)
    assert score.total == pytest.approx(16 + 4)
    assert math.isnan(outside_share(np.zeros((4, 4)), np.ones((4, 4), bool)).share)
    assert (score + Outside(0.0, 20.0)).share == pytest.approx(0.3)
    # Widened by one pixel the truth takes a column of what is outside.
    assert outside_share(alpha, truth, slack=1).outside == pytest.approx(4 + 4)


def test_soft_edges_count_for_what_exceeds_the_true_coverage() -> None:
    truth = np.array([[1.0, 0.5, 0.0]])
    assert outside_share(np.array([[1.0, 0.5, 0.0]]), truth).outside == 0.0
    assert outside_share(np.array([[0.7, 0.6, 0.1]]), truth).outside == pytest.approx(0.2)


def test_coverage_is_the_alpha_of_the_object_alone() -> None:
    alpha = coverage(wall(), camera(0))
    assert alpha[55:65, 55:65].min() > 0.95
    assert alpha.shape == (SIZE, SIZE)
    assert coverage(wall().take(slice(0, 0)), camera(0)).sum() == 0.0
