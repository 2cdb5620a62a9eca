# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Formats that round: the numbers mean the same in each of them."""

from __future__ import annotations

import struct
from dataclasses import replace

import numpy as np
import pytest
from made_splats import same_rotation, sog_files, write_sog
from mask_scenes import make_gaussians
from odd_plys import gaussians

from splatcut.formats import SplatFile, losses, read_splats, write_splats
from splatcut.formats.compressed_ply import morton_order


def test_one_scene_in_two_formats(shared) -> None:
    """Axes, quaternion order, opacity and colour agree between a compressed PLY and an .spz of the same scene."""
    a = read_splats(shared / "splats/real/biker.compressed.ply")
    b = read_splats(shared / "splats/real/biker.spz")
    assert (a.source_format, b.source_format) == ("compressed-ply", "spz")
    a, b = a.gaussians, b.gaussians
    assert len(a) == len(b) == 152_746
    np.testing.assert_allclose(a.means, b.means, atol=0.0003)
    np.testing.assert_allclose(a.opacities(), b.opacities(), atol=0.0003)
    np.testing.assert_allclose(np.maximum(a.log_scales, -10), b.log_scales, atol=1 / 32 + 1e-3)  # .spz begins at -10
    np.testing.assert_allclose(a.sh, b.sh, atol=0.5 / 255 / 0.15 + 1e-4)
    assert same_rotation(a, b) > 0.99999


def test_splat_by_values(tmp_path) -> None:
    row = struct.pack("<6f8B", -1, 0, 2, 0.1, 0.2, 0.3, 0xAA, 0x55, 0x80, 0xE6, 128, 128, 128, 255)
    (tmp_path / "a.splat").write_bytes(row)
    g = read_splats(tmp_path / "a.splat").gaussians
    np.testing.assert_array_equal(g.means, [[-1, 0, 2]])
    np.testing.assert_allclose(g.scales(), [[0.1, 0.2, 0.3]], rtol=1e-6)
    np.testing.assert_allclose(g.opacities(), 0xE6 / 255, atol=1e-6)
    np.testing.assert_allclose(g.base_colours() * 255, [[0xAA, 0x55, 0x80]], atol=1e-3)
    np.testing.assert_array_equal(g.quats, [[0, 0, 0, 127 / 128]])


def test_splat_bytes(tmp_path) -> None:
    g = make_gaussians((1, 2, 3), (0.5, 0.25, 2), 0.5, (1, 0, 2), (2, 0, -2, 0))
    write_splats(tmp_path / "a.splat", SplatFile.from_gaussians(g))
    content = (tmp_path / "a.splat").read_bytes()
    assert struct.unpack("<6f", content[:24]) == pytest.approx((1, 2, 3, 0.5, 0.25, 2))
    assert list(content[24:28]) == [255, 0, 255, 128]
    assert list(content[28:]) == [219, 128, 37, 128]


def test_splat_scale_of_zero_and_negative_scale(tmp_path) -> None:
    row = struct.pack("<6f8B", 0, 0, 0, 0, 1, 1, 9, 9, 9, 0, 255, 128, 128, 128)
    bad = struct.pack("<6f8B", 0, 0, 0, -1, 1, 1, 9, 9, 9, 255, 255, 128, 128, 128)
    (tmp_path / "a.splat").write_bytes(row + bad)
    splats = read_splats(tmp_path / "a.splat", drop_invalid=True)
    assert splats.dropped == 1
    assert splats.gaussians.scales()[0, 0] < 1e-11
    assert splats.gaussians.opacities()[0] < 1e-5
    assert splats.table.rows["scale_0"].tolist() == [-np.inf]
    write_splats(tmp_path / "b.splat", splats)
    assert (tmp_path / "b.splat").read_bytes() == row


