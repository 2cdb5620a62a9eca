# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Import and export of splat files: operators, menu entries, drag and drop."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from bpy.props import BoolProperty, CollectionProperty, EnumProperty, StringProperty
from bpy_extras.io_utils import ExportHelper, ImportHelper

from splatcut.errors import UserError
from splatcut.formats import SplatFile
from splatcut.scene.transform import decompose_similarity, split_mirror

from ..bridge import exchange, healed, matched, splats, transfers, transforms
from ..bridge.properties import option_property
from ..core import exports, moves

AXES = (
    ("Y_DOWN", "Y down", "As written by COLMAP and 3DGS training"),
    ("Y_UP", "Y up", "As written by many viewers and game engines"),
    ("Z_UP", "Z up", "As in Blender: the object is not rotated"),
)
FORMATS = (
    ("PLY", "PLY (.ply)", "Lossless, including what other programs added"),
    ("SPLAT", "Splat (.splat)", "Small; without view-dependent colours"),
    ("SPZ", "SPZ (.spz)", "Very small; values are rounded"),
    ("COMPRESSED", "Compressed PLY (.compressed.ply)", "Small; values are rounded"),
    ("SOG", "SOG (.sog)", "Very small, for the web; values are rounded"),
    ("GLB", "glTF (.glb)", "For other programs: one file for all objects, in glTF's axes"),
    ("USD", "USD (.usdc)", "For Nuke, Houdini, Omniverse and others: one file with a prim for each object"),
)
#: Files from this size on are imported beside Blender, where it has a window.
LARGE_BYTES = 64 << 20


