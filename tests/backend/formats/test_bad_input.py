# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Input that cannot be used gets a sentence, whatever is wrong with it."""

from __future__ import annotations

import functools
import gzip
import io
import json
import os
import struct
import zipfile
from pathlib import Path

import gsply
import numpy as np
import pytest
from made_splats import sog_files, write_sog
from odd_plys import columns, gaussians, ply, write
from PIL import Image

from splatcut.errors import UserError
from splatcut.formats import SplatFile, losses, read_splats, sog, write_splats
from splatcut.formats.gsply_data import to_gsply
from splatcut.formats.spz import fraction_bits

#: The same bytes in every process, so that tests have the same names in all of them.
packed = functools.partial(gzip.compress, mtime=0)


def refused(path: Path, *words: str, **options: bool) -> None:
    with pytest.raises(UserError) as caught:
        read_splats(path, **options)
    message = str(caught.value)
    for word in words:
        assert word in message, message
    assert message[-1] == "."


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.ply", b"", ("not a PLY file",)),
        ("a.ply", b"solid cube\nfacet", ("not a PLY file",)),
        ("a.ply", b"ply\nformat ascii 1.0\nelement vertex 3\n", ("no end",)),
        ("a.ply", b"ply\nelement vertex 1\nproperty float x\nend_header\n1\n", ("format line",)),
        ("a.ply", b"ply\nformat binary_middle_endian 1.0\nend_header\n", ("Line 2", "binary_middle_endian")),
        ("a.ply", b"ply\nformat ascii 1.0\nelement vertex -3\nend_header\n", ("Line 3",)),
        ("a.ply", b"ply\nformat ascii 1.0\nproperty float x\nend_header\n", ("Line 3",)),
        ("a.ply", b"ply\nformat ascii 1.0\nelement vertex 1\nproperty half x\nend_header\n", ("Line 4",)),
        ("a.ply", b"ply\nformat ascii 1.0\nelement v 1\nelement v 1\nend_header\n", ("second time",)),
        ("a.ply", b"ply\nformat ascii 1.0\nelement face 0\nend_header\n", ("no 'vertex' element",)),
        ("a.ply", b"ply\nformat ascii 1.0\nelement vertex 0\nend_header\n", ("no properties",)),
        ("a.splat", bytes(33), ("33 bytes", "32")),
        ("a.splat", b"", ("no Gaussians",)),
        ("a.spz", b"garbage and more garbage", ("not an .spz",)),
        ("a.spz", packed(b"garbage and more garbage"), ("not an .spz",)),
        ("a.spz", packed(b"NGSP" + struct.pack("<IIBBBB", 1, 1, 0, 12, 0, 0) + bytes(20)), ("version 1",)),
        ("a.spz", packed(b"NGSP" + struct.pack("<IIBBBB", 3, 9, 0, 12, 0, 0) + bytes(20)), ("damaged",)),
        ("a.spz", packed(bytes(300))[:-9], ("not an .spz",)),
        ("a.spz", b"NGSP" + struct.pack("<III", 4, 1 << 31, 0) + bytes(16), ("damaged",)),
        ("a.sog", b"garbage", ("not a .sog",)),
        ("a.lcc", b"whatever", (".lcc", "splat-transform")),
        ("a.ksplat", b"whatever", ("not a .ksplat",)),
        ("a.rad", b"whatever", (".rad", "Export the scene as .ply")),
        ("a.glb", b"whatever", ("not a glTF file",)),
        ("a.gltf", b"{}", ("no mesh in it has KHR_gaussian_splatting",)),
        ("a.xyz", b"0 0 0", ("'.xyz'", ".splat", ".spz")),
        ("scene", b"0 0 0", ("no extension",)),
    ],
)
def test_garbage(tmp_path, name, content, words) -> None:
    (tmp_path / name).write_bytes(content)
    refused(tmp_path / name, *words)


