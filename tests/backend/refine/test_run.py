# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The whole refinement: what it changes, what it leaves alone, and that it goes on where it was stopped."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from mask_scenes import balls_on_floor, hard_masks, ring
from refined_blobs import PLAIN, QUICK, Memory, Stopping, bits, lifted, refined

from splatcut import raster
from splatcut.errors import Cancelled
from splatcut.lift import Labelled, Problem, lift
from splatcut.lift.labels import labels_from_probability
from splatcut.progress import Quiet
from splatcut.refine.run import START, STATE, Refined, refine
from splatcut.scene.gaussians import ARRAYS

pytestmark = pytest.mark.usefixtures("one_thread")


@cache
def _whole() -> Refined:
    """The undisturbed refinement, which saves nothing."""
    return refined(QUICK)


def _mask_error(labelled: Labelled) -> float:
    """Mean difference between the objects rendered alone and their masks."""
    problem, _ = lifted()
    labels = labels_from_probability(labelled.probability)
    errors = []
    for number, view in enumerate(problem.views):
        for k, mask in enumerate(problem.masks.soft(number)):
            drawn = raster.render(labelled.gaussians.take(labels == k + 1), view.camera, colour=False)
            errors.append(np.abs(1 - drawn.transmittance - mask)[mask.shape[0] // 4 :].mean())
    return float(np.mean(errors))


def _differs(made: Labelled) -> np.ndarray:
    """[N] bool: rows of which a bit differs from the input's."""
    before = lifted()[0].scene
    differs = np.zeros(len(made.gaussians), bool)
    for name in ARRAYS:
        now, then = (getattr(some, name).reshape(len(differs), -1) for some in (made.gaussians, before))
        differs |= (now.view(np.uint32) != then.view(np.uint32)).any(axis=1)
    return differs


def test_only_marked_rows_change() -> None:
    made, summary = _whole().labelled, _whole().summary
    differs = _differs(made)
    assert differs.any()
    assert not differs.all()
    assert (differs == made.changed).all()
    assert ((made.probability >= 0) & (made.probability <= 1)).all()
    assert summary["changed"] == made.changed.sum()
    # What is written is made again from the changed rows alone.
    assert bits(Labelled.from_arrays(lifted()[0].scene, made.arrays(), made.boundary)) == bits(made)


def test_all_properties_of_the_gaussians_move_and_nothing_that_was_not_to() -> None:
    scene = lifted()[0].scene
    store = Memory()
    made = refined(PLAIN, store=store).labelled
    for name in ARRAYS:
        assert (getattr(made.gaussians, name) != getattr(scene, name))[made.changed].any(), name
    rows = store.kept[START][0]["rows"]
    assert 0 < len(rows) < len(scene)
    assert set(np.flatnonzero(_differs(made))) <= set(rows)
    others = np.setdiff1d(np.arange(len(scene)), rows)
    assert made.probability[others].tobytes() == lifted()[1].probability[others].tobytes()


def test_objects_fit_their_masks_better() -> None:
    made = refined(replace(PLAIN, iterations=60))
    assert _mask_error(made.labelled) < 0.9 * _mask_error(lifted()[1])
    said = made.summary
    assert said["loss_end"] < 0.9 * said["loss_start"]
    assert said["iterations"] == 60
    assert said["moved"] == made.labelled.changed.sum() == said["changed"] <= said["movable"]


def test_photos_weigh_by_how_well_the_scene_shows_them(monkeypatch: pytest.MonkeyPatch) -> None:
    made = refined(PLAIN)
    # Its own renders stand in for photos.
    assert made.summary["photo_error"] < 0.5 / 255
    monkeypatch.setattr("splatcut.refine.run.photo_weight", lambda bands: 1.0)
    assert bits(refined(replace(PLAIN, photo=4.0)).labelled) == bits(made.labelled)
    assert bits(refined(PLAIN).labelled) != bits(made.labelled)


def test_the_underside_of_what_stands_on_a_floor_stays_the_objects() -> None:
    """The floor hides it, alone it sticks out of the masks, and no view says whose it is."""
    scene = balls_on_floor((0.0, 0.05, 0.0))
    views = ring(6, elevation=15, width=96, height=72)
    problem = Problem(scene.gaussians, views, hard_masks(views, [scene.truth(view.camera)[None] for view in views]))
    before = lift(problem, 0.1, Quiet())
    under = (scene.owner == 1) & (before.weight <= 1) & (before.probability[:, 0] > 0.5)
    assert under.sum() > 20
    after = refine(problem, before, replace(PLAIN, iterations=60), Quiet()).labelled
    # Their shape moves; with free labels, three quarters of them would be the floor's.
    assert after.changed[under].all()
    np.testing.assert_allclose(after.probability[under], before.probability[under], atol=0.02)


def test_nothing_to_refine() -> None:
    """Views that nobody trusts move nothing."""
    problem, _ = lifted()
    doubted = replace(problem, masks=replace(problem.masks, confidence=np.zeros_like(problem.masks.confidence)))
    labelled = lift(doubted, 0.6, Quiet())
    made = refine(doubted, labelled, QUICK, Quiet())
    assert bits(made.labelled) == bits(labelled)
    assert made.summary == {"movable": 0, "moved": 0, "iterations": 0, "changed": 0}


# ------------------------------------------------------------------------------------------------------------ resume


@pytest.mark.parametrize(("stage", "at"), [("movers", 2), ("bands", 3), ("refine", 1), ("refine", 4), ("refine", 7)])
def test_goes_on_bit_by_bit(stage: str, at: int) -> None:
    store, went_on = Memory(), Stopping()
    with pytest.raises(Cancelled):
        refined(QUICK, Stopping(stage, at), store, every=3)
    made = refined(QUICK, went_on, store, every=3)
    assert bits(made.labelled) == bits(_whole().labelled)
    assert made.summary == _whole().summary
    # What was done before is not done again.
    assert ("movers" in went_on.stages) == (stage == "movers")


def test_the_state_is_kept_now_and_then() -> None:
    store = Memory()
    assert bits(refined(QUICK, store=store, every=3).labelled) == bits(_whole().labelled)
    assert store.saved == [START, STATE, STATE, STATE]
    again = Stopping("refine", 8)
    assert bits(refined(QUICK, again, store, every=3).labelled) == bits(_whole().labelled)
    assert again.count == 7  # all of them done before
    assert len(store.saved) == 4


def test_another_seed_is_another_result() -> None:
    assert bits(refined(replace(QUICK, seed=1)).labelled) != bits(_whole().labelled)
