# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prompts from a file (``prompts.json``, as the command line reads it), as the .blend keeps them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from splatcut.errors import UserError
from splatcut.messages import InlineView, ObjectPrompt, Points3DPrompt, ViewPrompt, load_prompts


@dataclass(frozen=True)
class FilePrompt:
    """A point or a box.

    Attributes:
        kind: "POINT" or "BOX"; view: name of the view, "" for a point in space.
        positive: on the object.
        pixels: POINT x, y; BOX x0, y0, x1, y1; empty for a point in space.
        position: of a point in space, file frame; else None.
    """

    kind: str
    view: str
    positive: bool
    pixels: tuple[float, ...]
    position: tuple[float, float, float] | None = None


def load(path: Path) -> tuple[ObjectPrompt, ...]:
    """The objects in a file. Raises ``UserError``, also for prompts that only the command line takes."""
    objects = load_prompts(path)
    for item in objects:
        for prompt in item.prompts:
            if not isinstance(prompt, ViewPrompt | Points3DPrompt):
                raise UserError(
                    f"The prompts of the object {item.name!r} in {path} include a mask or strokes, which Blender "
                    "cannot show. Use points and boxes, or run splatcut segment instead."
                )
    return objects


def views_of(objects: Iterable[ObjectPrompt]) -> tuple[str, ...]:
    """Names of the views that something is prompted in, in the order of their first use."""
    names = [prompt.view for item in objects for prompt in item.prompts if isinstance(prompt, ViewPrompt)]
    return tuple(dict.fromkeys(names))


def check_views(names: Sequence[str], known: Mapping[str, InlineView]) -> None:
    """Raises ``UserError`` when a view is not among the known ones."""
    missing = [name for name in names if name not in known]
    if not missing:
        return
    if not known:
        raise UserError(
            f"The prompts refer to the view {missing[0]!r}, but the views are set to Virtual. First choose the data "
            "set or the camera collection that this view belongs to."
        )
    some = ", ".join(sorted(known)[:3])
    raise UserError(
        f"The prompts refer to the view {missing[0]!r}, which is not among the chosen views: {some}"
        f"{', and others' if len(known) > 3 else ''}."
    )


def listed(item: ObjectPrompt) -> list[FilePrompt]:
    """An object's prompts one by one."""
    found: list[FilePrompt] = []
    for prompt in item.prompts:
        if isinstance(prompt, ViewPrompt):
            found += [FilePrompt("POINT", prompt.view, bool(label), (x, y)) for x, y, label in prompt.points]
            if prompt.box is not None:
                found.append(FilePrompt("BOX", prompt.view, True, prompt.box))
        elif isinstance(prompt, Points3DPrompt):
            found += [FilePrompt("POINT", "", bool(label), (), (x, y, z)) for x, y, z, label in prompt.points]
    return found
