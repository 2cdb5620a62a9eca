# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
""".ksplat of all levels and degrees, written here byte by byte.

The reader gave the same numbers as splat-transform 3.7.0 for files that GaussianSplats3D 0.4.7 itself wrote.
"""

from __future__ import annotations

import struct

import numpy as np
import pytest
from made_splats import same_rotation
from odd_plys import gaussians

from splatcut.errors import UserError
from splatcut.formats import read_splats
from splatcut.scene.gaussians import Gaussians

SIZE, BLOCK = 8, 5.0
BOUNDS = (-1.25, 1.75)


def section(g: Gaussians, level: int) -> tuple[bytes, bytes]:
    """Header and content: three full buckets, and the rest in two that are not."""
    rest = len(g) - 3 * SIZE
    partial = [rest // 2, rest - rest // 2]
    sizes = [SIZE] * 3 + partial
    starts = np.cumsum([0, *sizes[:-1]])
    middles = np.array([g.means[start : start + size].mean(axis=0) for start, size in zip(starts, sizes, strict=True)])
    middles = middles.astype("<f4")
    kind = "<f4" if level == 0 else "<f2"
    rows = np.zeros(
        len(g),
        [
            *(("p", "<f4" if level == 0 else "<u2", 3), ("s", kind, 3), ("r", kind, 4), ("c", "u1", 4)),
            ("sh", "u1" if level == 2 else kind, 3 * (g.sh.shape[1] - 1)),
        ],
    )
    if level == 0:
        rows["p"] = g.means
    else:
        offsets = g.means - np.repeat(middles, sizes, axis=0)
        rows["p"] = np.clip(np.rint(offsets * (32767 / (BLOCK / 2))) + 32767, 0, 65535)
    rows["s"], rows["r"] = g.scales(), g.quats / np.linalg.norm(g.quats, axis=1, keepdims=True)
    rows["c"][:, :3], rows["c"][:, 3] = np.rint(g.base_colours().clip(0, 1) * 255), np.rint(g.opacities() * 255)
    bands = [g.sh[:, m * m : (m + 1) ** 2].transpose(0, 2, 1).reshape(len(g), -1) for m in range(1, g.sh_degree + 1)]
    sh = np.concatenate([np.zeros((len(g), 0)), *bands], axis=1)
    rows["sh"] = np.rint((sh.clip(*BOUNDS) - BOUNDS[0]) / (BOUNDS[1] - BOUNDS[0]) * 255) if level == 2 else sh
    header = bytearray(1024)
    buckets = (SIZE, 5, BLOCK, 12, 0, 32767) if level else (0, 0, 0.0, 0, 0, 0)
    struct.pack_into("<IIIIfHHI", header, 0, len(g), len(g), *buckets)
    struct.pack_into("<III", header, 28, 0, *((3, 2) if level else (0, 0)))
    struct.pack_into("<H", header, 40, g.sh_degree)
    tables = struct.pack("<2I", *partial) + middles.tobytes() if level else b""
    return bytes(header), tables + rows.tobytes()


def ksplat(sections: list[Gaussians], level: int) -> bytes:
    count = sum(map(len, sections))
    header = bytearray(4096)
    header[1] = 1
    struct.pack_into("<IIIIH", header, 4, len(sections), len(sections), count, count, level)
    struct.pack_into("<ff", header, 36, *BOUNDS)
    made = [section(g, level) for g in sections]
    return bytes(header) + b"".join(head for head, _ in made) + b"".join(body for _, body in made)


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
@pytest.mark.parametrize("level", [0, 1, 2])
def test_all_levels(tmp_path, level, degree) -> None:
    first, second = gaussians(60, degree), gaussians(40, min(degree, 1), seed=3)
    for g in (first, second):
        g.means[:] = g.means.clip(-1.2, 1.2)
    (tmp_path / "a.ksplat").write_bytes(ksplat([first, second], level))
    splats = read_splats(tmp_path / "a.ksplat")
    assert (splats.source_format, len(splats), splats.gaussians.sh_degree) == ("ksplat", 100, degree)
    step = [0.0, BLOCK / 2 / 32767, BLOCK / 2 / 32767][level]
    for g, rows in ((first, slice(60)), (second, slice(60, 100))):
        back = splats.gaussians.take(rows)
        np.testing.assert_allclose(back.means, g.means, atol=step / 2 + 1e-6)
        np.testing.assert_allclose(back.scales(), g.scales(), rtol=1e-6 if level == 0 else 2e-3)
        np.testing.assert_allclose(back.opacities(), g.opacities(), atol=0.5 / 255 + 2e-6)
        np.testing.assert_allclose(back.base_colours(), g.base_colours().clip(0, 1), atol=0.5 / 255 + 1e-6)
        known = g.sh.shape[1]
        error = [1e-7, 1e-3, 0.5 * (BOUNDS[1] - BOUNDS[0]) / 255 + 1e-6][level]
        expected = g.sh[:, 1:].clip(*BOUNDS) if level == 2 else g.sh[:, 1:]
        np.testing.assert_allclose(back.sh[:, 1:known], expected, atol=error)
        assert not back.sh[:, known:].any()
        assert same_rotation(back, g) > (1 - 1e-6 if level == 0 else 0.9999)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_what_is_damaged_is_told(tmp_path, level) -> None:
    content, path = ksplat([gaussians(60, 1)], level), tmp_path / "a.ksplat"
    for length in (100, 4096, 5119, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(UserError, match=r"truncated|damaged"):
            read_splats(path)
    for place, value in ((0, 7), (20, 9), (4096 + 40, 9), (4096 + 7, 255)):
        wrong = bytearray(content)
        wrong[place] = value
        path.write_bytes(bytes(wrong))
        with pytest.raises(UserError, match=r"truncated|damaged"):
            read_splats(path)
    if level:
        wrong = bytearray(content)
        wrong[4096 + 32] = 1  # fewer full buckets than there are
        path.write_bytes(bytes(wrong))
        with pytest.raises(UserError, match="buckets do not match"):
            read_splats(path)