@pytest.mark.parametrize("degree", [0, 1, 2, 3, 4])
def test_compressed_ply_round_trip(tmp_path, degree) -> None:
    g = gaussians(1000, degree)
    write_splats(tmp_path / "a.compressed.ply", SplatFile.from_gaussians(g))
    splats = read_splats((tmp_path / "a.compressed.ply").rename(tmp_path / "a.ply"))  # told by its content
    assert splats.source_format == "compressed-ply"
    back, g = splats.gaussians, g.take(morton_order(g.means))
    kept = (min(degree, 3) + 1) ** 2
    size = np.ptp(g.means, axis=0).max()
    np.testing.assert_allclose(back.means, g.means, atol=size / 1023)
    assert np.abs(back.means - g.means).mean() < size / 4000, "sorting makes the chunks small"
    np.testing.assert_allclose(back.log_scales, g.log_scales, atol=5 / 1023)
    np.testing.assert_allclose(back.opacities(), g.opacities(), atol=0.5 / 255 + 1e-6)
    np.testing.assert_allclose(back.base_colours(), g.base_colours(), atol=1 / 255)
    np.testing.assert_allclose(back.sh[:, 1:], g.sh[:, 1:kept], atol=1 / 32)
    assert same_rotation(back, g) > 0.9999


def test_old_compressed_ply_without_colour_bounds(tmp_path) -> None:
    names = [f"{e}_{a}" for e in ("min", "max") for a in "xyz"]
    names += [f"{e}_scale_{a}" for e in ("min", "max") for a in "xyz"]
    packed = ("packed_position", "packed_rotation", "packed_scale", "packed_color")
    lines = ["ply", "format binary_little_endian 1.0", "element chunk 1", *(f"property float {n}" for n in names)]
    lines += ["element vertex 1", *(f"property uint {n}" for n in packed), "end_header", ""]
    bounds = np.array([0, 0, 0, 1, 2, 4, -3, -3, -3, -1, -1, -1], "<f4")
    position = 2047 << 21 | 1023 << 11 | 0
    rotation = 0 << 30 | 0x1FF << 20 | 0x1FF << 10 | 0x200
    colour = 51 << 24 | 102 << 16 | 204 << 8 | 128
    rows = np.array([position, rotation, 0, colour], "<u4")
    (tmp_path / "a.ply").write_bytes("\n".join(lines).encode() + bounds.tobytes() + rows.tobytes())
    g = read_splats(tmp_path / "a.ply").gaussians
    np.testing.assert_allclose(g.means, [[1, 2, 0]])
    np.testing.assert_allclose(g.log_scales, -3)
    np.testing.assert_allclose(g.base_colours(), [[0.2, 0.4, 0.8]], atol=1e-6)
    np.testing.assert_allclose(g.opacities(), 128 / 255, atol=1e-6)
    np.testing.assert_allclose(g.quats, [[1, 0, 0, 0]], atol=1e-3)


@pytest.mark.parametrize(("version", "degree"), [(2, 0), (2, 1), (2, 2), (2, 3), (1, 0)])
def test_sog_bundled_and_not(tmp_path, version, degree) -> None:
    g = gaussians(300, degree)
    g.opacity_logits[:] = np.clip(g.opacity_logits, -5, 5)
    files = sog_files(g, version)
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    for path in (tmp_path, tmp_path / "meta.json", write_sog(tmp_path / "a.sog", files)):
        splats = read_splats(path)
        assert splats.source_format == "sog"
        back = splats.gaussians
        np.testing.assert_allclose(back.means, g.means, atol=1e-3)
        np.testing.assert_allclose(back.log_scales, g.log_scales, atol=5 / 255)
        np.testing.assert_allclose(back.opacities(), g.opacities(), atol=1 / 255 if version == 2 else 0.02)
        np.testing.assert_allclose(back.sh, g.sh, atol=np.ptp(g.sh) / 255)
        assert same_rotation(back, g) > 0.9999


