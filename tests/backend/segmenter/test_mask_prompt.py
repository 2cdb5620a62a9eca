# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""A probability as a model's mask input."""

from __future__ import annotations

import numpy as np

from splatcut.segmenter import Frame, low_res_from_mask
from splatcut.segmenter.mask_prompt import LIMIT


def test_it_is_the_clipped_logit_of_the_mean_probability() -> None:
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


def test_padding_is_surely_not_the_object() -> None:
    low_res = low_res_from_mask(np.ones((100, 400), dtype=np.float32), Frame.of(400, 100, "pad"))
    np.testing.assert_allclose(low_res[:64], LIMIT, rtol=1e-6)
    np.testing.assert_allclose(low_res[64:], -LIMIT, rtol=1e-6)


def test_the_object_comes_back_at_its_place() -> None:
    probability = np.zeros((240, 320), dtype=np.float32)
    probability[60:180, 100:220] = 1.0
    frame = Frame.of(320, 240, "pad")
    back = frame.to_image(low_res_from_mask(probability, frame)) > 0
    assert (back != (probability > 0.5)).sum() <= 4  # the corners
