# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
""".spz of all versions and degrees, its axes, flags and bits."""

from __future__ import annotations

import functools
import gzip
import itertools
import struct
from pathlib import Path

import gsply
import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from made_splats import same_rotation, spz_version_2
from odd_plys import gaussians

from splatcut.errors import UserError
from splatcut.formats import SplatFile, losses, read_splats, write_splats
from splatcut.formats.axes import NAMES, matrix, reorient
from splatcut.formats.gsply_data import from_gsply, to_gsply
from splatcut.scene import sh
from splatcut.scene.gaussians import ANTIALIASED, CLASSIC, Gaussians
from splatcut.scene.rotations import rotation_matrices

#: The same bytes in every run.
packed = functools.partial(gzip.compress, mtime=0)


def as_version_4(content: bytes, records: bytes = b"", flags: int = 0) -> bytes:
    """A version 4 of a version 3: header, records, a table and a Zstd stream a section, as the specification has it."""
    plain = gzip.decompress(content)
    magic, _, count, degree, bits, old_flags, _ = struct.unpack("<4sIIBBBB", plain[:16])
    sizes = [part * count for part in (9, 1, 3, 3, 4, 3 * ((degree + 1) ** 2 - 1)) if part]
    ends = np.cumsum([16, *sizes])
    streams = [plain[start:end] for start, end in itertools.pairwise(ends)]
    bodies = [zstandard.ZstdCompressor().compress(stream) for stream in streams]
    flags |= old_flags | (2 if records else 0)
    start = struct.pack("<4sIIBBBBI12x", magic, 4, count, degree, bits, flags, len(bodies), 32 + len(records))
    table = b"".join(struct.pack("<QQ", len(body), len(plain)) for body, plain in zip(bodies, streams, strict=True))
    return start + records + table + b"".join(bodies)


def with_records(content: bytes, records: bytes) -> bytes:
    """A version 3 with extension records behind its sections."""
    plain = bytearray(gzip.decompress(content))
    plain[14] |= 2
    return packed(bytes(plain) + records)


def axes_record(number: int) -> bytes:
    return struct.pack("<III", 0xADBE0003, 4, number)


def in_place(folder: Path, g: Gaussians, axes: str = "RUB") -> bytes:
    """The bytes of a version 3 whose numbers are in ``axes``, without a word about them."""
    write_splats(folder / "plain.spz", SplatFile.from_gaussians(reorient(reorient(g, "RDF", axes), "RUB", "RDF")))
    return (folder / "plain.spz").read_bytes()


def assert_alike(back: Gaussians, g: Gaussians, sh_error: float = 8.5 / 128) -> None:
    np.testing.assert_allclose(back.means, g.means, atol=2**-12)
    np.testing.assert_allclose(back.log_scales, g.log_scales, atol=1 / 32 + 1e-6)
    np.testing.assert_allclose(back.opacities(), g.opacities(), atol=0.5 / 255 + 2e-6)
    np.testing.assert_allclose(back.sh[:, 0], g.sh[:, 0], atol=0.5 / 255 / 0.15 + 1e-5)
    np.testing.assert_allclose(back.sh[:, 1:], g.sh[:, 1:].clip(-1, 127 / 128), atol=sh_error)
    assert same_rotation(back, g) > 0.99999


