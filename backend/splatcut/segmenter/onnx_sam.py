# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""SAM, MobileSAM and SAM 2 (its image part) through ONNX Runtime; the embedded MobileSAM is the default model.

Sessions have few threads, are quiet and deterministic.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from splatcut.errors import UserError, is_memory_problem
from splatcut.segmenter.model_file import check_model_file
from splatcut.segmenter.transform import MASK_SIZE, Frame
from splatcut.segmenter.types import Embedding, Prompt2D, Segmenter

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

WEIGHTS = Path(__file__).parent / "weights"
EMBEDDED_ENCODER = WEIGHTS / "mobile_sam_encoder_fp16w.onnx"
EMBEDDED_DECODER = WEIGHTS / "mobile_sam_decoder_fp16w.onnx"
EMBEDDED_SHA256 = {
    EMBEDDED_ENCODER.name: "0d94c1e0f6d01bf3effac39acb79ff61575d241d5662d60ddb1a83d9b126b157",
    EMBEDDED_DECODER.name: "ffaa992b8a95887364b32a958aeeeaf7d7c08bbcb21a94d7ff4558b5ff70c783",
}


@dataclass(frozen=True)
class _Kind:
    """How a kind of model is exported: an encoder of images and a decoder of prompts.

    Attributes:
        fit: see ``Frame.of``.
        features: the decoder's inputs that are the encoder's outputs.
        outputs: the decoder's masks and their qualities.
        padded: whether the decoder wants a padding point where there is no box; otherwise it adds that itself.
    """

    name: str
    fit: Literal["pad", "squash"]
    features: tuple[str, ...]
    outputs: tuple[str, str]
    padded: bool

    @property
    def inputs(self) -> set[str]:
        """All inputs of the decoder."""
        return {*self.features, "point_coords", "point_labels", "mask_input", "has_mask_input"}


#: Four masks; the encoder has one output, of any name.
SAM = _Kind("SAM", "pad", ("image_embeddings",), ("low_res_masks", "iou"), padded=True)
#: The image squashed to 1024 x 1024, features at three resolutions, three masks: none for clear prompts.
SAM_2 = _Kind(
    "SAM 2",
    "squash",
    ("high_res_feats_0", "high_res_feats_1", "image_embed"),
    ("masks", "iou_predictions"),
    padded=False,
)


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


def embedded(device: Literal["cpu", "cuda"]) -> OnnxSam:
    """The embedded MobileSAM. Raises ``UserError`` when its files are missing or damaged."""
    if problem := embedded_problem():
        raise UserError(problem)
    return OnnxSam(EMBEDDED_ENCODER, EMBEDDED_DECODER, device, "MobileSAM (embedded)")


class OnnxSam(Segmenter):
    """A model from its two files, of the kind that their inputs and outputs tell.

    Raises ``UserError`` when a file is missing, damaged or another model's.
    """

    def __init__(
        self, encoder: Path, decoder: Path, device: Literal["cpu", "cuda"] = "cpu", name: str | None = None
    ) -> None:
        contents = []
        for path in (encoder, decoder):
            check_model_file(path, "an ONNX model")
            contents.append(path.read_bytes())
        fingerprint = hashlib.sha256(b"".join(hashlib.sha256(content).digest() for content in contents)).hexdigest()
        self._encoder, self._decoder = (
            _session(content, path, device) for content, path in zip(contents, (encoder, decoder), strict=True)
        )
        takes, gives = _ends(self._encoder)
        if len(takes) != 1 or (len(gives) != 1 and not gives >= set(SAM_2.features)):
            raise UserError(
                f"{encoder} is not the image encoder of a SAM or SAM 2 model: it takes {', '.join(sorted(takes))} "
                f"and gives {', '.join(sorted(gives))}."
            )
        self._kind = kind = SAM if len(gives) == 1 else SAM_2
        (self._image,) = takes
        self._features = list(gives) if kind is SAM else list(kind.features)
        takes, gives = _ends(self._decoder)
        if takes != kind.inputs or not gives >= set(kind.outputs):
            raise UserError(
                f"{decoder} is not the decoder of a {kind.name} model: it takes {', '.join(sorted(takes))} and "
                f"gives {', '.join(sorted(gives))}, but {', '.join(sorted(kind.inputs))} and "
                f"{', '.join(sorted(kind.outputs))} are needed."
            )
        super().__init__(name or f"{kind.name} (ONNX, {encoder.name})", fingerprint, kind.fit)

    def features(self, pixels: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        found = self._encoder.run(self._features, {self._image: pixels})
        return dict(zip(self._kind.features, map(np.asarray, found), strict=True))

    def masks(self, embedding: Embedding, prompt: Prompt2D) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        coordinates, labels = _points(prompt, embedding.frame, self._kind.padded)
        mask = np.zeros((MASK_SIZE, MASK_SIZE), np.float32) if prompt.low_res is None else prompt.low_res
        given = {
            "point_coords": coordinates[None],
            "point_labels": labels[None],
            "mask_input": np.ascontiguousarray(mask)[None, None],
            "has_mask_input": np.array([prompt.low_res is not None], dtype=np.float32),
        }
        masks, iou = self._decoder.run(list(self._kind.outputs), {**embedding.features, **given})
        return np.asarray(masks)[0], np.asarray(iou)[0]


def _points(prompt: Prompt2D, frame: Frame, padded: bool) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """[N, 2] coordinates and [N] labels of a decoder: points (1, 0), then the box's corners (2, 3), or else one padding
    point (-1) if ``padded``. A mask alone goes without any (it works better, and is what the segment-anything package
    does)."""
    coordinates, labels = [frame.model_coordinates(prompt.points)], [prompt.labels.astype(np.float32)]
    if prompt.box is not None:
        coordinates.append(frame.model_coordinates(prompt.box.reshape(2, 2)))
        labels.append(np.array([2.0, 3.0], dtype=np.float32))
    elif padded and len(prompt.points):
        coordinates.append(np.zeros((1, 2), dtype=np.float32))
        labels.append(np.array([-1.0], dtype=np.float32))
    return np.concatenate(coordinates), np.concatenate(labels)


def _ends(session: InferenceSession) -> tuple[set[str], set[str]]:
    """The names of what a model takes and gives."""
    return {entry.name for entry in session.get_inputs()}, {entry.name for entry in session.get_outputs()}


def _session(content: bytes, path: Path, device: Literal["cpu", "cuda"]) -> InferenceSession:
    """A session for a model's bytes; ``path`` names it in errors. "cuda" means there if this ONNX Runtime can, else on
    the CPU. Raises ``UserError`` when ONNX Runtime is missing or the content is damaged."""
    try:
        import onnxruntime
    except ImportError as error:
        raise UserError(
            "ONNX Runtime, which runs the segmentation model, is missing. Install it with: pip install onnxruntime"
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # fatal only; failures come back as exceptions
    options.use_deterministic_compute = True
    # Threads that spin between calls would take the cores from the rasteriser.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    providers = ["CPUExecutionProvider"]
    if device == "cuda" and "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        providers.insert(0, "CUDAExecutionProvider")
    try:
        return onnxruntime.InferenceSession(content, sess_options=options, providers=providers)
    except Exception as error:  # ONNX Runtime's own exception classes share no base and are private
        if is_memory_problem(error):
            raise
        text = " ".join(str(error).split())
        raise UserError(
            f"{path} is damaged or is not an ONNX model ({text if len(text) <= 160 else text[:157] + '...'}). "
            "Download or export it again."
        ) from error
