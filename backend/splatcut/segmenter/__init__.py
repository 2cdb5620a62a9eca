# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Promptable 2D segmentation: one class, several models (method: masks).

segmenter = load_segmenter()                      # the embedded MobileSAM
cache = EmbeddingCache(embeddings_folder())
embedding = cache.encode(segmenter, photo)        # uint8 [H, W, 3]
prediction = segmenter.predict(embedding, Prompt2D(points, labels, box))
mask = prediction.logits(prediction.best) > 0     # [H, W]
"""

from splatcut.segmenter.cache import DEFAULT_MAX_BYTES, EmbeddingCache
from splatcut.segmenter.loading import load_segmenter
from splatcut.segmenter.transform import Frame, low_res_from_mask
from splatcut.segmenter.types import Embedding, Prediction, Prompt2D, Segmenter

__all__ = [
    "DEFAULT_MAX_BYTES",
    "Embedding",
    "EmbeddingCache",
    "Frame",
    "Prediction",
    "Prompt2D",
    "Segmenter",
    "load_segmenter",
    "low_res_from_mask",
]
