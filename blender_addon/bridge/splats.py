# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Splat objects: made from splat files, read back exactly, and found again.

Up to Blender 5.2 a splat object is a mesh of vertices, which every version can join, edit, save and undo; where Blender
knows splats itself it is a point cloud of that kind. Both have the same attributes (``core.layout``).
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from bpy.app.handlers import persistent
from mathutils import Matrix
from numpy.typing import ArrayLike, NDArray

from splatcut.formats import SplatFile
from splatcut.scene.gaussians import Gaussians

from ..core import layout
from ..core.arrays import SplatArrays
from ..core.facts import Facts
from . import attributes, labelled, native

#: By session_uid of the object's data. Entries named in ``_suspect`` are compared with the data before their next use.
_arrays: dict[int, SplatArrays] = {}
_suspect: set[int] = set()
_stamp = 0
#: session_uid of the object that had a uid first, and how many objects there were when that was looked at.
_owners: dict[str, int] = {}
_object_count = -1
_RUN = uuid.uuid4().hex


def create(
    context: bpy.types.Context,
    splats: SplatFile,
    name: str,
    *,
    collection: bpy.types.Collection | None = None,
    matrix: ArrayLike | None = None,
    source: Path | None = None,
    progress: Callable[[float], None] | None = None,
) -> bpy.types.Object:
    """Makes a splat object, which is neither selected nor made active.

    Args:
        context: where the collection is taken from when none is given.
        splats: what it shows.
        name: of the object; Blender makes it unique.
        collection: to link it to.
        matrix: [4, 4] world_from_local, the object's transform; None puts it where the file has it.
        source: the file it comes from, for information only.
        progress: is told how much is done, 0 to 1.
    """
    obj = bpy.data.objects.new(name, new_data(splats, name, progress))
    (collection or context.collection or context.scene.collection).objects.link(obj)
    own = Matrix.Translation(splats.offset.tolist())
    obj.matrix_world = own if matrix is None else Matrix(np.asarray(matrix, dtype=float).tolist())
    declare(obj, splats.source_format, source)
    return obj


def world_offset(obj: bpy.types.Object) -> NDArray[np.float64]:
    """[3] what positions in the object's file have more than in its data: the file's frame from the local one."""
    facts = attributes.read_facts(obj.data)
    return np.zeros(3) if facts is None else np.array(facts.offset)


def declare(obj: bpy.types.Object, source_format: str, source: Path | None = None) -> None:
    """Makes a splat object of an object whose data have the attributes of one."""
    settings = _settings(obj)
    settings.is_splat = True
    settings.uid = new_uid()
    settings.source_path = str(source) if source is not None else ""
    settings.source_format = source_format
    native.share_drawing(obj)
    _owners[settings.uid] = obj.session_uid


def new_data(splats: SplatFile, name: str, progress: Callable[[float], None] | None = None) -> Any:
    """Makes the data of a splat object: a mesh or, where Blender draws splats itself, a point cloud."""
    if native.native():
        data: Any = bpy.data.pointclouds.new(name)
        data.resize(len(splats))
        data.type = native.SPLATS
    else:
        data = bpy.data.meshes.new(name)
        data.vertices.add(len(splats))
    try:
        _fill(data, splats, progress)
    except BaseException:
        bpy.data.batch_remove([data])
        raise
    return data


def _fill(data: Any, splats: SplatFile, progress: Callable[[float], None] | None) -> None:
    base_type = "FLOAT4" if native.native() else "FLOAT_COLOR"
    expected = splats.gaussians.sh.shape[1] + 8  # those of the Gaussians; others are few
    found = layout.attributes_of(splats, origin=new_origin(), base_type=base_type)
    for number, (name, kind, values) in enumerate(found):
        attributes.write(data, name, kind, values)
        if progress is not None:
            progress(min((number + 1) / expected, 1.0))
    attributes.write_facts(data, Facts.of(splats))


def read(
    obj: bpy.types.Object,
    matrix: ArrayLike | None = None,
    progress: Callable[[float], None] | None = None,
    change: Callable[[Gaussians], None] | None = None,
    *,
    shown: bool = False,
) -> SplatFile:
    """The splat file that an object stands for, bit by bit the one it came from where nothing was edited.

    Args:
        obj: a splat object.
        matrix: [4, 4] new_from_local to apply; None leaves everything in the object's local frame.
        progress: is told how much is read, 0 to 1.
        change: is given the Gaussians to change before ``matrix`` is applied.
        shown: with the colours that Blender shows, where they are matched to its light, instead of the trained ones.

    Raises:
        UserError: ``matrix`` is not a rotation or mirroring with a uniform scale and a translation.
    """
    if attributes.editing(obj.data):
        obj.update_from_editmode()
    facts = attributes.read_facts(obj.data)
    with attributes.reading(obj, progress, shown=shown) as source:
        applied = None if matrix is None else np.asarray(matrix, dtype=np.float64)
        return layout.splats_from(source, facts, applied, change)


def refill(obj: bpy.types.Object, splats: SplatFile) -> None:
    """Gives an object other values for the Gaussians that it has, which Blender shows as they are; labels and what else
    it has stay."""
    _fill(obj.data, splats, None)
    attributes.drop_matched(obj.data)
    changed(obj)


def changed(obj: bpy.types.Object) -> None:
    """To be called after a change of the object's data: everything is compared before its next use."""
    if isinstance(obj.data, bpy.types.Mesh):
        obj.data.update()  # its bounding box too, in Blender 4.5
    obj.data.update_tag()
    _suspect.update({obj.data.session_uid} & _arrays.keys())


