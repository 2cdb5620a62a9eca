# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The marks of tests that need CUDA and gsplat, and why they are skipped elsewhere."""

from __future__ import annotations

import importlib.util

import pytest
import torch

from splatcut.errors import UserError
from splatcut.raster import cuda


def _missing() -> str:
    if not torch.cuda.is_available():
        return "torch finds no CUDA device"
    if importlib.util.find_spec("gsplat") is None:
        return "gsplat is not installed"
    try:
        cuda.require_cuda()
    except UserError as error:
        return str(error)
    return ""


_REASON = _missing()
#: A module's ``pytestmark``.
ON_CUDA = [pytest.mark.gpu, pytest.mark.skipif(bool(_REASON), reason=_REASON or "runs")]
