# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Edges of masks drawn to the pictures'."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from splatcut.masks.snap import SHARP, SMOOTH, Guide, snap
from splatcut.scene.masks import MaskSet

SIZE = 128
RADII = (3.0, 2.0, 1.5)
ROWS, COLUMNS = np.mgrid[0:SIZE, 0:SIZE]
DISC = np.hypot(COLUMNS - 64, ROWS - 60) < 34


def picture(noise: float = 6.0, seed: int = 0) -> np.ndarray:
    """[SIZE, SIZE, 3] uint8: a reddish disc on a greenish ground."""
    rng = np.random.default_rng(seed)
    colours = np.where(DISC[..., None], [170, 110, 90], [90, 130, 100]) + rng.normal(0, noise, (SIZE, SIZE, 3))
    return np.clip(colours, 0, 255).astype(np.uint8)


def coarse(seed: int = 0) -> np.ndarray:
    """[SIZE, SIZE] bool: the disc as a model sees it at an eighth of the resolution, a few pixels off."""
    rng = np.random.default_rng(seed)
    small = ndimage.shift(DISC.astype(float), rng.uniform(-3, 3, 2), order=1)[::8, ::8]
    return ndimage.zoom(small, 8, order=1)[:SIZE, :SIZE] > 0.5


def as_masks(*views: np.ndarray, trust: float = 1.0) -> MaskSet:
    """One object in as many views."""
    stack = [np.where(view, 255, 0).astype(np.uint8)[None] for view in views]
    names = tuple(f"v{n}" for n in range(len(views)))
    return MaskSet(("disc",), names, stack, np.full((len(views), 1), trust, np.float32))


def no_vote(masks: MaskSet):
    """A vote that repeats each view's own masks."""
    return lambda number: masks.soft(number).transpose(1, 2, 0)


def plain_filter(image: np.ndarray, values: np.ndarray, radius: int, smooth: float) -> np.ndarray:
    """The guided filter's definition, window by window (He, Sun and Tang, equations 5, 6 and 8)."""
    guide = np.pad(image.astype(float) / 255, ((radius, radius), (radius, radius), (0, 0)), mode="edge")
    wanted = np.pad(values.astype(float), radius, mode="edge")
    height, width = values.shape
    slope, offset = np.empty((height, width, 3)), np.empty((height, width))
    for y in range(height):
        for x in range(width):
            window = guide[y : y + 2 * radius + 1, x : x + 2 * radius + 1].reshape(-1, 3)
            inside = wanted[y : y + 2 * radius + 1, x : x + 2 * radius + 1].ravel()
            covariance = (window * inside[:, None]).mean(axis=0) - window.mean(axis=0) * inside.mean()
            spread = np.cov(window.T, bias=True) + smooth * np.eye(3)
            slope[y, x] = np.linalg.solve(spread, covariance)
            offset[y, x] = inside.mean() - slope[y, x] @ window.mean(axis=0)
    mean = ndimage.uniform_filter(slope, (2 * radius + 1, 2 * radius + 1, 1), mode="nearest")
    return (mean * image / 255).sum(axis=-1) + ndimage.uniform_filter(offset, 2 * radius + 1, mode="nearest")


@pytest.mark.parametrize(("radius", "smooth"), [(1, 1e-3), (3, 1e-2)])
def test_the_filter_is_what_its_definition_says(radius: int, smooth: float) -> None:
    rng = np.random.default_rng(3)
    image = rng.integers(0, 256, (17, 21, 3), dtype=np.uint8)
    values = rng.random((17, 21)).astype(np.float32)
    found = Guide(image, radius, smooth).filter(values)
    np.testing.assert_allclose(found, plain_filter(image, values, radius, smooth), atol=1e-4)


@settings(max_examples=20)
@given(st.floats(0, 1), st.integers(0, 1000))
def test_even_values_stay_even(value: float, seed: int) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (20, 24, 3), dtype=np.uint8)
    found = Guide(image, 3, 0.002).filter(np.full((20, 24), value, np.float32))
    np.testing.assert_allclose(found, value, atol=1e-5)


