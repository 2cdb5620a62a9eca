# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Which device the work runs on."""

from __future__ import annotations

import contextlib
import importlib.metadata
from typing import Literal

from splatcut.errors import UserError


def cuda_problem() -> str | None:
    """None when torch can compute on an NVIDIA GPU here; otherwise one or two sentences: why not, what to do."""
    try:
        import torch
    except ImportError:
        return "torch is not installed. Install it with: pip install torch"
    except OSError as error:  # a native part that does not fit this system
        return f"torch cannot be loaded ({' '.join(str(error).split())[:160]}). Install it again."
    if torch.cuda.is_available():
        return None
    if torch.version.cuda is None:
        return (
            f"This torch ({torch.__version__}) was built without CUDA. "
            "Install a CUDA build as https://pytorch.org/get-started/locally says."
        )
    return (
        f"This torch was built for CUDA {torch.version.cuda} but finds no usable NVIDIA GPU. "
        "Check that nvidia-smi lists the GPU and that its driver is new enough."
    )


def resolve_device(device: str) -> Literal["cuda", "cpu"]:
    """ "auto" becomes "cuda" where torch can use it, else "cpu".

    Raises ``UserError`` when "cuda" is asked for and not usable, or the name is none of "auto", "cuda", "cpu".
    """
    if device == "cpu":
        return "cpu"
    if device not in ("auto", "cuda"):
        raise UserError(f'There is no device "{device}". Choose "auto", "cuda" or "cpu".')
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        # Loading torch takes seconds; its version may say that it knows no CUDA.
        if device == "auto" and importlib.metadata.version("torch").endswith("+cpu"):
            return "cpu"
    problem = cuda_problem()
    if problem is None:
        return "cuda"
    if device == "cuda":
        raise UserError(f"CUDA was requested but cannot be used. {problem} Or run with --device cpu.")
    return "cpu"