@pytest.mark.parametrize("degree", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("version", [3, 4])
def test_all_degrees_go_through(tmp_path, degree, version) -> None:
    g, path = gaussians(500, degree), tmp_path / "a.spz"
    content = in_place(tmp_path, g)
    path.write_bytes(content if version == 3 else as_version_4(content))
    splats = read_splats(path)
    assert splats.gaussians.sh_degree == degree
    assert not splats.findings
    assert_alike(splats.gaussians, g)


@pytest.mark.parametrize("degree", [0, 4])
def test_version_2_has_other_rotations(tmp_path, degree) -> None:
    g = gaussians(300, degree)
    turned = reorient(g, "RDF", "RUB")
    turned.sh[:, 24:] *= -1  # as Niantic's library writes the last harmonic of degree 4
    inside = spz_version_2(turned)
    (tmp_path / "a.spz").write_bytes(packed(inside))
    back = read_splats(tmp_path / "a.spz").gaussians
    np.testing.assert_allclose(back.means, g.means, atol=2**-13 + 1e-7)
    np.testing.assert_allclose(back.sh[:, 1:], g.sh[:, 1:].clip(-127 / 128, 127 / 128), atol=1 / 128 + 1e-6)
    assert same_rotation(back, g) > 0.995  # w follows from 8-bit x, y and z
    (tmp_path / "a.spz").write_bytes(inside)
    with pytest.raises(UserError, match="without the gzip compression"):
        read_splats(tmp_path / "a.spz")


@pytest.mark.parametrize("version", [2, 3])
def test_the_numbers_are_those_of_gsply_bit_by_bit(tmp_path, version) -> None:
    g = gaussians(2000, 3)
    path = tmp_path / "a.spz"
    path.write_bytes(in_place(tmp_path, g) if version == 3 else packed(spz_version_2(g)))
    theirs = from_gsply(gsply.read_spz(path))
    ours = reorient(read_splats(path).gaussians, "RDF", "RUB")
    for name in ("means", "log_scales", "sh", "opacity_logits", "quats"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=3e-7, atol=3e-7, err_msg=name)


def test_gsply_reads_what_is_written(tmp_path) -> None:
    g = gaussians(500, 3)
    (tmp_path / "a.spz").write_bytes(in_place(tmp_path, g))
    assert_alike(reorient(from_gsply(gsply.read_spz(tmp_path / "a.spz")), "RUB", "RDF"), g)
    gsply.write_spz(tmp_path / "b.spz", to_gsply(gsply, reorient(g, "RDF", "RUB")), version=4, fractional_bits=16)
    assert_alike(read_splats(tmp_path / "b.spz").gaussians, g)


@pytest.mark.parametrize("axes", NAMES)
def test_the_record_of_axes_is_obeyed(tmp_path, axes) -> None:
    g = gaussians(200, 2)
    content, record = in_place(tmp_path, g, axes), axes_record(NAMES.index(axes) + 1)
    unknown = struct.pack("<II", 0xDEAD0001, 3) + b"abc"
    for name, made in (("4", as_version_4(content, unknown + record)), ("3", with_records(content, record + unknown))):
        path = tmp_path / f"{name}.spz"
        path.write_bytes(made)
        splats = read_splats(path)
        assert_alike(splats.gaussians, g, 0.15)
        assert axes in splats.findings[0].what


def test_the_numbers_of_axes_are_those_of_the_specification(tmp_path) -> None:
    """One Gaussian, to the right, below and in front; by the letters of Niantic's README of July 2026."""
    g = gaussians(1, 0)
    g.means[0] = [1, 2, 3]
    for number, stored in ((1, [-1, 2, -3]), (4, [1, -2, -3]), (6, [1, 2, 3]), (9, [-1, 3, 2]), (16, [1, -3, -2])):
        content = bytearray(gzip.decompress(in_place(tmp_path, g)))
        content[16:25] = b"".join(struct.pack("<i", value << content[13])[:3] for value in stored)
        (tmp_path / "a.spz").write_bytes(with_records(packed(bytes(content)), axes_record(number)))
        np.testing.assert_array_equal(read_splats(tmp_path / "a.spz").gaussians.means, [[1, 2, 3]])


def test_what_the_user_says_about_axes_counts(tmp_path) -> None:
    g = gaussians(50, 1)
    path = tmp_path / "a.spz"
    path.write_bytes(in_place(tmp_path, g, "RDF"))
    assert_alike(read_splats(path, spz_axes="rdf").gaussians, g)
    np.testing.assert_allclose(read_splats(path).gaussians.means, g.means * [1, -1, -1], atol=2**-12)
    path.write_bytes(as_version_4(path.read_bytes(), axes_record(4)))
    assert_alike(read_splats(path, spz_axes="rdf").gaussians, g)
    path.write_bytes(as_version_4(in_place(tmp_path, g), axes_record(0)))
    assert_alike(read_splats(path).gaussians, g)


@given(st.sampled_from(NAMES), st.sampled_from(NAMES), st.integers(0, 4))
def test_other_axes_are_the_same_scene(old: str, new: str, degree: int) -> None:
    g = gaussians(5, degree)
    turn = matrix(old, new)
    made = reorient(g, old, new)
    np.testing.assert_array_equal(made.means, (g.means @ turn.T).astype(np.float32))
    shape = np.diag([3.0, 2.0, 1.0])
    before, after = rotation_matrices(g.quats), rotation_matrices(made.quats)
    np.testing.assert_allclose(after @ shape @ after.mT, turn @ before @ shape @ before.mT @ turn.T, atol=1e-5)
    direction = np.array([[0.3, -0.5, 0.8]])
    colours = sh.basis(direction @ turn.T, degree) @ made.sh[0].astype(np.float64)
    np.testing.assert_allclose(colours, sh.basis(direction, degree) @ g.sh[0].astype(np.float64), atol=1e-5)
    again = reorient(made, new, old)
    np.testing.assert_array_equal(again.means, g.means)
    np.testing.assert_allclose(again.sh, g.sh, atol=1e-6)


@pytest.mark.parametrize("antialiased", [True, False])
def test_the_flag_of_antialiased_scenes_is_kept(tmp_path, antialiased) -> None:
    g = gaussians(5, 0)
    g = Gaussians(g.means, g.log_scales, g.quats, g.opacity_logits, g.sh, ANTIALIASED if antialiased else CLASSIC)
    write_splats(tmp_path / "a.spz", SplatFile.from_gaussians(g))
    content = (tmp_path / "a.spz").read_bytes()
    assert gzip.decompress(content)[14] == int(antialiased)
    (tmp_path / "b.spz").write_bytes(as_version_4(content))
    for name in ("a", "b"):
        splats = read_splats(tmp_path / f"{name}.spz")
        assert splats.gaussians.antialiased == antialiased
        write_splats(tmp_path / "c.ply", splats)
        assert read_splats(tmp_path / "c.ply").gaussians.antialiased == antialiased
        assert not any("antialiased" in sentence for sentence in losses(splats, tmp_path / "d.spz"))


def test_bits_of_harmonics(tmp_path) -> None:
    """Fewer bits, smaller files; errors are at most half a step."""
    splats = SplatFile.from_gaussians(gaussians(3000, 3))
    sizes = []
    for bits in ((8, 8), (5, 4), (1, 1)):
        path = tmp_path / f"{bits[0]}.spz"
        write_splats(path, splats, spz_sh_bits=bits)
        sizes.append(path.stat().st_size)
        error = np.abs(read_splats(path).gaussians.sh - splats.gaussians.sh.clip(-1, 127 / 128))[:, 1:]
        for band, width in ((slice(0, 3), bits[0]), (slice(3, None), bits[1])):
            assert error[:, band].max() <= max(2.0 ** (7 - width), 1) / 128 + 1e-6
    assert sizes[0] > 1.3 * sizes[1] > 1.6 * sizes[2]
    coarse = read_splats(tmp_path / "5.spz")
    assert not any("bits" in sentence for sentence in losses(coarse, tmp_path / "a.spz"))
    assert any("--spz-sh-bits 8" in sentence for sentence in losses(splats, tmp_path / "a.spz"))
    write_splats(tmp_path / "again.spz", coarse)
    again = read_splats(tmp_path / "again.spz").gaussians
    for name in ("means", "log_scales", "opacity_logits", "sh"):
        np.testing.assert_array_equal(getattr(again, name), getattr(coarse.gaussians, name))


def test_it_uses_the_finest_grid_that_fits(tmp_path) -> None:
    g = gaussians(50, 0)
    g.means[0] = [4000, 0, 0]
    write_splats(tmp_path / "a.spz", SplatFile.from_gaussians(g))
    np.testing.assert_allclose(read_splats(tmp_path / "a.spz").gaussians.means, g.means, atol=2**-12)


def test_large_files_are_one_gzip_member(tmp_path) -> None:
    """More than one part of what is compressed at once."""
    g = gaussians(70_000, 0)
    write_splats(tmp_path / "a.spz", SplatFile.from_gaussians(g))
    assert len(gzip.decompress((tmp_path / "a.spz").read_bytes())) == 16 + 20 * 70_000
    np.testing.assert_allclose(read_splats(tmp_path / "a.spz").gaussians.means, g.means, atol=2**-20)


@pytest.mark.parametrize(
    ("place", "value", "word"),
    [
        (4, 9, "version 9"),
        (8, 255, "ends before"),
        (12, 5, "degree 5"),
        (13, 30, "30 fractional"),
        (11, 255, "declares"),
    ],
)
def test_headers_that_cannot_be(tmp_path, place, value, word) -> None:
    plain = bytearray(gzip.decompress(in_place(tmp_path, gaussians(5, 1))))
    plain[place] = value
    (tmp_path / "a.spz").write_bytes(packed(bytes(plain)))
    with pytest.raises(UserError, match=word):
        read_splats(tmp_path / "a.spz")


@pytest.mark.parametrize("length", [20, 40, 90, 300])
def test_version_4_that_is_cut_off(tmp_path, length) -> None:
    (tmp_path / "a.spz").write_bytes(as_version_4(in_place(tmp_path, gaussians(50, 1)))[:length])
    with pytest.raises(UserError, match="damaged"):
        read_splats(tmp_path / "a.spz")
