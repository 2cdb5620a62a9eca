# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What all kinds of SAM share, whatever runs them: the frame, and the order of their masks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from splatcut.segmenter.transform import Frame
from splatcut.segmenter.types import Embedding, Prediction, Prompt2D


class Sam(ABC):
    """A ``Segmenter`` but for the two halves of the model, which are the subclasses' ``features`` and ``masks``."""

    def __init__(self, name: str, fingerprint: str, fit: Literal["pad", "squash"] = "pad") -> None:
        self.name, self.fingerprint = name, fingerprint
        self._fit: Literal["pad", "squash"] = fit

    @abstractmethod
    def features(self, pixels: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """The image encoder's outputs for pixels [1, 3, 1024, 1024] in the model's frame."""

    @abstractmethod
    def masks(self, embedding: Embedding, prompt: Prompt2D) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """[M, 256, 256] logits and [M] estimates of their quality: all the masks that the model has, in its order."""

    def frame(self, width: int, height: int) -> Frame:
        return Frame.of(width, height, self._fit)

    def encode(self, image: NDArray[np.uint8]) -> Embedding:
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
            raise ValueError(f"A segmentation model takes uint8 [H, W, 3], not {image.dtype} {list(image.shape)}.")
        frame = self.frame(image.shape[1], image.shape[0])
        return Embedding(self.features(frame.pixels(image)), frame)

    def predict(self, embedding: Embedding, prompt: Prompt2D) -> Prediction:
        return ordered(*self.masks(embedding, prompt), prompt, embedding.frame)


def ordered(low_res: NDArray[np.float32], iou: NDArray[np.float32], prompt: Prompt2D, frame: Frame) -> Prediction:
    """The masks that a model has, [M, 256, 256] with estimates [M], in the order of ``Prediction``.

    Of four masks the first was trained for clear prompts, the others for the ambiguity of a lone point. A model with
    three has none for clear prompts: then the one that it trusts most comes first.
    """
    if prompt.ambiguous:
        return Prediction(low_res[-3:], iou[-3:], np.zeros(3, dtype=bool), frame)
    if len(low_res) == 3:
        order = np.argsort(-iou, kind="stable")
        low_res, iou = low_res[order], iou[order]
    return Prediction(low_res, iou, np.arange(len(low_res)) > 0, frame)
