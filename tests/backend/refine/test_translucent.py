# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Translucent objects keep the coverage that they came with; opaque ones are held to their masks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
from mask_scenes import balls_on_floor, make_gaussians, ring, sphere_points
from numpy.typing import NDArray
from scipy import ndimage

from splatcut import raster
from splatcut.lift import Labelled, Problem, find_labels, lift
from splatcut.progress import Quiet
from splatcut.refine import run
from splatcut.refine.options import RefineOptions
from splatcut.refine.translucent import Translucent, find_translucent
from splatcut.scene.camera import Camera
from splatcut.scene.gaussians import ARRAYS, Gaussians, concatenate
from splatcut.scene.masks import MaskSet

pytestmark = pytest.mark.usefixtures("one_thread")

FLOOR, BALL, JAR = 0, 1, 2


@dataclass(frozen=True, eq=False)
class Made:
    """A jar of faint Gaussians about an opaque ball, hanging over a floor, and what it was lifted to; owner: [N]."""

    problem: Problem
    labelled: Labelled
    owner: NDArray[np.int32]

    def found(self) -> Translucent:
        found = find_translucent(self.problem, self.labelled, Quiet())
        assert found is not None
        return found


def alone(gaussians: Gaussians, mine: NDArray[np.bool_], camera: Camera) -> NDArray[np.float32]:
    return raster.render(gaussians.take(np.flatnonzero(mine)), camera, colour=False).alpha


def _made(gaussians: Gaussians, owner: NDArray[np.int32], names: tuple[str, ...], mask: object) -> Made:
    """Lifted; ``mask`` makes a view's masks [K, H, W] in [0, 1] of its camera."""
    views = ring(6, radius=2.2, width=96, height=72)
    masks = [np.rint(255 * mask(view.camera)).astype(np.uint8) for view in views]  # type: ignore[operator]
    found = MaskSet(names, tuple(view.name for view in views), masks, np.ones((len(views), len(names)), np.float32))
    problem = Problem(gaussians, views, found)
    return Made(problem, lift(problem, 0.1, Quiet()), owner)


def _scene(opacity: float) -> tuple[Gaussians, NDArray[np.int32]]:
    scene = balls_on_floor((0.0, 0.1, 0.0), radius=0.1)
    glass = make_gaussians(0.29 * sphere_points(900), 0.023, opacity, (0.7, 0.8, 0.9))
    return concatenate([scene.gaussians, glass]), np.append(scene.owner, np.full(900, JAR, np.int32))


@cache
def outlined(opacity: float = 0.08) -> Made:
    """Jar and ball as one object, its masks full inside an outline that the jar's faint rim lies outside of."""
    gaussians, owner = _scene(opacity)

    def outline(camera: Camera) -> NDArray[np.bool_]:
        return ndimage.binary_fill_holes(alone(gaussians, owner > 0, camera) > 0.5)[None]

    return _made(gaussians, owner, ("jar",), outline)


@cache
def inside() -> Made:
    """Ball and jar as two objects; the ball's masks are full, and the jar's full around them."""
    gaussians, owner = _scene(0.08)

    def outlines(camera: Camera) -> NDArray[np.bool_]:
        ball = alone(gaussians, owner == BALL, camera) > 0.5
        return np.stack([ball, ~ball & (alone(gaussians, owner > 0, camera) > 0.3)])

    return _made(gaussians, owner, ("ball", "jar"), outlines)


def test_the_faint_gaussians_of_an_object_are_translucent_and_no_others() -> None:
    for made in (outlined(), inside()):
        rows = made.found().rows
        assert rows[made.owner == JAR].mean() > 0.95
        assert rows[made.owner == BALL].mean() < 0.01
        assert rows[made.owner == FLOOR].sum() <= 2


def test_where_they_show_objects_are_held_to_what_they_were() -> None:
    made = outlined()
    found = made.found()
    mine = made.labelled.hard()[:, 0] > 0
    for view, mask in zip(made.problem.views, made.problem.masks.probability, strict=True):
        shares, covers = (target[0] for target in found.targets(mask, view.camera))
        seen = raster.render(
            made.problem.scene, view.camera, features=found.rows[:, None].astype(np.float32), colour=False
        ).features[..., 0]
        through = seen > 1 / 32
        assert (through[mask[0] == 0]).sum() > 50  # the rim that the mask leaves out
        np.testing.assert_array_equal(covers[~through], mask[0][~through])
        np.testing.assert_allclose(
            covers[through] / 255, alone(made.problem.scene, mine, view.camera)[through], atol=0.002
        )
        # Nothing lies before it.
        np.testing.assert_allclose(shares[through], covers[through], atol=2)


