# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime sessions: few threads, quiet, deterministic, and sentences for files that are no models."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from splatcut.errors import UserError
from splatcut.problems import is_memory_problem

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


@dataclass(frozen=True, eq=False)
class OnnxPair:
    """The two halves of a segmentation model.

    Attributes:
        encoder, decoder: open sessions.
        encoder_path, decoder_path: where they came from.
        fingerprint: SHA-256 over both files' hashes, 64 hexadecimal digits.
    """

    encoder: InferenceSession
    decoder: InferenceSession
    encoder_path: Path
    decoder_path: Path
    fingerprint: str

    @property
    def image_input(self) -> str:
        """The name of the encoder's first input."""
        return self.encoder.get_inputs()[0].name

    def check_decoder(self, inputs: set[str], outputs: set[str], model: str) -> None:
        """Raises ``UserError`` unless the decoder takes exactly ``inputs`` and gives at least ``outputs``."""
        takes = {entry.name for entry in self.decoder.get_inputs()}
        gives = {entry.name for entry in self.decoder.get_outputs()}
        if takes != inputs or not gives >= outputs:
            raise UserError(
                f"{self.decoder_path} is not the decoder of a {model} model: it takes {', '.join(sorted(takes))} and "
                f"gives {', '.join(sorted(gives))}, but {', '.join(sorted(inputs))} and "
                f"{', '.join(sorted(outputs))} are needed."
            )


class OnnxModel:
    """What the models that run through ONNX Runtime share. Raises ``UserError`` when the decoder is another one."""

    def __init__(self, pair: OnnxPair, name: str | None, kind: str, inputs: set[str], outputs: set[str]) -> None:
        pair.check_decoder(inputs, outputs, kind)
        self._pair = pair
        self._name = name or f"{kind} (ONNX, {pair.encoder_path.name})"

    @property
    def name(self) -> str:
        """What a person calls the model."""
        return self._name

    @property
    def fingerprint(self) -> str:
        """Changes whenever the weights do."""
        return self._pair.fingerprint


def open_pair(encoder: Path, decoder: Path, device: Literal["cpu", "cuda"]) -> OnnxPair:
    """Reads and opens both files. Raises ``UserError`` when one is missing, damaged or no ONNX model."""
    contents = [model_bytes(path) for path in (encoder, decoder)]
    fingerprint = hashlib.sha256(b"".join(hashlib.sha256(content).digest() for content in contents)).hexdigest()
    first, second = open_session(contents[0], encoder, device), open_session(contents[1], decoder, device)
    return OnnxPair(first, second, encoder, decoder, fingerprint)


def usable_cores() -> int:
    """The number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def describe_wrong_file(path: Path) -> str | None:
    """What a file that is no model probably is, told from its first bytes, as the end of a sentence; or None."""
    with path.open("rb") as stream:
        head = stream.read(64)
    if not head:
        return "it is empty"
    if head.startswith(b"version https://git-lfs"):
        return "it is a Git LFS pointer, not the file itself (run: git lfs pull)"
    if head.lstrip()[:1] == b"<":
        return "it is a web page, so the download failed"
    if head.startswith(b"ply"):
        return "it is a PLY file"
    return None


def model_bytes(path: Path) -> bytes:
    """The content of an ONNX file. Raises ``UserError`` when it is missing, unreadable or plainly something else."""
    try:
        wrong = describe_wrong_file(path)
        if wrong is None:
            return path.read_bytes()
    except FileNotFoundError:
        raise UserError(f"There is no ONNX model at {path}. Check the path.") from None
    except OSError as error:
        raise UserError(f"The ONNX model {path} cannot be read ({error.strerror}).") from error
    raise UserError(f"{path} is not an ONNX model: {wrong}.")


def open_session(content: bytes, path: Path, device: Literal["cpu", "cuda"]) -> InferenceSession:
    """A session for a model's bytes; ``path`` names it in errors. "cuda" means there if this ONNX Runtime can, else on
    the CPU. Raises ``UserError`` when ONNX Runtime is missing or the content is damaged."""
    try:
        import onnxruntime
    except ImportError as error:
        raise UserError(
            "ONNX Runtime, which runs the segmentation model, is missing. Install it with: pip install onnxruntime"
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = usable_cores()
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
        raise UserError(
            f"{path} is damaged or is not an ONNX model ({_short(error)}). Download or export it again."
        ) from error


def _short(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 160 else text[:157] + "..."
