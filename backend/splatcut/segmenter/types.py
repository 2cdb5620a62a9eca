# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What every promptable 2D model takes and gives (method: masks)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from splatcut.errors import UserError
from splatcut.segmenter.transform import MASK_SIZE, Frame


@dataclass(frozen=True, eq=False)
class Prompt2D:
    """What the user or the loop says about one object in one image.

    Attributes:
        points: [P, 2] float32 (x, y) in image pixels, pixel centres at +0.5.
        labels: [P] int32, 1 = on the object, 0 = not on it.
        box: [4] float32 (x0, y0, x1, y1) in image pixels around the object, or None.
        low_res: [256, 256] float32 logits of an earlier mask in the model's frame (``low_res_from_mask`` or a row of
            ``Prediction.low_res``), or None.
    """

    points: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 2), np.float32))
    labels: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    box: NDArray[np.float32] | None = None
    low_res: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        points = np.asarray(self.points, dtype=np.float32).reshape(-1, 2)
        labels = np.asarray(self.labels, dtype=np.int32).reshape(-1)
        object.__setattr__(self, "points", points)
        object.__setattr__(self, "labels", labels)
        if len(points) != len(labels):
            raise ValueError(f"A prompt has {len(points)} points but {len(labels)} labels.")
        if not np.isin(labels, (0, 1)).all():
            raise ValueError("The labels of a prompt's points are 1 (on the object) or 0 (not on it).")
        if not np.isfinite(points).all():
            raise UserError("A point of a prompt is not a finite number.")
        if self.box is not None:
            box = np.asarray(self.box, dtype=np.float32).reshape(-1)
            object.__setattr__(self, "box", box)
            if box.shape != (4,) or not np.isfinite(box).all() or box[0] >= box[2] or box[1] >= box[3]:
                raise UserError(f"The box {box.tolist()} is not x0, y0, x1, y1 with x0 < x1 and y0 < y1.")
        if self.low_res is not None:
            low_res = np.asarray(self.low_res, dtype=np.float32)
            object.__setattr__(self, "low_res", low_res)
            if low_res.shape != (MASK_SIZE, MASK_SIZE):
                raise ValueError(f"low_res must be [{MASK_SIZE}, {MASK_SIZE}], not {low_res.shape}.")
        if self.box is None and self.low_res is None and not (labels == 1).any():
            raise UserError("A prompt needs at least one point on the object, a box or an earlier mask.")

    @property
    def ambiguous(self) -> bool:
        """One point alone: it may mean the whole, a part or a part of that part."""
        return len(self.points) == 1 and self.box is None and self.low_res is None


@dataclass(frozen=True, eq=False)
class Embedding:
    """What a model keeps of one image.

    Attributes:
        features: the encoder's outputs by name, float32.
        frame: where the image lies in the model's frame.
    """

    features: Mapping[str, NDArray[np.float32]]
    frame: Frame


@dataclass(frozen=True, eq=False)
class Prediction:
    """The masks that a model proposes for one prompt; the first one is the model's first answer to a clear prompt.

    Attributes:
        low_res: [M, 256, 256] float32 logits in the model's frame.
        iou: [M] float32, the model's own estimate of each mask's intersection over union with what was meant.
        extra: [M] bool, False for the masks to offer: all three of a lone point (SAM: whole, part, sub-part), one for a
            clear prompt. True for the model's other answers to a clear prompt, worth a look when something else (a
            render of the object) can judge them.
        frame: where the image lies in the model's frame.
    """

    low_res: NDArray[np.float32]
    iou: NDArray[np.float32]
    extra: NDArray[np.bool_]
    frame: Frame

    @cached_property
    def best(self) -> int:
        """Index of the offered mask that the model trusts most."""
        return int(np.argmax(np.where(self.extra, -np.inf, self.iou)))

    def logits(self, index: int) -> NDArray[np.float32]:
        """[H, W] float32 logits of a mask at image resolution; the object is where they are positive."""
        return self.frame.to_image(self.low_res[index])

    def probability(self, index: int) -> NDArray[np.float32]:
        """[H, W] float32 in [0, 1]: the sigmoid of ``logits``."""
        # exp cannot overflow here: float32 holds exp(60).
        return (1.0 / (1.0 + np.exp(-np.clip(self.logits(index), -60.0, 60.0)))).astype(np.float32)


class Segmenter(ABC):
    """A promptable 2D model. Equal inputs give equal outputs on one machine.

    The model's two halves are the subclasses' ``features`` and ``masks``.

    Args:
        name: what a person calls the model, "MobileSAM (embedded)".
        fingerprint: changes whenever the weights do (a hash of their content).
        fit: how images lie in the model's frame, see ``Frame.of``.
    """

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
        """Where an image of this size lies in the model's frame."""
        return Frame.of(width, height, self._fit)

    def encode(self, image: NDArray[np.uint8]) -> Embedding:
        """The embedding of a uint8 [H, W, 3] sRGB image; ``ValueError`` for anything else."""
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
            raise ValueError(f"A segmentation model takes uint8 [H, W, 3], not {image.dtype} {list(image.shape)}.")
        frame = self.frame(image.shape[1], image.shape[0])
        return Embedding(self.features(frame.pixels(image)), frame)

    def predict(self, embedding: Embedding, prompt: Prompt2D) -> Prediction:
        """The masks for a prompt, whose points lie in the image."""
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
