# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The results of the latest run on a splat object, and which scene they are shown in: as cut, or healed.

A healed scene and the background as cut show the same place, so one of them is shown at a time. One without some of
the objects still has the others in it: then those are put aside as well.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import numpy as np

from splatcut.errors import UserError
from splatcut.formats import read_splats
from splatcut.messages.worker import HealResult

from . import scenes, splats

#: Before the names of healed scenes among the results' names. No object's name has a slash.
_HEALED = "healed/"
#: The result's name of the scene without any of its objects, healed.
BACKGROUND = f"{_HEALED}background"


def is_scene(name: str) -> bool:
    """Whether a result's name is that of the background or of a healed scene, not of an object."""
    return not name or name.startswith(_HEALED)


def title(source: str, name: str) -> str:
    """What the result ``name`` of the splat object ``source`` is called in Blender."""
    if not is_scene(name):
        return name
    if name in ("", BACKGROUND):
        return f"{source} background{' healed' if name else ''}"
    return f"{source} {name.removeprefix(_HEALED).replace('_', ' ', 1)}"


def label(name: str) -> str:
    """What the panel calls a scene."""
    if name in ("", BACKGROUND):
        return "Healed background" if name else "Background as cut"
    text = name.removeprefix(_HEALED).replace("_", " ", 1)
    return text[:1].upper() + text[1:]


def latest(context: bpy.types.Context, source: Any) -> list[Any]:
    """The splats of the latest run on ``source`` in this view layer."""
    found: list[Any] = [
        obj
        for obj in context.view_layer.objects
        if splats.is_splat(obj) and obj.splatcut.result_of == source.splatcut.uid
    ]
    # Earlier runs' results were hidden when the latest came.
    number = max((obj.session_uid for obj in found), default=0)
    last = next((obj for obj in found if obj.session_uid == number), None)
    if last is None or last.splatcut.result_run:
        return [obj for obj in found if last and obj.splatcut.result_run == last.splatcut.result_run]
    together = {collection.name for collection in last.users_collection}  # a file of an earlier version
    return [obj for obj in found if together & {collection.name for collection in obj.users_collection}]


def of_cut(context: bpy.types.Context, source: Any) -> tuple[Path, list[str]]:
    """The folder of the latest run on ``source``, and the objects' names there.

    Raises:
        UserError: nothing was cut, or the folder is gone.
    """
    results = latest(context, source)
    names = [obj.splatcut.result_name for obj in results if not is_scene(obj.splatcut.result_name)]
    folder = next((Path(obj.splatcut.result_folder) for obj in results if obj.splatcut.result_folder), None)
    if not names or folder is None:
        raise UserError(f"Nothing has been cut out of {source.name!r} yet that leaves a hole. Cut the objects first.")
    if not (folder / "objects").is_dir():
        raise UserError(f"The files of the last cut, {folder}, are gone from the cache. Cut the objects again.")
    return folder, names


def show(context: bpy.types.Context, source: Any, name: str) -> None:
    """Shows the results with the scene of that name and puts aside what it shows as well. Raises ``UserError``."""
    results = latest(context, source)
    chosen = next((obj for obj in results if obj.splatcut.result_name == name), None)
    if chosen is None or not is_scene(name):
        raise UserError(f"The last cut of {source.name!r} has no such background. Cut the objects again.")
    without = [item for item in chosen.splatcut.result_without.split("/") if item]
    back = source.visible_get()
    for obj in results:
        own = obj.splatcut.result_name
        aside = own != name if is_scene(own) else bool(without) and own not in without
        # What is not concerned stays as it is: it may have been hidden by hand.
        if back or aside or aside != obj.splatcut.result_aside or obj == chosen:
            hide(context, obj, aside)
        obj.splatcut.result_aside = aside
    hide(context, source)


def shown(results: list[Any]) -> str | None:
    """The name of the scene that is shown with the results, or None without any."""
    names = [obj.splatcut.result_name for obj in results if not obj.splatcut.result_aside]
    return next((name for name in reversed(sorted(names)) if is_scene(name)), None)


def deliver(context: bpy.types.Context, uid: str, result: HealResult, without: tuple[str, ...]) -> Any:
    """Makes a splat object of a healed scene beside the results of the latest run, and shows it with them.

    It takes the place of an earlier one of the same name. The caller pushes the undo step.

    Args:
        uid: of the splat object that was cut.
        without: names of the objects that were taken out, or none for all.

    Raises:
        UserError: the splat object or its results are gone, or the file cannot be read.
    """
    source: Any = scenes.find(uid)
    results = latest(context, source)
    # Where the background stands now, if it was moved with all that was cut.
    beside = next((obj for obj in results if obj.splatcut.result_name == ""), results[0] if results else None)
    if beside is None:
        raise UserError(f"The results of {source.name!r} are gone. Undo their deletion, or cut the objects again.")
    part = read_splats(result.file, offset=splats.world_offset(source))
    name = f"{_HEALED}{result.name}"
    place = beside if beside.splatcut.result_name == "" else source
    made: Any = splats.create(
        context,
        part,
        title(source.name, name),
        collection=beside.users_collection[0],
        matrix=np.array(place.matrix_world),
    )
    values = made.splatcut
    for key in ("result_of", "result_run", "result_folder", "display"):
        setattr(values, key, getattr(beside.splatcut, key))
    values.result_without = "" if name == BACKGROUND else "/".join(without)
    for obj in results:
        if obj.splatcut.result_name == name:
            data = obj.data
            bpy.data.objects.remove(obj)
            bpy.data.batch_remove([data] if not data.users else [])
    values.result_name = name
    made.name = title(source.name, name)
    context.view_layer.update()  # it does not list the new object before
    show(context, source, name)
    return made


def hide(context: bpy.types.Context, obj: Any, hidden: bool = True) -> None:
    """Hides an object in the viewport and in renders, or shows it there."""
    obj.hide_render = hidden
    if obj.name in context.view_layer.objects:
        if not hidden:
            obj.hide_viewport = False
        obj.hide_set(hidden)
        if hidden:
            obj.select_set(False)
