# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Splats that Blender draws itself: tinted for the user, their data untouched; set up for its renderer."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import bpy
import gpu
import numpy as np
import pytest
from bl_ext.user_default.splatcut.bridge import labelled, native, splats, state
from bl_ext.user_default.splatcut.bridge.labelled import Labelled
from blender_scene import balls, show_preview
from blender_view import pixel_of, space_of, viewed

from splatcut.scene.rotations import rotation_matrices

pytestmark = pytest.mark.skipif(not native.native(), reason="this Blender draws no splats itself")

#: Where the balls' fronts are seen.
RED, BLUE = pixel_of(-1, 0), pixel_of(1, 0)


@pytest.fixture(scope="module")
def with_gpu() -> None:
    try:
        gpu.init()
    except Exception as error:
        pytest.skip(f"no GPU interface without a window here: {error}")


@pytest.fixture
def obj() -> Any:
    yield balls()
    state.clear()


def listed(obj: Any, colour: tuple[float, float, float] = (0.0, 1.0, 0.0)) -> Any:
    item = obj.splatcut.objects.add()
    item.name, item.uid, item.colour = "red ball", "a", colour
    return item


def content(obj: Any) -> dict[str, str]:
    """A hash of every attribute."""
    found = {}
    for name, kind in ((a.name, a.data_type) for a in obj.data.attributes):
        key = {"FLOAT_VECTOR": "vector", "FLOAT4": "vector"}.get(kind, "value")
        width = {"FLOAT_VECTOR": 3, "FLOAT4": 4, "QUATERNION": 4, "INT32_2D": 2}.get(kind, 1)
        values = np.empty(len(obj.data.points) * width, bool if kind == "BOOLEAN" else np.float32)
        obj.data.attributes[name].data.foreach_get(key, values)
        found[name] = hashlib.sha256(values.tobytes()).hexdigest()
    return found


