# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What the user says about each object, and its JSON form (method: masks; ``prompts.json``).

Pixels: x to the right, y down, origin at the top-left corner of the top-left pixel, so centres lie at +0.5. Prompts
refer to the photo as the user sees it, before any undistortion. Labels: 1 is on the object, 0 is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from splatcut.errors import UserError
from splatcut.messages.conversion import (
    as_number,
    as_object,
    check_keys,
    describe,
    fields_to_json,
    from_json,
    inside,
    located,
    parse_json,
    to_json,
)
from splatcut.messages.names import check_object_name, check_object_names

#: Version of a document of prompts. One that does not tell its version is taken to have this one.
SCHEMA_VERSION = 1

_Box = Annotated[tuple[float, float, float, float], ("x0", "y0", "x1", "y1")]
_Point = Annotated[tuple[float, float, int], ("x", "y", "label")]
_Point3D = Annotated[tuple[float, float, float, int], ("x", "y", "z", "label")]


@dataclass(frozen=True)
class ViewPrompt:
    """Points and at most one box in a view.

    Attributes:
        view: name of the view.
        points: (x, y, label) in photo pixels, label 1 or 0.
        box: (x0, y0, x1, y1) in photo pixels, x0 < x1 and y0 < y1, or None.
    """

    view: str
    points: tuple[_Point, ...] = ()
    box: _Box | None = None

    def __post_init__(self) -> None:
        if not self.points and self.box is None:
            raise UserError("A prompt in a view needs points or a box, and this one has neither.")
        _check_points(self.points)
        if self.box is not None:
            x0, y0, x1, y1 = (as_number(value, "A side of the box") for value in self.box)
            if x0 >= x1 or y0 >= y1:
                raise UserError(
                    f"The box [{x0:g}, {y0:g}, {x1:g}, {y1:g}] is empty or inverted. It must be x0, y0, x1, y1 with "
                    "x0 < x1 and y0 < y1, where y points down."
                )


@dataclass(frozen=True)
class Points3DPrompt:
    """Points in space.

    Attributes:
        points: (x, y, z, label) in the scene's world frame, label 1 or 0.
    """

    points: tuple[_Point3D, ...]

    def __post_init__(self) -> None:
        if not self.points:
            raise UserError("A prompt in space needs at least one point, and this one has none.")
        _check_points(self.points)


@dataclass(frozen=True)
class MaskPrompt:
    """A ready mask of one view: an image file of the photo's size, bright where the object is."""

    view: str
    file: Path


@dataclass(frozen=True)
class ScribblePrompt:
    """Strokes over one view: an image file of the photo's size; ``splatcut.masks`` says which colours mean what."""

    view: str
    file: Path


Prompt = ViewPrompt | Points3DPrompt | MaskPrompt | ScribblePrompt


@dataclass(frozen=True)
class ObjectPrompt:
    """One object: its name, which is also its file's, and everything the user said about it.

    Attributes:
        grow: in [-1, 1]; above 0 the object takes in more of what is doubtful, below 0 less. It shifts the logit of
            every Gaussian's probability by 4 times this before the labels are decided.
    """

    name: str
    prompts: tuple[Annotated[Prompt, _read_prompt], ...]
    grow: float = 0.0

    def __post_init__(self) -> None:
        check_object_name(self.name)
        if not self.prompts:
            raise UserError(f"The object {self.name!r} has no prompts. Give it at least a point, a box or a mask.")
        if not any(_says_where(prompt) for prompt in self.prompts):
            raise UserError(
                f"The object {self.name!r} has only points beside it. Give it a point with label 1 or a box."
            )
        if not -1.0 <= as_number(self.grow, f'"grow" of the object {self.name!r}') <= 1.0:
            raise UserError(f'"grow" of the object {self.name!r} must lie in [-1, 1], not {describe(self.grow)}.')


def check_objects(objects: Sequence[ObjectPrompt]) -> None:
    """Raises ``UserError`` when there is none, or two could not be files in one folder."""
    if not objects:
        raise UserError('"objects" is empty. Name at least one object.')
    check_object_names(item.name for item in objects)


