# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The embedded model, a picture whose object is known exactly, and a model that needs no weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from mask_scenes import WholeSegmenter
from numpy.typing import NDArray

from splatcut.segmenter import Embedding, Prediction, Prompt2D, Segmenter, load_segmenter


@dataclass(frozen=True)
class Picture:
    """A uint8 [H, W, 3] image with a disc, and the disc's exact mask [H, W]."""

    image: NDArray[np.uint8]
    disc: NDArray[np.bool_]
    centre: tuple[float, float]
    radius: float


def disc_picture(width: int = 320, height: int = 240, seed: int = 0) -> Picture:
    """An orange disc on a bluish background; both are noisy."""
    rng = np.random.default_rng(seed)
    centre, radius = (0.6 * width, 0.45 * height), 0.25 * height
    y, x = np.mgrid[:height, :width] + 0.5
    disc = np.hypot(x - centre[0], y - centre[1]) < radius
    colour = np.where(disc[..., None], (210.0, 120.0, 40.0), (60.0, 80.0, 110.0))
    image = np.clip(colour + rng.normal(scale=18.0, size=colour.shape), 0, 255).astype(np.uint8)
    return Picture(image, disc, centre, radius)


class CountingSegmenter(WholeSegmenter):
    """Embeds an image by its mean colour and counts how often it was asked to."""

    def __init__(self, fingerprint: str = "one", value: float = 1.0) -> None:
        super().__init__("counting", fingerprint)
        self.value = value
        self.encoded = 0

    def encode(self, image: NDArray[np.uint8]) -> Embedding:
        self.encoded += 1
        mean = image.reshape(-1, 3).mean(axis=0).astype(np.float32)
        features = {"mean": mean * self.value, "large": np.full((64, 64), self.value, dtype=np.float32)}
        return Embedding(features, self.frame(image.shape[1], image.shape[0]))

    def predict(self, embedding: Embedding, prompt: Prompt2D) -> Prediction:
        raise AssertionError("the cache never asks for masks")


@pytest.fixture(scope="session")
def embedded() -> Segmenter:
    return load_segmenter()


@pytest.fixture(scope="session")
def picture() -> Picture:
    return disc_picture()


@pytest.fixture(scope="session")
def disc_embedding(embedded: Segmenter, picture: Picture) -> Embedding:
    return embedded.encode(picture.image)


@pytest.fixture
def counting() -> CountingSegmenter:
    return CountingSegmenter()
