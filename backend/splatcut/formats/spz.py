# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Niantic's ``.spz`` (versions 2 to 4): its packed numbers to Gaussians in the axes of PLY files, and back.

The specification says that a file's axes are right-up-back, unless an extension record says otherwise; a PLY's are
right-down-forward. Many programs write the PLY's own axes without a record, which nothing in the file shows.

Own code, because gsply reads neither SH of degree 4 nor flags and records.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from splatcut.errors import UserError
from splatcut.formats import spz_file
from splatcut.formats.axes import NAMES, reorient
from splatcut.formats.spz_file import SpzFile
from splatcut.messages.findings import Finding
from splatcut.scene.gaussians import ANTIALIASED, CLASSIC, F32, OPACITY_MARGIN, Gaussians

_OWN, _PLY = "RUB", "RDF"

#: Positions are 24-bit fixed point; the finest grid written is 2^-20 of a unit.
_MOST_FRACTION_BITS = 20
_COLOUR_SCALE = 0.15
#: Bits a coefficient of the first band and of higher ones, as other programs write them.
SH_BITS = (5, 4)
#: The three components of a quaternion xyzw besides the largest, the last one in the lowest bits.
_OTHERS = np.array([[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]])


def read(path: Path, axes: str = "auto") -> tuple[Gaussians, tuple[Finding, ...]]:
    """The Gaussians of an .spz in the axes of a PLY, and what is to say about its own axes.

    Args:
        axes: those of the file, "rub" or "rdf"; "auto": as its record says, RUB without one.

    Raises:
        UserError: no .spz, damaged, or of an unknown version.
    """
    file = spz_file.read(path)
    said, findings = file_axes(file), ()
    name = axes.upper() if axes != "auto" else said or _OWN
    if said is not None or axes != "auto":
        who = "the file" if axes == "auto" else "--spz-axes"
        findings = (Finding("note", f"The .spz is read in {name} axes, as {who} says."),)
    return reorient(_as_niantic(_unpacked(file), name), name, _PLY), findings


def tells_axes(path: Path) -> bool:
    """Whether an .spz has a record of its axes. Raises ``UserError``."""
    return file_axes(spz_file.read(path)) is not None


def file_axes(file: SpzFile) -> str | None:
    """The axes that the file's record names; None without a record that says something."""
    number = int.from_bytes(file.extensions.get(spz_file.AXES_RECORD, b"")[:4], "little")
    return NAMES[number - 1] if 1 <= number <= len(NAMES) else None


def _as_niantic(gaussians: Gaussians, axes: str) -> Gaussians:
    """The Gaussians with the last harmonic of degree 4 as Niantic's library has it in a file of these axes.

    That turns its sign along with y's, on which the harmonic does not depend. Files hold it so, and other readers undo
    it.
    """
    if gaussians.sh_degree < 4 or "U" not in axes:
        return gaussians
    sh = gaussians.sh.copy()
    sh[:, 24] *= -1
    return replace(gaussians, sh=sh)


def _unpacked(file: SpzFile) -> Gaussians:
    """The numbers in the file's own axes."""
    positions, alphas, colours, scales, rotations, harmonics = (np.frombuffer(part, "u1") for part in file.sections)
    wide = np.zeros((3 * file.count, 4), np.uint8)
    wide[:, 1:] = positions.reshape(-1, 3)
    levels = np.arange(256, dtype=np.float32)
    margin = np.float32(OPACITY_MARGIN)
    opacity = np.clip(levels * (np.float32(1) / np.float32(255)), margin, 1 - margin)
    logits = np.log((opacity / (1 - opacity)).astype(np.float64)).astype(np.float32)
    per_colour = np.float32(1) / np.float32(_COLOUR_SCALE)
    step = np.float64(np.float32(1) / np.float32(255) * per_colour)
    base = (levels * step - np.float64(np.float32(0.5) * per_colour)).astype(np.float32)
    unpack = _three_of_four if file.version >= 3 else _three_and_w
    sh = np.empty((file.count, (file.degree + 1) ** 2, 3), np.float32)
    sh[:, 0] = base[colours.reshape(-1, 3)]
    sh[:, 1:] = ((levels - 128) / 128)[harmonics.reshape(file.count, -1, 3)]
    return Gaussians(
        means=((wide.view("<i4")[:, 0] >> 8) * 2.0**-file.fraction_bits).astype(np.float32).reshape(-1, 3),
        log_scales=(levels / np.float32(16) - np.float32(10))[scales.reshape(-1, 3)],
        quats=np.roll(unpack(rotations), 1, axis=1),
        opacity_logits=logits[alphas],
        sh=sh,
        pixel_filter=ANTIALIASED if file.flags & spz_file.ANTIALIASED else CLASSIC,
    )


