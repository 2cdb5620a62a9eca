# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The ``.ksplat`` files of GaussianSplats3D, read only: sections of buckets, at one of three levels of compression.

Level 0 holds float32; levels 1 and 2 hold positions as 16-bit offsets from their bucket's centre, scales and rotations
as half floats, harmonics as half floats (1) or 8 bits between bounds (2). Scales are linear, colours 8-bit sRGB.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from splatcut.errors import UserError
from splatcut.formats.parts import logarithmic
from splatcut.scene.gaussians import F32, OPACITY_MARGIN, SH_C0, Gaussians

_HEADER, _SECTION = 4096, 1024
#: What 16-bit offsets are counted from where a section does not say, and the bounds of 8-bit harmonics likewise.
_SCALE_RANGE, _SH_BOUND = 32767, 1.5
_BANDS = (3, 5, 7)
_MOST_GAUSSIANS = 1 << 28


@dataclass(frozen=True)
class _Section:
    """Header of a section: Gaussians, buckets (the last ``partial`` are not full), their size, and SH degree."""

    count: int
    bucket_size: int
    buckets: int
    block_size: float
    scale_range: int
    full: int
    partial: int
    degree: int

    @staticmethod
    def parse(data: bytes, place: int) -> _Section:
        count, size, buckets, block = struct.unpack_from("<IIIf", data, place + 4)
        scale_range, _, full, partial = struct.unpack_from("<IIII", data, place + 24)
        (degree,) = struct.unpack_from("<H", data, place + 40)
        return _Section(count, size, buckets, block, scale_range or _SCALE_RANGE, full, partial, degree)

    def dtype(self, level: int) -> np.dtype:
        """A Gaussian's bytes."""
        number, harmonic = ("<f4", "<f4") if level == 0 else ("<f2", "<f2" if level == 1 else "u1")
        return np.dtype(
            [
                ("position", "<f4" if level == 0 else "<u2", 3),
                ("scale", number, 3),
                ("rotation", number, 4),
                ("colour", "u1", 4),
                ("sh", harmonic, (3 * sum(_BANDS[: self.degree]),)),
            ]
        )


def read(path: Path) -> Gaussians:
    """Reads a .ksplat; opacities 0 and 255 become logits of about -13.8 and 13.8, as those of .splat.

    Raises:
        UserError: no .ksplat, cut off, or of an unknown version.
    """
    data = path.read_bytes()
    if len(data) < _HEADER:
        raise UserError(f"{path.name} is not a .ksplat file, or it is truncated. Copy or export it again.")
    major, minor = data[:2]
    sections = int.from_bytes(data[4:8], "little")
    level = int.from_bytes(data[20:22], "little")
    if (major, minor) != (0, 1) or level > 2 or _HEADER + sections * _SECTION > len(data):
        raise UserError(
            f"{path.name} is not a version 0.1 .ksplat, or it is damaged (version {major}.{minor}, compression "
            f"level {level}, {sections} sections). Export it again."
        )
    low, high = struct.unpack_from("<ff", data, 36)
    bounds = (low or -_SH_BOUND, high or _SH_BOUND)
    headers = [_Section.parse(data, _HEADER + number * _SECTION) for number in range(sections)]
    degree = max((section.degree for section in headers), default=0)
    if degree > len(_BANDS) or sum(section.count for section in headers) > _MOST_GAUSSIANS:
        raise UserError(f"{path.name} is a damaged .ksplat: its sections are impossible. Export it again.")
    place, parts = _HEADER + sections * _SECTION, []
    for section in headers:
        dtype = section.dtype(level)
        centres = place + 4 * section.partial
        rows = centres + (12 * section.buckets if level else 0)
        if rows + section.count * dtype.itemsize > len(data):
            raise UserError(f"{path.name} is truncated. Copy or export it again.")
        packed = np.frombuffer(data, dtype, section.count, rows)
        positions = packed["position"].astype(np.float32)
        if level:
            lengths = np.frombuffer(data, "<u4", section.partial, place)
            middles = np.frombuffer(data, "<f4", 3 * section.buckets, centres).reshape(-1, 3)
            positions = _placed(packed["position"], section, lengths, middles, path)
        parts.append(_gaussians(packed, positions, section.degree, degree, bounds, level))
        place = rows + section.count * dtype.itemsize
    if not parts:
        raise UserError(f"{path.name} holds no Gaussians: it has no sections. Choose another file.")
    means, log_scales, quats, logits, sh = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return Gaussians(means, log_scales, quats, logits, sh)


def _placed(
    offsets: NDArray[np.uint16], section: _Section, lengths: NDArray[np.uint32], middles: F32, path: Path
) -> F32:
    """[N, 3] positions of 16-bit offsets: full buckets come first, then those of the given lengths."""
    sizes = np.concatenate([np.full(section.full, section.bucket_size), lengths.astype(np.int64)])
    bucket = np.repeat(np.arange(len(sizes)), sizes)[: section.count]
    if len(sizes) > len(middles) or len(bucket) < section.count:
        raise UserError(f"{path.name} is a damaged .ksplat: its buckets do not match its Gaussians. Export it again.")
    step = section.block_size / 2 / section.scale_range
    return ((offsets.astype(np.float64) - section.scale_range) * step + middles[bucket]).astype(np.float32)


def _gaussians(
    packed: NDArray[np.void], means: F32, degree: int, most: int, bounds: tuple[float, float], level: int
) -> tuple[F32, ...]:
    """The arrays of ``Gaussians``, SH filled up to degree ``most``."""
    opacity = np.clip(packed["colour"][:, 3] / 255.0, OPACITY_MARGIN, 1 - OPACITY_MARGIN)
    log_scales, logits = logarithmic(packed["scale"].astype(np.float32), opacity)
    sh = np.zeros((len(packed), (most + 1) ** 2, 3), np.float32)
    sh[:, 0] = (packed["colour"][:, :3] / 255.0 - 0.5) / SH_C0
    harmonics = packed["sh"].astype(np.float32)
    if level == 2:
        harmonics = harmonics / np.float32(255) * np.float32(bounds[1] - bounds[0]) + np.float32(bounds[0])
    start = 0
    for band in range(1, degree + 1):  # within a band all of red, then of green, then of blue
        width = _BANDS[band - 1]
        values = harmonics[:, start : start + 3 * width].reshape(-1, 3, width)
        sh[:, band * band : (band + 1) ** 2] = values.transpose(0, 2, 1)
        start += 3 * width
    return means, log_scales, packed["rotation"].astype(np.float32), logits, sh