def test_real_sogs(shared) -> None:
    """Values that gsply's reader gives for the same files."""
    g = read_splats(shared / "splats/real/monkey_0001.sog").gaussians
    assert len(g) == 31_658
    np.testing.assert_allclose(g.means[0], [-1.1784413, -0.46273923, -0.44131684], rtol=1e-6)
    np.testing.assert_allclose(g.quats[1], [0.7367906, -0.18024291, -0.00277297, 0.65164745], rtol=1e-5)
    np.testing.assert_allclose(g.log_scales[0], -5.8923984)
    np.testing.assert_allclose(g.opacity_logits[0], 0.38915154)
    np.testing.assert_allclose(g.sh[0, 0], [1.7724539, -1.7724539, -1.7724539], rtol=1e-6)
    g = read_splats(shared / "splats/real/playbot_sh2_lod2").gaussians
    assert (len(g), g.sh_degree) == (125_000, 2)
    np.testing.assert_allclose(g.sh[0, 8], [0.19490841, 0.14928345, 0.13057677], rtol=1e-5)
    legacy = read_splats(shared / "splats/real/playcanvas-logo").gaussians
    assert (len(legacy), legacy.sh_degree) == (307_128, 0)
    assert legacy.log_scales.min() == pytest.approx(-15.451733)


def test_losses_are_told(tmp_path) -> None:
    plain = SplatFile.from_gaussians(gaussians(10, 4), comments=("by hand",))
    assert losses(plain, tmp_path / "a.ply") == []
    told = " ".join(losses(plain, tmp_path / "a.splat"))
    assert "SH degree 4 becomes 0" in told
    assert "comments" in told
    assert "8 bits" in told
    assert "SH degree" not in " ".join(losses(plain, tmp_path / "a.spz", spz_sh_bits=(8, 8)))
    assert "5 bits (SH degree 1) and 4 bits" in " ".join(losses(plain, tmp_path / "a.spz"))
    assert "SH degree 4 becomes 3" in " ".join(losses(plain, tmp_path / "a.compressed.ply"))
    dtype = np.dtype([*plain.table.rows.dtype.descr, ("mask", "<u4")])
    rows = np.zeros(10, dtype)
    for name in plain.table.property_names:
        rows[name] = plain.table.rows[name]
    odd = replace(plain, table=replace(plain.table, rows=rows))
    assert "mask" in " ".join(losses(odd, tmp_path / "a.compressed.ply"))
    wide = gaussians(10, 0)
    wide.log_scales[3] = -12
    assert "1 of 10" in " ".join(losses(SplatFile.from_gaussians(wide), tmp_path / "a.spz"))
    wide.sh[:2] = 9
    assert "2 of 10" in " ".join(losses(SplatFile.from_gaussians(wide), tmp_path / "a.splat"))
    from_splat = SplatFile.from_gaussians(gaussians(1, 0), "splat")
    from_splat.gaussians.sh[:] = 0
    assert losses(from_splat, tmp_path / "b.splat") == []


def test_what_a_compressed_ply_clips_is_told(tmp_path) -> None:
    g = gaussians(10, 2)
    assert "clipped" not in " ".join(losses(SplatFile.from_gaussians(g), tmp_path / "a.compressed.ply"))
    g.sh[:3, 5, 1] = [5, -4.5, 4.1]
    g.log_scales[8, 1] = -21
    told = " ".join(losses(SplatFile.from_gaussians(g), tmp_path / "a.compressed.ply"))
    assert "3 of 10 Gaussians have view-dependent colour coefficients beyond -4 to 4" in told
    assert "1 of 10 Gaussians have scales with a logarithm beyond -20 to 20" in told
    write_splats(tmp_path / "a.compressed.ply", SplatFile.from_gaussians(g))
    back = read_splats(tmp_path / "a.compressed.ply").gaussians
    assert back.log_scales.min() == pytest.approx(-20, abs=0.02)
    np.testing.assert_allclose([back.sh.max(), back.sh.min()], [127 / 32, -4], atol=0.03)
