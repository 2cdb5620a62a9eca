# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Plain PLY: every variant is read right and comes back without loss."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import plyfile
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from odd_plys import columns, gaussians, ply, write
from segment_runs import ENVIRONMENT

from splatcut.formats import SplatFile, read_splats, write_splats
from splatcut.formats.layout import FLAT_LOG_RATIO
from splatcut.scene.gaussians import Gaussians

ENCODINGS = ("ascii", "binary_little_endian", "binary_big_endian")


def assert_same(a: Gaussians, b: Gaussians) -> None:
    for name in ("means", "log_scales", "quats", "opacity_logits", "sh"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)


@settings(max_examples=60)
@given(data=st.data())
def test_any_layout_round_trips(data, tmp_path) -> None:
    encoding = data.draw(st.sampled_from(ENCODINGS))
    degree = data.draw(st.integers(0, 4))
    flat = data.draw(st.booleans())
    count = data.draw(st.integers(1, 9))
    seed = data.draw(st.integers(0, 1000))
    g, rng = gaussians(count, degree, seed), np.random.default_rng(seed)
    numbers = {
        name: (data.draw(st.sampled_from(["float", "double"])), values)
        for name, (_, values) in columns(g, flat=flat).items()
    }
    others = {
        "nx": ("float", rng.normal(size=count)),
        "label": ("uchar", rng.integers(0, 255, count)),
        "when": ("int", rng.integers(-(2**31), 2**31, count)),
    }
    order = data.draw(st.permutations([*numbers, *others]))
    head = data.draw(st.sampled_from([(), ("comment a  b", "obj_info made by hand", "comment grün")]))
    raw = tuple(line.encode().decode("latin-1") for line in head)
    content = ply({name: (numbers | others)[name] for name in order}, encoding, head=raw)
    (tmp_path / "in.ply").write_bytes(content)

    splats = read_splats(tmp_path / "in.ply")
    if flat:
        g.log_scales[:, 2] = g.log_scales[:, :2].min(axis=1) + FLAT_LOG_RATIO
    assert_same(splats.gaussians, g)
    assert splats.table.property_names == tuple(order)
    assert splats.table.header.comments == tuple(line[8:] for line in head if line.startswith("comment"))
    assert splats.table.header.obj_info == tuple(line[9:] for line in head if line.startswith("obj_info"))
    np.testing.assert_array_equal(splats.table.rows["label"], others["label"][1])

    write_splats(tmp_path / "out.ply", splats)
    written = (tmp_path / "out.ply").read_bytes()
    if encoding != "ascii":
        assert written == content
    again = read_splats(tmp_path / "out.ply")
    assert again.table.header == splats.table.header
    assert again.table.rows.tobytes() == splats.table.rows.tobytes()


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_agrees_with_plyfile(encoding, tmp_path) -> None:
    g, ours = gaussians(50, 2), tmp_path / "ours.ply"
    write_splats(ours, SplatFile.from_gaussians(g, comments=("hello",)))
    read = plyfile.PlyData.read(str(ours))
    assert read.comments == ["hello"]
    np.testing.assert_array_equal(read["vertex"]["f_rest_9"], g.sh[:, 2, 1])
    np.testing.assert_array_equal(read["vertex"]["nx"], 0)
    theirs = tmp_path / "theirs.ply"
    order = {"ascii": "=", "binary_little_endian": "<", "binary_big_endian": ">"}[encoding]
    plyfile.PlyData(list(read.elements), text=encoding == "ascii", byte_order=order).write(str(theirs))
    assert_same(read_splats(theirs).gaussians, g)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_other_elements_are_kept(encoding, newline, tmp_path) -> None:
    header = ("element camera 2", "property float focal", "element tag 1", "property list uchar int ids")
    if encoding == "ascii":
        tail = f"500.5{newline}600{newline}2 7 8{newline}".encode()
    else:
        order = "<" if encoding == "binary_little_endian" else ">"
        tail = np.array([500.5, 600], order + "f4").tobytes() + b"\x02" + np.array([7, 8], order + "i4").tobytes()
    path = write(tmp_path, encoding=encoding, after=(header, tail), newline=newline)
    splats = read_splats(path)
    assert [(element.name, element.count) for element in splats.table.extra_elements] == [("camera", 2), ("tag", 1)]
    assert splats.table.after == tail
    write_splats(tmp_path / "out.ply", splats.take(slice(3, 9)))
    again = read_splats(tmp_path / "out.ply")
    assert again.table.after == tail
    assert len(again) == 6
    assert_same(again.gaussians, splats.gaussians.take(slice(3, 9)))


def test_an_element_before_the_vertices_is_kept(tmp_path) -> None:
    header = ("element tag 2", "property list uchar float v", "property uchar w")
    before = b"\x01" + np.float32(3).tobytes() + b"\x09" + b"\x00" + b"\x08"
    path = write(tmp_path, 5, 1, before=(header, before))
    splats = read_splats(path)
    assert splats.table.before == before
    assert_same(splats.gaussians, gaussians(5, 1))
    write_splats(tmp_path / "out.ply", splats)
    assert (tmp_path / "out.ply").read_bytes() == path.read_bytes()


def test_faces_go_when_rows_go(tmp_path) -> None:
    """Face lists name rows by number, so they would point to the wrong rows."""
    header = ("element face 2", "property list uchar int vertex_indices", "element more 1", "property uchar v")
    face = b"\x03" + np.array([0, 1, 2], "<i4").tobytes()
    splats = read_splats(write(tmp_path, after=(header, face + face + b"\x2a")))
    write_splats(tmp_path / "same.ply", splats)
    assert (tmp_path / "same.ply").read_bytes() == (tmp_path / "scene.ply").read_bytes()
    part = splats.take(np.array([4, 2]))
    assert [element.name for element in part.table.extra_elements] == ["more"]
    assert part.table.after == b"\x2a"
    write_splats(tmp_path / "part.ply", part)
    assert len(read_splats(tmp_path / "part.ply")) == 2