def parse_prompts(text: str, base: Path) -> tuple[ObjectPrompt, ...]:
    """The objects of a prompt document, ``{"version": 1, "objects": [{"name": ..., "prompts": [...]}]}``.

    Args:
        base: folder that relative file names are relative to.

    Raises:
        UserError: what is wrong with which prompt of which object.
    """
    document = parse_json(text)
    version = document.get("version", SCHEMA_VERSION)
    if isinstance(version, bool) or version != SCHEMA_VERSION:
        raise UserError(
            f"The version of this document is {describe(version)}, but this SplatCut reads version {SCHEMA_VERSION}. "
            "Use the SplatCut version that wrote it, or create it again."
        )
    check_keys(document, "The document", required=["objects"], optional=["version"])
    objects = from_json(tuple[ObjectPrompt, ...], document["objects"], '"objects"', base)
    check_objects(objects)
    return objects


def load_prompts(path: Path) -> tuple[ObjectPrompt, ...]:
    """The objects of a prompt file; file names in it are relative to its folder. Raises ``UserError``."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}). Check the path.") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not a UTF-8 text file. Save it as UTF-8.") from error
    with located(str(path)):
        return parse_prompts(text, path.parent)


def prompts_to_json(objects: Sequence[ObjectPrompt]) -> dict[str, Any]:
    """The document that ``parse_prompts`` reads, ready for ``json.dumps``."""
    return {"version": SCHEMA_VERSION, "objects": to_json(list(objects))}


def parse_at(text: str) -> ViewPrompt:
    """Points on the object from ``VIEW:X,Y[,X,Y...]``, the command line's ``--at``. Raises ``UserError``."""
    view, colon, coordinates = text.rpartition(":")
    explanation = "It must be VIEW:X,Y with a view's name and pixels; more points may follow: VIEW:X,Y,X,Y."
    if not colon or not view.strip():
        raise UserError(f"{text!r} is not a point in a view. {explanation}")
    try:
        numbers = [float(part) for part in coordinates.split(",")]
    except ValueError as error:
        raise UserError(f"{coordinates!r} in {text!r} is not a list of numbers. {explanation}") from error
    if len(numbers) % 2:
        raise UserError(f"{text!r} has an odd number of coordinates. {explanation}")
    return ViewPrompt(view, tuple((x, y, 1) for x, y in zip(numbers[::2], numbers[1::2], strict=True)))


def _read_prompt(value: Any, what: str, base: Path) -> Prompt:
    fields = as_object(value, what)
    kinds = [kind for kind in ("view", "points3d", "mask", "scribble") if kind in fields]
    if len(kinds) != 1:
        found = f"has {' and '.join(kinds)}" if kinds else "has none of them"
        raise UserError(f"A prompt has exactly one of view, points3d, mask and scribble. {what} {found}.")
    (kind,) = kinds
    if kind == "view":
        return from_json(ViewPrompt, fields, what, base)
    check_keys(fields, what, required=kinds)
    with located(inside(what)):
        if kind == "points3d":
            return Points3DPrompt(from_json(tuple[_Point3D, ...], fields[kind], '"points3d"'))
        return from_json(MaskPrompt if kind == "mask" else ScribblePrompt, fields[kind], f'"{kind}"', base)


@to_json.register
def _(prompt: Points3DPrompt) -> dict[str, Any]:
    return {"points3d": to_json(prompt.points)}


@to_json.register
def _(prompt: MaskPrompt | ScribblePrompt) -> dict[str, Any]:
    return {"mask" if isinstance(prompt, MaskPrompt) else "scribble": fields_to_json(prompt)}


def _check_points(points: Sequence[tuple[float, ...]]) -> None:
    for number, (*coordinates, label) in enumerate(points, start=1):
        for value, name in zip(coordinates, "xyz", strict=False):
            as_number(value, f"Point {number}: {name}")
        if label not in (0, 1):
            raise UserError(
                f"Point {number} has the label {describe(label)}. It must be 1 (on the object) or 0 (not on it)."
            )


def _says_where(prompt: Prompt) -> bool:
    """Whether the prompt says where the object is, and not only where it is not."""
    if isinstance(prompt, ViewPrompt) and prompt.box is not None:
        return True
    if isinstance(prompt, (ViewPrompt, Points3DPrompt)):
        return any(point[-1] == 1 for point in prompt.points)
    return True
