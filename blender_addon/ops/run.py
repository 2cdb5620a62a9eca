# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The run, and what else makes splats from a cut: in the background with progress in a window, blocking in
``blender -b``."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import bpy
from bpy.app.handlers import persistent
from bpy.props import BoolProperty

from splatcut.errors import UserError
from splatcut.messages import Job
from splatcut.messages import worker as messages

from ..bridge import prompts, results, scenes, splats, state, transfers, transforms, undo, views, worker
from ..core import jobs, moves
from ..core.client import Outcome
from ..core.prompts import build_objects, ready_uids
from ..core.session import Task
from . import preview
from .common import SplatOperator

#: Seconds that results wait for a transform in the viewport to end, at most.
PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Kind:
    """What is said of a kind of work.

    Attributes:
        job: as in ``JobStatus``; step: the name of its undo step.
        waits: that its result waits for object mode.
        stopped, put_off: that it was stopped while it was on, and while its result waited.
        lost: what else to say when the engine died.
    """

    job: str
    step: str
    waits: str
    stopped: str
    put_off: str
    lost: str = ""


_CUT = Kind(
    "run",
    "Cut Objects",
    "The cut is done. The objects appear as soon as you return to object mode.",
    "Stopped. Finished stages are kept: cutting again with the same settings continues from there.",
    "Stopped. The result is kept: cutting again with the same settings delivers it at once.",
    " Finished stages are kept.",
)


@dataclass
class Running:
    """The work that is on.

    Attributes:
        uid: of the splat object.
        deliver: makes splats of the engine's result; returns a sentence that says so.
        delivered, problem: how it ended, a sentence.
    """

    uid: str
    kind: Kind
    deliver: Callable[[Any], str]
    task: Task | None = None
    job: Job | None = None
    delivered: str | None = None
    problem: str | None = None
    cancelled: bool = False
    warnings: tuple[str, ...] = ()
    result: Any = None
    came: float = 0.0


_running: Running | None = None


def start(context: bpy.types.Context, uid: str, *, fresh: bool = False) -> Running:
    """Asks the worker to run the job of a splat object.

    Args:
        fresh: compute anew what an earlier run of the same job has finished.

    Raises:
        UserError: there is nothing to run, or one is on.
    """
    check_free()
    obj = scenes.find(uid)
    moved = transforms.moves_of(obj)
    if any(move.is_wrong for move in moved):
        raise UserError(moves.sentence(obj.name, moved))
    settings: Any = obj.splatcut  # type: ignore[attr-defined]
    placed, placed_views = prompts.read(settings)
    objects, inline = build_objects(placed, placed_views, splats.world_offset(obj))
    sources = views.sources(context, obj)
    options = jobs.options_of(settings, worker.option("device", "auto"), worker.model())
    runs = scenes.folder(uid) / "runs"
    job = jobs.build_job(scenes.working_folder(uid) / "scene.ply", runs, objects, sources, inline, options)
    worker.python()  # a missing environment is told at once
    names, uids = tuple(item.name for item in objects), ready_uids(placed)

    def deliver(result: messages.RunResult) -> str:
        collection = results.deliver(bpy.context, uid, result, names, uids)
        count = len(result.objects)
        return f"Done: {count} object{'s' if count != 1 else ''} cut out, in the collection {collection.name!r}."

    def make() -> messages.Run:
        if fresh:
            jobs.remove(job.out)
        jobs.remove_old_runs(runs, job.out)
        return messages.Run(replace(job, scene=scenes.write(uid, run=True)), force=True)

    return begin(Running(uid, _CUT, deliver, job=job), make)


def check_free() -> None:
    """Raises ``UserError`` when something is on already."""
    if _running is not None:
        raise UserError("A run is already in progress. Wait for it to finish, or cancel it first.")


