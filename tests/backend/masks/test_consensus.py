# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Masks corrected where the others contradict them."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mask_scenes import balls_on_floor, ring
from scipy import ndimage

from splatcut.lift import Problem, lift
from splatcut.masks.consensus import (
    LEAST,
    correct_masks,
    edge_between,
    lift_agreeing,
    offset,
    replace_parts,
    signed_distance,
)
from splatcut.progress import Quiet
from splatcut.scene.masks import MaskSet, share_bytes

SIZE = 96


def blob(x: float = 0.0, y: float = 0.0, grown: float = 0.0) -> np.ndarray:
    """[SIZE, SIZE] bool: an ellipse with a bump, moved by (x, y) and grown, pixels."""
    rows, columns = np.mgrid[0:SIZE, 0:SIZE] - SIZE / 2
    columns, rows = columns - x, rows - y
    ellipse = np.hypot(columns / 1.4, rows) * np.sqrt(1.4) < 24
    shape = ellipse | (np.hypot(columns - 24, rows + 10) < 11)
    return signed_distance(shape) < grown


def as_masks(*masks: np.ndarray) -> MaskSet:
    """One object in as many views."""
    stack = [np.where(mask, 255, 0).astype(np.uint8)[None] for mask in masks]
    names = tuple(f"v{n:02d}" for n in range(len(masks)))
    return MaskSet(("thing",), names, stack, np.ones((len(masks), 1), np.float32))


def shown(mask: np.ndarray) -> np.ndarray:
    """[SIZE, SIZE, 1]: a label image a little blurred, as the vote's is."""
    return ndimage.gaussian_filter(mask.astype(np.float32), 0.7)[..., None]


def test_signed_distances_are_half_a_pixel_at_the_edge() -> None:
    inside = np.zeros((3, 6), bool)
    inside[:, :3] = True
    np.testing.assert_allclose(signed_distance(inside)[1], [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5])
    assert (signed_distance(np.zeros((2, 2), bool)) > 1000).all()
    assert (signed_distance(np.ones((2, 2), bool)) < -1000).all()


@settings(max_examples=30)
@given(st.integers(-3, 3), st.integers(-3, 3))
def test_a_shift_is_found(x: int, y: int) -> None:
    found = offset(edge_between(signed_distance(blob(x, y)), signed_distance(blob())))
    expected = (x, y) if np.hypot(x, y) >= LEAST else (0, 0)
    np.testing.assert_allclose(found[:2], expected, atol=0.35)
    assert abs(found[2]) < 0.35


@pytest.mark.parametrize("pixels", [-3, -2, -1, 1, 2, 3])
def test_a_margin_is_found(pixels: int) -> None:
    found = offset(edge_between(signed_distance(blob(grown=pixels)), signed_distance(blob())))
    np.testing.assert_allclose(found, [0, 0, pixels], atol=0.35)


def test_an_edge_that_no_shift_or_margin_explains_stays() -> None:
    rng = np.random.default_rng(0)
    ragged = signed_distance(blob()) < ndimage.gaussian_filter(rng.normal(size=(SIZE, SIZE)), 2) * 25
    assert not offset(edge_between(signed_distance(ragged), signed_distance(blob()))).any()


def test_a_part_that_nobody_else_sees_is_taken_away_and_a_missing_one_put_back() -> None:
    truth = blob()
    rows, columns = np.mgrid[0:SIZE, 0:SIZE]
    below, across = np.hypot(columns - 50, rows - 78) < 14, np.hypot(columns - 36, rows - 62) < 14
    for wrong in (truth | below, truth & ~across):
        assert (wrong != truth).sum() > 200
        right, replaced = replace_parts(wrong.astype(np.float32), shown(truth)[..., 0], np.zeros(3, np.float32))
        assert ((right > 0.5) != truth).sum() < 0.12 * (wrong != truth).sum()
        assert 0.6 * (wrong != truth).sum() < replaced < 1.2 * (wrong != truth).sum()


def test_where_the_others_are_not_sure_a_part_stays() -> None:
    truth = blob()
    lump = np.zeros_like(truth)
    lump[70:90, 30:60] = True
    doubtful = np.where(lump & ~truth, 0.4, shown(truth)[..., 0]).astype(np.float32)
    mask = (truth | lump).astype(np.float32)
    right, replaced = replace_parts(mask, doubtful, np.zeros(3, np.float32))
    assert replaced == 0
    assert right is mask


def test_only_what_is_wrong_changes_and_the_rest_keeps_its_bits() -> None:
    truth = blob()
    masks = as_masks(*[truth] * 8, blob(3, 0), blob(grown=-2))
    before = [mask.copy() for mask in masks.probability]
    found = correct_masks(masks, lambda view: shown(truth))
    assert sorted(found.changes) == [(8, 0), (9, 0)]
    for view in range(8):
        assert found.masks.probability[view] is masks.probability[view]
    for view in (8, 9):
        assert ((found.masks.probability[view][0] > 127) != truth).mean() < 0.005
    for old, mask in zip(before, masks.probability, strict=True):
        np.testing.assert_array_equal(old, mask)
    first, second = found.told()
    assert (first["view"], first["object"], second["view"]) == ("v08", "thing", "v09")
    np.testing.assert_allclose([*first["shift"], second["margin"]], [3, 0, -2], atol=0.4)


def test_what_all_masks_have_in_common_stays() -> None:
    masks = as_masks(*[blob(2, 0, 1)] * 10)
    assert not correct_masks(masks, lambda view: shown(blob())).changes