def test_missing_and_unreadable_files(tmp_path) -> None:
    for suffix in ("ply", "splat", "spz", "sog"):
        refused(tmp_path / f"none.{suffix}", "no file")
    refused(tmp_path, "meta.json")
    path = tmp_path / "locked.ply"
    path.write_bytes(b"ply\n")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything, so that permissions cannot be tested")
    refused(path, "permission denied")


@pytest.mark.parametrize("encoding", ["ascii", "binary_little_endian", "binary_big_endian"])
def test_truncated_ply(tmp_path, encoding) -> None:
    path = write(tmp_path, encoding=encoding)
    content = path.read_bytes()
    for length in (len(content) - 400, len(content) * 2 // 3, content.index(b"end_header") + 11):
        path.write_bytes(content[:length])
        refused(path, "truncated", "20")


def test_text_in_place_of_numbers(tmp_path) -> None:
    path = write(tmp_path, encoding="ascii")
    content = path.read_bytes()
    start = content.index(b"end_header\n") + 60
    path.write_bytes(content[:start] + b" oops " + content[start:])
    refused(path, "numbers")
    path.write_bytes(content + b"1 2 3\n")
    refused(path, "more text")


def test_mesh_names_what_is_missing(tmp_path) -> None:
    (tmp_path / "mesh.ply").write_bytes(ply({axis: ("float", np.ones(1)) for axis in "xyz"}, "ascii"))
    refused(tmp_path / "mesh.ply", "f_dc_0, f_dc_1, f_dc_2, opacity, scale_0, scale_1, rot_0", "mesh")


def test_gaps_in_the_harmonics(tmp_path) -> None:
    content, path = columns(gaussians(2, 1)), tmp_path / "a.ply"
    del content["f_rest_4"]
    path.write_bytes(ply(content))
    refused(path, "f_rest_4 is missing")
    del content["f_rest_8"], content["f_rest_7"], content["f_rest_6"], content["f_rest_5"]
    path.write_bytes(ply(content))
    refused(path, "multiple of three")


def test_whole_numbers_in_place_of_floats(tmp_path) -> None:
    (tmp_path / "a.ply").write_bytes(ply(columns(gaussians(2, 0)) | {"opacity": ("uchar", np.array([1, 2]))}))
    refused(tmp_path / "a.ply", "'opacity'", "floating-point")


@pytest.mark.parametrize("encoding", ["ascii", "binary_little_endian"])
def test_invalid_values_are_counted_and_dropped(tmp_path, encoding) -> None:
    content, path = columns(gaussians(10, 1)) | {"extra": ("float", np.full(10, np.nan))}, tmp_path / "a.ply"
    for name, row, value in (("x", 2, np.nan), ("f_rest_5", 2, np.inf), ("scale_1", 7, np.inf)):
        content[name][1][row] = value
    path.write_bytes(ply(content, encoding))
    refused(path, "2 of the 10", "--drop-invalid")
    splats = read_splats(path, drop_invalid=True)
    assert splats.dropped == 2
    assert len(splats) == 8
    np.testing.assert_array_equal(splats.gaussians.means[:, 0], np.delete(content["x"][1], [2, 7]))
    content["y"] = "float", np.full(10, np.inf)
    path.write_bytes(ply(content, encoding))
    refused(path, "All 10", drop_invalid=True)


def test_double_beyond_float_counts_as_invalid_and_nothing_is_no_scene(tmp_path) -> None:
    (tmp_path / "a.ply").write_bytes(ply(columns(gaussians(3, 0)) | {"z": ("double", np.array([0, 1e300, 0]))}))
    refused(tmp_path / "a.ply", "1 of the 3")
    refused(write(tmp_path, 0), "no Gaussians")


@pytest.mark.parametrize(
    ("meta", "word"),
    [
        ("{", "JSON"),
        ([], "describe"),
        ({"version": 3, "means": {}}, "version 3"),
        ({"version": 2, "count": 1, "means": {"mins": [0], "maxs": [1], "files": ["a.webp", "b.webp"]}}, "missing"),
        ({"version": 2, "count": 1, "means": {"files": ["../../secret", "b"]}}, "plain file name"),
        ({"version": 2, "means": {}}, "damaged"),
    ],
)
def test_damaged_sog(tmp_path, meta, word) -> None:
    content = meta if isinstance(meta, str) else json.dumps(meta)
    refused(write_sog(tmp_path / "a.sog", {"meta.json": content.encode()}), word)


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        ("MAX_META_BYTES", ("meta.json claims to hold", "bytes")),
        ("MAX_FILE_BYTES", ("means_0.webp claims to hold", "bytes")),
        ("MAX_PIXELS", ("claims to hold 500 Gaussians", "at most 100 are read")),
    ],
)
@pytest.mark.parametrize("bundled", [True, False])
def test_sog_that_unpacks_to_too_much(tmp_path, monkeypatch, limit, words, bundled) -> None:
    files = sog_files(gaussians(500, 0))
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    path = write_sog(tmp_path / "a.sog", files) if bundled else tmp_path
    assert len(read_splats(path)) == 500
    monkeypatch.setattr(sog, limit, 100)
    refused(path, "is not opened", *words)


