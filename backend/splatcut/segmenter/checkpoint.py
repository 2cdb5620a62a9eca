# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Reading SAM checkpoints of unknown origin: told by content, never executed, and sentences for what is wrong."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from splatcut.errors import UserError, is_memory_problem
from splatcut.segmenter.model_file import check_model_file

if TYPE_CHECKING:
    from torch import Tensor

Kind = Literal["mobile_sam", "vit_b", "vit_l", "vit_h"]

KIND_NAMES: dict[Kind, str] = {
    "mobile_sam": "MobileSAM",
    "vit_b": "SAM ViT-B",
    "vit_l": "SAM ViT-L",
    "vit_h": "SAM ViT-H",
}
# Bytes of the published files, to recognise a download that broke off.
PUBLISHED_BYTES = {
    "sam_vit_b_01ec64.pth": 375_042_383,
    "sam_vit_l_0b3195.pth": 1_249_524_607,
    "sam_vit_h_4b8939.pth": 2_564_550_879,
    "mobile_sam.pt": 40_728_226,
}
WHERE_TO_GET = (
    "SAM checkpoints (sam_vit_b_01ec64.pth, sam_vit_l_0b3195.pth, sam_vit_h_4b8939.pth) are linked from "
    "https://github.com/facebookresearch/segment-anything, mobile_sam.pt from https://github.com/ChaoningZhang/MobileSAM"
)
_WIDTHS: dict[int, Kind] = {768: "vit_b", 1024: "vit_l", 1280: "vit_h"}


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """The state dict in a PyTorch checkpoint, on the CPU, with names as in the segment-anything package.

    Only tensors are read (``weights_only``), so a checkpoint cannot run code. Raises ``UserError`` when the file is
    missing, cut off, damaged or no checkpoint.
    """
    head = check_model_file(path, "a checkpoint", f" {WHERE_TO_GET}.")
    # A zip archive (torch >= 1.6) or a pickle of protocol 2 and up.
    if head[:2] != b"PK" and head[:1] != b"\x80":
        raise UserError(f"{path} is not a PyTorch checkpoint. {WHERE_TO_GET}.")
    import torch

    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise UserError(
            f"{path} is not a checkpoint that can be read safely: it is damaged, or holds more than weights (reading "
            f"it would run code). {WHERE_TO_GET}."
        ) from error
    except Exception as error:  # torch raises RuntimeError, EOFError, ValueError, OSError ... for damaged files
        if is_memory_problem(error):
            raise
        raise UserError(
            f"{path} is damaged, truncated or not a PyTorch checkpoint{_size_note(path)}. Download it again. "
            f"{WHERE_TO_GET}."
        ) from error
    for wrapper in ("model", "state_dict"):
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
    if not isinstance(content, Mapping) or not all(isinstance(value, torch.Tensor) for value in content.values()):
        raise UserError(f"{path} holds no model weights. {WHERE_TO_GET}.")
    return {str(name).removeprefix("module."): value for name, value in content.items()}


def checkpoint_kind(state: Mapping[str, Tensor], path: Path) -> Kind:
    """The model that a state dict belongs to, told from its content. Raises ``UserError`` for any other."""
    if "image_encoder.patch_embed.seq.0.c.weight" in state:
        return "mobile_sam"
    positions = state.get("image_encoder.pos_embed")
    if positions is not None and positions.ndim and (kind := _WIDTHS.get(positions.shape[-1])):
        return kind
    if any(name.startswith(("image_encoder.trunk.", "sam_mask_decoder.", "memory_encoder.")) for name in state):
        raise UserError(
            f"{path} is a SAM 2 checkpoint. SAM 2 runs here from a pair of ONNX files: give the path of the encoder."
        )
    raise UserError(
        f"{path} is not a SAM ViT-B, ViT-L, ViT-H or MobileSAM checkpoint: it has neither "
        f"image_encoder.patch_embed.seq.0.c.weight nor an image_encoder.pos_embed of width 768, 1024 or 1280. "
        f"{WHERE_TO_GET}."
    )


def _size_note(path: Path) -> str:
    published, size = PUBLISHED_BYTES.get(path.name), path.stat().st_size
    if published is None or published == size:
        return ""
    return f" (it has {size:,} bytes, the published file {published:,})"
