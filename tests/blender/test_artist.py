# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An artist's whole way with splats that Blender draws itself, with the real engine: from a file to a render."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import gpu
import numpy as np
import pytest
from bl_ext.user_default.splatcut.bridge import native, splats, state, transforms
from blender_driver import Driver
from blender_imports import import_
from blender_scene import front, pixel
from blender_view import pixel_of, viewed
from mathutils import Matrix
from two_balls import RADIUS, two_balls

from splatcut.formats import read_splats, write_splats

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not native.native(), reason="this Blender draws no splats itself"),
]
ops: Any = bpy.ops


def cameras_around() -> Any:
    """A collection of six cameras around the balls: fewer views than the engine would place, so that it takes less."""
    collection = bpy.data.collections.new("cameras")
    bpy.context.scene.collection.children.link(collection)
    for number in range(6):
        data: Any = bpy.data.cameras.new("view")
        data.sensor_width, data.lens = 36, 36 * 1.5
        camera = bpy.data.objects.new(f"view {number}", data)
        turn = Matrix.Rotation(number * 1.05, 4, "Y") @ Matrix.Rotation(0.2 * (-1) ** number, 4, "X")
        camera.matrix_world = turn @ Matrix.Translation((0, 0, 6))
        collection.objects.link(camera)
    render: Any = bpy.context.scene.render
    render.resolution_x, render.resolution_y, render.resolution_percentage = 320, 240, 100
    return collection


def rendered(path: Path) -> np.ndarray:
    """[48, 64, 4] in [0, 1], display-referred, the first row on top: by Cycles, seen from +z at the origin."""
    scene: Any = bpy.context.scene
    data: Any = bpy.data.cameras.new("camera")
    data.sensor_width, data.lens = 36, 36 * 1.5
    scene.camera = bpy.data.objects.new("camera", data)
    scene.camera.location = (0, 0, 6)
    scene.collection.objects.link(scene.camera)
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 64, 48, 100
    scene.render.film_transparent = True
    scene.render.image_settings.file_format, scene.render.image_settings.color_mode = "PNG", "RGBA"
    scene.cycles.samples, scene.cycles.use_denoising, scene.cycles.device = 16, False, "CPU"
    scene.render.filepath = str(path)
    ops.render.render(write_still=True)
    image: Any = bpy.data.images.load(str(path))
    image.colorspace_settings.name = "Non-Color"
    values = np.empty(64 * 48 * 4, np.float32)
    image.pixels.foreach_get(values)
    return values.reshape(48, 64, 4)[::-1]


def test_import_click_preview_cut_separate_export_save_reopen_render(driver: Driver, tmp_path: Path) -> None:
    write_splats(tmp_path / "balls.ply", two_balls())
    splat = import_(tmp_path / "balls.ply", axes="Z_UP")
    uid = splat.splatcut.uid
    assert native.is_native(splat)
    bpy.context.scene.view_settings.view_transform = "AgX"

    splat.splatcut.view_source, splat.splatcut.camera_collection = "CAMERAS", cameras_around()

    # Click, and see what would be cut.
    assert ops.splatcut.object_add(name="red") == {"FINISHED"}
    splat.splatcut.objects[0].colour = (0, 1, 0)
    assert ops.splatcut.prompt_add_point(object=0, **pixel(-1, 0, RADIUS), **front()) == {"FINISHED"}
    splat.splatcut.quality, splat.splatcut.refine, splat.splatcut.heal = "draft", False, False
    assert ops.splatcut.preview() == {"FINISHED"}
    shown = state.preview(uid)
    assert shown is not None
    truth = np.arange(1600) < 800
    assert ((shown.labels == 1) == truth).mean() > 0.85
    try:
        gpu.init()
        picture = viewed()
        assert picture[pixel_of(-1, 0)][1] > 1.5 * picture[pixel_of(-1, 0)][0]  # green over red
        assert picture[pixel_of(1, 0)][2] > 3 * picture[pixel_of(1, 0)][1]
    except SystemError:
        pass  # no GPU interface here; test_native says so

    # Cut; what comes of it are splats that Blender draws.
    assert ops.splatcut.run() == {"FINISHED"}
    made = {obj.splatcut.result_name: obj for obj in bpy.data.objects if obj.splatcut.result_of == uid}
    assert set(made) == {"red", ""}
    assert all(native.is_native(obj) and obj.display_type == "TEXTURED" for obj in made.values())
    assert splat.hide_get()
    red = made["red"]
    assert len(red.data.points) == pytest.approx(800, rel=0.25)

    # Separate a half of it with Blender's own means, and turn that.
    for obj in bpy.context.view_layer.objects:
        obj.select_set(obj == red)
    bpy.context.view_layer.objects.active = red
    upper = splats.arrays(red).positions[:, 1] > 0
    ops.object.mode_set(mode="EDIT")
    chosen = red.data.attributes.get(".selection") or red.data.attributes.new(".selection", "BOOLEAN", "POINT")
    chosen.data.foreach_set("value", upper)
    ops.pointcloud.separate()
    ops.object.mode_set(mode="OBJECT")
    bpy.context.view_layer.update()
    (half,) = [o for o in bpy.data.objects if o.splatcut.result_of == uid and o not in made.values()]
    assert (len(half.data.points), len(red.data.points)) == (upper.sum(), (~upper).sum())
    half.matrix_world = Matrix.Translation((0, 1, 0)) @ half.matrix_world

    # Export, save, open again.
    for obj in bpy.context.view_layer.objects:
        obj.select_set(obj in (red, half))
    assert ops.splatcut.export_splats(filepath=str(tmp_path / "out/x.ply"), apply_transform=True) == {"FINISHED"}
    files = sorted((tmp_path / "out").iterdir())
    assert [path.name for path in files] == ["red.001.ply", "red.ply"]
    assert sum(len(read_splats(path)) for path in files) == len(upper)
    assert read_splats(files[0]).gaussians.means[:, 1].min() > 0.9
    before = {obj.name: splats.read(obj).table.rows.tobytes() for obj in (red, half, made[""])}
    ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    again: Any = splats.find(uid)
    assert [len(item.prompts) for item in again.splatcut.objects] == [1]
    found: dict[str, Any] = {name: bpy.data.objects[name] for name in before}
    assert {name: splats.read(obj).table.rows.tobytes() for name, obj in found.items()} == before
    assert not any(transforms.moves_of(obj) for obj in found.values())

    # Render.
    for obj in found.values():
        obj.select_set(True)
        bpy.context.view_layer.objects.active = obj
    assert ops.splatcut.render_setup() == {"FINISHED"}
    assert bpy.context.scene.view_settings.view_transform == "Standard"
    picture = rendered(tmp_path / "picture.png")

    def seen(x: float, y: float) -> np.ndarray:
        row, column = round(24 - 16 * y - 0.5), round(32 + 16 * x - 0.5)  # 96 px of focal length, 6 units away
        return picture[row - 1 : row + 2, column - 1 : column + 2].mean(axis=(0, 1))

    assert seen(1, 0)[3] > 0.9
    np.testing.assert_allclose(seen(1, 0)[:3], [0.1, 0.2, 0.9], atol=0.06)
    np.testing.assert_allclose(seen(-1, -0.3)[:3], [0.9, 0.15, 0.1], atol=0.06)
    assert seen(-1, 1.3)[3] > 0.9  # the half that went up
    assert seen(-1, 0.75)[3] < 0.5
