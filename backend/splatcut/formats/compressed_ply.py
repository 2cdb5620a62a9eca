# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""PlayCanvas' compressed PLY through gsply: 256 Gaussians a chunk, packed into 16 bytes each, SH in 8 bits a number.

gsply's kernels check no bounds, so files are taken apart and checked here and handed over in the one form it knows.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from splatcut.errors import UserError
from splatcut.formats.antialiasing import comment_line, pixel_filter
from splatcut.formats.gsply_data import from_gsply, to_gsply
from splatcut.formats.packages import require
from splatcut.formats.ply import read_table
from splatcut.formats.ply_header import PlyHeader, read_header
from splatcut.scene.gaussians import Gaussians

#: Gaussians that share bounds.
CHUNK = 256
#: Log scales and view-dependent coefficients reach this far to both sides of zero.
MOST_LOG_SCALE, MOST_SH = 20.0, 4.0

_PACKED = ("packed_position", "packed_rotation", "packed_scale", "packed_color")
_BOUNDS = (
    *(f"{end}_{axis}" for end in ("min", "max") for axis in "xyz"),
    *(f"{end}_scale_{axis}" for end in ("min", "max") for axis in "xyz"),
    *(f"{end}_{channel}" for end in ("min", "max") for channel in "rgb"),
)


def is_compressed(header: PlyHeader) -> bool:
    """Whether a PLY header is that of a compressed file."""
    vertex = header.index("vertex")
    return vertex is not None and any(prop.name == _PACKED[0] for prop in header.elements[vertex].properties)


def read(path: Path) -> Gaussians:
    """Reads a compressed PLY with SH degree 0 to 3, also the older kind without colour bounds."""
    table = read_table(path)
    vertices = table.rows
    chunks = read_table(path, "chunk").rows
    count = len(vertices)
    missing = [name for name in _PACKED if name not in (vertices.dtype.names or ())]
    missing += [name for name in _BOUNDS[:12] if name not in (chunks.dtype.names or ())]
    if missing or any(vertices.dtype[name].kind != "u" for name in _PACKED):
        raise UserError(
            f"{path.name} is a damaged compressed PLY file ({', '.join(missing) or 'types'}). Export it again."
        )
    if len(chunks) < -(-count // CHUNK):
        raise UserError(
            f"{path.name} is a damaged compressed PLY file: {len(chunks)} chunks do not hold {count} Gaussians. "
            "Export it again."
        )
    bounds = np.zeros((-(-count // CHUNK), 18), dtype="<f4")
    bounds[:, 15:] = 1  # files without colour bounds store colours of 0 to 1
    for column, name in enumerate(_BOUNDS):
        if name in (chunks.dtype.names or ()):
            bounds[:, column] = chunks[name][: len(bounds)]
    packed = np.stack([vertices[name] for name in _PACKED], axis=1).astype("<u4")
    harmonics = _read_harmonics(path, count)
    gsply = require("gsply", "Reading compressed PLY files")
    with np.errstate(all="ignore"):
        gaussians = from_gsply(gsply.decompress_from_bytes(_canonical_file(bounds, packed, harmonics)))
    return replace(gaussians, pixel_filter=pixel_filter(table.header.comments, filtered=False))


def _read_harmonics(path: Path, count: int) -> NDArray[np.uint8]:
    """[N, 3 * coefficients] of the optional ``sh`` element, whole bands only."""
    with path.open("rb") as stream:
        header = read_header(stream, path.name)
    if header.index("sh") is None:
        return np.empty((count, 0), np.uint8)
    rows = read_table(path, "sh").rows
    names = [name for name in rows.dtype.names or () if name.startswith("f_rest_")]
    if len(rows) != count or len(names) not in (9, 24, 45) or any(rows.dtype[name] != np.uint8 for name in names):
        raise UserError(f"{path.name} is a damaged compressed PLY file: its colours do not fit. Export it again.")
    return np.stack([rows[f"f_rest_{i}"] for i in range(len(names))], axis=1)


def _canonical_file(bounds: NDArray[np.float32], packed: NDArray[np.uint32], harmonics: NDArray[np.uint8]) -> bytes:
    """The bytes of a compressed PLY in the one layout that gsply reads."""
    lines = ["ply", "format binary_little_endian 1.0", f"element chunk {len(bounds)}"]
    lines += [f"property float {name}" for name in _BOUNDS]
    lines += [f"element vertex {len(packed)}", *(f"property uint {name}" for name in _PACKED)]
    if harmonics.shape[1]:
        lines.append(f"element sh {len(packed)}")
        lines += [f"property uchar f_rest_{i}" for i in range(harmonics.shape[1])]
    header = "\n".join([*lines, "end_header", ""]).encode("ascii")
    return b"".join([header, bounds.tobytes(), packed.tobytes(), harmonics.tobytes()])


def write(path: Path, gaussians: Gaussians) -> None:
    """Writes a compressed PLY; ``gaussians`` have at most SH degree 3.

    Infinite values are written as what they mean.
    The Gaussians are sorted along a space-filling curve first: positions are stored relative to their chunk's box, so
    small boxes mean precise positions.
    """
    gsply = require("gsply", "Writing compressed PLY files")
    ordered = gaussians.computable().take(morton_order(gaussians.means))
    ordered = replace(ordered, log_scales=ordered.log_scales.clip(-MOST_LOG_SCALE, MOST_LOG_SCALE))
    content = gsply.compress_to_bytes(to_gsply(gsply, ordered))
    if gaussians.antialiased:
        place = content.index(b"\nformat ") + 1
        place = content.index(b"\n", place) + 1
        content = content[:place] + comment_line(True).encode("ascii") + b"\n" + content[place:]
    path.write_bytes(content)


def clipped(gaussians: Gaussians) -> list[tuple[str, int]]:
    """What a compressed PLY clips: a phrase and how many Gaussians have such a value, where some do."""
    limit = f"a logarithm beyond {-MOST_LOG_SCALE:.0f} to {MOST_LOG_SCALE:.0f}"
    wide = (np.abs(gaussians.log_scales) > MOST_LOG_SCALE).any(axis=1)
    strong = (np.abs(gaussians.sh[:, 1:16]) > MOST_SH).any(axis=(1, 2))
    counts = [
        (f"scales with {limit}", int(wide.sum())),
        (f"view-dependent colour coefficients beyond {-MOST_SH:.0f} to {MOST_SH:.0f}", int(strong.sum())),
    ]
    return [(what, count) for what, count in counts if count]


def morton_order(means: NDArray[np.float32]) -> NDArray[np.intp]:
    """[N] indices that sort positions [N, 3] along a Z-order curve of 2^21 steps an axis."""
    low = means.min(axis=0, initial=np.inf).astype(np.float64)
    size = np.maximum(means.max(axis=0, initial=-np.inf) - low, 1e-30)
    cells = ((means - low) / size * (2**21 - 1)).astype(np.uint64)
    code = np.zeros(len(means), np.uint64)
    for axis in range(3):
        code |= _spread_bits(cells[:, axis]) << np.uint64(axis)
    return np.argsort(code, kind="stable")


def _spread_bits(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """21-bit numbers with two zero bits put between each two bits."""
    for shift, mask in (
        (32, 0x1F00000000FFFF),
        (16, 0x1F0000FF0000FF),
        (8, 0x100F00F00F00F00F),
        (4, 0x10C30C30C30C30C3),
        (2, 0x1249249249249249),
    ):
        values = (values | values << np.uint64(shift)) & np.uint64(mask)
    return values
