# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Having the engine look at the scene, its views and photos before anything is cut."""

from typing import Any

import bpy

from splatcut.messages import worker as messages

from ..bridge import prompts, scenes, state, views, worker
from ..core import findings, jobs
from ..core.client import Outcome
from ..core.prompts import build_objects
from ..core.session import Task
from .common import WorkerOperator


class SPLATCUT_OT_check(WorkerOperator, bpy.types.Operator):
    """Look for anything in the splat, its cameras and their photos that would stop or spoil a cut"""

    bl_idname = "splatcut.check"
    bl_label = "Check Input"
    bl_options = {"REGISTER"}

    def ask(self, context: bpy.types.Context, uid: str) -> Task:
        return check(context, uid)

    def tell(self, outcome: Outcome) -> None:
        text, level = findings.summary(outcome.result.findings)
        self.report({"WARNING" if level == "ERROR" else level}, text)


def check(context: bpy.types.Context, uid: str) -> Task:
    """Asks the worker for the findings about a splat object. Raises ``UserError``."""
    obj: Any = scenes.find(uid)
    _, inline = build_objects(*prompts.read(obj.splatcut))
    worker.python()  # a missing environment is told at once

    def answered(outcome: Outcome) -> None:
        if state.job is not None and state.job.kind == "views":
            state.set_job(None)
        if outcome.problem is not None:
            state.say(outcome.problem.message, "INFO" if outcome.problem.kind == "cancelled" else "ERROR")
            return
        state.findings[uid] = outcome.result
        state.say(*findings.summary(outcome.result.findings))

    def heard(event: messages.Event) -> None:
        if isinstance(event, messages.ProgressEvent) and state.job is not None and state.job.kind == "views":
            text = jobs.progress_text(event)
            state.set_job(state.JobStatus("views", event.stage, event.fraction, event.eta, text, uid))

    task = Task(
        messages.Check(),
        scene=scenes.scene(uid),
        views=jobs.set_views(views.sources(context, obj), inline),
        on_reply=answered,
        on_event=heard,
        slot=("check", uid),
    )
    if state.job is None or state.job.kind == "preview":
        state.set_job(state.JobStatus("views", message="Checking the input", scene=uid))
    worker.session().forget_views()  # what stands on the disk may have changed
    return worker.submit(task)


CLASSES = (SPLATCUT_OT_check,)
