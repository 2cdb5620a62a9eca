# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Coordinates and pictures between the image and the model's frame."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from splatcut.segmenter.transform import LIMIT, MASK_SIZE, MODEL_SIZE, Frame, low_res_from_mask

sizes = st.integers(1, 5000)
fits = st.sampled_from(["pad", "squash"])


@given(sizes, sizes)
def test_padding_makes_the_longest_side_1024_and_keeps_the_aspect_and_squashing_fills(width: int, height: int) -> None:
    squashed = Frame.of(width, height, "squash")
    assert (squashed.used_width, squashed.used_height) == (MODEL_SIZE, MODEL_SIZE)
    frame = Frame.of(width, height, "pad")
    assert max(frame.used_width, frame.used_height) == MODEL_SIZE
    scale = MODEL_SIZE / max(width, height)
    assert abs(frame.used_width - max(1, width * scale)) <= 0.5
    assert abs(frame.used_height - max(1, height * scale)) <= 0.5


@given(sizes, sizes, fits, st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=20))
def test_coordinates_go_there_and_back(width: int, height: int, fit: str, where: list[tuple[float, float]]) -> None:
    frame = Frame.of(width, height, "pad" if fit == "pad" else "squash")
    points = np.array(where) * (width, height)
    coordinates = frame.model_coordinates(points)
    # Models add 0.5: what they compute with lies inside the used part of the frame.
    inside = coordinates + 0.5
    assert (inside >= -1e-3).all()
    assert (inside <= np.array([frame.used_width, frame.used_height]) + 1e-3).all()
    np.testing.assert_allclose(inside / frame.scale, points, atol=2e-4 * max(width, height))


def test_the_corners_of_the_image_are_the_corners_of_the_used_part() -> None:
    frame = Frame.of(504, 378, "pad")
    assert (frame.used_width, frame.used_height) == (1024, 768)
    corners = frame.model_coordinates(np.array([[0.0, 0.0], [504.0, 378.0]]))
    np.testing.assert_allclose(corners, [[-0.5, -0.5], [1023.5, 767.5]])
    # The centre of the first pixel of an unscaled image is index 0.
    np.testing.assert_allclose(Frame.of(1024, 600, "pad").model_coordinates(np.array([[0.5, 7.5]])), [[0.0, 7.0]])


def test_pixels_are_normalised_before_the_padding() -> None:
    image = np.zeros((100, 200, 3), dtype=np.uint8)
    image[:] = (123, 116, 104)
    pixels = Frame.of(200, 100, "pad").pixels(image)
    assert pixels.shape == (1, 3, MODEL_SIZE, MODEL_SIZE)
    expected = [(123 - 123.675) / 58.395, (116 - 116.28) / 57.12, (104 - 103.53) / 57.375]
    for channel, value in zip(pixels[0], expected, strict=True):
        np.testing.assert_allclose(channel[:512], value, rtol=1e-5)
    assert (pixels[0, :, 512:] == 0).all()


def test_large_images_are_reduced_with_antialiasing() -> None:
    stripes = np.zeros((2048, 2048, 3), dtype=np.uint8)
    stripes[:, ::2] = 255
    pixels = Frame.of(2048, 2048, "pad").pixels(stripes)
    # Pixel-wide stripes become grey; taking every other pixel would give black or white.
    assert np.ptp(pixels[0, 0, 8:-8, 8:-8]) < 0.1


@settings(max_examples=12)
@given(st.integers(20, 700), st.integers(20, 700), fits, st.floats(0.2, 0.8), st.floats(0.2, 0.8))
def test_a_ramp_keeps_its_place(width: int, height: int, fit: str, x0: float, y0: float) -> None:
    """Positions survive the way to the mask and back: no shift by half a pixel anywhere."""
    frame = Frame.of(width, height, "pad" if fit == "pad" else "squash")
    y, x = np.mgrid[:height, :width] + 0.5
    ramp = (x / width - x0) + (y / height - y0)
    back = frame.to_image(frame.to_low_res(ramp.astype(np.float32), outside=-9.0))
    # The border blurs: two mask pixels, and where the padding begins.
    my, mx = (int(np.ceil(3 * 4 / scale)) + 1 for scale in reversed(frame.scale))
    if 2 * my < height and 2 * mx < width:
        inner = (slice(my, height - my), slice(mx, width - mx))
        step = max(1 / width, 1 / height) * 0.15 + 1e-5
        np.testing.assert_allclose(back[inner], ramp[inner], atol=step)