def begin(running: Running, request: messages.Request | Callable[[], messages.Request]) -> Running:
    """Asks the worker for it. The caller has seen that nothing else is on."""
    global _running
    preview.suspend()
    running.task = Task(
        request,
        on_reply=lambda outcome: _answered(running, outcome),
        on_event=lambda event: _event(running, event),
    )
    _running = running
    state.say("")
    state.set_job(state.JobStatus(running.kind.job, "start", 0.0, None, "Starting the engine", running.uid))
    worker.submit(running.task)
    return running


def cancel() -> bool:
    """Stops what is being worked on; returns whether there was something."""
    if _running is not None and _running.result is not None:  # it only waits for the user's hands to be free
        _running.cancelled = True
        _running.problem = _running.kind.put_off
        _finish(_running)
        return True
    if state.job is not None:
        state.set_job(replace(state.job, cancelling=True, message="Stopping"))
    if _running is not None and _running.task is not None:
        worker.session().cancel(_running.task)
        return True
    current = worker.session().current
    if current is not None:
        worker.session().cancel(current)
        return True
    return False


def _event(running: Running, event: messages.Event) -> None:
    if running is not _running:
        return
    if isinstance(event, messages.ProgressEvent):
        before = state.job
        if before is None or before.kind != running.kind.job:
            return
        # A bar that goes back looks broken; a run that starts again after a lost worker may be behind.
        fraction = max(event.fraction, before.fraction or 0.0)
        text = "Stopping" if before.cancelling else jobs.progress_text(event)
        state.set_job(replace(before, stage=event.stage, fraction=fraction, eta=event.eta, message=text))
    elif isinstance(event, messages.LogEvent):
        state.say(event.message, "WARNING")


def _answered(running: Running, outcome: Outcome) -> None:
    if running is not _running:
        return  # another .blend was opened meanwhile
    if outcome.problem is not None:
        running.cancelled = outcome.problem.kind == "cancelled"
        lost = outcome.problem.lost_worker and outcome.problem.kind == "died"
        hint = running.kind.lost if lost else ""
        running.problem = running.kind.stopped if running.cancelled else f"{outcome.problem.message}{hint}"
        _finish(running)
        return
    running.result, running.came = outcome.result, time.monotonic()
    if bpy.app.background or not _hands_are_full():
        _deliver(running)
    else:
        state.set_job(
            state.JobStatus(
                running.kind.job, "deliver", 1.0, 0.0, "Return to object mode to get the result", running.uid
            )
        )
        state.say(running.kind.waits)
        bpy.app.timers.register(_deliver_later, first_interval=0.3, persistent=True)


def _hands_are_full() -> bool:
    """Whether the user is in a mode or in the middle of a transform, where new objects would break the undo history."""
    layer = bpy.context.view_layer
    active = layer.objects.active if layer is not None else None
    if active is not None and active.mode != "OBJECT":
        return True
    for manager in bpy.data.window_managers:
        for window in manager.windows:
            for operator in getattr(window, "modal_operators", ()):
                if operator.bl_idname.startswith(("TRANSFORM_OT", "SPLATCUT_OT")):
                    return True
    return False


def _deliver_later() -> float | None:
    running = _running
    if running is None or running.result is None:
        return None
    layer = bpy.context.view_layer
    active = layer.objects.active if layer is not None else None
    in_mode = active is not None and active.mode != "OBJECT"
    if _hands_are_full() and (in_mode or time.monotonic() - running.came < PATIENCE_SECONDS):
        return 0.3
    _deliver(running)
    return None


def _deliver(running: Running) -> None:
    assert running.result is not None
    try:
        running.delivered = running.deliver(running.result)
        running.warnings = running.result.warnings
        undo.push(running.kind.step)
    except (UserError, OSError, RuntimeError) as error:
        where = running.result.out if isinstance(running.result, messages.RunResult) else running.result.file
        running.problem = f"{error} The results are in {where}."
    _finish(running)


def _finish(running: Running) -> None:
    global _running
    if _running is running:
        _running = None
    state.set_job(None)
    if running.problem is not None:
        state.say(running.problem, "INFO" if running.cancelled else "ERROR")
    elif running.warnings:
        state.say(" ".join(running.warnings), "WARNING")
    else:
        state.say(running.delivered or "")
    preview.check_all()


