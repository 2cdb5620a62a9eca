# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""SAM 2 (image part) through ONNX Runtime, from a pair of files that the user has."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from splatcut.segmenter.onnx_sam import mask_inputs, point_inputs
from splatcut.segmenter.onnx_session import OnnxModel, OnnxPair
from splatcut.segmenter.transform import Frame
from splatcut.segmenter.types import Embedding, Prediction, Prompt2D, check_image, prediction_from_three

ENCODER_OUTPUTS = ("high_res_feats_0", "high_res_feats_1", "image_embed")
DECODER_INPUTS = {*ENCODER_OUTPUTS, "point_coords", "point_labels", "mask_input", "has_mask_input"}
DECODER_OUTPUTS = {"masks", "iou_predictions"}


class OnnxSam2(OnnxModel):
    """SAM 2: the image squashed to 1024 x 1024, three masks, features at three resolutions.

    The exported decoder adds the padding point itself and leaves out the mask for clear prompts, so a clear prompt's
    first mask is the one that the model trusts most. Raises ``UserError`` when the decoder is another one.
    """

    def __init__(self, pair: OnnxPair) -> None:
        super().__init__(pair, None, "SAM 2", DECODER_INPUTS, DECODER_OUTPUTS)

    def frame(self, width: int, height: int) -> Frame:
        return Frame.of(width, height, "squash")

    def encode(self, image: NDArray[np.uint8]) -> Embedding:
        check_image(image)
        frame = self.frame(image.shape[1], image.shape[0])
        features = self._pair.encoder.run(list(ENCODER_OUTPUTS), {self._pair.image_input: frame.pixels(image)})
        return Embedding(dict(zip(ENCODER_OUTPUTS, map(np.asarray, features), strict=True)), frame)

    def predict(self, embedding: Embedding, prompt: Prompt2D) -> Prediction:
        prompt.check_inside(embedding.frame)
        coordinates, labels = point_inputs(prompt, embedding.frame, pad_without_box=False)
        masks, iou = self._pair.decoder.run(
            ["masks", "iou_predictions"],
            {
                **embedding.features,
                "point_coords": coordinates[None],
                "point_labels": labels[None],
                **mask_inputs(prompt),
            },
        )
        return prediction_from_three(np.asarray(masks)[0], np.asarray(iou)[0], prompt, embedding.frame)
