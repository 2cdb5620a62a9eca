# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""A rendered object as the mask prompt of a 2D model (method: masks)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from splatcut.segmenter.transform import Frame

#: Where the logits are clipped. Measured with masks of two real scenes, their borders moved by a few pixels as renders
#: of a first lift are: with a box (and a point) as well, limits of 8 to 16 are equally good and 2 or 4 clearly worse.
LIMIT = 12.0


def low_res_from_mask(probability: NDArray[np.floating], frame: Frame) -> NDArray[np.float32]:
    """[256, 256] float32 logits in the model's frame from an object's probability [H, W] in [0, 1], for
    ``Prompt2D.low_res``.

    The probability is averaged down first, so that thin parts stay as soft logits, and its logit clipped at ``LIMIT``.
    """
    small = frame.to_low_res(np.clip(probability, 0.0, 1.0), outside=0.0).astype(np.float64)
    least = 1.0 / (1.0 + np.exp(LIMIT))
    small = np.clip(small, least, 1.0 - least)
    return np.log(small / (1.0 - small)).astype(np.float32)
