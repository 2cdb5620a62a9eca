# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""A user's SAM ViT-B, ViT-L, ViT-H or MobileSAM checkpoint through torch and the segment-anything package.

segment-anything brings SAM's image encoders, prompt encoder and mask decoder; MobileSAM's image encoder is
``splatcut.segmenter.tiny_vit``. Everything is imported on first use, since segment-anything needs torchvision.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from splatcut.errors import UserError
from splatcut.files import content_hash
from splatcut.segmenter.checkpoint import KIND_NAMES, Kind, checkpoint_kind, read_checkpoint
from splatcut.segmenter.types import Embedding, Prompt2D, Segmenter

if TYPE_CHECKING:
    from torch import Tensor, nn

# TinyViT's classifier, which the image encoder does not use.
_UNUSED = ("image_encoder.norm_head.", "image_encoder.head.")
# Counters and tables that some files keep and others do not; nothing depends on them.
_OPTIONAL = (".num_batches_tracked", ".attention_bias_idxs")


def segment_anything_problem() -> str | None:
    """None when the segment-anything package can be imported; otherwise a sentence with what to do."""
    try:
        importlib.import_module("segment_anything")
    except ImportError as error:
        missing = error.name or "segment_anything"
        return (
            f"The package {missing.split('.')[0]} is missing; SAM checkpoints need segment-anything and torchvision. "
            'Install them with: pip install "splatcut[sam]"'
        )
    except Exception as error:  # a torchvision built for another torch fails with RuntimeError or OSError
        return (
            f"The segment-anything package cannot be imported ({' '.join(str(error).split())[:160]}). torchvision may "
            "not match the installed torch; install both together with: pip install -U torch torchvision"
        )
    return None


class TorchSam(Segmenter):
    """SAM with its four masks, from a checkpoint's state dict.

    Raises ``UserError`` when the file is no such checkpoint, segment-anything is missing, or the GPU's memory is full.
    """

    def __init__(self, checkpoint: Path, *, device: Literal["cpu", "cuda"] = "cpu") -> None:
        state = read_checkpoint(checkpoint)
        kind = checkpoint_kind(state, checkpoint)
        if problem := segment_anything_problem():
            raise UserError(f"{checkpoint} is a {KIND_NAMES[kind]} checkpoint. {problem}")
        with _gpu_memory():
            self._model = {name: module.to(device) for name, module in _build(kind, state, checkpoint).items()}
        self._device = device
        super().__init__(f"{KIND_NAMES[kind]} ({checkpoint.name})", content_hash(checkpoint))

    def features(self, pixels: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        import torch

        with torch.inference_mode(), _gpu_memory():
            features = self._model["image_encoder"](self._tensor(pixels))
        return {"image_embeddings": features.float().cpu().numpy()}

    def masks(self, embedding: Embedding, prompt: Prompt2D) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        import torch

        frame = embedding.frame
        points = boxes = masks = None
        if len(prompt.points):
            labels = torch.from_numpy(prompt.labels.astype(np.int64)).to(self._device)
            points = (self._tensor(frame.model_coordinates(prompt.points)[None]), labels[None])
        if prompt.box is not None:
            boxes = self._tensor(frame.model_coordinates(prompt.box.reshape(2, 2)).reshape(1, 4))
        if prompt.low_res is not None:
            masks = self._tensor(prompt.low_res[None, None])
        with torch.inference_mode(), _gpu_memory():
            encoder: Any = self._model["prompt_encoder"]
            decoder: Any = self._model["mask_decoder"]
            sparse, dense = encoder(points=points, boxes=boxes, masks=masks)
            # predict_masks gives all four masks; calling the decoder would keep only one kind.
            low_res, iou = decoder.predict_masks(
                image_embeddings=self._tensor(embedding.features["image_embeddings"]),
                image_pe=encoder.get_dense_pe(),
                sparse_prompt_embeddings=sparse,
                dense_prompt_embeddings=dense,
            )
        return low_res[0].float().cpu().numpy(), iou[0].float().cpu().numpy()

    def _tensor(self, array: NDArray[np.float32]) -> Tensor:
        import torch

        return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32)).to(self._device)


def _build(kind: Kind, state: Mapping[str, Tensor], path: Path) -> dict[str, nn.Module]:
    """The three modules of a SAM with a checkpoint's weights, in evaluation mode."""
    package: Any = importlib.import_module("segment_anything")
    # MobileSAM is SAM with another image encoder.
    sam = package.sam_model_registry["vit_b" if kind == "mobile_sam" else kind](checkpoint=None)
    modules: dict[str, nn.Module] = {
        name: getattr(sam, name) for name in ("image_encoder", "prompt_encoder", "mask_decoder")
    }
    if kind == "mobile_sam":
        from splatcut.segmenter.tiny_vit import TinyViT

        modules["image_encoder"] = TinyViT()
    for name, module in modules.items():
        prefix = f"{name}."
        part = {
            key.removeprefix(prefix): value.float()
            for key, value in state.items()
            if key.startswith(prefix) and not key.startswith(_UNUSED)
        }
        try:
            result = module.load_state_dict(part, strict=False)
        except RuntimeError as error:  # a tensor of another shape
            raise UserError(f"{path} does not fit {KIND_NAMES[kind]}: {_first_line(error)}") from error
        missing = [key for key in result.missing_keys if not key.endswith(_OPTIONAL)]
        unknown = [key for key in result.unexpected_keys if not key.endswith(_OPTIONAL)]
        if missing or unknown:
            what, keys = ("lacks", missing) if missing else ("has the unknown", unknown)
            raise UserError(
                f"{path} does not fit {KIND_NAMES[kind]}: it {what} {prefix}{keys[0]}"
                + (f" and {len(keys) - 1} more weights." if len(keys) > 1 else ".")
            )
        module.eval()
    return modules


@contextlib.contextmanager
def _gpu_memory() -> Iterator[None]:
    """Says in a sentence that the GPU's memory is full."""
    import torch

    try:
        yield
    except torch.cuda.OutOfMemoryError as error:
        raise UserError(
            "The GPU's memory is too small or too full for this segmentation model. "
            "Choose a smaller model or --device cpu."
        ) from error


def _first_line(error: Exception) -> str:
    """The first particular that torch names, in one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[min(1, len(lines) - 1)][:200] if lines else "the shapes of its weights differ."
