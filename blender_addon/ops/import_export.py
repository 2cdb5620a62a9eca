# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Import and export of splat files: operators, menu entries, drag and drop."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from bpy.props import BoolProperty, CollectionProperty, EnumProperty, StringProperty
from bpy_extras.io_utils import ExportHelper, ImportHelper

from splatcut.errors import UserError
from splatcut.formats import SplatFile
from splatcut.transform import decompose_similarity

from ..bridge import exchange, splats, state
from ..core import exports

_log = logging.getLogger(__name__)

AXES = (
    ("Y_DOWN", "Y down", "As COLMAP and 3DGS training write it"),
    ("Y_UP", "Y up", "As many viewers and game engines write it"),
    ("Z_UP", "Z up", "As Blender has it: nothing is turned"),
)
FORMATS = (
    ("PLY", "PLY (.ply)", "Nothing is lost, also not what other programs added"),
    ("SPLAT", "Splat (.splat)", "Small; without view-dependent colours"),
    ("SPZ", "SPZ (.spz)", "Very small; rounded"),
    ("COMPRESSED", "Compressed PLY (.compressed.ply)", "Small; rounded"),
)
#: Files from this size on are imported beside Blender, where it has a window.
LARGE_BYTES = 64 << 20
_TICK_SECONDS = 0.05

#: Called in turn until they return True; True makes them stop.
_under_way: list[Callable[[bool], bool]] = []


