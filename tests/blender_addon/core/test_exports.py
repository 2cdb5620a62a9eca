# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and paths of imports and exports."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import odd_plys
import pytest
from blender_addon.core import exports
from hypothesis import given
from hypothesis import strategies as st

from splatcut.errors import UserError
from splatcut.formats import SplatFile


@pytest.mark.parametrize(
    ("before", "kind", "after"),
    [
        ("/x/a.ply", "SPZ", "/x/a.spz"),
        ("/x/a.compressed.ply", "PLY", "/x/a.ply"),
        ("/x/a.ply", "COMPRESSED", "/x/a.compressed.ply"),
        ("/x/a.v2", "PLY", "/x/a.v2.ply"),
        ("//a", "SPLAT", "//a.splat"),
        ("a.PLY", "PLY", "a.PLY"),
        ("a.usda", "USD", "a.usda"),
        ("a.usdz", "USD", "a.usdc"),
        ("a.usdc", "GLB", "a.glb"),
        ("a.gltf", "GLB", "a.gltf"),
        ("a.ply", "SOG", "a.sog"),
        ("", "PLY", ""),
    ],
)
def test_the_file_browser_keeps_suffix_and_format_together(before: str, kind: str, after: str) -> None:
    assert exports.with_format(before, kind) == after
    assert exports.with_format(after, kind) == after


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/a/room.compressed.ply", "room"),
        ("/a/room.v2.spz", "room.v2"),
        ("/a/logo/meta.json", "logo"),
        ("/a/.ply", ".ply"),
    ],
)
def test_objects_are_named_after_files(path: str, name: str) -> None:
    assert exports.object_name(Path(path)) == name


@given(st.lists(st.text(max_size=130), min_size=2, max_size=8))
def test_files_of_several_objects(names: list[str]) -> None:
    paths = exports.paths_for(names, Path("out") / "x.compressed.ply")
    assert len({path.name.lower() for path in paths}) == len(names)
    for path in paths:
        assert path.parent == Path("out")
        assert path.name.endswith(".compressed.ply")
        assert not set(path.name) & set('<>:"/\\|?*\0')
        assert path.name.split(".")[0].lower() not in ("con", "nul", "com1")
        assert len(path.name) < 130


def test_one_object_goes_where_it_is_told() -> None:
    assert exports.paths_for(["a/b"], Path("out/x.ply")) == [Path("out/x.ply")]


def test_objects_share_a_file_that_tells_them_apart() -> None:
    for name in ("x.usdc", "x.glb"):
        assert exports.paths_for(["a", "b"], Path(name)) == [Path(name)]
    assert exports.part_files(["a/b", "", "a:b"]) == ["objects/a_b.ply", "background.ply", "objects/a_b-2.ply"]
    assert exports.part_files(["a"]) == ["objects/a.ply"]


@pytest.mark.parametrize(("axes", "up"), [("Y_DOWN", (0, -1, 0)), ("Y_UP", (0, 1, 0)), ("Z_UP", (0, 0, 1))])
def test_axes_are_rotations_that_put_up_up(axes: str, up: tuple[int, ...]) -> None:
    matrix = np.array(exports.world_from_file(axes))
    assert matrix.shape == (4, 4)
    np.testing.assert_array_equal(matrix[:3, :3] @ up, [0, 0, 1])
    np.testing.assert_array_equal(matrix @ matrix.T, np.eye(4))
    assert np.linalg.det(matrix) == pytest.approx(1)


def test_files_that_are_there(tmp_path: Path) -> None:
    paths = [tmp_path / f"{k}.ply" for k in range(6)]
    exports.check_free(paths)
    for path in paths[1:]:
        path.touch()
    with pytest.raises(UserError, match=r"already contains 1.ply, 2.ply, 3.ply and 2 more"):
        exports.check_free(paths)


def test_places() -> None:
    assert exports.with_suffix(Path("a.b"), "SPZ") == Path("a.b.spz")
    assert exports.with_suffix(Path("a.splat"), "SPZ") == Path("a.splat")
    with pytest.raises(UserError, match="only be read"):
        exports.check_target(Path("a.ksplat"))


def test_what_cannot_be_read_again_is_not_written() -> None:
    g = odd_plys.gaussians(5)
    exports.check_exportable(SplatFile.from_gaussians(g), "x")
    g.sh[2, 0, 1] = np.inf
    with pytest.raises(UserError, match="1 of the 5 Gaussians of 'x'"):
        exports.check_exportable(SplatFile.from_gaussians(g), "x")
    with pytest.raises(UserError, match="no Gaussians left"):
        exports.check_exportable(SplatFile.from_gaussians(g.take(slice(0, 0))), "x")