def _three_of_four(packed: NDArray[np.uint8]) -> F32:
    """[N, 4] quaternions xyzw: 2 bits tell the largest, 10 bits each (sign and size) the others."""
    codes = packed.view("<u4").astype(np.int64)
    levels = np.arange(1024)
    values = (levels & 511).astype(np.float32) * (np.float32(np.sqrt(0.5)) / np.float32(511))
    values[levels > 511] *= -1
    largest = codes >> 30
    small = values[np.stack([codes >> 20 & 1023, codes >> 10 & 1023, codes & 1023], axis=1)]
    quats = np.empty((len(codes), 4), np.float32)
    np.put_along_axis(quats, _OTHERS[largest], small, axis=1)
    np.put_along_axis(quats, largest[:, None], _remaining(small), axis=1)
    return quats


def _three_and_w(packed: NDArray[np.uint8]) -> F32:
    """[N, 4] quaternions xyzw of version 2: 8 bits each for x, y and z."""
    step = np.float64(np.float32(1) / np.float32(127.5))
    small = (packed.reshape(-1, 3) * step - 1).astype(np.float32)
    return np.concatenate([small, _remaining(small[:, ::-1])], axis=1)


def _remaining(small: F32) -> F32:
    """[N, 1] size of the fourth component of unit quaternions."""
    squares = np.zeros(len(small), np.float32)
    for axis in (2, 1, 0):  # each step rounded once, as processors do that multiply and add at once
        squares = (small[:, axis].astype(np.float64) ** 2 + squares).astype(np.float32)
    return np.sqrt(np.maximum(1 - squares, 0))[:, None]


def write(path: Path, gaussians: Gaussians, sh_bits: tuple[int, int] = SH_BITS) -> None:
    """Writes an .spz of version 3, which all programs read, in the axes of the specification.

    Args:
        sh_bits: bits of the coefficients of the first band and of higher ones, 1 to 8.
    """
    bits = fraction_bits(gaussians)
    own = _as_niantic(reorient(gaussians, _PLY, _OWN), _OWN)
    # 24 bits of each position, little-endian.
    places = np.rint(own.means.astype(np.float64) * 2.0**bits).astype("<i4")
    sections = [
        places[..., None].view(np.uint8)[..., :3],
        np.rint(own.opacities() * 255),
        np.rint(own.sh[:, 0] * (_COLOUR_SCALE * 255) + 127.5),
        np.rint((own.log_scales + 10) * 16),
        _packed(own.quats),
        _harmonics(own.sh, sh_bits),
    ]
    packed = tuple(np.clip(part, 0, 255).astype(np.uint8).tobytes() for part in sections)
    flags = spz_file.ANTIALIASED if gaussians.antialiased else 0
    spz_file.write(path, SpzFile(3, len(own), own.sh_degree, bits, flags, packed, {}))


def _packed(quats: F32) -> NDArray[np.uint8]:
    """[N, 4] bytes of quaternions wxyz; such without a length stand for no rotation."""
    length = np.linalg.norm(quats, axis=1, keepdims=True)
    unit = np.where(length > 1e-12, quats / np.maximum(length, 1e-12), np.array([1, 0, 0, 0], np.float32))
    unit = np.roll(unit, -1, axis=1)
    largest = np.abs(unit).argmax(axis=1)
    unit = unit * np.where(np.take_along_axis(unit, largest[:, None], axis=1) < 0, -1, 1)
    small = np.take_along_axis(unit, _OTHERS[largest], axis=1)
    sizes = np.clip(np.rint(511 * np.abs(small) / np.sqrt(0.5)), 0, 511).astype(np.uint32)
    codes = sizes | ((small < 0) & (sizes > 0)).astype(np.uint32) << 9
    packed = codes[:, 0] << 20 | codes[:, 1] << 10 | codes[:, 2] | largest.astype(np.uint32) << 30
    return packed.astype("<u4").view(np.uint8).reshape(-1, 4)


def _harmonics(sh: F32, sh_bits: tuple[int, int]) -> F32:
    """[N, K - 1, 3] bytes, as numbers, of the bands above the constant one."""
    steps = np.where(np.arange(1, sh.shape[1]) < 4, 2.0 ** (8 - sh_bits[0]), 2.0 ** (8 - sh_bits[1]))
    steps = steps.astype(np.float32)[:, None]
    return np.clip(np.rint(sh[:, 1:] * 128 / steps) * steps + 128, 0, 255)


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
    beyond |= (np.abs(gaussians.sh[:, 0]) > 0.5 / _COLOUR_SCALE).any(axis=1)
    beyond |= (np.abs(gaussians.sh[:, 1:]) > 1).any(axis=(1, 2))
    return int(np.count_nonzero(beyond))


def rounds_harmonics(gaussians: Gaussians, sh_bits: tuple[int, int] = SH_BITS) -> bool:
    """Whether view-dependent colours have more bits than would be written (those beyond the range aside)."""
    for start in range(0, len(gaussians), 1 << 12):
        sh = gaussians.sh[start : start + (1 << 12)].clip(-1, 1)
        if (np.abs((_harmonics(sh, sh_bits) - 128) / 128 - sh[:, 1:]) > 1 / 128).any():
            return True
    return False
