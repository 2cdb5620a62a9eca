# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""From what the user names to a model that runs."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from splatcut.devices import resolve_device
from splatcut.errors import UserError
from splatcut.segmenter.types import Segmenter


def load_segmenter(spec: str | Path | None = None, device: str = "auto") -> Segmenter:
    """The promptable 2D model.

    Args:
        spec: None for the embedded MobileSAM; the path of a SAM ViT-B/L/H or MobileSAM checkpoint (.pt, .pth); the path
            of an ONNX encoder (or decoder) whose partner lies beside it with "decoder" for "encoder" in its name; or a
            folder with one such pair.
        device: "auto", "cuda" or "cpu". ONNX models run on CUDA only where ONNX Runtime can, else on the CPU.

    Raises ``UserError`` when the file is missing, damaged or of another kind, a package is missing, or CUDA is asked
    for and not usable.
    """
    if spec is None:
        from splatcut.segmenter.onnx_sam import embedded

        return embedded(_onnx_device(device))
    path = Path(spec).expanduser()
    if path.is_dir() or path.suffix.lower() == ".onnx":
        from splatcut.segmenter.onnx_sam import OnnxSam

        return OnnxSam(*(_pair_in(path) if path.is_dir() else _pair_of(path)), _onnx_device(device))
    from splatcut.segmenter.torch_sam import TorchSam

    return TorchSam(path, device=resolve_device(device))


def _onnx_device(device: str) -> Literal["cpu", "cuda"]:
    """The device to offer to ONNX Runtime (which may have no CUDA); "auto" does not wait for torch to load."""
    return "cuda" if device == "auto" else resolve_device(device)


def _pair_of(path: Path) -> tuple[Path, Path]:
    """(encoder, decoder) from the path of either."""
    name = path.name.lower()
    for this, other in (("encoder", "decoder"), ("decoder", "encoder")):
        at = name.rfind(this)
        if at < 0:
            continue
        partner = path.with_name(path.name[:at] + other + path.name[at + len(this) :])
        if path.is_file() and not partner.is_file():
            raise UserError(f"{path} needs its {other}, but there is no {partner}. Put both files into one folder.")
        return (path, partner) if this == "encoder" else (partner, path)
    raise UserError(
        f"{path} is one ONNX file, but a segmentation model is a pair. Give the encoder, named so that its partner has "
        '"decoder" in place of "encoder", for example sam2_hiera_tiny_encoder.onnx and sam2_hiera_tiny_decoder.onnx.'
    )


def _pair_in(folder: Path) -> tuple[Path, Path]:
    """(encoder, decoder) of the one pair in a folder."""
    encoders = sorted(p for p in folder.iterdir() if p.suffix.lower() == ".onnx" and "encoder" in p.name.lower())
    if not encoders:
        raise UserError(f'The folder {folder} holds no ONNX file with "encoder" in its name.')
    if len(encoders) > 1:
        names = ", ".join(p.name for p in encoders)
        raise UserError(f"The folder {folder} holds several models ({names}). Give the path of one encoder.")
    return _pair_of(encoders[0])
