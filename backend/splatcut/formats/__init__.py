# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Splat files of every format to Gaussians and back. Importing this needs numpy alone."""

from splatcut.formats.door import read_splats, write_splats
from splatcut.formats.known import FORMATS, Format, format_of, writable_format
from splatcut.formats.losses import losses
from splatcut.formats.ply import PlyTable
from splatcut.formats.splatfile import SplatFile

__all__ = [
    "FORMATS",
    "Format",
    "PlyTable",
    "SplatFile",
    "format_of",
    "losses",
    "read_splats",
    "writable_format",
    "write_splats",
]