def test_take_keeps_every_bit(tmp_path) -> None:
    odd = np.frombuffer(np.random.default_rng(1).bytes(160), "<f4")  # NaNs with payloads, too
    (tmp_path / "in.ply").write_bytes(ply(columns(gaussians(40, 3)) | {"extra": ("float", odd)}))
    splats = read_splats(tmp_path / "in.ply")
    index = np.random.default_rng(2).permutation(40)[:25]
    write_splats(tmp_path / "part.ply", splats.take(index))
    part = read_splats(tmp_path / "part.ply")
    assert part.table.rows.tobytes() == np.asarray(splats.table.rows)[index].tobytes()
    mask = np.zeros(40, bool)
    mask[index] = True
    rest = splats.take(~mask)
    both = np.concatenate([part.table.rows, rest.table.rows])
    original = np.empty_like(both)
    original[np.concatenate([index, np.flatnonzero(~mask)])] = both
    assert original.tobytes() == splats.table.rows.tobytes()


def test_with_gaussians_changes_only_what_changed(tmp_path) -> None:
    content = columns(gaussians(10, 1)) | {"id": ("int", np.arange(10))}
    content["x"] = "double", content["x"][1].astype(np.float64) + 1e-12
    (tmp_path / "in.ply").write_bytes(ply(content))
    splats = read_splats(tmp_path / "in.ply")
    parent = np.array([3, 3, 0, 9])
    changed = np.array([True, True, False, False])
    new = gaussians(4, 1, seed=5)
    new.means[1, 0] = splats.gaussians.means[3, 0]
    result = splats.with_gaussians(new, parent, changed)
    rows = np.asarray(splats.table.rows)
    assert result.table.rows[2:].tobytes() == rows[[0, 9]].tobytes()
    np.testing.assert_array_equal(result.table.rows["id"], parent)
    assert_same(result.gaussians.take(slice(0, 2)), new.take(slice(0, 2)))
    assert_same(result.gaussians.take(slice(2, 4)), splats.gaussians.take(np.array([0, 9])))
    assert result.table.rows["x"][1] == rows["x"][3], "a double that float32 cannot tell from the new value is kept"
    write_splats(tmp_path / "out.ply", result)
    assert_same(read_splats(tmp_path / "out.ply").gaussians, result.gaussians)


def test_with_gaussians_of_all_rows_unchanged_is_the_input(tmp_path) -> None:
    path = write(tmp_path, encoding="binary_big_endian")
    splats = read_splats(path)
    same = splats.with_gaussians(splats.gaussians, np.arange(20), np.ones(20, bool))
    write_splats(tmp_path / "out.ply", same)
    assert (tmp_path / "out.ply").read_bytes() == path.read_bytes()
    with pytest.raises(ValueError, match="SH degree"):
        splats.with_gaussians(gaussians(20, 0), np.arange(20), np.ones(20, bool))


def test_incomplete_last_band_stays_unknown(tmp_path) -> None:
    rest = {f"f_rest_{i}": ("float", np.full(3, i)) for i in range(15)}  # 5 a channel: band 1 and a part of band 2
    path = tmp_path / "in.ply"
    path.write_bytes(ply(columns(gaussians(3, 0)) | rest))
    splats = read_splats(path)
    assert splats.gaussians.sh_degree == 1
    np.testing.assert_array_equal(splats.gaussians.sh[0, 1:], [[0, 5, 10], [1, 6, 11], [2, 7, 12]])
    write_splats(tmp_path / "out.ply", splats)
    assert (tmp_path / "out.ply").read_bytes() == path.read_bytes()


def test_text_numbers_of_all_kinds(tmp_path) -> None:
    content = write(tmp_path, 2, 0, encoding="ascii").read_text()
    head, rows = content.split("end_header\n")
    lines = [line.split() for line in rows.splitlines()]
    lines[0][0], lines[1][0], lines[1][1] = "1e-3", "-2", "+.5E1"
    path = tmp_path / "in.ply"
    path.write_text(head + "end_header\n" + "  \t".join(lines[0]) + " \n\n" + " ".join(lines[1]))
    means = read_splats(path).gaussians.means
    np.testing.assert_array_equal(means[:, 0], np.array([1e-3, -2], np.float32))
    assert means[1, 1] == 5


def test_formats_need_numpy_alone(tmp_path) -> None:
    code = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"plyfile", "gsply", "numba", "torch", "scipy", "PIL", "tqdm", "zstandard"}:
            raise ImportError(name)
sys.meta_path.insert(0, Refuse())
from pathlib import Path
from splatcut import formats
from splatcut.errors import UserError
splats = formats.read_splats(Path(sys.argv[1]))
formats.write_splats(Path(sys.argv[1]).with_suffix(".spz"), splats)
assert len(formats.read_splats(Path(sys.argv[1]).with_suffix(".spz"))) == 2
formats.write_splats(Path(sys.argv[2]), splats)
try:
    formats.write_splats(Path(sys.argv[2]).with_suffix(".compressed.ply"), splats)
except UserError as error:
    assert "pip install gsply" in str(error), error
else:
    raise AssertionError
"""
    (tmp_path / "in.splat").write_bytes(bytes(64))
    command = [sys.executable, "-c", code, str(tmp_path / "in.splat"), str(tmp_path / "out.ply")]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.splat", "in.spz", "out.ply"]
