# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Transforms put into the data of splat objects: by us, with all that belongs to it, and by Blender, whose own ways of
doing so move points without their Gaussians, which is found and repaired (``core.moves``)."""

from __future__ import annotations

from typing import Any

import numpy as np
from mathutils import Matrix
from numpy.typing import ArrayLike

from splatcut.errors import UserError
from splatcut.scene.transform import decompose_similarity, split_mirror

from ..core import layout, moves
from . import attributes, render, splats


def check_own_data(obj: Any) -> None:
    """Raises ``UserError`` when changing the object's data would change other objects or is not possible."""
    if obj.library is not None or obj.data.library is not None:
        raise UserError(f"{obj.name!r} is linked from another file and cannot be changed here. Make it local first.")
    if obj.data.users > 1:
        raise UserError(
            f"Other objects share the data of {obj.name!r}. Make them single-user first (Object > Relations > Make "
            "Single User > Object & Data)."
        )
    if obj.mode != "OBJECT":
        raise UserError(f"Leave Edit Mode on {obj.name!r} first.")


def apply_transform(obj: Any) -> None:
    """Moves the object's transform into its Gaussians, colours included, and into its prompts; labels stay.

    Raises:
        UserError: the transform is not a rotation or mirroring with a uniform scale and a translation, or it mirrors
            views in which something was clicked.
    """
    matrix, settings = np.array(obj.matrix_world), obj.splatcut
    axis, rest = split_mirror(matrix)
    scale, rotation, translation = decompose_similarity(rest)
    if axis is not None and len(settings.prompt_views):
        raise UserError(
            f"The transform mirrors {obj.name!r}, and its clicks were made in views that cannot be mirrored. Cut first "
            "and apply the transform to the results, or remove the clicks."
        )
    transform_data(obj, matrix)
    # Of a scene far from its origin the translation becomes the world offset, which stays on the object.
    place = splats.world_offset(obj)
    translation = translation - place
    for view in settings.prompt_views:
        camera = np.reshape(view.camera_from_file, (4, 4))
        camera[:3, :3] = camera[:3, :3] @ rotation.T
        camera[:3, 3] = scale * camera[:3, 3] - camera[:3, :3] @ translation
        view.camera_from_file = camera.ravel().tolist()
    for prompt in (prompt for item in settings.objects for prompt in item.prompts):
        prompt.position = (matrix[:3, :3] @ np.array(prompt.position) + translation).tolist()
    obj.matrix_world = Matrix.Translation(place.tolist())


def transform_data(obj: Any, matrix: ArrayLike) -> None:
    """Moves Gaussians, colours included, by [4, 4] new_from_local; the object stays. Raises ``UserError``."""
    splats.refill(obj, splats.read(obj, matrix))


def moves_of(obj: Any) -> tuple[moves.Move, ...]:
    """The moves that the object's Gaussians did not follow."""
    if layout.RAW_POSITION not in obj.data.attributes:
        return ()
    with attributes.reading(obj) as source:
        return moves.find_moves(source, splats.world_offset(obj))


def modifiers_of(obj: Any) -> list[str]:
    """Names of the modifiers that change what is seen of the object, and not its data."""
    return [m.name for m in obj.modifiers if m.name != render.MODIFIER and (m.show_viewport or m.show_render)]


def follow(obj: Any) -> bool:
    """Has rotations, scales and colours follow the points; whether there was anything to repair.

    Raises:
        UserError: the Gaussians cannot follow.
    """
    check_own_data(obj)
    found = moves_of(obj)
    wrong = [move for move in found if move.is_wrong]
    if not wrong:
        return False
    if not all(move.follows for move in wrong):
        raise UserError(moves.sentence(obj.name, found))
    splats.refill(obj, splats.read(obj, change=lambda gaussians: moves.follow(gaussians, found)))
    return True


def put_back(obj: Any) -> bool:
    """Puts the points back to where they were; whether there was anything to repair.

    Where one transform has moved all of them, as Apply Transform does, the object gets it back, so that nothing moves.
    """
    check_own_data(obj)
    if not moves_of(obj):
        return False
    with attributes.reading(obj) as source:
        positions, whole = moves.put_back(source)
    attributes.write(obj.data, layout.POSITION, "FLOAT_VECTOR", positions)
    splats.changed(obj)
    if whole is not None:
        wanted = np.array(obj.matrix_world) @ whole
        obj.matrix_world = Matrix(wanted.tolist())
    return True
