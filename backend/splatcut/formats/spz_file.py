# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What stands in an ``.spz``: header, extension records and packed sections, out of gzip or (version 4) Zstd."""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from splatcut.errors import UserError
from splatcut.formats.packages import require

#: Bits of the header's flags: trained antialiased; extension records follow.
ANTIALIASED, EXTENDED = 1, 2
#: The record that says which axes the file is in (Adobe's).
AXES_RECORD = 0xADBE0003
#: More Gaussians than any machine can hold: the header is damaged.
_MOST_POINTS = 1 << 28
_MOST_FRACTION_BITS = 24
_MOST_EXTENSION_BYTES = 1 << 20
_MAGIC = b"NGSP"
_HEADER = struct.Struct("<4sIIBBBB")
_HEADER_4 = struct.Struct("<4sIIBBBBI12x")
#: How much is compressed at once: threads share the parts, and one more costs 5 bytes.
_GZIP_BYTES, _GZIP_LEVEL = 1 << 20, 6


@dataclass(frozen=True)
class SpzFile:
    """A file taken apart.

    Attributes:
        version: 2 to 4.
        count: of Gaussians; degree: of their spherical harmonics, 0 to 4.
        fraction_bits: positions are multiples of 2^-fraction_bits.
        flags: see ``ANTIALIASED``.
        sections: bytes of positions, alphas, colours, scales, rotations and harmonics.
        extensions: payload of each extension record by its number.
    """

    version: int
    count: int
    degree: int
    fraction_bits: int
    flags: int
    sections: tuple[bytes, ...]
    extensions: dict[int, bytes]


def section_sizes(version: int, count: int, degree: int) -> list[int]:
    """Bytes of each section."""
    return [part * count for part in (9, 1, 3, 3, 3 if version < 3 else 4, 3 * ((degree + 1) ** 2 - 1))]


def read(path: Path) -> SpzFile:
    """Takes an .spz apart. Raises ``UserError``."""
    with path.open("rb") as stream:
        start = stream.read(4)
        stream.seek(0)
        if start == _MAGIC:
            return _read_plain(path, stream)
        if start[:2] != b"\x1f\x8b":
            raise UserError(f"{path.name} is not an .spz file, or it is damaged. Check that this is the right file.")
        try:
            with gzip.GzipFile(fileobj=stream) as inside:
                return _read_gzip(path, inside)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise _damaged(path, "its gzip stream is truncated or invalid") from error


def _read_gzip(path: Path, stream: gzip.GzipFile) -> SpzFile:
    header = stream.read(_HEADER.size)
    if len(header) < _HEADER.size or header[:4] != _MAGIC:
        raise UserError(f"{path.name} is not an .spz file. Check that this is the right file.")
    _, version, count, degree, bits, flags, _ = _HEADER.unpack(header)
    if version == 1:
        raise UserError(
            f"{path.name} is an .spz of version 1, which is not supported. Convert it with a current version of "
            "the program that wrote it."
        )
    _check(path, version, (2, 3), count, degree, bits)
    sections = []
    for size in section_sizes(version, count, degree):
        sections.append(stream.read(size))
        if len(sections[-1]) < size:
            raise _damaged(path, f"it ends before its {count} Gaussians do")
    extensions = stream.read(_MOST_EXTENSION_BYTES) if flags & EXTENDED else b""
    return SpzFile(version, count, degree, bits, flags, tuple(sections), dict(_records(extensions)))


def _read_plain(path: Path, stream: BinaryIO) -> SpzFile:
    data = stream.read()
    version = int.from_bytes(data[4:8], "little")
    if version < 4:
        raise UserError(
            f"{path.name} is the content of an .spz file without the gzip compression around it, which no viewer "
            "reads. Compress it with gzip, or export it again."
        )
    if len(data) < _HEADER_4.size:
        raise _damaged(path, "it is truncated")
    _, _, count, degree, bits, flags, streams, table = _HEADER_4.unpack_from(data)
    _check(path, version, (4,), count, degree, bits)
    zstandard = require("zstandard", "Reading version 4 of .spz")
    sizes = section_sizes(version, count, degree)
    wanted = [place for place, size in enumerate(sizes) if size]
    if streams != len(wanted) or not _HEADER_4.size <= table <= len(data) - 16 * streams:
        raise _damaged(path, "its table of contents is invalid")
    start, sections = table + 16 * streams, [b""] * len(sizes)
    for number, place in enumerate(wanted):
        packed, plain = struct.unpack_from("<QQ", data, table + 16 * number)
        if plain != sizes[place] or start + packed > len(data):
            raise _damaged(path, "its table of contents is invalid")
        try:
            content = zstandard.ZstdDecompressor().decompress(data[start : start + packed], max_output_size=plain)
        except zstandard.ZstdError as error:
            raise _damaged(path, f"a Zstd stream is invalid ({error})") from error
        if len(content) != plain:
            raise _damaged(path, f"it ends before its {count} Gaussians do")
        sections[place] = content
        start += packed
    extensions = data[_HEADER_4.size : table] if flags & EXTENDED else b""
    return SpzFile(version, count, degree, bits, flags, tuple(sections), dict(_records(extensions)))


def _check(path: Path, version: int, known: tuple[int, ...], count: int, degree: int, bits: int) -> None:
    if version not in known:
        raise UserError(
            f"{path.name} is an .spz of version {version}; SplatCut reads versions 2 to 4. Export it as version 3."
        )
    if count > _MOST_POINTS:
        raise _damaged(path, f"its header declares {count} Gaussians")
    if degree > 4 or bits > _MOST_FRACTION_BITS:
        raise _damaged(path, f"its header declares SH degree {degree} and {bits} fractional bits")


def _damaged(path: Path, detail: str) -> UserError:
    return UserError(f"{path.name} is a damaged .spz file: {detail}. Copy or export it again.")


def _records(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and payload of each record; what is cut off is left out, as other readers do."""
    place = 0
    while place + 8 <= len(data):
        kind, length = struct.unpack_from("<II", data, place)
        place += 8 + length
        if place <= len(data):
            yield kind, data[place - length : place]


def write(path: Path, file: SpzFile) -> None:
    """Writes version 3, without extension records."""
    header = _HEADER.pack(_MAGIC, 3, file.count, file.degree, file.fraction_bits, file.flags & ~EXTENDED, 0)
    path.write_bytes(_compressed(b"".join([header, *file.sections])))


def _compressed(data: bytes) -> bytes:
    """One gzip member, its parts compressed by several threads; the same bytes however many there are."""
    starts = range(0, len(data), _GZIP_BYTES)

    def part(start: int) -> bytes:
        packer = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        last = start + _GZIP_BYTES >= len(data)
        return packer.compress(data[start : start + _GZIP_BYTES]) + packer.flush(
            zlib.Z_FINISH if last else zlib.Z_SYNC_FLUSH
        )

    with ThreadPoolExecutor() as pool:
        body = b"".join(pool.map(part, starts))
    trailer = struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)
    return b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff" + body + trailer
