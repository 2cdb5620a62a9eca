# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user should do next, in every state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Situation:
    """Where the user is.

    Attributes:
        splat: name of the active splat, "" for none.
        engine_problem: why the engine cannot be started, "" when it can.
        job: kind of what is being worked on ("run", "heal", "match", "preview", "views", "environment", "import",
            "export"), "" for nothing.
        objects: how many are in the list; ready: how many of them have a click or a box on them.
        active: name of the chosen object, "" for none; active_ready: whether it has a click or a box on it.
        preview: "none", "early" (from the clicked views alone), "stale" or "ready".
        views_missing: the chosen source of views is not filled in, and what it lacks; "" when all is there.
        results: a run's objects are there; hidden: the splat itself is hidden, as a run leaves it.
        tool: the prompt tool is the active one.
        outdated: how many splats of the file an earlier Blender has saved, so that this one does not draw them.
        mode: name of the mode that Blender is in, "" in object mode, the only one in which one can click.
    """

    splat: str = ""
    engine_problem: str = ""
    job: str = ""
    objects: int = 0
    ready: int = 0
    active: str = ""
    active_ready: bool = False
    preview: Literal["none", "early", "stale", "ready"] = "none"
    views_missing: str = ""
    results: bool = False
    hidden: bool = False
    tool: bool = False
    outdated: int = 0
    mode: str = ""


@dataclass(frozen=True)
class Hint:
    """A sentence for the panel's top.

    Attributes:
        text: what to do next, full sentences.
        operator: idname of the operator that does it, "" when there is no button for it; button: its text.
        warning: something is in the way.
    """

    text: str
    operator: str = ""
    button: str = ""
    warning: bool = False


#: Stands for making the prompt tool the active one.
TOOL = "wm.tool_set_by_id"
#: Makes splats of an earlier Blender those of this one.
UPGRADE = "splatcut.upgrade"
#: Makes the engine's environment; the preferences know others.
ENVIRONMENT = "splatcut.create_environment"

_JOBS = {
    "run": "The objects are being cut out. You can keep working in Blender in the meantime.",
    "heal": "The hole is being filled. You can keep working in Blender in the meantime.",
    "match": "The colours are being matched. You can keep working in Blender in the meantime.",
    "views": "The views are being loaded.",
    "environment": "The engine's environment is being created. This takes a few minutes, but only once.",
    "import": "The splat is being imported.",
    "export": "The splats are being exported.",
}


def hints(now: Situation) -> tuple[Hint, ...]:
    """The next step, after what is in its way."""
    if now.job in _JOBS:
        return (Hint(_JOBS[now.job]),)
    in_the_way = []
    if now.engine_problem:
        in_the_way.append(
            Hint(
                f"{now.engine_problem} Without it you can import and click, but not preview or cut.",
                ENVIRONMENT,
                "Create Environment",
                warning=True,
            )
        )
    if now.outdated:
        which = "A splat in this file was" if now.outdated == 1 else f"{now.outdated} splats in this file were"
        in_the_way.append(
            Hint(
                f"{which} saved by an earlier version of Blender. After conversion, Blender itself draws and renders "
                "splats; nothing is lost.",
                UPGRADE,
                "Use Blender's Splats",
                warning=True,
            )
        )
    return (*in_the_way, _next(now))


def _next(now: Situation) -> Hint:
    if not now.splat:
        return Hint("Import a splat (step 1), or select one in the viewport or the outliner.")
    if now.mode:
        return Hint(f"Blender is in {now.mode}. Return to object mode (Tab, or the menu at the top left) to click.")
    if now.hidden:
        return _after_run(now)
    if not now.ready:
        return _first_click(now)
    if now.job == "preview":
        return Hint("The preview is being computed. You can keep clicking.")
    if now.views_missing:
        return Hint(f"{now.views_missing} Or switch to virtual views in step 3.", warning=True)
    if now.active and not now.active_ready:
        return Hint(f"Click on {now.active!r} in the viewport, or remove it from the list: it has no clicks yet.")
    if now.preview in ("none", "stale") and not now.engine_problem:
        text = "The preview is out of date." if now.preview == "stale" else "See what would be cut out."
        return Hint(text, "splatcut.preview", "Update Preview")
    if now.preview == "early":
        return Hint("This is a first look, from the views you clicked in. The other views follow.")
    if now.engine_problem:
        return Hint("Your clicks are kept. You can preview and cut once the engine is installed.")
    return Hint(
        "Does the tint cover the object? If not, click on what is missing and Ctrl-click on what does not belong to "
        "it. If so, cut (step 4).",
    )


def _first_click(now: Situation) -> Hint:
    if not now.tool:
        return Hint("Activate the SplatCut tool, then click on what you want to cut out.", TOOL, "Click on Objects")
    if not now.objects:
        return Hint(
            "Click on what you want to cut out, or drag a box around it. It then appears in the list in step 2."
        )
    return Hint(f"Click on {now.active or 'the object'!r} in the viewport, or drag a box around it.")


def _after_run(now: Situation) -> Hint:
    if now.results:
        return Hint(
            "Done: each object is now a separate splat. Export the objects (step 5), or go back to the splat to make "
            "corrections.",
            "splatcut.show_source",
            "Back to the Splat",
        )
    return Hint(f"The splat {now.splat!r} is hidden. Show it to click on it.", "splatcut.show_source", "Show Splat")
