# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""A rendered object as the mask prompt of a 2D model (method: masks, step b)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from splatcut.sam.transform import Frame
from splatcut.sam.types import Embedding, Segmenter

PROMPT_LOGIT = 8.0


def low_res_from_mask(
    probability: NDArray[np.floating], model: Segmenter | Embedding | Frame, *, limit: float = PROMPT_LOGIT
) -> NDArray[np.float32]:
    """[256, 256] float32 logits in the model's frame from an object's probability [H, W] in [0, 1], for
    ``Prompt2D.low_res``.

    The probability is averaged down first, so that thin parts stay as soft logits, and its logit clipped at
    +-``limit``.
    """
    probability = np.asarray(probability, dtype=np.float32)
    if probability.ndim != 2:
        raise ValueError(f"A mask prompt is made from [H, W], not {list(probability.shape)}.")
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
