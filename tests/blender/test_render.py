# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The set-up for Cycles: on and off, and that what is rendered is what the file says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from bl_ext.user_default.splatcut.bridge import native, render, splats
from mathutils import Vector

from splatcut.formats import SplatFile
from splatcut.scene.gaussians import SH_C0, Gaussians
from splatcut.scene.sh import basis

pytestmark = pytest.mark.skipif(native.native(), reason="this Blender renders splats itself")

SIZE = 32


def one_splat(*, colour: Any = (0.8, 0.4, 0.2), opacity: float = 0.95, degree: int = 0, seed: int = 0) -> Gaussians:
    """A Gaussian at the origin with standard deviations 0.5, 0.25 and 0.25."""
    sh = np.zeros((1, (degree + 1) ** 2, 3), np.float32)
    sh[0, 0] = (np.array(colour) - 0.5) / SH_C0
    sh[0, 1:] = np.random.default_rng(seed).normal(0, 0.15, sh[0, 1:].shape)
    return Gaussians(
        means=np.zeros((1, 3), np.float32),
        log_scales=np.log(np.array([[0.5, 0.25, 0.25]], np.float32)),
        quats=np.array([[1, 0, 0, 0]], np.float32),
        opacity_logits=np.array([np.log(opacity / (1 - opacity))], np.float32),
        sh=sh,
    )


def scene_with(gaussians: Gaussians, camera_at: Any = (0, -10, 0)) -> Any:
    """A splat object and a camera that sees 2.56 units in 32 pixels at its place, nearly in parallel."""
    obj = splats.create(bpy.context, SplatFile.from_gaussians(gaussians), "splat")
    data: Any = bpy.data.cameras.new("camera")
    data.sensor_width, data.lens, data.clip_end = 36, 36 * 10 / 2.56, 100
    camera = bpy.data.objects.new("camera", data)
    camera.location = camera_at
    camera.rotation_euler = (-Vector(camera_at)).to_track_quat("-Z", "Y").to_euler()
    scene: Any = bpy.context.scene
    scene.collection.objects.link(camera)
    scene.camera = camera
    scene.render.resolution_x = scene.render.resolution_y = SIZE
    scene.render.resolution_percentage = 100
    scene.render.film_transparent = True
    scene.render.image_settings.file_format, scene.render.image_settings.color_mode = "PNG", "RGBA"
    bpy.context.view_layer.objects.active = obj
    obj.select_set(True)
    return obj


def rendered(path: Path) -> np.ndarray:
    """[SIZE, SIZE, 4] in [0, 1], display-referred."""
    scene: Any = bpy.context.scene
    scene.cycles.samples, scene.cycles.use_denoising, scene.cycles.use_adaptive_sampling = 16, False, False
    scene.cycles.device, scene.render.threads_mode, scene.render.threads = "CPU", "FIXED", 1
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    image: Any = bpy.data.images.load(str(path))
    image.colorspace_settings.name = "Non-Color"  # the values as they stand in the file
    values = np.empty(SIZE * SIZE * 4, np.float32)
    image.pixels.foreach_get(values)
    return values.reshape(SIZE, SIZE, 4)[::-1]


def set_up(**options: Any) -> None:
    ops: Any = bpy.ops
    assert ops.splatcut.render_setup(**options) == {"FINISHED"}


def test_on_and_off() -> None:
    obj = scene_with(one_splat())
    set_up()
    assert render.is_set_up(obj)
    scene: Any = bpy.context.scene
    assert (scene.render.engine, scene.view_settings.view_transform) == ("CYCLES", "Standard")
    assert not obj.modifiers[render.MODIFIER].show_viewport
    set_up()
    assert len(obj.modifiers) == 1
    set_up(off=True)
    assert len(obj.modifiers) == 0


def test_objects_share_nodes_and_material() -> None:
    first = scene_with(one_splat())
    second = splats.create(bpy.context, SplatFile.from_gaussians(one_splat()), "second")
    second.select_set(True)
    set_up()
    assert first.modifiers[0].node_group == second.modifiers[0].node_group
    assert [m.name for m in bpy.data.materials] == [render.MATERIAL]


def test_the_scene_is_left_alone_when_asked() -> None:
    scene_with(one_splat())
    before = bpy.context.scene.view_settings.view_transform = "AgX"
    set_up(scene_settings=False)
    assert bpy.context.scene.view_settings.view_transform == before


def test_without_a_splat_there_is_nothing_to_set_up() -> None:
    ops: Any = bpy.ops
    with pytest.raises(RuntimeError, match="poll"):
        ops.splatcut.render_setup()


def test_a_gaussian_is_rendered_as_it_is(tmp_path: Path) -> None:
    """Opacity falls off as the Gaussian does, in its own proportions, and the colour is the file's."""
    scene_with(one_splat())
    set_up()
    picture = rendered(tmp_path / "one.png")
    offsets = (np.arange(SIZE) + 0.5 - SIZE / 2) * 2.56 / SIZE
    x, z = np.meshgrid(offsets, -offsets)
    distance = (x / 0.5) ** 2 + (z / 0.25) ** 2
    wanted = np.where(distance < 9, 0.95 * np.exp(-0.5 * distance), 0)
    assert np.abs(picture[..., 3] - wanted).max() < 0.04
    assert np.abs(picture[..., 3] - wanted).mean() < 0.006
    middle = picture[SIZE // 2 - 1 : SIZE // 2 + 1, SIZE // 2 - 1 : SIZE // 2 + 1, :3].mean(axis=(0, 1))
    assert middle == pytest.approx((0.8, 0.4, 0.2), abs=0.02)


@pytest.mark.parametrize(("degree", "camera_at"), [(1, (3, -9, 2)), (2, (-6, 5, -4)), (3, (2, 7, 6))])
def test_colours_depend_on_the_view(degree: int, camera_at: Any, tmp_path: Path) -> None:
    gaussians = one_splat(colour=(0.5, 0.5, 0.5), degree=degree, seed=degree)
    obj = scene_with(gaussians, camera_at)
    obj.rotation_euler = (0.5, -0.3, 1.1)
    bpy.context.view_layer.update()
    set_up()
    picture = rendered(tmp_path / "view.png")
    # The view's direction in the file's frame.
    direction = obj.matrix_world.to_3x3().inverted() @ -Vector(camera_at).normalized()
    wanted = np.clip(0.5 + (basis(np.array([direction]), degree)[0] @ gaussians.sh[0].astype(float)), 0, 1)
    middle = picture[SIZE // 2 - 1 : SIZE // 2 + 1, SIZE // 2 - 1 : SIZE // 2 + 1, :3].mean(axis=(0, 1))
    assert middle == pytest.approx(wanted, abs=0.02)
    assert np.ptp(wanted) > 0.05
