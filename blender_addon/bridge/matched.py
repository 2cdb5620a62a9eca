# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Splat objects in Blender's light: with colours that look as trained once Blender has blended them, and back."""

from __future__ import annotations

import shutil
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from splatcut.errors import UserError
from splatcut.files import write_problem
from splatcut.formats import SplatFile, read_splats, write_splats
from splatcut.formats.matched import TRAINED, as_trained, with_matched
from splatcut.messages.worker import MatchResult
from splatcut.scene.gaussians import F32

from ..core import exports, jobs, layout
from ..core import matched as core
from . import attributes, scenes, splats


def targets(context: bpy.types.Context) -> list[Any]:
    """The splat objects that are matched together: the active one; of results, all that are shown of that cut."""
    obj: Any = context.view_layer.objects.active
    if not splats.is_splat(obj):
        return []
    own = obj.splatcut
    if not own.result_of or own.result_aside:
        return [obj]
    return [
        other
        for other in splats.results(context.scene, own.result_of)
        if other.splatcut.result_run == own.result_run and other.name in context.view_layer.objects
    ]


def is_matched(obj: Any) -> bool:
    """Whether Blender shows other colours than the trained ones."""
    return core.MATCHED in obj.data.attributes or _came_matched(obj)


def _came_matched(obj: Any) -> bool:
    """Whether the object was imported from a matched file, which it still stands for."""
    return any(name.startswith(TRAINED) for name in obj.data.attributes.keys())  # noqa: SIM118


def check(obj: Any) -> None:
    """Raises ``UserError`` when the object's colours cannot be changed."""
    if obj.library is not None or obj.data.library is not None:
        raise UserError(f"{obj.name!r} is linked from another file and cannot be changed here. Make it local first.")
    if obj.mode != "OBJECT":
        raise UserError(f"Leave Edit Mode on {obj.name!r} first.")


class Matching:
    """Objects on their way to the engine and back.

    Args:
        objects: splat objects that make up one scene in their local frames, the first one's folder is used.

    Raises:
        UserError: one of them cannot be matched.
    """

    def __init__(self, objects: list[Any]) -> None:
        for obj in objects:
            check(obj)
            if _came_matched(obj):
                raise UserError(
                    f"{obj.name!r} was imported from a file that is matched to Blender's light already. To match it "
                    "anew, restore its trained colours first."
                )
        self.uids = [obj.splatcut.uid for obj in objects]
        folder = scenes.working_folder(self.uids[0])
        self.source, self.out = folder / "match", folder / "matched"
        self._files = exports.part_files(["", *(obj.name for obj in objects[1:])])
        self._keys: list[Hashable] = []

    def write(self) -> Path:
        """Writes the objects with their trained colours; returns the folder. Raises ``UserError``."""
        objects = [scenes.find(uid) for uid in self.uids]
        shutil.rmtree(self.source, ignore_errors=True)
        jobs.check_space(self.source, sum(attributes.count(obj.data) for obj in objects), run=False)
        self._keys = [splats.arrays(obj).key for obj in objects]
        for obj, name in zip(objects, self._files, strict=True):
            path = self.source / name
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                part = splats.read(obj)
                exports.check_exportable(part, obj.name)
                write_splats(path, part)
            except OSError as error:
                raise write_problem(error, path) or UserError(
                    f"{path} cannot be written ({error.strerror or error}). Choose another cache folder in the "
                    "extension's preferences."
                ) from error
        return self.source

    def deliver(self, result: MatchResult) -> str:
        """Gives all objects their new colours, or none; the caller pushes the undo step.

        Raises:
            UserError: an object is gone or was changed meanwhile, or a file cannot be read.
        """
        objects: list[Any] = [scenes.find(uid) for uid in self.uids]
        for obj, key in zip(objects, self._keys, strict=True):
            check(obj)
            if splats.arrays(obj).key != key:
                raise UserError(f"{obj.name!r} was changed while its colours were being matched. Match them again.")
        colours = [read_splats(result.file / name).gaussians.sh for name in self._files]
        for obj, sh in zip(objects, colours, strict=True):
            put(obj, sh)
        for folder in (self.source, self.out):
            shutil.rmtree(folder, ignore_errors=True)
        assert result.before is not None
        assert result.after is not None
        what = repr(objects[0].name) if len(objects) == 1 else f"{len(objects)} splats"
        return (
            f"The colours of {what} are matched to Blender's light: renders differ from the capture as trained by "
            f"about {255 * result.after:.1f} of 255, {255 * result.before:.1f} before."
        )


def put(obj: Any, sh: F32) -> None:
    """Has Blender show other colours [N, K, 3]; the trained ones are kept beside them."""
    data = obj.data
    with attributes.reading(obj) as source:
        base: Any = source.get(layout.BASE)
        count = min(layout.coefficient_count(source), sh.shape[1])
        trained = [source.get(layout.sh_name(k)) for k in range(layout.coefficient_count(source) - 1)]
    if base is None or base.shape != (len(sh), 4):
        raise UserError(f"{obj.name!r} has no colours in {layout.BASE!r} that could be matched.")
    attributes.write(data, core.TRAINED_BASE, "FLOAT_VECTOR", base[:, :3])
    base[:, :3] = sh[:, 0]
    attributes.write(data, layout.BASE, data.attributes[layout.BASE].data_type, base)
    seen = []
    for k, values in enumerate(trained):
        assert values is not None
        attributes.write(data, core.trained_name(k), "FLOAT_VECTOR", values)
        # A file of a higher degree than the object's has nothing for the object.
        shown = sh[:, k + 1] if k + 1 < count else values
        attributes.write(data, layout.sh_name(k), "FLOAT_VECTOR", shown)
        seen.append(shown)
    attributes.write(data, core.MATCHED, "INT", core.code(base[:, :3], seen))
    splats.changed(obj)


def restore(obj: Any) -> None:
    """Has Blender show the trained colours again, bit by bit; what was changed since stays. Raises ``UserError``."""
    check(obj)
    data = obj.data
    if _came_matched(obj):
        splats.refill(obj, as_trained(splats.read(obj)))
        for name in [name for name in data.attributes.keys() if name.startswith(TRAINED)]:  # noqa: SIM118
            data.attributes.remove(data.attributes[name])
    if core.MATCHED not in data.attributes:
        return
    with attributes.reading(obj) as source:
        names = [layout.BASE, *(layout.sh_name(k) for k in range(layout.coefficient_count(source) - 1))]
        found = {name: source.get(name) for name in names}
    for name, values in found.items():
        if values is not None:
            attributes.write(data, name, data.attributes[name].data_type, values)
    attributes.drop_matched(data)
    splats.changed(obj)


def for_blender(obj: Any, trained: SplatFile, *how: Any) -> SplatFile:
    """The file of an object as Blender shows it, its trained colours beside.

    Args:
        trained: the file that ``splats.read`` gave with the arguments ``how``.
    """
    if core.MATCHED not in obj.data.attributes:
        return trained
    shown = splats.read(obj, *how, shown=True).gaussians.sh
    return with_matched(trained, np.ascontiguousarray(shown[:, : trained.gaussians.sh.shape[1]]))
