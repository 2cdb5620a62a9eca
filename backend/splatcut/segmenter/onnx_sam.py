# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""SAM and MobileSAM through ONNX Runtime; the embedded MobileSAM is the default model."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from splatcut.errors import UserError
from splatcut.segmenter.onnx_session import OnnxModel, OnnxPair, open_pair
from splatcut.segmenter.transform import MASK_SIZE, Frame
from splatcut.segmenter.types import Embedding, Prediction, Prompt2D, check_image, prediction_from_four

WEIGHTS = Path(__file__).parent / "weights"
EMBEDDED_ENCODER = WEIGHTS / "mobile_sam_encoder_fp16w.onnx"
EMBEDDED_DECODER = WEIGHTS / "mobile_sam_decoder_fp16w.onnx"
EMBEDDED_SHA256 = {
    EMBEDDED_ENCODER.name: "0d94c1e0f6d01bf3effac39acb79ff61575d241d5662d60ddb1a83d9b126b157",
    EMBEDDED_DECODER.name: "ffaa992b8a95887364b32a958aeeeaf7d7c08bbcb21a94d7ff4558b5ff70c783",
}
DECODER_INPUTS = {"image_embeddings", "point_coords", "point_labels", "mask_input", "has_mask_input"}
DECODER_OUTPUTS = {"low_res_masks", "iou"}


def embedded_problem() -> str | None:
    """None when the embedded model's files are there and whole; otherwise a sentence."""
    for path in (EMBEDDED_ENCODER, EMBEDDED_DECODER):
        try:
            content = path.read_bytes()
        except OSError:
            return f"The embedded model's file {path} is missing. Install splatcut again."
        if hashlib.sha256(content).hexdigest() != EMBEDDED_SHA256[path.name]:
            return f"The embedded model's file {path} is damaged. Install splatcut again."
    return None


def embedded_pair(device: Literal["cpu", "cuda"] = "cpu") -> OnnxPair:
    """The embedded MobileSAM. Raises ``UserError`` when its files are missing or damaged."""
    if problem := embedded_problem():
        raise UserError(problem)
    return open_pair(EMBEDDED_ENCODER, EMBEDDED_DECODER, device)


class OnnxSam(OnnxModel):
    """SAM with its four masks: an encoder from [1, 3, 1024, 1024] to [1, 256, 64, 64] and a decoder with the inputs of
    ``DECODER_INPUTS``. Raises ``UserError`` when the decoder is another one.
    """

    def __init__(self, pair: OnnxPair, name: str | None = None) -> None:
        super().__init__(pair, name, "SAM", DECODER_INPUTS, DECODER_OUTPUTS)

    def frame(self, width: int, height: int) -> Frame:
        return Frame.of(width, height, "pad")

    def encode(self, image: NDArray[np.uint8]) -> Embedding:
        check_image(image)
        frame = self.frame(image.shape[1], image.shape[0])
        (features,) = self._pair.encoder.run(None, {self._pair.image_input: frame.pixels(image)})
        return Embedding({"image_embeddings": np.asarray(features)}, frame)

    def predict(self, embedding: Embedding, prompt: Prompt2D) -> Prediction:
        prompt.check_inside(embedding.frame)
        coordinates, labels = point_inputs(prompt, embedding.frame, pad_without_box=True)
        masks, iou = self._pair.decoder.run(
            ["low_res_masks", "iou"],
            {
                "image_embeddings": embedding.features["image_embeddings"],
                "point_coords": coordinates[None],
                "point_labels": labels[None],
                **mask_inputs(prompt),
            },
        )
        return prediction_from_four(np.asarray(masks)[0], np.asarray(iou)[0], prompt, embedding.frame)


def point_inputs(
    prompt: Prompt2D, frame: Frame, *, pad_without_box: bool
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """[N, 2] coordinates and [N] labels of a decoder: points (1, 0), then the box's corners (2, 3), or else one padding
    point (-1) where the decoder does not add that itself. A mask alone goes without any (it works better, and is what
    the segment-anything package does)."""
    coordinates, labels = [frame.model_coordinates(prompt.points)], [prompt.labels.astype(np.float32)]
    if prompt.box is not None:
        coordinates.append(frame.model_coordinates(prompt.box.reshape(2, 2)))
        labels.append(np.array([2.0, 3.0], dtype=np.float32))
    elif pad_without_box and len(prompt.points):
        coordinates.append(np.zeros((1, 2), dtype=np.float32))
        labels.append(np.array([-1.0], dtype=np.float32))
    return np.concatenate(coordinates), np.concatenate(labels)


def mask_inputs(prompt: Prompt2D) -> dict[str, NDArray[np.float32]]:
    """The decoder's ``mask_input`` [1, 1, 256, 256] and ``has_mask_input`` [1]."""
    if prompt.low_res is None:
        mask = np.zeros((1, 1, MASK_SIZE, MASK_SIZE), dtype=np.float32)
    else:
        mask = np.ascontiguousarray(prompt.low_res, dtype=np.float32)[None, None]
    return {"mask_input": mask, "has_mask_input": np.array([prompt.low_res is not None], dtype=np.float32)}
