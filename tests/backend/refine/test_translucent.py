# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Translucent objects keep the coverage that they came with; opaque ones are held to their masks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
from mask_scenes import balls_on_floor, make_gaussians, ring, sphere_points
from scipy import ndimage

from splatcut import raster
from splatcut.lift import Labelled, Problem, find_labels, lift
from splatcut.progress import Quiet
from splatcut.refine import run
from splatcut.refine.options import RefineOptions
from splatcut.refine.translucent import held_to_the_input
from splatcut.scene.gaussians import Gaussians, concatenate
from splatcut.scene.masks import MaskSet

pytestmark = pytest.mark.usefixtures("one_thread")


@dataclass(frozen=True, eq=False)
class Jar:
    """A jar of faint Gaussians about an opaque ball, over a floor; its masks are full inside its outline.

    Attributes:
        owner: [N] 0 the floor, 1 the ball, 2 the jar; coverage: of ball and jar alone, [H, W] a view.
    """

    problem: Problem
    labelled: Labelled
    owner: np.ndarray
    coverage: list[np.ndarray]


@cache
def jar(opacity: float = 0.08) -> Jar:
    scene = balls_on_floor((0.0, 0.25, 0.0), radius=0.12)
    glass = make_gaussians(0.38 * sphere_points(900), 0.03, opacity, (0.7, 0.8, 0.9))
    gaussians = concatenate([scene.gaussians, glass])
    owner = np.append(scene.owner, np.full(900, 2))
    views = ring(6, radius=2.2, width=96, height=72)
    coverage = [alone(gaussians, owner > 0, view.camera) for view in views]
    outlines = [ndimage.binary_fill_holes(cover > 0.1) for cover in coverage]
    masks = [255 * outline[None].astype(np.uint8) for outline in outlines]
    found = MaskSet(("jar",), tuple(view.name for view in views), masks, np.ones((len(views), 1), np.float32))
    problem = Problem(gaussians, views, found)
    return Jar(problem, lift(problem, 0.1, Quiet()), owner, coverage)


def alone(gaussians: Gaussians, mine: np.ndarray, camera: object) -> np.ndarray:
    return raster.render(gaussians.take(np.flatnonzero(mine)), camera, colour=False).alpha  # type: ignore[arg-type]


def middle(mask: np.ndarray) -> np.ndarray:
    return ndimage.binary_erosion(mask > 127, iterations=4)


def test_a_translucent_object_is_held_to_its_own_coverage() -> None:
    made = jar()
    held = held_to_the_input(made.problem, made.labelled, Quiet()).masks.probability
    given = made.problem.masks.probability
    for view, before, after, cover in zip(made.problem.views, given, held, made.coverage, strict=True):
        inner, through = middle(before[0]), cover < 0.8
        assert cover[inner & through].mean() == pytest.approx(0.55, abs=0.01)
        # But for a few pixels beside the ball.
        assert (after[0][inner & through] < 255).mean() > 0.9
        # What is lifted with the jar is the floor right beneath it, which nothing else shows.
        lifted = alone(made.problem.scene, made.labelled.probability[:, 0] > 0.5, view.camera)
        lower = after < before
        np.testing.assert_allclose(after[lower] / 255, lifted[None][lower], atol=0.003)
        # The ball inside is opaque, and no mask becomes larger.
        assert (after[0][inner & (cover > 0.97)] > 240).all()
        assert (after <= before).all()
        assert (after[0][before[0] == 0] == 0).all()


def test_mattes_of_a_translucent_object_are_right_as_they_are() -> None:
    made = jar()
    mattes = [np.rint(255 * cover)[None].astype(np.uint8) for cover in made.coverage]
    masks = replace(made.problem.masks, probability=mattes)
    held = held_to_the_input(replace(made.problem, masks=masks), made.labelled, Quiet())
    assert max(np.abs(a.astype(int) - b).max() for a, b in zip(mattes, held.masks.probability, strict=True)) <= 3


def test_the_masks_of_an_opaque_object_are_the_very_same() -> None:
    made = jar(0.9)
    held = held_to_the_input(made.problem, made.labelled, Quiet()).masks.probability
    assert all(a is b for a, b in zip(made.problem.masks.probability, held, strict=True))


def test_a_hole_in_one_view_makes_no_object_translucent() -> None:
    """What the lift has missed leaves a thin place; the Gaussians about it are opaque in the other views."""
    made = jar(0.9)
    label = made.labelled.probability.copy()
    means = made.problem.scene.means
    label[(made.owner == 2) & (np.linalg.norm(means - [0, 0, -0.38], axis=1) < 0.12)] = 0
    label[made.owner == 1] = 0
    held = held_to_the_input(made.problem, replace(made.labelled, probability=label), Quiet()).masks.probability
    assert all(a is b for a, b in zip(made.problem.masks.probability, held, strict=True))


def test_the_refinement_leaves_glass_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def error(holding: bool) -> tuple[float, float]:
        """Mean difference of coverage in the middle of the masks, and the share of the jar that is the object's."""
        if not holding:
            monkeypatch.setattr(run, "held_to_the_input", lambda problem, *_: problem)
        made = jar()
        options = RefineOptions(iterations=40, passes=0)
        refined = run.refine(made.problem, made.labelled, options, Quiet()).labelled
        mine = find_labels(refined, Quiet()).labels == 1
        off = [
            np.abs(alone(refined.gaussians, mine, view.camera) - cover)[middle(mask[0])].mean()
            for view, mask, cover in zip(made.problem.views, made.problem.masks.probability, made.coverage, strict=True)
        ]
        return float(np.mean(off)), float(mine[made.owner > 0].mean())

    off, share = error(holding=True)
    assert off < 0.05
    assert share > 0.98
    assert error(holding=False)[0] > 0.2