class SPLATCUT_OT_import_splats(bpy.types.Operator, ImportHelper):
    """Import Gaussian splats; everything in the file is kept and exported again"""

    bl_idname = "splatcut.import_splats"
    bl_label = "Import Splats"
    # The undo step is pushed when the splats are there, which may be after this operator's end.
    bl_options = {"REGISTER"}

    filter_glob: StringProperty(  # type: ignore[valid-type]
        default="*.ply;*.splat;*.spz;*.sog;meta.json", options={"HIDDEN"}
    )
    files: CollectionProperty(type=bpy.types.OperatorFileListElement, options={"HIDDEN", "SKIP_SAVE"})  # type: ignore[valid-type]
    directory: StringProperty(subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"})  # type: ignore[valid-type]
    axes: EnumProperty(  # type: ignore[valid-type]
        name="File's Axes",
        description="Turns the object so that up is up in Blender. The data stay as they are in the file",
        items=AXES,
        default="Y_DOWN",
    )
    drop_invalid: BoolProperty(  # type: ignore[valid-type]
        name="Leave Out Invalid",
        description="Leave out Gaussians with values that are no numbers, instead of refusing the file",
        default=False,
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Any:
        """Asks for files; for dropped ones only how."""
        return self.invoke_popup(context)

    def execute(self, context: bpy.types.Context) -> Any:
        """Imports all files; what goes well stays also where another file is bad."""
        problems, started = [], 0
        for path in self._paths():
            try:
                self._import(context, path)
                started += 1
            except UserError as error:
                problems.append(str(error))
        for problem in problems:
            self.report({"ERROR"}, problem)
        return {"FINISHED"} if started else {"CANCELLED"}

    def _paths(self) -> list[Path]:
        folder = Path(bpy.path.abspath(self.directory)) if self.directory else None
        names = [item.name for item in self.files if item.name]
        if folder is not None and names:
            return [folder / name for name in names]
        if not self.filepath:
            return []
        return [Path(bpy.path.abspath(self.filepath))]

    def _import(self, context: bpy.types.Context, path: Path) -> None:
        loading = exchange.Loading(path, drop_invalid=self.drop_invalid)
        target = _Target(context, path, np.array(exports.world_from_file(self.axes)))
        if not bpy.app.background and (loading.stage != "Reading" or path.stat().st_size >= LARGE_BYTES):
            _go_on(_importing(loading, target))
            return
        manager = context.window_manager
        manager.progress_begin(0, 100)
        try:
            read = loading.wait()
            manager.progress_update(40)
            target.place(read, lambda fraction: manager.progress_update(40 + int(60 * fraction)))
        finally:
            manager.progress_end()
            loading.close()
        self.report({"INFO"}, exports.imported_sentence(read, path))


class _Target:
    """Where splats go, by name: what was current when the import began may be gone at its end."""

    def __init__(self, context: bpy.types.Context, path: Path, matrix: np.ndarray) -> None:
        self.path = path
        self._matrix = matrix
        self._scene = context.scene.name
        self._collection = context.collection.name if context.collection is not None else ""

    def place(self, read: SplatFile, progress: Callable[[float], None] | None = None) -> None:
        """Makes the object, selects it alone and pushes the undo step."""
        context = bpy.context
        scene = bpy.data.scenes.get(self._scene) or context.scene
        collection = bpy.data.collections.get(self._collection) or scene.collection
        if collection.library is not None:
            collection = scene.collection
        made = splats.create(
            context,
            read,
            exports.object_name(self.path),
            collection=collection,
            matrix=self._matrix,
            source=self.path,
            progress=progress,
        )
        layer = context.view_layer
        layer.update()  # before that it does not know of the new object
        if made.name in layer.objects:
            for obj in list(layer.objects.selected):
                obj.select_set(False)
            made.select_set(True)
            layer.objects.active = made
        _push_undo("Import Splats")


class SPLATCUT_OT_export_splats(bpy.types.Operator, ExportHelper):
    """Export splat objects. What was not edited comes out as it was imported, bit by bit, in a PLY"""

    bl_idname = "splatcut.export_splats"
    bl_label = "Export Splats"
    bl_options = {"REGISTER"}

    filename_ext = ".ply"
    filter_glob: StringProperty(default="*.ply;*.splat;*.spz", options={"HIDDEN"})  # type: ignore[valid-type]
    check_extension = False
    what: EnumProperty(  # type: ignore[valid-type]
        name="Objects",
        items=(
            ("SELECTED", "Selected", "The selected splat objects"),
            ("SCENE", "Scene", "All splat objects of the scene"),
            ("RESULTS", "Results", "The objects and the background that were cut from the active splat"),
        ),
        default="SELECTED",
    )
    file_format: EnumProperty(name="Format", items=FORMATS, default="PLY")  # type: ignore[valid-type]
    apply_transform: BoolProperty(  # type: ignore[valid-type]
        name="Apply Transform",
        description="Write the splats as they stand in Blender's world instead of in the frame of their file",
        default=False,
    )

    replace: BoolProperty(  # type: ignore[valid-type]
        name="Replace Files",
        description="With several objects: write over files that are there already",
        default=False,
    )

    def draw(self, context: bpy.types.Context) -> None:
        """Draws the options."""
        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "what")
        layout.prop(self, "file_format")
        layout.prop(self, "apply_transform")
        if len(_chosen(context, self.what)) > 1:
            layout.prop(self, "replace")
            column = layout.column(align=True)
            column.label(text="Each object's file is", icon="INFO")
            column.label(text="named after the object.", icon="BLANK1")

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Any:
        """Proposes a file named after the object."""
        chosen = _chosen(context, self.what)
        if not chosen and not self.properties.is_property_set("what"):
            self.what = "SCENE"
            chosen = _chosen(context, self.what)
        if not self.filepath and chosen:
            folder = Path(bpy.data.filepath).parent if bpy.data.filepath else Path()
            self.filepath = str(folder / (exports.file_stem(chosen[0].name) + exports.SUFFIXES[self.file_format]))
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def check(self, context: bpy.types.Context) -> bool:
        """Keeps suffix and format together in the file browser."""
        path = exports.with_format(self.filepath, self.file_format)
        changed = path != self.filepath
        self.filepath = path
        return changed

    def execute(self, context: bpy.types.Context) -> Any:
        """Writes each object's file in one step; a file that is there is replaced."""
        try:
            targets = self._targets(context)
        except UserError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        manager = context.window_manager
        manager.progress_begin(0, max(len(targets), 1))
        try:
            for number, (obj, path) in enumerate(targets):
                self._export(obj, path)
                manager.progress_update(number + 1)
        except UserError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        finally:
            manager.progress_end()
        return {"FINISHED"}

    def _targets(self, context: bpy.types.Context) -> list[tuple[Any, Path]]:
        context.view_layer.update()  # a script may have moved objects just now
        objects = _chosen(context, self.what)
        if not objects:
            where = {"SELECTED": "Nothing that is selected", "SCENE": "Nothing in this scene"}
            raise UserError(f"{where.get(self.what, 'Nothing')} is a splat object. Select one, or import one first.")
        if not self.filepath:
            raise UserError("There is no path to export to. Give a file's path.")
        path = exports.with_suffix(Path(bpy.path.abspath(self.filepath)), self.file_format)
        exports.check_target(path)
        if self.apply_transform:
            for obj in objects:  # all before the first is written
                try:
                    decompose_similarity(np.array(obj.matrix_world))
                except UserError as error:
                    raise UserError(f"The transform of {obj.name!r} cannot be applied. {error}") from error
        paths = exports.paths_for([obj.name for obj in objects], path)
        if len(paths) > 1 and not self.replace:  # the file browser asked about one name only
            exports.check_free(paths)
        return list(zip(objects, paths, strict=True))

    def _export(self, obj: Any, path: Path) -> None:
        written = splats.read(obj, np.array(obj.matrix_world) if self.apply_transform else None)
        exports.check_exportable(written, obj.name)
        storing = exchange.Storing(path, written)
        if bpy.app.background:
            try:
                self._tell(storing.wait(), path)
            finally:
                storing.close()
        elif (lost := storing.step()) is not None:
            self._tell(lost, path)
            storing.close()
        else:
            _go_on(_exporting(storing))

    def _tell(self, lost: tuple[str, ...], path: Path) -> None:
        for sentence in lost:
            self.report({"WARNING"}, sentence)
        self.report({"INFO"}, f"Wrote {path}.")


class SPLATCUT_OT_apply_transform(bpy.types.Operator):
    """Apply location, rotation and scale to the Gaussians and their colours; Blender's own Apply moves only centres"""

    bl_idname = "splatcut.apply_transform"
    bl_label = "Apply Splat Transform"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Splat objects must be selected."""
        if not _chosen(context, "SELECTED"):
            cls.poll_message_set("Select a splat object first.")  # type: ignore[attr-defined]
            return False
        return True

    def execute(self, context: bpy.types.Context) -> Any:
        """Changes all or nothing."""
        context.view_layer.update()
        objects = _chosen(context, "SELECTED")
        try:
            for obj in objects:
                splats.check_own_data(obj)
                decompose_similarity(np.array(obj.matrix_world))
            for obj in objects:
                splats.apply_transform(obj)
        except UserError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class SPLATCUT_FH_splats(bpy.types.FileHandler):
    """Takes splat files that are dropped on a 3D view or the outliner."""

    bl_idname = "SPLATCUT_FH_splats"
    bl_label = "Gaussian Splats"
    bl_import_operator = "splatcut.import_splats"
    bl_export_operator = "splatcut.export_splats"
    bl_file_extensions = ".ply;.splat;.spz;.sog"

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        """Whether a file may be dropped here."""
        return context.area is not None and context.area.type in ("VIEW_3D", "OUTLINER")


def _chosen(context: bpy.types.Context, what: str) -> list[Any]:
    if what == "SELECTED":
        return [obj for obj in context.view_layer.objects.selected if splats.is_splat(obj)]
    found = [obj for obj in context.scene.objects if splats.is_splat(obj)]
    if what == "SCENE":
        return found
    active = splats.active(context)
    uid = active.splatcut.uid if active is not None else None  # type: ignore[attr-defined]
    return [obj for obj in found if obj.splatcut.result_of and obj.splatcut.result_of == uid]  # type: ignore[attr-defined]


# ------------------------------------------------------------------------------------------------- beside Blender


def _importing(loading: exchange.Loading, target: _Target) -> Callable[[bool], bool]:
    def step(stop: bool) -> bool:
        try:
            if stop:
                raise UserError(f"The import of {target.path.name} was stopped.")
            read = loading.step()
            if read is None:
                return _show_job("import", loading.stage, target.path)
            target.place(read)
            state.say(exports.imported_sentence(read, target.path))
        except UserError as error:
            state.say(str(error), "INFO" if stop else "ERROR")
        except Exception as error:
            _log.exception("The import failed.")
            state.say(f"The import of {target.path} failed ({error}). See Blender's console.", "ERROR")
        loading.close()
        _end_job("import")
        return True

    return step


def _exporting(storing: exchange.Storing) -> Callable[[bool], bool]:
    def step(stop: bool) -> bool:
        try:
            if stop:
                raise UserError(f"The export to {storing.path.name} was stopped.")
            lost = storing.step()
            if lost is None:
                return _show_job("export", "Writing", storing.path)
            state.say(" ".join([f"Wrote {storing.path}.", *lost]), "WARNING" if lost else "INFO")
        except UserError as error:
            state.say(str(error), "INFO" if stop else "ERROR")
        except Exception as error:
            _log.exception("The export failed.")
            state.say(f"The export to {storing.path} failed ({error}). See Blender's console.", "ERROR")
        storing.close()
        _end_job("export")
        return True

    return step


def _show_job(kind: str, stage: str, path: Path) -> bool:
    if state.job is None or (state.job.kind == kind and state.job.stage != stage):
        state.set_job(state.JobStatus(kind, stage, None, None, f"{stage} {path.name}"))
    return False


def _end_job(kind: str) -> None:
    if state.job is not None and state.job.kind == kind:
        state.set_job(None)


def cancel() -> bool:
    """Stops the import or export that is shown; whether there was one."""
    if not _under_way:
        return False
    _under_way.pop(0)(True)
    return True


def _go_on(step: Callable[[bool], bool]) -> None:
    _under_way.append(step)
    if not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=_TICK_SECONDS, persistent=True)


def _tick() -> float | None:
    if _under_way and _under_way[0](False):
        _under_way.pop(0)
    return _TICK_SECONDS if _under_way else None


def _push_undo(message: str) -> None:
    if bpy.app.background:
        return
    windows = bpy.context.window_manager.windows
    if bpy.context.window is None and len(windows):
        with bpy.context.temp_override(window=windows[0]):
            bpy.ops.ed.undo_push(message=message)
    elif bpy.context.window is not None:
        bpy.ops.ed.undo_push(message=message)


def _import_entry(self: Any, context: bpy.types.Context) -> None:
    self.layout.operator(SPLATCUT_OT_import_splats.bl_idname, text="Gaussian Splats (.ply, .splat, .spz, .sog)")


def _export_entry(self: Any, context: bpy.types.Context) -> None:
    self.layout.operator(SPLATCUT_OT_export_splats.bl_idname, text="Gaussian Splats (.ply, .splat, .spz)")


def _apply_entry(self: Any, context: bpy.types.Context) -> None:
    self.layout.separator()
    self.layout.operator(SPLATCUT_OT_apply_transform.bl_idname)


CLASSES = (SPLATCUT_OT_import_splats, SPLATCUT_OT_export_splats, SPLATCUT_OT_apply_transform, SPLATCUT_FH_splats)

_MENUS = (
    ("TOPBAR_MT_file_import", _import_entry),
    ("TOPBAR_MT_file_export", _export_entry),
    ("VIEW3D_MT_object_apply", _apply_entry),
)


def register() -> None:
    """Adds the menu entries."""
    for menu, entry in _MENUS:
        getattr(bpy.types, menu).append(entry)


def unregister() -> None:
    """Takes the menu entries away and stops what is under way."""
    while cancel():
        pass
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    for menu, entry in _MENUS:
        getattr(bpy.types, menu).remove(entry)
