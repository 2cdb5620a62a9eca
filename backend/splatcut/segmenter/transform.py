# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Between the pixels of an image and the square frame in which a segmentation model sees it.

Model frame: 1024 x 1024. Image pixels follow the project's convention (pixel centres at +0.5). The models take pixel
*indices* (they add 0.5 themselves), so coordinates handed to a model are 0.5 smaller than positions in its frame.
Masks of the model are 256 x 256; mask pixel j covers the model frame from 4 j to 4 j + 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

MODEL_SIZE = 1024
MASK_SIZE = 256
CELL = MODEL_SIZE // MASK_SIZE  # model-frame pixels per mask pixel
_MEAN = np.array([123.675, 116.28, 103.53], dtype=np.float32)
_STD = np.array([58.395, 57.12, 57.375], dtype=np.float32)
#: Where the logits of a mask prompt are clipped. Measured with masks of two real scenes, their borders moved by a few
#: pixels as renders of a first lift are: with a box (and a point) as well, limits of 8 to 16 are equally good and 2 or
#: 4 clearly worse.
LIMIT = 12.0


@dataclass(frozen=True)
class Frame:
    """Where an image lies in the model's frame: its top-left part of ``used_width`` x ``used_height``, zeros elsewhere.

    Attributes:
        width, height: image size in pixels.
        used_width, used_height: size in model-frame pixels (at most 1024) that the image is resized to.
    """

    width: int
    height: int
    used_width: int
    used_height: int

    @staticmethod
    def of(width: int, height: int, fit: Literal["pad", "squash"]) -> Frame:
        """``pad`` (SAM, MobileSAM): the longest side becomes 1024. ``squash`` (SAM 2): both sides become 1024."""
        if width < 1 or height < 1:
            raise ValueError(f"An image of {width} x {height} pixels has no frame.")
        if fit == "squash":
            return Frame(width, height, MODEL_SIZE, MODEL_SIZE)
        scale = MODEL_SIZE / max(width, height)
        used_width, used_height = int(width * scale + 0.5), int(height * scale + 0.5)
        return Frame(width, height, max(1, used_width), max(1, used_height))

    @property
    def scale(self) -> tuple[float, float]:
        """Model-frame pixels per image pixel, in x and y."""
        return self.used_width / self.width, self.used_height / self.height

    def model_coordinates(self, points: NDArray[np.floating]) -> NDArray[np.float32]:
        """[..., 2] positions in image pixels -> [..., 2] coordinates as the models take them (pixel indices)."""
        return (np.asarray(points, dtype=np.float64) * self.scale - 0.5).astype(np.float32)

    def pixels(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """[1, 3, 1024, 1024] float32 model input of a uint8 [H, W, 3] sRGB image: resized (bilinear, antialiased),
        normalised, then padded with zeros."""
        size = (self.used_width, self.used_height)
        resized = image
        if size != (self.width, self.height):
            from PIL import Image

            resized = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR))
        out = np.zeros((1, 3, MODEL_SIZE, MODEL_SIZE), dtype=np.float32)
        normalised = (resized.astype(np.float32) - _MEAN) / _STD
        out[0, :, : self.used_height, : self.used_width] = np.moveaxis(normalised, 2, 0)
        return out

    def to_image(self, low_res: NDArray[np.floating]) -> NDArray[np.float32]:
        """[256, 256] values of the model's mask -> [H, W] at image resolution (bilinear up to the model frame, padding
        cut off, bilinear to the image)."""
        rows = _up_and_crop(self.used_height, self.height)
        columns = _up_and_crop(self.used_width, self.width)
        return _both_axes(rows, np.asarray(low_res, dtype=np.float32), columns)

    def to_low_res(self, values: NDArray[np.floating], outside: float) -> NDArray[np.float32]:
        """[H, W] values of the image -> [256, 256] in the model's mask (antialiased bilinear; padding: ``outside``)."""
        if values.shape != (self.height, self.width):
            raise ValueError(f"A picture of {values.shape} does not lie in the frame of {(self.height, self.width)}.")
        rows = _down(self.height, self.used_height)
        columns = _down(self.width, self.used_width)
        out = np.full((MASK_SIZE, MASK_SIZE), outside, dtype=np.float32)
        out[: rows.shape[0], : columns.shape[0]] = _both_axes(rows, np.asarray(values, dtype=np.float32), columns)
        return out


def low_res_from_mask(probability: NDArray[np.floating], frame: Frame) -> NDArray[np.float32]:
    """[256, 256] float32 logits in the model's frame from an object's probability [H, W] in [0, 1], for
    ``Prompt2D.low_res``.

    The probability is averaged down first, so that thin parts stay as soft logits, and its logit clipped at ``LIMIT``.
    """
    small = frame.to_low_res(np.clip(probability, 0.0, 1.0), outside=0.0).astype(np.float64)
    least = 1.0 / (1.0 + np.exp(LIMIT))
    small = np.clip(small, least, 1.0 - least)
    return np.log(small / (1.0 - small)).astype(np.float32)


def _interpolation(count_out: int, count_in: int, step: float) -> NDArray[np.float64]:
    """[count_out, count_in] weights: output j samples the input at (j + 0.5) * step with a triangle filter, widened to
    ``step`` when that is more than 1 (antialiasing); edges are repeated."""
    centre = np.minimum((np.arange(count_out) + 0.5) * step, count_in)[:, None]
    width = max(1.0, step)
    # Outputs beyond the first and last input centre take that input alone, as a clamped read does.
    centre = np.clip(centre, 0.5, count_in - 0.5)
    weights = np.maximum(0.0, 1.0 - np.abs(np.arange(count_in)[None, :] + 0.5 - centre) / width)
    return weights / weights.sum(axis=1, keepdims=True)


def _both_axes(rows: csr_array, values: NDArray[np.float32], columns: csr_array) -> NDArray[np.float32]:
    """[H, W] ``rows @ values @ columns.T``, of which the matrices' zeros cost nothing."""
    return np.ascontiguousarray((columns @ (rows @ values).T).T, dtype=np.float32)


@lru_cache(maxsize=64)
def _up_and_crop(used: int, size: int) -> csr_array:
    """[size, 256]: mask -> model frame -> its first ``used`` pixels -> ``size`` image pixels, along one axis."""
    up = _interpolation(MODEL_SIZE, MASK_SIZE, 1.0 / CELL)[:used]
    # The last step samples without antialiasing, as SAM does: the map is smooth (it was just enlarged fourfold).
    centre = np.clip((np.arange(size) + 0.5) * (used / size), 0.5, used - 0.5)[:, None]
    sample = np.maximum(0.0, 1.0 - np.abs(np.arange(used)[None, :] + 0.5 - centre))
    from scipy.sparse import csr_array

    return csr_array((sample @ up).astype(np.float32))


@lru_cache(maxsize=64)
def _down(size: int, used: int) -> csr_array:
    """[ceil(used / 4), size]: image pixels -> mask pixels that touch the image, along one axis."""
    from scipy.sparse import csr_array

    return csr_array(_interpolation(-(-used // CELL), size, CELL * size / used).astype(np.float32))