def test_a_preview_is_seen_on_splats_that_blender_draws(obj: Any, with_gpu: None) -> None:
    listed(obj)
    assert obj.display_type == "TEXTURED"
    before, data = viewed(), content(obj)
    assert before[RED][3] > 0.9
    assert before[RED][0] > 3 * before[RED][1]  # Blender's picture: red
    assert before[BLUE][2] > 3 * before[BLUE][1]
    count = len(obj.data.points)
    labels = (np.arange(count) < count // 2).astype(np.int32)
    show_preview(obj, labels, ("a",))
    assert obj.display_type == "BOUNDS"
    tinted = viewed()
    assert tinted[RED][1] > 2 * tinted[RED][0]  # green
    assert tinted[BLUE][2] > 3 * tinted[BLUE][1]  # not an object's
    show_preview(obj, labels, ("a",), stale=True)
    stale = viewed()
    assert before[RED][1] < stale[RED][1] < tinted[RED][1]
    assert content(obj) == data
    state.clear()
    assert obj.display_type == "TEXTURED"
    np.testing.assert_allclose(viewed(), before, atol=1e-3)


def test_labels_their_confidence_and_the_boundary_are_seen(obj: Any, with_gpu: None) -> None:
    listed(obj)
    count = len(obj.data.points)
    labels = np.ones(count, np.int32)
    greens = []
    for probability in (1.0, 0.4):
        labelled.write(obj, Labelled(labels, np.full(count, probability, np.float32)))
        assert obj.display_type == "BOUNDS"
        greens.append(float(viewed()[BLUE][1]))
    assert greens[0] > 2 * greens[1] > 4 * 0.0331  # the blue ball's own green is 0.2 in sRGB
    half = np.arange(count) < count // 2
    sure = np.ones(count, np.float32)
    labelled.write(obj, Labelled(labels, sure, np.where(half, 0.5, 0).astype(np.float32)))
    obj.splatcut.show_boundary = True
    picture = viewed()
    assert min(picture[RED][0], picture[RED][2]) > 4 * picture[RED][1]  # magenta
    assert picture[BLUE][2] > 3 * picture[BLUE][1]
    obj.splatcut.show_boundary = False
    labelled.write(obj, Labelled(np.zeros(count, np.int32), sure, island=half.astype(np.int32)))
    data = content(obj)
    assert viewed()[RED][0] > 3 * viewed()[RED][1]  # in the background now
    obj.splatcut.show_islands = True
    assert obj.display_type == "BOUNDS"
    picture = viewed()
    assert picture[RED][1] > 2 * picture[RED][0]  # in the object's green
    assert picture[BLUE][2] > 3 * picture[BLUE][1]
    assert content(obj) == data
    obj.splatcut.display = "OFF"
    assert obj.display_type == "TEXTURED"
    obj.splatcut.display = "POINTS"
    assert obj.display_type == "BOUNDS"


def test_in_rendered_shading_the_tint_lies_over_blenders_picture(obj: Any) -> None:
    import types

    from bl_ext.user_default.splatcut.bridge.viewport import shown

    def over() -> list[bool]:
        space = space_of("RENDERED")
        context: Any = types.SimpleNamespace(view_layer=bpy.context.view_layer, space_data=space)
        return [item.over for item in shown.shown_in(context)]

    listed(obj)
    assert over() == []
    obj.splatcut.display = "POINTS"
    assert over() == []  # Blender shows what it renders
    show_preview(obj, 1, ("a",))
    assert over() == [True]


def test_a_saved_file_shows_its_splats_without_the_add_on(obj: Any, tmp_path: Path) -> None:
    listed(obj)
    show_preview(obj, 1, ("a",))
    path = str(tmp_path / "a.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path, copy=True)
    assert obj.display_type == "BOUNDS"  # goes on being tinted
    with bpy.data.libraries.load(path, link=True) as (there, wanted):
        wanted.objects = there.objects
    assert [o.display_type for o in wanted.objects] == ["TEXTURED"]


def test_set_up_for_rendering_keeps_the_captures_colours(obj: Any) -> None:
    obj.select_set(True)
    scene: Any = bpy.context.scene
    scene.view_settings.view_transform = "AgX"
    ops: Any = bpy.ops
    assert ops.splatcut.render_setup() == {"FINISHED"}
    assert (scene.render.engine, scene.view_settings.view_transform) == ("CYCLES", "Standard")
    assert len(obj.modifiers) == 0
    scene.view_settings.view_transform = "AgX"
    assert ops.splatcut.render_setup(scene_settings=False) == {"FINISHED"}
    assert scene.view_settings.view_transform == "AgX"


def test_zero_quaternions_are_the_identity(tmp_path: Path) -> None:
    """Blender draws nothing where the rotation is zero; its own importer writes the identity."""
    import odd_plys

    from splatcut.formats import read_splats

    g = odd_plys.gaussians()
    g.quats[3] = 0
    (tmp_path / "zero.ply").write_bytes(odd_plys.ply(odd_plys.columns(g)))
    obj: Any = splats.create(bpy.context, read_splats(tmp_path / "zero.ply"), "zero")
    assert list(obj.data.attributes["rotation"].data[3].value) == [1, 0, 0, 0]
    assert not splats.read(obj).gaussians.quats[3].any()  # as the file has it


# ------------------------------------------------------------------------------------- what Blender's importers made


def spz(points: int = 30, seed: int = 0) -> tuple[bytes, dict[str, np.ndarray]]:
    """An .spz of version 2 and SH degree 1, and its values in the file's own axes (x right, y up, z back)."""
    import gzip
    import struct

    rng = np.random.default_rng(seed)
    position = rng.integers(-(1 << 20), 1 << 20, (points, 3))
    alpha, scale = rng.integers(0, 256, points), rng.integers(40, 140, (points, 3))
    colour, turn, sh = (
        rng.integers(0, 256, (points, 3)),
        rng.integers(60, 196, (points, 3)),
        rng.integers(0, 256, (points, 9)),
    )
    body = struct.pack("<4sIIBBBB", b"NGSP", 2, points, 1, 18, 0, 0)
    body += (position & 0xFFFFFF).astype("<u4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
    body += b"".join(part.astype(np.uint8).tobytes() for part in (alpha, colour, scale, turn, sh))
    xyz = turn / 127.5 - 1
    quats = np.column_stack([np.sqrt(1 - (xyz**2).sum(axis=1)), xyz])
    values = {"means": position / 2.0**18, "alpha": alpha / 255, "scales": np.exp(scale / 16 - 10), "quats": quats}
    return gzip.compress(body), values | {"sh": sh.reshape(points, 3, 3) / 128 - 1}


def test_an_spz_that_blender_imported_has_its_files_axes_again(tmp_path: Path) -> None:
    data, wanted = spz()
    (tmp_path / "a.spz").write_bytes(data)
    ops: Any = bpy.ops
    assert ops.wm.spz_import(filepath=str(tmp_path / "a.spz")) == {"FINISHED"}
    obj: Any = bpy.context.view_layer.objects.active
    obj.location = (0, 0, 5)
    bpy.context.view_layer.update()
    before = np.array(obj.matrix_world) @ np.array([*obj.data.points[3].co, 1])
    assert ops.splatcut.adopt() == {"FINISHED"}
    bpy.context.view_layer.update()
    g = splats.read(obj).gaussians
    flip = np.array([1, -1, -1])  # the axes of 3DGS files, as SplatCut reads .spz
    np.testing.assert_array_equal(g.means, (wanted["means"] * flip).astype(np.float32))
    np.testing.assert_allclose(g.opacities(), wanted["alpha"], atol=1e-7)
    np.testing.assert_allclose(g.scales(), wanted["scales"], rtol=1e-5)
    turns = flip[:, None] * rotation_matrices(wanted["quats"])
    covariance = (turns * wanted["scales"][:, None] ** 2) @ turns.transpose(0, 2, 1)
    turns = rotation_matrices(g.quats.astype(float))
    found = (turns * g.scales()[:, None].astype(float) ** 2) @ turns.transpose(0, 2, 1)
    largest = wanted["scales"].max(axis=1)[:, None, None] ** 2
    np.testing.assert_allclose(found / largest, covariance / largest, atol=1e-5)
    # SH of band 1 are linear in y, z, x.
    np.testing.assert_allclose(g.sh[:, 1:], wanted["sh"] * np.array([-1, -1, 1])[:, None], atol=1e-5)
    assert obj.splatcut.source_format == "spz"
    after = np.array(obj.matrix_world) @ np.array([*obj.data.points[3].co, 1])
    np.testing.assert_allclose(after, before, atol=1e-6)
    np.testing.assert_allclose(np.array(obj.matrix_world)[:3, :3], [[1, 0, 0], [0, 0, 1], [0, -1, 0]], atol=1e-6)


def test_a_ply_that_blender_imported_keeps_its_axes_and_opacities(tmp_path: Path) -> None:
    import odd_plys

    g = odd_plys.gaussians(degree=3)
    g.opacity_logits[:6] = (18.18, 13.9, 16.0, -16.0, -20.0, -80.0)
    (tmp_path / "a.ply").write_bytes(odd_plys.ply(odd_plys.columns(g)))
    ops: Any = bpy.ops
    ops.wm.ply_import(filepath=str(tmp_path / "a.ply"))
    obj: Any = bpy.context.view_layer.objects.active
    assert native.is_native(obj)
    assert ops.splatcut.adopt() == {"FINISHED"}
    found = splats.read(obj).gaussians
    np.testing.assert_array_equal(found.means, g.means)
    np.testing.assert_array_equal(found.sh, g.sh)
    # Blender keeps opacities in single precision: above 17 they are 1, and the same logit comes of all of these.
    alpha = 1 / (1 + np.exp(-g.opacity_logits.astype(np.float64)))
    again = 1 / (1 + np.exp(-found.opacity_logits.astype(np.float64)))
    np.testing.assert_allclose(again, alpha, rtol=1e-6, atol=0)
    np.testing.assert_allclose(found.opacity_logits[1:], g.opacity_logits[1:], rtol=0, atol=0.6)
    assert found.opacity_logits[0] > 16.7
    assert np.array(obj.matrix_world) == pytest.approx(np.eye(4))


def test_a_mesh_with_a_files_attributes_becomes_a_cloud(tmp_path: Path) -> None:
    """As Blender's importer makes one of a 2DGS file, or an earlier Blender of any."""
    import odd_plys

    g = odd_plys.gaussians()
    (tmp_path / "flat.ply").write_bytes(odd_plys.ply(odd_plys.columns(g, flat=True)))
    ops: Any = bpy.ops
    ops.wm.ply_import(filepath=str(tmp_path / "flat.ply"), import_attributes=True)
    obj: Any = bpy.context.view_layer.objects.active
    assert obj.type == "MESH"
    obj.location = (1, 2, 3)
    assert ops.splatcut.adopt() == {"FINISHED"}
    assert native.is_native(obj)
    assert (len(bpy.data.meshes), len(bpy.data.pointclouds), tuple(obj.location)) == (0, 1, (1, 2, 3))
    found = splats.read(obj).gaussians
    np.testing.assert_array_equal(found.opacity_logits, g.opacity_logits)
    np.testing.assert_array_equal(found.log_scales[:, :2], g.log_scales[:, :2])
