# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's own projection matrices against what the add-on makes of its cameras."""

from __future__ import annotations

import itertools
from typing import Any

import bpy
import numpy as np
import pytest
from bl_ext.user_default.splatcut.core import cameras

FITS = ("AUTO", "HORIZONTAL", "VERTICAL")
SIZES = ((1920, 1080), (600, 800))
ASPECTS = ((1.0, 1.0), (1.6, 1.0), (1.0, 1.3))


@pytest.mark.parametrize(("fit", "size", "aspect"), list(itertools.product(FITS, SIZES, ASPECTS)))
def test_a_camera_projects_as_blender_says(fit: str, size: tuple[int, int], aspect: tuple[float, float]) -> None:
    data: Any = bpy.data.cameras.new("camera")
    data.lens, data.sensor_width, data.sensor_height, data.sensor_fit = 41.0, 30.0, 22.0, fit
    data.shift_x, data.shift_y = 0.07, -0.12
    obj: Any = bpy.data.objects.new("camera", data)
    bpy.context.collection.objects.link(obj)
    obj.location, obj.rotation_euler, obj.scale = (1, -4, 2), (1.1, 0.2, 0.4), (2, 2, 2)
    bpy.context.view_layer.update()
    window = obj.calc_matrix_camera(
        bpy.context.evaluated_depsgraph_get(), x=size[0], y=size[1], scale_x=aspect[0], scale_y=aspect[1]
    )
    location, rotation, _ = obj.matrix_world.decompose()
    view = np.linalg.inv(np.array(rotation.to_matrix().to_4x4()) + np.pad(np.array([location]).T, ((0, 1), (3, 0))))
    world = np.diag([0.5, 0.5, 0.5, 1.0])
    expected = cameras.Viewport.of(view, window, *size, world).camera()
    found = cameras.blender_camera(
        obj.matrix_world,
        lens=data.lens,
        sensor_width=data.sensor_width,
        sensor_height=data.sensor_height,
        sensor_fit=data.sensor_fit,
        shift_x=data.shift_x,
        shift_y=data.shift_y,
        resolution_x=size[0],
        resolution_y=size[1],
        pixel_aspect_x=aspect[0],
        pixel_aspect_y=aspect[1],
        matrix_world=world,
    )
    assert expected is not None
    for name in ("fx", "fy", "cx", "cy"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name), rel=1e-4), name
    np.testing.assert_allclose(found.camera_from_world, expected.camera_from_world, atol=1e-5)