class Cutting(SplatOperator):
    """Base of operators that start a run: in a window they end at once, in a script they wait for it."""

    report: Any
    #: (context, uid) -> Running: starts the work. Raises ``UserError``.
    begin: Any

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Not while another run is on."""
        if _running is not None:
            cls.poll_message_set("A run is in progress. Wait for it to finish, or cancel it.")  # type: ignore[attr-defined]
            return False
        return super().poll(context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """From a button."""
        if bpy.app.background:
            return self.execute(context)
        return {"FINISHED"} if self._start(context) is not None else {"CANCELLED"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """From a script."""
        running = self._start(context)
        if running is None:
            return {"CANCELLED"}
        assert running.task is not None
        worker.wait(running.task)
        for warning in running.warnings:
            self.report({"WARNING"}, warning)
        if running.problem is not None:
            self.report({"ERROR"}, running.problem)
            return {"CANCELLED"}
        return {"FINISHED"}

    def _start(self, context: bpy.types.Context) -> Running | None:
        obj: Any = splats.active(context)
        try:
            return self.begin(context, obj.splatcut.uid)
        except UserError as error:
            self.report({"ERROR"}, str(error))
            state.say(str(error), "ERROR")
            return None


class SPLATCUT_OT_run(Cutting, bpy.types.Operator):
    """Cut the objects out: find them in all views, label the Gaussians, refine edges, and make each a splat object"""

    bl_idname = "splatcut.run"
    bl_label = "Cut Objects"
    # No UNDO: the objects arrive later, and their arrival is the step.
    bl_options = {"REGISTER"}

    fresh: BoolProperty(  # type: ignore[valid-type]
        name="Start Over",
        description="Recompute stages that an earlier run with the same settings has finished",
        default=False,
        options={"SKIP_SAVE"},
    )

    def begin(self, context: bpy.types.Context, uid: str) -> Running:
        return start(context, uid, fresh=self.fresh)


class SPLATCUT_OT_keep_islands(Cutting, bpy.types.Operator):
    """Cut again and keep stray parts with their objects. The results of the last cut are reused"""

    bl_idname = "splatcut.keep_islands"
    bl_label = "Keep Stray Parts"
    bl_options = {"REGISTER"}

    def begin(self, context: bpy.types.Context, uid: str) -> Running:
        settings: Any = splats.active(context).splatcut  # type: ignore[union-attr]
        before = settings.keep_islands
        settings.keep_islands = True
        try:
            return start(context, uid)
        except UserError:
            settings.keep_islands = before
            raise


class SPLATCUT_OT_cancel(bpy.types.Operator):
    """Stop what the engine is working on. Finished stages of a run are kept"""

    bl_idname = "splatcut.cancel"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        from . import environment

        kind = state.job.kind if state.job else ""
        others = {"environment": environment.cancel, "import": transfers.cancel, "export": transfers.cancel}
        if not others.get(kind, cancel)():
            self.report({"INFO"}, "The engine is not working on anything.")
        return {"FINISHED"}


CLASSES = (SPLATCUT_OT_run, SPLATCUT_OT_keep_islands, SPLATCUT_OT_cancel)


@persistent
def _on_load(*_: object) -> None:
    """Another .blend is open: the run that is on was for the last one, which can go on with it when it is back."""
    abandon()


def abandon() -> None:
    """Stops the run without a word; what it has finished is kept."""
    global _running
    running, _running = _running, None
    if bpy.app.timers.is_registered(_deliver_later):
        bpy.app.timers.unregister(_deliver_later)
    if running is not None and running.task is not None:
        worker.session().cancel(running.task)


def register() -> None:
    """Starts to follow opened files."""
    bpy.app.handlers.load_post.append(_on_load)


def unregister() -> None:
    """Stops waiting for results; the run itself ends with the worker and continues with the next."""
    if _on_load in bpy.app.handlers.load_post:
        bpy.app.handlers.load_post.remove(_on_load)
    abandon()