def test_few_views_and_views_without_trust_have_no_say() -> None:
    few = as_masks(*[blob()] * 6, blob(3, 0))
    assert not correct_masks(few, lambda view: shown(blob())).changes
    silent = as_masks(*[blob()] * 9, blob(3, 0))
    silent.confidence[9] = 0
    asked: list[int] = []

    def render(view: int) -> np.ndarray:
        asked.append(view)
        return shown(blob())

    assert not correct_masks(silent, render).changes
    assert 9 not in asked


def test_an_empty_mask_is_filled_where_all_others_show_the_object() -> None:
    truth = blob()
    found = correct_masks(as_masks(*[truth] * 9, np.zeros_like(truth)), lambda view: shown(truth))
    assert list(found.changes) == [(9, 0)]
    assert ((found.masks.probability[9][0] > 127) != truth).mean() < 0.01


def test_objects_never_share_a_pixel_afterwards() -> None:
    left, right = np.zeros((SIZE, SIZE), bool), np.zeros((SIZE, SIZE), bool)
    left[20:80, 10:48], right[20:80, 48:86] = True, True
    views = [np.stack([left, right])] * 9 + [np.stack([np.roll(left, -4, axis=1), np.roll(right, -4, axis=1)])]
    views[9][0] |= np.roll(left, -4, axis=1)
    stack = [np.where(view, 255, 0).astype(np.uint8) for view in views]
    masks = MaskSet(("a", "b"), tuple(f"v{n}" for n in range(10)), stack, np.ones((10, 2), np.float32))
    expected = np.stack([shown(left)[..., 0], shown(right)[..., 0]], axis=-1)
    found = correct_masks(masks, lambda view: expected)
    assert {view for view, _ in found.changes} == {9}
    assert found.masks.probability[9].astype(int).sum(axis=0).max() <= 256


def test_masks_that_overlap_are_both_drawn_in() -> None:
    """Neither loses what both claim: the edges between neighbours are compared as they were drawn."""
    left, right = np.zeros((SIZE, SIZE), bool), np.zeros((SIZE, SIZE), bool)
    left[20:80, 10:48], right[20:80, 48:86] = True, True
    grown = [np.where(signed_distance(side) < 2, 255, 0) for side in (left, right)]
    stack = [np.stack([left, right]).astype(np.uint8) * np.uint8(255)] * 9
    stack.append(share_bytes(np.stack(grown).astype(np.uint8)))
    masks = MaskSet(("a", "b"), tuple(f"v{n}" for n in range(10)), stack, np.ones((10, 2), np.float32))
    expected = np.stack([shown(left)[..., 0], shown(right)[..., 0]], axis=-1)
    found = correct_masks(masks, lambda view: expected)
    assert sorted(found.changes) == [(9, 0), (9, 1)]
    for k, side in enumerate((left, right)):
        assert abs(found.changes[9, k].margin - 2) < 0.3
        assert np.hypot(*found.changes[9, k].shift) < 0.3
        assert ((found.masks.probability[9][k] > 127) != side).mean() < 0.005


def test_damaged_masks_of_a_scene_come_near_the_true_ones_and_the_lift_with_them() -> None:
    scene = balls_on_floor((-0.5, 0.0, 0.0), (0.6, 0.0, 0.0))
    views = ring(12)
    clean = [scene.truth(view.camera, 1) for view in views]
    rng = np.random.default_rng(1)
    bad = []
    for number, mask in enumerate(clean):
        x, y = rng.integers(-3, 4, 2)
        moved = np.roll(mask, (y, x), axis=(0, 1))
        bad.append((moved, ndimage.binary_dilation(mask, iterations=2), mask)[number % 3])
    names = tuple(view.name for view in views)
    masks, true = (replace(as_masks(*some), views=names) for some in (bad, clean))
    labelled, found = lift_agreeing(Problem(scene.gaussians, views, masks), 0.6, Quiet())
    wrong = [sum(int(((m[0] > 127) != c).sum()) for m, c in zip(s.probability, clean, strict=True))
             for s in (masks, found.masks)]  # fmt: skip
    assert wrong[1] < 0.5 * wrong[0]
    best, given = (lift(Problem(scene.gaussians, views, some), 0.6, Quiet()).probability for some in (true, masks))
    assert np.abs(labelled.probability - best).mean() < 0.7 * np.abs(given - best).mean()


def test_good_masks_of_a_scene_keep_their_bits_and_the_lift_too() -> None:
    scene = balls_on_floor((-0.5, 0.0, 0.0), (0.6, 0.0, 0.0))
    views = ring(12)
    masks = replace(as_masks(*[scene.truth(view.camera, 1) for view in views]), views=tuple(v.name for v in views))
    labelled, found = lift_agreeing(Problem(scene.gaussians, views, masks), 0.6, Quiet())
    assert not found.changes
    plain = lift(Problem(scene.gaussians, views, masks), 0.6, Quiet())
    np.testing.assert_array_equal(labelled.probability, plain.probability)


def test_the_order_of_views_does_not_matter() -> None:
    truth = blob()
    masks = [truth] * 8 + [blob(3, 1), blob(grown=2)]
    whole = correct_masks(as_masks(*masks), lambda view: shown(truth))
    turned = correct_masks(as_masks(*masks[::-1]), lambda view: shown(truth))
    for one, other in itertools.zip_longest(whole.masks.probability, turned.masks.probability[::-1]):
        np.testing.assert_array_equal(one, other)
