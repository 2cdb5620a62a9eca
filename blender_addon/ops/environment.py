# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Creating and testing the worker's environment, from the preferences."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
from bpy.props import EnumProperty, StringProperty

import splatcut
from splatcut.errors import UserError

from ..bridge import state, worker
from ..core import environment
from ..core.creation import Creation, Search, Steps, Test
from ..core.jobs import bytes_text

#: The extension's own folder, with the engine's wheel in it.
EXTENSION = Path(__file__).resolve().parents[1]

#: What the last test said, for the preferences.
answer: list[str] = []

_steps: Steps | None = None
_then: Callable[[Steps], None] | None = None
#: Why what was begun last failed, "" when it did not.
_failure = ""


def cancel() -> bool:
    """Stops what is being made or tested; returns whether there was something."""
    if _steps is None:
        return False
    _steps.cancel()
    _advance()
    return True


def _begin(steps: Steps, then: Callable[[Steps], None]) -> None:
    """Shows the steps as the job that is on; the timer goes on with them, and ``then`` is called at their end."""
    global _steps, _then
    _steps, _then = steps, then
    state.set_job(state.JobStatus("environment", steps.text or "Starting", steps.fraction, started=time.monotonic()))
    if not bpy.app.background and not bpy.app.timers.is_registered(_advance):
        bpy.app.timers.register(_advance, first_interval=0.1, persistent=True)


def _advance() -> float | None:
    global _steps, _then
    steps, then = _steps, _then
    if steps is None or then is None:
        return None
    if steps.poll():
        job = state.JobStatus("environment", steps.text, steps.fraction, None, steps.line)
        shown = state.job
        if shown is None or (job.stage, job.fraction, job.message) != (shown.stage, shown.fraction, shown.message):
            state.set_job(job)
        return 0.1
    _steps = _then = None
    state.set_job(None)
    then(steps)
    return None if _steps is None else 0.1


def _finish(operator: bpy.types.Operator) -> set[str]:
    """Blocks until all that was begun is done; the operator's result."""
    while _steps is not None:
        _advance()
        time.sleep(0.02)
    if _failure:
        operator.report({"ERROR"}, _failure)
        return {"CANCELLED"}
    return {"FINISHED"}


def _fail(message: str, *, cancelled: bool = False) -> None:
    global _failure
    _failure = message
    if message:
        state.say(message, "WARNING" if cancelled else "ERROR")


class SPLATCUT_OT_create_environment(bpy.types.Operator):
    """Create the engine's Python environment. Packages are downloaded once; nothing is installed into Blender"""

    bl_idname = "splatcut.create_environment"
    bl_label = "Create Environment"
    bl_options = {"INTERNAL"}

    folder: StringProperty(name="Folder", subtype="DIR_PATH", options={"SKIP_SAVE"})  # type: ignore[valid-type]
    interpreter: StringProperty(name="Python", subtype="FILE_PATH", options={"SKIP_SAVE"})  # type: ignore[valid-type]
    build: EnumProperty(  # type: ignore[valid-type]
        name="Build",
        items=(("preferences", "As Set in the Preferences", ""), ("cpu", "CPU", ""), ("cuda", "CUDA", "")),
        default="preferences",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return _steps is None and (state.job is None or state.job.kind == "preview")

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        return {"FINISHED"} if self._start() else {"CANCELLED"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        return _finish(self) if self._start() else {"CANCELLED"}

    def _start(self) -> bool:
        chosen: Any = worker.preferences()
        python = self.interpreter or getattr(chosen, "interpreter_path", "")
        build: Any = getattr(chosen, "build", "cpu") if self.build == "preferences" else self.build
        folder = Path(bpy.path.abspath(self.folder)) if self.folder else worker.creation_folder()
        online = bool(bpy.app.online_access)
        try:
            environment.check_online(online)  # before an interpreter is looked for, which takes a while
            made_of = environment.parts(EXTENSION)
        except UserError as error:
            self.report({"ERROR"}, str(error))
            state.say(str(error), "ERROR")
            return False

        def found(search: Steps) -> None:
            assert isinstance(search, Search)
            if search.interpreter is None or search.problem is not None:
                _fail(search.problem or "Stopped.", cancelled=search.cancelled)
                return
            try:
                plan = environment.plan(folder, search.interpreter, build, made_of, online=online)
                worker.close()  # it may be running from the environment that is made anew
                creation = Creation(plan)
            except UserError as error:
                _fail(str(error))
                return
            state.say(f"{plan.text}; created with {plan.interpreter.text}.")
            _begin(creation, _created)

        answer.clear()
        _fail("")
        state.say("")
        _begin(Search(Path(bpy.path.abspath(python)) if python else None), found)
        return True


def _created(steps: Steps) -> None:
    assert isinstance(steps, Creation)
    if steps.problem is None:
        state.say(f"The engine's environment is ready in {steps.plan.folder}.")
    elif steps.cancelled:
        _fail("Stopped. The environment is incomplete; create it again before you use it.", cancelled=True)
    else:
        _fail(steps.problem)


class SPLATCUT_OT_test_environment(bpy.types.Operator):
    """Check that the engine has everything it needs"""

    bl_idname = "splatcut.test_environment"
    bl_label = "Test"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return _steps is None and (state.job is None or state.job.kind == "preview")

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        return {"FINISHED"} if self._start() else {"CANCELLED"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        if not self._start():
            return {"CANCELLED"}
        result = _finish(self)
        if result == {"FINISHED"}:
            self.report({"INFO"}, " ".join(answer))
        return result

    def _start(self) -> bool:
        try:
            steps = Test(worker.python(), splatcut.__version__)
        except UserError as error:
            answer[:] = [str(error)]
            self.report({"ERROR"}, str(error))
            return False
        answer.clear()
        _fail("")
        _begin(steps, _tested)
        return True


def _tested(steps: Steps) -> None:
    assert isinstance(steps, Test)
    answer[:] = steps.sentences or [steps.problem or ""]
    if steps.problem is not None:
        _fail(steps.problem, cancelled=steps.cancelled)
    state.changed()


class SPLATCUT_OT_clear_cache(bpy.types.Operator):
    """Delete the cached embeddings and the files of runs. Nothing in the .blend file is lost"""

    bl_idname = "splatcut.clear_cache"
    bl_label = "Clear Cache"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return state.job is None

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..bridge import scenes

        worker.close()
        freed = scenes.clear_cache()
        self.report({"INFO"}, f"Freed {bytes_text(freed)}.")
        return {"FINISHED"}


CLASSES = (SPLATCUT_OT_create_environment, SPLATCUT_OT_test_environment, SPLATCUT_OT_clear_cache)


def unregister() -> None:
    """Stops what is being made; it is made anew the next time."""
    global _steps, _then, _failure
    if bpy.app.timers.is_registered(_advance):
        bpy.app.timers.unregister(_advance)
    _failure = ""
    if _steps is not None:
        _steps.cancel()
    _steps = _then = None
    answer.clear()