def test_edges_move_to_the_pictures() -> None:
    masks = as_masks(*[coarse(seed) for seed in range(4)])
    made = snap(masks, lambda n: picture(seed=n), no_vote, (16.0, 16.0, 16.0))
    for before, after in zip(masks.probability, made.probability, strict=True):
        wrong = [int(((mask[0] > 127) != DISC).sum()) for mask in (before, after)]
        assert wrong[1] < 0.25 * wrong[0]
        assert wrong[0] > 200


def test_the_vote_of_all_mends_what_a_single_view_got_wrong() -> None:
    hole = DISC & ~(np.hypot(COLUMNS - 64, ROWS - 60) < 12)
    masks = as_masks(hole)
    grey = np.full((SIZE, SIZE, 3), 128, np.uint8)  # a picture that says nothing
    for shown, expected in ((0.0, False), (1.0, True)):
        image = np.where(DISC, shown, 0.0).astype(np.float32)[..., None]

        def vote(_: MaskSet, image: np.ndarray = image):
            return lambda number: image

        made = snap(masks, lambda n: grey, vote, (4.0, 4.0))
        assert (made.probability[0][0][60, 64] > 127) == expected


def test_each_round_votes_anew_with_the_masks_so_far() -> None:
    seen: list[np.ndarray] = []

    def vote(masks: MaskSet):
        seen.append(masks.probability[0].copy())
        return no_vote(masks)

    steps: list[int] = []
    made = snap(as_masks(coarse()), lambda n: picture(), vote, RADII, step=lambda: steps.append(1))
    assert len(seen) == len(steps) == 3
    assert (seen[1] != seen[0]).any()
    assert (made.probability[0] != seen[2]).any()


def test_what_the_user_gave_and_what_nobody_trusts_keeps_its_bits() -> None:
    masks = as_masks(coarse(1), coarse(2))
    made = snap(masks, lambda n: picture(), no_vote, RADII, keep={(0, 0)})
    np.testing.assert_array_equal(made.probability[0], masks.probability[0])
    assert (made.probability[1] != masks.probability[1]).any()
    distrusted = as_masks(coarse(1), trust=0.0)
    made = snap(distrusted, lambda n: pytest.fail("no picture is needed"), no_vote, RADII)
    np.testing.assert_array_equal(made.probability[0], distrusted.probability[0])
    none = snap(masks, lambda n: picture(), no_vote, ())
    assert none is masks
    away = snap(as_masks(np.zeros_like(DISC)), lambda n: picture(), no_vote, RADII)  # an object that is not there
    assert not away.probability[0].any()


def test_objects_share_pixels_and_a_mask_that_was_given_comes_first() -> None:
    ready = DISC & (COLUMNS < 64)
    stack = np.stack([ready, DISC]).astype(np.uint8) * 255
    masks = MaskSet(("left", "disc"), ("v",), [stack], np.ones((1, 2), np.float32))
    made = snap(masks, lambda n: picture(), no_vote, RADII, keep={(0, 0)}).probability[0]
    np.testing.assert_array_equal(made[0], stack[0])
    assert made.astype(int).sum(axis=0).max() <= 255
    assert (made[1][DISC & ~ready] > 127).mean() > 0.9
    assert not made[1][ready].any()


def test_looking_only_around_the_object_changes_nothing() -> None:
    rng = np.random.default_rng(5)
    image = rng.integers(0, 256, (300, 400, 3), dtype=np.uint8)
    mask = np.zeros((300, 400), bool)
    mask[200:240, 30:90] = True
    found = snap(as_masks(mask), lambda n: image, no_vote, (3.0,)).probability[0][0]
    whole = Guide(image, round(3 * 400 / 256), SMOOTH).filter(mask.astype(np.float32))
    expected = np.floor(np.clip(0.5 + SHARP * (whole - 0.5), 0, 1) * 255 + 1e-3)
    np.testing.assert_allclose(found, expected, atol=1)
    assert (found > 127).any()