@pytest.mark.parametrize(("length", "right"), [(1.0, True), (2.0, False)])
def test_sog_with_rotations_that_are_no_unit_quaternions(tmp_path, length, right) -> None:
    """Packed as they are, without normalising: 8 bits of components beyond the root of a half are cut off."""
    some = gaussians(200, 0)
    files = sog_files(some)
    unit = some.quats / np.linalg.norm(some.quats, axis=1, keepdims=True)
    largest = np.abs(unit).argmax(axis=1)
    unit *= np.sign(unit[np.arange(200), largest])[:, None]
    three = np.stack([np.delete(row, place) for row, place in zip(length * unit, largest, strict=True)])
    stored = np.asarray(Image.open(io.BytesIO(files["quats_0.webp"])).convert("RGBA")).copy()
    flat = stored.reshape(-1, 4)
    flat[:200, :3] = np.clip(np.rint((three * np.sqrt(2) + 1) / 2 * 255), 0, 255)
    stream = io.BytesIO()
    Image.fromarray(stored).save(stream, "WEBP", lossless=True, exact=True)
    path = write_sog(tmp_path / "a.sog", files | {"quats_0.webp": stream.getvalue()})
    if right:
        turned = np.abs((read_splats(path).gaussians.quats * unit).sum(axis=1))
        assert turned.min() > 0.999
    else:
        refused(path, "no unit quaternions", "another tool")


def test_sog_with_a_picture_that_is_too_large(tmp_path, monkeypatch) -> None:
    """All it claims is a few Gaussians; the picture would be 60 times as large."""
    files = sog_files(gaussians(8, 0))
    stream = io.BytesIO()
    Image.new("RGBA", (50, 10)).save(stream, "WEBP", lossless=True)
    files["quats_0.webp"] = stream.getvalue()
    monkeypatch.setattr(sog, "MAX_PIXELS", 499)
    refused(write_sog(tmp_path / "a.sog", files), "quats_0.webp claims to hold 500 pixels", "499")


def test_a_declared_size_is_not_exceeded(tmp_path) -> None:
    """What an archive claims about a file is all that is unpacked of it."""
    path = write_sog(tmp_path / "a.sog", sog_files(gaussians(8, 0)) | {"meta.json": b" " * 9999 + b"{"})
    content = bytearray(path.read_bytes())
    size = struct.pack("<I", 10_000)
    assert content.count(size) == 2
    path.write_bytes(bytes(content.replace(size, struct.pack("<I", 7))))
    with zipfile.ZipFile(path) as archive, pytest.raises(zipfile.BadZipFile):
        archive.read("meta.json")
    refused(path, "damaged")


