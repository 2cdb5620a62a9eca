# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""A rendered object as the mask prompt of a 2D model (method: masks)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from splatcut.segmenter.transform import Frame
from splatcut.segmenter.types import Embedding, Segmenter

# Measured with masks of two real scenes, their borders moved by a few pixels as renders of a first lift are. With a box
# (and a point) as well, limits of 8 to 16 are equally good and 2 or 4 clearly worse; a mask alone wants 24 to 32.
PROMPT_LOGIT = 12.0
LONE_MASK_LOGIT = 32.0


def low_res_from_mask(
    probability: NDArray[np.floating], model: Segmenter | Embedding | Frame, *, limit: float = PROMPT_LOGIT
) -> NDArray[np.float32]:
    """[256, 256] float32 logits in the model's frame from an object's probability [H, W] in [0, 1], for
    ``Prompt2D.low_res``.

    The probability is averaged down first, so that thin parts stay as soft logits, and its logit clipped at
    +-``limit`` (in (0, 32]). For a mask that is the only prompt take ``LONE_MASK_LOGIT``.
    """
    probability = np.asarray(probability, dtype=np.float32)
    if probability.ndim != 2:
        raise ValueError(f"A mask prompt is made from [H, W], not {list(probability.shape)}.")
    if not 0.0 < limit <= 32.0:
        raise ValueError(f"The limit of a mask prompt's logits must lie in (0, 32], not {limit:g}.")
    if isinstance(model, Frame):
        frame = model
    elif isinstance(model, Embedding):
        frame = model.frame
    else:
        frame = model.frame(probability.shape[1], probability.shape[0])
    small = frame.to_low_res(np.clip(probability, 0.0, 1.0), outside=0.0).astype(np.float64)
    least = 1.0 / (1.0 + np.exp(limit))
    small = np.clip(small, least, 1.0 - least)
    return np.log(small / (1.0 - small)).astype(np.float32)