def test_upsampling_equals_bilinear_resizing_in_two_steps() -> None:
    rng = np.random.default_rng(3)
    low = rng.normal(size=(MASK_SIZE, MASK_SIZE)).astype(np.float32)
    frame = Frame.of(500, 333, "pad")
    full = Image.fromarray(low).resize((MODEL_SIZE, MODEL_SIZE), Image.Resampling.BILINEAR)
    cropped = np.asarray(full)[: frame.used_height, : frame.used_width].astype(np.float64)
    got = frame.to_image(low)
    assert got.shape == (333, 500)
    for row, column in ((0, 0), (5, 499), (332, 250), (100, 77), (332, 499)):
        y = np.clip((row + 0.5) * frame.used_height / 333 - 0.5, 0, frame.used_height - 1)
        x = np.clip((column + 0.5) * frame.used_width / 500 - 0.5, 0, frame.used_width - 1)
        i, j = min(int(y), frame.used_height - 2), min(int(x), frame.used_width - 2)
        patch, v, u = cropped[i : i + 2, j : j + 2], y - i, x - j
        expected = np.array([1 - v, v]) @ patch @ np.array([1 - u, u])
        assert got[row, column] == pytest.approx(expected, abs=1e-5)


def test_padding_of_a_mask_takes_the_outside_value() -> None:
    frame = Frame.of(400, 100, "pad")  # 64 rows of mask pixels are used
    low = frame.to_low_res(np.full((100, 400), 0.75, dtype=np.float32), outside=-3.0)
    np.testing.assert_allclose(low[:64], 0.75, rtol=1e-6)
    assert (low[64:] == -3.0).all()


def test_pictures_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match="does not lie"):
        Frame.of(40, 30, "pad").to_low_res(np.zeros((40, 30), dtype=np.float32), outside=0.0)
    with pytest.raises(ValueError, match="no frame"):
        Frame.of(0, 30, "pad")


def test_a_mask_prompt_is_the_clipped_logit_of_the_mean_probability() -> None:
    frame = Frame.of(512, 512, "pad")  # one mask pixel is two by two image pixels
    probability = np.full((512, 512), 0.8, dtype=np.float32)
    probability[:, :256] = 0.0
    low_res = low_res_from_mask(probability, frame)
    assert low_res.dtype == np.float32
    np.testing.assert_allclose(low_res[:, :126], -LIMIT, atol=1e-6)
    np.testing.assert_allclose(low_res[:, 130:], np.log(0.8 / 0.2), rtol=1e-5)
    # Thin parts keep a soft value instead of vanishing.
    thin = np.zeros((512, 512), dtype=np.float32)
    thin[:, 300] = 1.0
    assert -2.0 < low_res_from_mask(thin, frame).max() < 1.0


def test_a_mask_prompts_padding_is_surely_not_the_object() -> None:
    low_res = low_res_from_mask(np.ones((100, 400), dtype=np.float32), Frame.of(400, 100, "pad"))
    np.testing.assert_allclose(low_res[:64], LIMIT, rtol=1e-6)
    np.testing.assert_allclose(low_res[64:], -LIMIT, rtol=1e-6)


def test_a_mask_prompt_has_the_object_at_its_place() -> None:
    probability = np.zeros((240, 320), dtype=np.float32)
    probability[60:180, 100:220] = 1.0
    frame = Frame.of(320, 240, "pad")
    back = frame.to_image(low_res_from_mask(probability, frame)) > 0
    assert (back != (probability > 0.5)).sum() <= 4  # the corners