class SPLATCUT_OT_import_splats(bpy.types.Operator, ImportHelper):
    """Import Gaussian splats. Everything in the file is kept and written again on export"""

    bl_idname = "splatcut.import_splats"
    bl_label = "Import Splats"
    # The undo step is pushed when the splats are there, which may be after this operator's end.
    bl_options = {"REGISTER"}

    filter_glob: StringProperty(  # type: ignore[valid-type]
        default="*.ply;*.splat;*.spz;*.sog;*.ksplat;*.glb;*.gltf;*.usdc;*.usda;*.usd;*.usdz;meta.json",
        options={"HIDDEN"},
    )
    files: CollectionProperty(type=bpy.types.OperatorFileListElement, options={"HIDDEN", "SKIP_SAVE"})  # type: ignore[valid-type]
    directory: StringProperty(subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"})  # type: ignore[valid-type]
    axes: EnumProperty(  # type: ignore[valid-type]
        name="File Axes",
        description="Rotate the object so that up in the file is up in Blender. The data itself is not changed",
        items=AXES,
        default="Y_DOWN",
    )
    drop_invalid: option_property("drop_invalid")  # type: ignore[valid-type]
    antialiased: option_property("antialiased")  # type: ignore[valid-type]
    spz_axes: option_property("spz_axes")  # type: ignore[valid-type]

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
        loading = exchange.Loading(
            path, drop_invalid=self.drop_invalid, antialiased=self.antialiased, spz_axes=self.spz_axes
        )
        target = transfers.Target(context, path, np.array(exports.world_from_file(self.axes)))
        if not bpy.app.background and (loading.stage != "Reading" or path.stat().st_size >= LARGE_BYTES):
            transfers.go_on(transfers.importing(loading, target))
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


class SPLATCUT_OT_export_splats(bpy.types.Operator, ExportHelper):
    """Export splat objects. In a PLY, whatever was not edited is written bit for bit as it was imported"""

    bl_idname = "splatcut.export_splats"
    bl_label = "Export Splats"
    bl_options = {"REGISTER"}

    filename_ext = ".ply"
    filter_glob: StringProperty(  # type: ignore[valid-type]
        default="*.ply;*.splat;*.spz;*.sog;*.glb;*.gltf;*.usdc;*.usda;*.usd", options={"HIDDEN"}
    )
    check_extension = False
    what: EnumProperty(  # type: ignore[valid-type]
        name="Objects",
        items=(
            ("SELECTED", "Selected", "The selected splat objects"),
            ("SCENE", "Scene", "All splat objects in the scene"),
            ("RESULTS", "Results", "The objects and the background that were cut from the active splat"),
        ),
        default="SELECTED",
    )
    file_format: EnumProperty(name="Format", items=FORMATS, default="PLY")  # type: ignore[valid-type]
    apply_transform: BoolProperty(  # type: ignore[valid-type]
        name="Apply Transform",
        description="Write the splats as they are placed in Blender's world instead of in the frame of their file",
        default=False,
    )
    moved: EnumProperty(  # type: ignore[valid-type]
        name="Moved by Blender",
        description=(
            "What to do with splats that Blender's own Apply, Join, edit mode or geometry nodes have moved without "
            "their rotations, scales and colours"
        ),
        items=(
            ("REFUSE", "Stop", "Write nothing and say what is wrong"),
            ("FOLLOW", "Repair", "Write them with matching rotations, scales and colours; the object is not changed"),
            ("KEEP", "As They Are", "Write them as they are"),
        ),
        default="REFUSE",
    )
    for_blender: BoolProperty(  # type: ignore[valid-type]
        name="Blender's Light",
        description="Write matched colours as Blender shows them, with the trained ones beside them if it is a PLY",
    )
    replace: BoolProperty(  # type: ignore[valid-type]
        name="Replace Files",
        description="When several objects are exported, overwrite existing files",
        default=False,
    )

    # Set by Blender for a collection's exporter.
    collection: StringProperty(options={"HIDDEN", "SKIP_SAVE"})  # type: ignore[valid-type]

    def draw(self, context: bpy.types.Context) -> None:
        """Draws the options."""
        layout = self.layout
        layout.use_property_split = True
        if not self.collection:
            layout.prop(self, "what")
        layout.prop(self, "file_format")
        layout.prop(self, "apply_transform")
        layout.prop(self, "moved")
        if any(map(matched.is_matched, self._objects(context))):
            layout.prop(self, "for_blender")
        if len(self._objects(context)) > 1:
            if not self.collection:
                layout.prop(self, "replace")
            column = layout.column(align=True)
            together = self.file_format in ("GLB", "USD")
            lines = (
                ("One file holds all objects,", "by their names.")
                if together
                else ("Each object's file is", "named after the object.")
            )
            column.label(text=lines[0], icon="INFO")
            column.label(text=lines[1], icon="BLANK1")

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
        manager.progress_begin(0, 100 * len(targets))
        try:
            for number, (objects, path) in enumerate(targets):
                done = 100 * number
                self._export(
                    objects, path, lambda fraction, done=done: manager.progress_update(done + int(60 * fraction))
                )
                manager.progress_update(done + 100)
        except UserError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        finally:
            manager.progress_end()
        return {"FINISHED"}

    def _targets(self, context: bpy.types.Context) -> list[tuple[list[Any], Path]]:
        context.view_layer.update()  # a script may have moved objects just now
        objects = self._objects(context)
        if not objects and self.collection:
            raise UserError(f"The collection {self.collection!r} contains no splat objects.")
        if not objects:
            where = {"SELECTED": "Nothing that is selected", "SCENE": "Nothing in this scene"}
            raise UserError(
                f"{where.get(self.what, 'Nothing')} is a splat object. Select one, or import one first."
                + "".join(f" {sentence}" for sentence in self._told_instances(context))
            )
        if not self.filepath:
            raise UserError("There is no path to export to. Enter the path of a file.")
        path = exports.with_suffix(Path(bpy.path.abspath(self.filepath)), self.file_format)
        exports.check_target(path)
        if self.apply_transform:
            for obj in objects:  # all before the first is written
                try:
                    decompose_similarity(split_mirror(np.array(obj.matrix_world))[1])
                except UserError as error:
                    raise UserError(f"The transform of {obj.name!r} cannot be applied. {error}") from error
        if self.moved != "KEEP":
            for obj in objects:
                found = transforms.moves_of(obj)
                wrong = [move for move in found if move.is_wrong]
                if wrong and (self.moved == "REFUSE" or not all(move.follows for move in wrong)):
                    raise UserError(
                        f'{moves.sentence(obj.name, found)} Or set "Moved by Blender" to another choice when exporting.'
                    )
                if found and not wrong:
                    self.report({"WARNING"}, moves.sentence(obj.name, found))
        for sentence in self._told_instances(context):
            self.report({"WARNING"}, sentence)
        paths = exports.paths_for([obj.name for obj in objects], path)
        if len(paths) > 1 and not (self.replace or self.collection):  # the file browser asked about one name only
            exports.check_free(paths)
        if len(paths) == 1:
            return [(objects, paths[0])]
        return [([obj], path) for obj, path in zip(objects, paths, strict=True)]

    def _objects(self, context: bpy.types.Context) -> list[Any]:
        if self.collection:
            collection = bpy.data.collections.get(self.collection)
            return [obj for obj in collection.all_objects if splats.is_splat(obj)] if collection else []
        return _chosen(context, self.what)

    def _told_instances(self, context: bpy.types.Context) -> list[str]:
        """Sentences about splats that are seen where they are asked for and are objects elsewhere."""
        if self.collection or self.what == "RESULTS":
            return []
        there = context.scene.objects if self.what == "SCENE" else context.view_layer.objects.selected
        return [
            f"{name!r} is a collection instance, and the splats in it are not exported. Turn them into objects with "
            "Object > Apply > Make Instances Real."
            for name in _instances(there)
        ]

    def _export(self, objects: list[Any], path: Path, progress: Callable[[float], None]) -> None:
        parts: list[tuple[str, SplatFile]] = []
        for number, obj in enumerate(objects):
            found = transforms.moves_of(obj) if self.moved == "FOLLOW" else ()
            change = (lambda gaussians, found=found: moves.follow(gaussians, found)) if found else None
            matrix = np.array(obj.matrix_world) if self.apply_transform else None

            def told(fraction: float, number: int = number) -> None:
                progress((number + fraction) / len(objects))

            written = splats.read(obj, matrix, told, change)
            exports.check_exportable(written, obj.name)
            written = matched.for_blender(obj, written, matrix, None, change) if self.for_blender else written
            self._tell_modifiers(obj)
            settings = obj.splatcut
            background = settings.result_of and healed.is_scene(settings.result_name) and all(name for name, _ in parts)
            parts.append(("" if background else obj.name, written))
        storing = exchange.Storing(path, parts)
        if bpy.app.background:
            try:
                self._tell(storing.wait(), path)
            finally:
                storing.close()
        elif (lost := storing.step()) is not None:
            self._tell(lost, path)
            storing.close()
        else:
            transfers.go_on(transfers.exporting(storing))

    def _tell_modifiers(self, obj: Any) -> None:
        names = transforms.modifiers_of(obj)
        if names:
            self.report(
                {"WARNING"},
                f"{obj.name!r} is exported without its modifier {names[0]!r}, which changes how it looks. To include "
                "it, apply the modifier first.",
            )

    def _tell(self, lost: tuple[str, ...], path: Path) -> None:
        for sentence in lost:
            self.report({"WARNING"}, sentence)
        self.report({"INFO"}, f"Wrote {path}.")


class SPLATCUT_FH_splats(bpy.types.FileHandler):
    """Takes splat files that are dropped on a 3D view or the outliner."""

    bl_idname = "SPLATCUT_FH_splats"
    bl_label = "Gaussian Splats"
    bl_import_operator = "splatcut.import_splats"
    bl_export_operator = "splatcut.export_splats"
    # Not .glb and .usd, which mostly hold no splats: Blender would ask at every drop.
    bl_file_extensions = ".ply;.splat;.spz;.sog;.ksplat"

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        """Whether a file may be dropped here."""
        return context.area is not None and context.area.type in ("VIEW_3D", "OUTLINER")


def _chosen(context: bpy.types.Context, what: str) -> list[Any]:
    if what == "SELECTED":
        return splats.selected(context)
    if what == "SCENE":
        return [obj for obj in context.scene.objects if splats.is_splat(obj)]
    active = splats.active(context)
    return splats.results(context.scene, active.splatcut.uid) if active is not None else []  # type: ignore[attr-defined]


def _instances(objects: Iterable[Any]) -> list[str]:
    """Names of the objects that only show splats of a collection, which are objects elsewhere."""
    return [
        obj.name
        for obj in objects
        if obj.instance_type == "COLLECTION"
        and obj.instance_collection is not None
        and any(splats.is_splat(other) for other in obj.instance_collection.all_objects)
    ]


def _import_entry(self: Any, context: bpy.types.Context) -> None:
    self.layout.operator(
        SPLATCUT_OT_import_splats.bl_idname, text="Gaussian Splats (.ply, .splat, .spz, .sog, .glb, .usd)"
    )


def _export_entry(self: Any, context: bpy.types.Context) -> None:
    self.layout.operator(
        SPLATCUT_OT_export_splats.bl_idname, text="Gaussian Splats (.ply, .splat, .spz, .sog, .glb, .usd)"
    )


CLASSES = (
    SPLATCUT_OT_import_splats,
    SPLATCUT_OT_export_splats,
    SPLATCUT_FH_splats,
)

_MENUS = (
    ("TOPBAR_MT_file_import", _import_entry),
    ("TOPBAR_MT_file_export", _export_entry),
)


def register() -> None:
    """Adds the menu entries."""
    for menu, entry in _MENUS:
        getattr(bpy.types, menu).append(entry)


def unregister() -> None:
    """Takes the menu entries away and stops what is under way."""
    transfers.close()
    for menu, entry in _MENUS:
        getattr(bpy.types, menu).remove(entry)
