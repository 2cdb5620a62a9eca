# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Plain PLY: every variant is read right and comes back without loss."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import splatcut
from splatcut.formats import SplatFile, read_splats, write_splats
from splatcut.formats.layout import FLAT_LOG_RATIO
from splatcut.scene.gaussians import Gaussians

ENCODINGS = ("ascii", "binary_little_endian", "binary_big_endian")


def assert_same(a: Gaussians, b: Gaussians) -> None:
    for name in ("means", "log_scales", "quats", "opacity_logits", "sh"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)


@settings(max_examples=60)
@given(data=st.data())
def test_any_layout_round_trips(data, tmp_path, make_gaussians, columns_of, make_ply) -> None:
    encoding = data.draw(st.sampled_from(ENCODINGS))
    degree = data.draw(st.integers(0, 4))
    flat = data.draw(st.booleans())
    count = data.draw(st.integers(1, 9))
    seed = data.draw(st.integers(0, 1000))
    gaussians = make_gaussians(count, degree, seed)
    columns = columns_of(gaussians, flat)
    rng = np.random.default_rng(seed)
    columns["nx"] = rng.normal(size=count)
    columns["label"] = rng.integers(0, 255, count)
    columns["when"] = rng.integers(-(2**31), 2**31, count)
    order = data.draw(st.permutations(list(columns)))
    types = {name: data.draw(st.sampled_from(["f4", "f8"])) for name in columns} | {"label": "u1", "when": "i4"}
    head = data.draw(st.sampled_from([(), ("comment a  b", "obj_info made by hand", "comment grün")]))
    content = make_ply({name: columns[name] for name in order}, types, encoding, head)
    path = tmp_path / "in.ply"
    path.write_bytes(content)

    splats = read_splats(path)
    if flat:
        thin = gaussians.log_scales[:, :2].min(axis=1) + FLAT_LOG_RATIO
        gaussians.log_scales[:, 2] = thin
    assert_same(splats.gaussians, gaussians)
    assert splats.table.property_names == tuple(order)
    assert splats.table.comments == tuple(line[8:] for line in head if line.startswith("comment"))
    assert splats.table.obj_info == tuple(line[9:] for line in head if line.startswith("obj_info"))
    np.testing.assert_array_equal(splats.table.rows["label"], columns["label"])

    write_splats(tmp_path / "out.ply", splats)
    written = (tmp_path / "out.ply").read_bytes()
    if encoding != "ascii":
        assert written == content
    again = read_splats(tmp_path / "out.ply")
    assert again.table.header == splats.table.header
    assert again.table.rows.tobytes() == splats.table.rows.tobytes()


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_agrees_with_plyfile(encoding, tmp_path, make_gaussians) -> None:
    plyfile = pytest.importorskip("plyfile")
    gaussians = make_gaussians(50, 2)
    ours = tmp_path / "ours.ply"
    write_splats(ours, SplatFile.from_gaussians(gaussians, comments=("hello",)))
    read = plyfile.PlyData.read(str(ours))
    assert read.comments == ["hello"]
    np.testing.assert_array_equal(read["vertex"]["f_rest_9"], gaussians.sh[:, 2, 1])
    np.testing.assert_array_equal(read["vertex"]["nx"], 0)
    theirs = tmp_path / "theirs.ply"
    order = {"ascii": "=", "binary_little_endian": "<", "binary_big_endian": ">"}[encoding]
    plyfile.PlyData(list(read.elements), text=encoding == "ascii", byte_order=order).write(str(theirs))
    assert_same(read_splats(theirs).gaussians, gaussians)


def test_real_files_come_back_byte_by_byte(shared, tmp_path) -> None:
    source = shared / "splats/real/inria_layout_sh3_small.ply"
    splats = read_splats(source)
    assert len(splats) == 9080
    assert splats.gaussians.sh_degree == 3
    write_splats(tmp_path / "copy.ply", splats)
    assert (tmp_path / "copy.ply").read_bytes() == source.read_bytes()


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_other_elements_are_kept(encoding, newline, tmp_path, ply_file) -> None:
    header = ("element camera 2", "property float focal", "element tag 1", "property list uchar int ids")
    if encoding == "ascii":
        tail = f"500.5{newline}600{newline}2 7 8{newline}".encode()
    else:
        order = "<" if encoding == "binary_little_endian" else ">"
        tail = np.array([500.5, 600], order + "f4").tobytes() + b"\x02" + np.array([7, 8], order + "i4").tobytes()
    path = ply_file(encoding=encoding, tail_header=header, tail=tail, newline=newline)
    splats = read_splats(path)
    assert [(element.name, element.count) for element in splats.table.extra_elements] == [("camera", 2), ("tag", 1)]
    assert splats.table.after == tail
    write_splats(tmp_path / "out.ply", splats.take(slice(3, 9)))
    again = read_splats(tmp_path / "out.ply")
    assert again.table.after == tail
    assert len(again) == 6
    assert_same(again.gaussians, splats.gaussians.take(slice(3, 9)))