def arrays(obj: bpy.types.Object, *, with_sh: bool = True) -> SplatArrays:
    """The Gaussians as numpy copies, kept until the object's data change; nobody may write to them.

    While the object is in edit mode they stay what they were before it.

    Args:
        obj: a splat object.
        with_sh: also read the view-dependent colours, by far the largest part, if they are not there already.
    """
    global _stamp
    data = obj.data
    number = data.session_uid
    known = _arrays.get(number)
    if known is not None and not attributes.editing(data):
        if len(known) != attributes.count(data):
            known = None
        elif number in _suspect:
            with attributes.reading(obj) as source:
                known = known if attributes.agrees(known, source) else None
    if known is None or (with_sh and known.sh is None and layout.sh_name(0) in data.attributes):
        with attributes.reading(obj) as source:
            _stamp += 1
            known = attributes.splat_arrays(source, with_sh, _stamp)
        if (facts := attributes.read_facts(data)) is not None:
            known = replace(known, pixel_filter=facts.pixel_filter)
        _arrays[number] = known
    _suspect.discard(number)
    return known


def find(uid: str) -> bpy.types.Object | None:
    """The splat object with that uid, in any scene."""
    if not uid:
        return None
    _check_uids()
    return next((obj for obj in bpy.data.objects if is_splat(obj) and _settings(obj).uid == uid), None)


def is_splat(obj: bpy.types.Object | None) -> bool:
    """Whether an object is one of ours."""
    return obj is not None and obj.type in ("MESH", "POINTCLOUD") and _settings(obj).is_splat


def active(context: bpy.types.Context) -> bpy.types.Object | None:
    """The active object if it is a splat; for a result, the splat that it was cut from, if that still exists."""
    layer = getattr(context, "view_layer", None)
    obj = layer.objects.active if layer is not None else None
    if not is_splat(obj):
        return None
    return find(_settings(obj).result_of) or obj


def selected(context: bpy.types.Context) -> list[Any]:
    """The selected splat objects."""
    return [obj for obj in context.view_layer.objects.selected if is_splat(obj)]


def results(scene: bpy.types.Scene, uid: str) -> list[Any]:
    """The splat objects of a scene that were cut from the one with that uid, of healed scenes and the background the
    one that is shown."""
    return [
        obj
        for obj in scene.objects
        if is_splat(obj) and uid and _settings(obj).result_of == uid and not _settings(obj).result_aside
    ]


def new_origin() -> int:
    """A number for ``layout.ORIGIN`` that nothing else has."""
    return secrets.randbelow(2**31 - 1) + 1


def new_uid() -> str:
    """A uid that nothing else has."""
    return uuid.uuid4().hex


def _settings(obj: bpy.types.Object) -> Any:
    return obj.splatcut  # type: ignore[attr-defined]


# ----------------------------------------------------------------------------------------------- when Blender changes


def _check_uids() -> None:
    """Gives copies of splat objects a uid of their own; the object that had it first keeps it."""
    global _object_count
    if len(bpy.data.objects) == _object_count:
        return
    _object_count = len(bpy.data.objects)
    by_uid: dict[str, list[bpy.types.Object]] = {}
    for obj in bpy.data.objects:
        if is_splat(obj):
            by_uid.setdefault(_settings(obj).uid, []).append(obj)
    for uid, objects in by_uid.items():
        first = next((obj for obj in objects if uid and obj.session_uid == _owners.get(uid)), None)
        if first is None and uid:
            first = next((obj for obj in objects if obj.library is not None), objects[0])
        for obj in objects:
            if obj is not first and obj.library is None:
                if first is not None:
                    _keep_facts(obj, first)
                # The same again when undo brings back a time before this: what is known by uid stays right.
                copied = f"{_RUN}:{uid}:{obj.session_uid}"
                _settings(obj).uid = uuid.uuid5(uuid.NAMESPACE_OID, copied).hex
            _owners[_settings(obj).uid] = obj.session_uid


def _keep_facts(copy: bpy.types.Object, original: bpy.types.Object) -> None:
    """Gives a copy what its file said beside the rows: Blender's Separate drops custom properties of point clouds."""
    source: Any = original.data
    if (
        copy.data == source
        or copy.data.library is not None
        or copy.type != original.type
        or attributes.FILE in copy.data
    ):
        return
    for key in (attributes.FILE, attributes.BEFORE, attributes.AFTER):
        if key in source:
            copy.data[key] = source[key]


def forget() -> None:
    """Has everything compared or read again before its next use."""
    global _object_count
    _suspect.update(_arrays)
    labelled.forget()
    _object_count = -1


@persistent
def _on_depsgraph_update(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
    for update in depsgraph.updates:
        # A tag on the object alone, as after a change of its prompts, says nothing about its data.
        if update.is_updated_geometry and isinstance(update.id, (bpy.types.Mesh, bpy.types.PointCloud)):
            number = update.id.original.session_uid
            labelled.forget(number)
            if number in _arrays:
                _suspect.add(number)
    _check_uids()


@persistent
def _on_history(*_: object) -> None:
    forget()


@persistent
def _on_load(*_: object) -> None:
    _arrays.clear()
    _suspect.clear()
    _owners.clear()
    forget()


_HANDLERS = (
    ("depsgraph_update_post", _on_depsgraph_update),
    ("undo_post", _on_history),
    ("redo_post", _on_history),
    ("load_post", _on_load),
)


def register() -> None:
    """Starts to follow changes."""
    for name, handler in _HANDLERS:
        getattr(bpy.app.handlers, name).append(handler)


def unregister() -> None:
    """Stops to follow changes and frees the copies."""
    for name, handler in _HANDLERS:
        handlers = getattr(bpy.app.handlers, name)
        if handler in handlers:
            handlers.remove(handler)
    _on_load()
