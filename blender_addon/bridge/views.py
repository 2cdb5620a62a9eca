# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The views of a job: what the panel says about them, for the engine; and the engine's views as Blender's cameras."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from splatcut.errors import UserError
from splatcut.messages import InlineView
from splatcut.scene.camera import near_plane

from ..core import cameras as core
from ..core import jobs
from . import splats

#: Millimetres; what Blender's cameras have by themselves.
_SENSOR = 36.0
#: Longer side of a Blender camera's picture for the engine, pixels: its 2D model sees no more.
_LONGEST_SIDE = 1024


def sources(context: bpy.types.Context, obj: Any) -> jobs.Sources:
    """Where the views of a splat object come from, as the panel says. Raises ``UserError``."""
    settings = obj.splatcut
    if settings.view_source == "DATASET":
        return _dataset(settings)
    if settings.view_source == "CAMERAS":
        return jobs.Sources(blender_views(context, obj, settings.camera_collection))
    return jobs.Sources()


def source_key(obj: Any) -> object:
    """Changes with the views of a splat object, as far as Blender knows them."""
    settings = obj.splatcut
    if settings.view_source == "DATASET":
        return settings.cameras_path, settings.images_path
    if settings.view_source == "CAMERAS":
        collection = settings.camera_collection
        cameras: list[Any] = [] if collection is None else [o for o in collection.all_objects if o.type == "CAMERA"]
        lens = ("type", "lens", "sensor_width", "sensor_height", "sensor_fit", "shift_x", "shift_y")
        seen = [(o.name, *(getattr(o.data, name) for name in lens), *map(tuple, o.matrix_world)) for o in cameras]
        return "CAMERAS", tuple(map(tuple, obj.matrix_world)), *seen
    return settings.view_source


def blender_views(
    context: bpy.types.Context, obj: Any, collection: bpy.types.Collection | None
) -> tuple[InlineView, ...]:
    """The cameras in a collection, in the file's frame of a splat object. Raises ``UserError``."""
    if collection is None:
        raise UserError("Choose the collection that contains the cameras.")
    cameras: list[Any] = sorted((o for o in collection.all_objects if o.type == "CAMERA"), key=lambda o: o.name)
    if not cameras:
        raise UserError(
            f"The collection {collection.name!r} contains no cameras. Move the cameras that you want to use as views "
            "into it."
        )
    render: Any = context.scene.render
    offset = splats.world_offset(obj)
    factor = render.resolution_percentage / 100
    views = []
    for item in cameras:
        data = item.data
        camera = core.blender_camera(
            np.array(item.matrix_world),
            lens=data.lens,
            resolution_x=max(1, int(render.resolution_x * factor)),
            resolution_y=max(1, int(render.resolution_y * factor)),
            sensor_width=data.sensor_width,
            sensor_height=data.sensor_height,
            sensor_fit=data.sensor_fit,
            shift_x=data.shift_x,
            shift_y=data.shift_y,
            pixel_aspect_x=render.pixel_aspect_x,
            pixel_aspect_y=render.pixel_aspect_y,
            kind=data.type,
            name=item.name,
            matrix_world=np.array(obj.matrix_world),
        )
        views.append(core.to_inline(item.name, core.limited(camera, _LONGEST_SIDE), offset=offset))
    return tuple(views)


def create_cameras(
    context: bpy.types.Context, obj: Any, views: Sequence[InlineView], *, photos: bool = True
) -> bpy.types.Collection:
    """Makes a Blender camera for each view, parented to the splat object, in a new collection.

    Args:
        photos: show each view's photo behind what its camera sees.
    """
    collection = bpy.data.collections.new(f"{obj.name} cameras")
    context.scene.collection.children.link(collection)
    offset, positions = splats.world_offset(obj), splats.arrays(obj, with_sh=False).positions
    some = positions[:: max(1, len(positions) // 20_000)]
    for view in views:
        data: Any = bpy.data.cameras.new(view.name)
        camera = core.from_inline(view, offset)
        pose = fit_camera(data, core.to_inline(view.name, camera))
        # The engine's near plane, in Blender's units, where Blender's own would cut into a small scene.
        data.clip_start = min(data.clip_start, near_plane(camera, some) * obj.matrix_world.median_scale)
        made: Any = bpy.data.objects.new(view.name, data)
        made.parent = obj
        made.matrix_parent_inverse = Matrix.Identity(4)
        made.matrix_basis = Matrix(pose.tolist())
        if photos and view.photo is not None and view.photo.is_file():
            data.show_background_images = True
            background = data.background_images.new()
            background.image = bpy.data.images.load(str(view.photo), check_existing=True)
            background.alpha = 0.5
        data.display_size = 0.1
        collection.objects.link(made)
    return collection


def fit_camera(data: Any, view: InlineView) -> np.ndarray:
    """Gives Blender camera data a view's lens; returns the camera's pose [4, 4], file from camera (OpenGL axes)."""
    wide = view.width >= view.height
    side = view.width if wide else view.height
    data.sensor_fit = "HORIZONTAL" if wide else "VERTICAL"
    data.sensor_width = data.sensor_height = _SENSOR
    data.lens = (view.fx if wide else view.fy) / side * _SENSOR
    data.shift_x = (view.width / 2 - view.cx) / side
    data.shift_y = (view.cy - view.height / 2) / side
    pose = np.linalg.inv(np.array(view.camera_from_world, dtype=np.float64))
    return pose @ core.OPENCV_FROM_OPENGL


def _dataset(settings: Any) -> jobs.Sources:
    if not settings.cameras_path:
        raise UserError(
            "Choose the cameras of the capture (a COLMAP folder, transforms.json or cameras.json), or switch the "
            "views to Virtual."
        )
    cameras = Path(bpy.path.abspath(settings.cameras_path))
    if not cameras.exists():
        raise UserError(f"The cameras {cameras} do not exist. Choose them again, or switch the views to Virtual.")
    if cameras.is_file() and cameras.suffix.lower() in (".bin", ".txt"):
        cameras = cameras.parent  # a file of the COLMAP model was chosen
    images = None
    if settings.images_path:
        images = Path(bpy.path.abspath(settings.images_path))
        if not images.is_dir():
            raise UserError(f"The photo folder {images} does not exist. Choose it again, or clear the field.")
    return jobs.Sources(cameras, images)