def test_what_is_seen_through_glass_is_held_to_its_own_coverage() -> None:
    """The ball shows two thirds of itself, though its mask is full, and is opaque."""
    made = inside()
    found = made.found()
    for view, mask in zip(made.problem.views, made.problem.masks.probability, strict=True):
        shares, covers = found.targets(mask, view.camera)
        middle = alone(made.problem.scene, made.owner == BALL, view.camera) > 0.97
        assert middle.sum() > 20
        assert (mask[0][middle] == 255).all()
        assert 0.5 < shares[0][middle].mean() / 255 < 0.8
        np.testing.assert_allclose(shares[:, middle].sum(axis=0), 255, atol=10)
        assert (covers[0][middle] > 0.96 * 255).all()
        # The jar's far side, which the ball hides, covers, too.
        assert (covers[1][middle] > shares[1][middle] + 20).all()


def test_masks_are_the_very_same_where_nothing_translucent_shows() -> None:
    made = outlined()
    mask = made.problem.masks.probability[0]
    away = replace(made.found(), rows=np.zeros(len(made.owner), bool))
    assert all(target is mask for target in away.targets(mask, made.problem.views[0].camera))


def test_an_opaque_object_has_nothing_translucent() -> None:
    made = outlined(0.9)
    assert find_translucent(made.problem, made.labelled, Quiet()) is None


def test_a_hole_in_one_view_makes_no_object_translucent() -> None:
    """What the lift has missed leaves a thin place; the Gaussians about it are opaque in the other views."""
    made = outlined(0.9)
    label = made.labelled.probability.copy()
    means = made.problem.scene.means
    label[(made.owner == JAR) & (np.linalg.norm(means - [0, 0, -0.29], axis=1) < 0.09)] = 0
    label[made.owner == BALL] = 0
    assert find_translucent(made.problem, replace(made.labelled, probability=label), Quiet()) is None


@pytest.mark.parametrize("opacity", [0.08, 0.9])
def test_what_is_thin_all_over_is_translucent_with_its_object(opacity: float) -> None:
    """A stem above the jar lies in the middle of no mask; an opaque one stays opaque."""
    scene, owner = _scene(0.08)
    height = np.repeat(np.linspace(-0.65, -0.32, 34), 3)
    stem = make_gaussians(np.stack([0 * height, height, 0 * height], axis=1), 0.02, opacity)
    gaussians, owner = concatenate([scene, stem]), np.append(owner, np.full(102, 3, np.int32))

    def outline(camera: Camera) -> NDArray[np.bool_]:
        jar = ndimage.binary_fill_holes(alone(gaussians, (owner > 0) & (owner < 3), camera) > 0.3)
        return (jar | (alone(gaussians, owner == 3, camera) > 0.2))[None]

    made = _made(gaussians, owner, ("jar",), outline)
    rows = made.found().rows[owner == 3]
    assert rows.mean() == pytest.approx(float(opacity < 0.5), abs=0.1)


@pytest.mark.parametrize("made", [outlined, inside])
def test_the_refinement_leaves_glass_as_it_is(monkeypatch: pytest.MonkeyPatch, made: object) -> None:
    jar = made()  # type: ignore[operator]
    names, owner, scene = jar.problem.masks.objects, jar.owner, jar.problem.scene
    true = np.minimum(owner, 1) if len(names) == 1 else owner

    def errors() -> tuple[float, float]:
        """Mean difference of the objects' coverage where they are, and of the background there, both in [0, 1]."""
        refined = run.refine(jar.problem, jar.labelled, RefineOptions(iterations=60, passes=0), Quiet()).labelled
        labels = find_labels(refined, Quiet()).labels
        off, ghost = [], []
        for view in jar.problem.views:
            cover = [alone(scene, true == k + 1, view.camera) for k in range(len(names))]
            for k, before in enumerate(cover):
                now = alone(refined.gaussians, labels == k + 1, view.camera)
                off.append(np.abs(now - before)[before > 0.03].mean())
            rest = [
                raster.render(some.take(np.flatnonzero(mine)), view.camera).image
                for some, mine in ((scene, true == 0), (refined.gaussians, labels == 0))
            ]
            ghost.append(np.abs(rest[0] - rest[1])[np.max(cover, axis=0) > 0.03].mean())
        return float(np.mean(off)), float(np.mean(ghost))

    off, ghost = errors()
    assert off < 0.02
    assert ghost < 0.01
    rows = jar.found().rows
    refined = run.refine(jar.problem, jar.labelled, RefineOptions(iterations=3, passes=0), Quiet()).labelled
    for name in ARRAYS:
        assert getattr(refined.gaussians, name)[rows].tobytes() == getattr(scene, name)[rows].tobytes()
    assert refined.changed.any()
    monkeypatch.setattr(run, "find_translucent", lambda *_: None)
    assert errors()[0] > 2 * off