def test_an_element_before_the_vertices_is_kept(tmp_path, make_gaussians, columns_of, make_ply) -> None:
    gaussians = make_gaussians(5, 1)
    content = make_ply(columns_of(gaussians))
    header, data = content.split(b"end_header\n", 1)
    lists = b"element tag 2\nproperty list uchar float v\nproperty uchar w\nelement vertex"
    header = header.replace(b"element vertex", lists)
    before = b"\x01" + np.float32(3).tobytes() + b"\x09" + b"\x00" + b"\x08"
    path = tmp_path / "in.ply"
    path.write_bytes(header + b"end_header\n" + before + data)
    splats = read_splats(path)
    assert splats.table.before == before
    assert_same(splats.gaussians, gaussians)
    write_splats(tmp_path / "out.ply", splats)
    assert (tmp_path / "out.ply").read_bytes() == path.read_bytes()


def test_faces_go_when_rows_go(tmp_path, ply_file) -> None:
    """Face lists name rows by number, so they would point to the wrong rows."""
    header = ("element face 2", "property list uchar int vertex_indices", "element more 1", "property uchar v")
    face = b"\x03" + np.array([0, 1, 2], "<i4").tobytes()
    splats = read_splats(ply_file(tail_header=header, tail=face + face + b"\x2a"))
    write_splats(tmp_path / "same.ply", splats)
    assert (tmp_path / "same.ply").read_bytes() == (tmp_path / "scene.ply").read_bytes()
    part = splats.take(np.array([4, 2]))
    assert [element.name for element in part.table.extra_elements] == ["more"]
    assert part.table.after == b"\x2a"
    write_splats(tmp_path / "part.ply", part)
    assert len(read_splats(tmp_path / "part.ply")) == 2


def test_take_keeps_every_bit(tmp_path, make_gaussians, columns_of, make_ply) -> None:
    columns = columns_of(make_gaussians(40, 3))
    columns["extra"] = np.frombuffer(np.random.default_rng(1).bytes(160), "<f4")  # NaNs with payloads, too
    path = tmp_path / "in.ply"
    path.write_bytes(make_ply(columns))
    splats = read_splats(path)
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


def test_with_gaussians_changes_only_what_changed(tmp_path, make_gaussians, columns_of, make_ply) -> None:
    gaussians = make_gaussians(10, 1)
    columns = columns_of(gaussians) | {"id": np.arange(10)}
    columns["x"] = columns["x"].astype(np.float64) + 1e-12
    path = tmp_path / "in.ply"
    path.write_bytes(make_ply(columns, {"id": "i4", "x": "f8"}))
    splats = read_splats(path)
    parent = np.array([3, 3, 0, 9])
    changed = np.array([True, True, False, False])
    new = make_gaussians(4, 1, seed=5)
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


def test_with_gaussians_of_all_rows_unchanged_is_the_input(tmp_path, make_gaussians, ply_file) -> None:
    path = ply_file(encoding="binary_big_endian")
    splats = read_splats(path)
    same = splats.with_gaussians(splats.gaussians, np.arange(20), np.ones(20, bool))
    write_splats(tmp_path / "out.ply", same)
    assert (tmp_path / "out.ply").read_bytes() == path.read_bytes()
    with pytest.raises(ValueError, match="SH degree"):
        splats.with_gaussians(make_gaussians(20, 0), np.arange(20), np.ones(20, bool))


def test_incomplete_last_band_stays_unknown(tmp_path, make_gaussians, columns_of, make_ply) -> None:
    columns = columns_of(make_gaussians(3, 0))
    columns |= {f"f_rest_{i}": np.full(3, i) for i in range(15)}  # 5 a channel: band 1 and a part of band 2
    path = tmp_path / "in.ply"
    path.write_bytes(make_ply(columns))
    splats = read_splats(path)
    assert splats.gaussians.sh_degree == 1
    np.testing.assert_array_equal(splats.gaussians.sh[0, 1:], [[0, 5, 10], [1, 6, 11], [2, 7, 12]])
    write_splats(tmp_path / "out.ply", splats)
    assert (tmp_path / "out.ply").read_bytes() == path.read_bytes()


def test_text_numbers_of_all_kinds(tmp_path, make_gaussians, columns_of, make_ply) -> None:
    content = make_ply(columns_of(make_gaussians(2, 0)), encoding="ascii").decode()
    head, rows = content.split("end_header\n")
    lines = [line.split() for line in rows.splitlines()]
    lines[0][0], lines[1][0], lines[1][1] = "1e-3", "-2", "+.5E1"
    path = tmp_path / "in.ply"
    path.write_text(head + "end_header\n" + "  \t".join(lines[0]) + " \n\n" + " ".join(lines[1]))
    gaussians = read_splats(path).gaussians
    np.testing.assert_array_equal(gaussians.means[:, 0], np.array([1e-3, -2], np.float32))
    assert gaussians.means[1, 1] == 5


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
formats.write_splats(Path(sys.argv[2]), splats)
try:
    formats.write_splats(Path(sys.argv[2]).with_suffix(".spz"), splats)
except UserError as error:
    assert "pip install gsply" in str(error), error
else:
    raise AssertionError
"""

    root = str(Path(splatcut.__file__).parents[1])
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "in.splat"
        source.write_bytes(bytes(64))
        command = [sys.executable, "-c", code, str(source), str(Path(folder) / "out.ply")]
        done = subprocess.run(
            command, env=os.environ | {"PYTHONPATH": root}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert sorted(path.name for path in Path(folder).iterdir()) == ["in.splat", "out.ply"]
