# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Niantic's ``.spz`` (versions 2 to 4) through gsply, in the axes of PLY files.

An .spz has right-up-back axes, a 3DGS .ply right-down-forward ones. gsply hands the numbers over as they are; turning
them by half a turn about x, colours included, is done here.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from splatcut.errors import UserError
from splatcut.formats.gsply_data import from_gsply, to_gsply
from splatcut.formats.packages import require
from splatcut.scene import sh
from splatcut.scene.gaussians import Gaussians

_MAGIC = b"NGSP"
_FLIP = np.array([1, -1, -1], dtype=np.float32)
_FLIP_QUATS = np.array([1, 1, -1, -1], dtype=np.float32)
#: More Gaussians than any machine can hold: the header is damaged.
_MOST_POINTS = 1 << 28
#: Positions are 24-bit fixed point; the finest grid written is 2^-20 of a unit.
_MOST_FRACTION_BITS = 20


def flip_axes(gaussians: Gaussians) -> Gaussians:
    """The same Gaussians with the y and z axes of the world negated (its own inverse, exact)."""
    signs = np.round(np.diag(sh.rotation_matrix(np.diag([1.0, -1.0, -1.0]), gaussians.sh_degree))).astype(np.float32)
    return replace(
        gaussians,
        means=gaussians.means * _FLIP,
        quats=gaussians.quats * _FLIP_QUATS,
        sh=gaussians.sh * signs[:, None],
    )


def read(path: Path) -> Gaussians:
    """Reads an .spz of version 2 to 4."""
    with path.open("rb") as stream:
        start = stream.read(12)
    if start[:4] == _MAGIC:
        version, points = struct.unpack("<II", start[4:].ljust(8, b"\0"))
        if version < 4:
            raise UserError(
                f"{path.name} is the inside of an .spz file without its gzip wrapper, which no viewer reads. "
                "Compress it with gzip, or export it again."
            )
        if points > _MOST_POINTS:
            raise UserError(f"{path.name} is damaged: its header declares {points} Gaussians. Export it again.")
        require("zstandard", "Reading version 4 of .spz")
    elif start[:2] != b"\x1f\x8b":
        raise UserError(f"{path.name} is not an .spz file, or it is damaged. Check that this is the right file.")
    else:
        version = _gzip_version(path)
        if version == 1:
            raise UserError(
                f"{path.name} is an .spz of version 1, which is not supported. Convert it with a current version of "
                "the program that wrote it."
            )
    gsply = require("gsply", "Reading .spz")
    return flip_axes(from_gsply(gsply.read_spz(path)))


def write(path: Path, gaussians: Gaussians) -> None:
    """Writes an .spz of version 3; ``gaussians`` have at most SH degree 3."""
    gsply = require("gsply", "Writing .spz")
    data = to_gsply(gsply, flip_axes(gaussians))
    gsply.write_spz(path, data, version=3, fractional_bits=fraction_bits(gaussians))


def fraction_bits(gaussians: Gaussians) -> int:
    """The finest position grid (2^-bits of a unit) in which every Gaussian fits into 24 bits.

    Raises:
        UserError: the scene is larger than any grid can hold.
    """
    largest = float(np.abs(gaussians.means).max(initial=1e-6))
    bits = min(int(np.floor(np.log2((2**23 - 1) / largest))), _MOST_FRACTION_BITS)
    if bits < 1:
        raise UserError(
            f"The scene reaches {largest:.3g} units from its origin, too far for .spz. Write a .ply instead."
        )
    return bits


def clipped_count(gaussians: Gaussians) -> int:
    """How many Gaussians have scales or colours beyond what 8 bits of an .spz reach (opacities always fit)."""
    beyond = ((gaussians.log_scales < -10) | (gaussians.log_scales > 255 / 16 - 10)).any(axis=1)
    beyond |= (np.abs(gaussians.sh[:, 0]) > 0.5 / 0.15).any(axis=1)
    beyond |= (np.abs(gaussians.sh[:, 1:]) > 1).any(axis=(1, 2))
    return int(np.count_nonzero(beyond))


def _gzip_version(path: Path) -> int:
    """The version in the header inside the gzip wrapper; UserError when there is none."""
    try:
        with gzip.open(path) as stream:
            header = stream.read(16)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"{path.name} is a damaged .spz file. Copy or export it again.") from error
    if len(header) < 16 or header[:4] != _MAGIC:
        raise UserError(f"{path.name} is not an .spz file. Check that this is the right file.")
    return int(struct.unpack("<I", header[4:8])[0])