def test_unwritable_targets(tmp_path) -> None:
    splats = SplatFile.from_gaussians(gaussians(3, 1))
    for name, word in (("a.ksplat", "only be read"), ("a.obj", ".obj")):
        with pytest.raises(UserError, match=word):
            write_splats(tmp_path / name, splats)
        with pytest.raises(UserError, match=word):
            losses(splats, tmp_path / name)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UserError, match="cannot be written"):
        write_splats(tmp_path / "file" / "a.ply", splats)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    splats.gaussians.means[0] = 1e9
    with pytest.raises(UserError, match="too far"):
        fraction_bits(splats.gaussians)


def _variants(content: bytes, rng: np.random.Generator, count: int):
    """Copies of a file with bytes changed (mostly near the start), cut off, doubled or taken out."""
    for _ in range(count):
        data = bytearray(content)
        reach = len(data) if rng.random() < 0.4 else min(len(data), 400)
        for _ in range(int(rng.integers(1, 6))):
            data[int(rng.integers(reach))] = int(rng.integers(256))
        kind = rng.random()
        at = int(rng.integers(reach))
        if kind < 0.15:
            data = data[:at]
        elif kind < 0.3:
            del data[at : at + int(rng.integers(1, 30))]
        elif kind < 0.4:
            data[at:at] = data[at : at + int(rng.integers(1, 30))]
        yield bytes(data)


def _digit_variants(content: bytes, rng: np.random.Generator, count: int):
    """Copies of a file with header words swapped and numbers changed."""
    words = [b"vertex", b"float", b"uchar", b"list", b"0", b"99999999999", b"-1", b"x", b"\n", b"end_header", b"double"]
    for _ in range(count):
        head, end, data = content.partition(b"end_header\n")
        parts = head.split(b" ")
        for _ in range(int(rng.integers(1, 3))):
            parts[int(rng.integers(1, len(parts)))] = words[int(rng.integers(len(words)))]
        yield b" ".join(parts) + end + data


def survive(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    try:
        splats = read_splats(path, drop_invalid=True)
    except UserError:
        return
    assert len(splats) == len(splats.gaussians) == len(splats.table.rows) > 0
    assert not splats.gaussians.invalid().any()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("encoding", ["ascii", "binary_little_endian", "binary_big_endian"])
def test_fuzz_ply(tmp_path, encoding) -> None:
    header = ("element tag 2", "property list uchar int v")
    tail = b"1 2\n0\n" if encoding == "ascii" else bytes(6)
    content = write(tmp_path, 6, 1, encoding=encoding, after=(header, tail)).read_bytes()
    rng = np.random.default_rng(3)
    for variant in (*_variants(content, rng, 150), *_digit_variants(content, rng, 150)):
        survive(tmp_path / "fuzz.ply", variant)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["a.compressed.ply", "a.spz", "version_4.spz", "a.splat", "a.glb"])
def test_fuzz_other_formats(tmp_path, name) -> None:
    path = tmp_path / name
    if name.startswith("version"):
        gsply.write_spz(path, to_gsply(gsply, gaussians(20, 1)), version=4)
    else:
        write_splats(path, SplatFile.from_gaussians(gaussians(300, 1)))
    content = path.read_bytes()
    rng = np.random.default_rng(4)
    variants = list(_variants(content, rng, 150))
    if name == "a.spz":
        variants += [packed(variant) for variant in _variants(gzip.decompress(content), rng, 100)]
    if name.endswith(".ply"):
        variants += list(_digit_variants(content, rng, 100))
    for variant in variants:
        survive(path, variant)


@pytest.mark.filterwarnings("ignore")
def test_fuzz_sog(tmp_path) -> None:
    files = sog_files(gaussians(100, 1))
    rng = np.random.default_rng(6)
    for _ in range(60):
        name = list(files)[int(rng.integers(len(files)))]
        (variant,) = _variants(files[name], rng, 1)
        path = write_sog(tmp_path / "fuzz.sog", files | {name: variant})
        survive(path, path.read_bytes())
