# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the operators on objects and prompts share."""

from __future__ import annotations

from typing import Any

import bpy

from splatcut.errors import UserError

from ..bridge import prompts, splats, state, worker
from ..core.session import Task
from . import preview

NO_SPLAT = "Select a splat: import one in step 1, or click one in the viewport or the Outliner."


class SplatOperator:
    """Base of operators that need an active splat object."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Says in the tooltip of the greyed button what is missing."""
        if splats.active(context) is None:
            cls.poll_message_set(NO_SPLAT)  # type: ignore[attr-defined]
            return False
        return True


class WorkerOperator(SplatOperator):
    """Base of operators that ask the worker something about the active splat: in a window they end at once and the
    panel tells the answer, in a script they wait for it."""

    report: Any
    #: (context, uid) -> Task: sends the request. Raises ``UserError``.
    ask: Any
    #: (outcome) -> None: reports a good answer to a script.
    tell: Any

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """From a button."""
        if bpy.app.background:
            return self.execute(context)
        return {"FINISHED"} if self._start(context) is not None else {"CANCELLED"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """From a script."""
        task = self._start(context)
        if task is None:
            return {"CANCELLED"}
        outcome = worker.wait(task)
        if outcome.problem is not None:
            self.report({"ERROR"}, outcome.problem.message)
            return {"CANCELLED"}
        self.tell(outcome)
        return {"FINISHED"}

    def _start(self, context: bpy.types.Context) -> Task | None:
        obj: Any = splats.active(context)
        try:
            return self.ask(context, obj.splatcut.uid)
        except UserError as error:
            self.report({"ERROR"}, str(error))
            state.say(str(error), "ERROR")
            return None


def active_splat(context: bpy.types.Context) -> Any:
    """The splat object that is worked on. Raises ``UserError`` when there is none or it cannot be changed."""
    obj = splats.active(context)
    if obj is None:
        raise UserError(NO_SPLAT)
    if obj.library is not None:
        raise UserError(
            f"The splat {obj.name!r} is linked from another file and cannot be changed here. Make it local first "
            "(Object > Relations > Make Local)."
        )
    return obj


def chosen(settings: Any, index: int) -> int:
    """``index``, or that of the active object for -1. Raises ``UserError`` when there is no such object."""
    found = settings.active_object if index == -1 else index
    if not 0 <= found < len(settings.objects):
        raise UserError("The list has no such object. Add one in step 2.")
    return found


def changed(obj: Any) -> None:
    """To be called at the end of every change of prompts: what nobody needs goes, and the preview follows."""
    prompts.prune_views(obj.splatcut)
    # The Gaussians have not changed: no update_tag, which would have all of them compared before their next use.
    state.tag_redraw()
    preview.request(obj.splatcut.uid)


def refuse(operator: Any, error: UserError | str, *, gently: bool) -> set[str]:
    """Ends an operator with a sentence: gently for a hand on a mouse, as an error for a script."""
    operator.report({"WARNING"} if gently else {"ERROR"}, str(error))
    return {"CANCELLED"}
