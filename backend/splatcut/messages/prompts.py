# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What the user says about each object, and its JSON form (method: masks; ``prompts.json``).

Pixels: x to the right, y down, origin at the top-left corner of the top-left pixel, so centres lie at +0.5. Prompts
refer to the photo as the user sees it, before any undistortion. Labels: 1 is on the object, 0 is not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from splatcut.errors import UserError
from splatcut.messages.names import check_object_name, check_object_names
from splatcut.messages.reading import (
    SCHEMA_VERSION,
    as_list,
    as_number,
    as_object,
    as_path,
    as_text,
    check_keys,
    check_version,
    describe,
    located,
    parse_json,
    read_text,
)


@dataclass(frozen=True)
class ViewPrompt:
    """Points and at most one box in a view.

    Attributes:
        view: name of the view.
        points: (x, y, label) in photo pixels, label 1 or 0.
        box: (x0, y0, x1, y1) in photo pixels, x0 < x1 and y0 < y1, or None.
    """

    view: str
    points: tuple[tuple[float, float, int], ...] = ()
    box: tuple[float, float, float, float] | None = None

    def __post_init__(self) -> None:
        as_text(self.view, "The view's name")
        if not self.points and self.box is None:
            raise UserError("A prompt in a view needs points or a box, and this one has neither.")
        for number, point in enumerate(self.points, start=1):
            _check_point(point, 2, f"Point {number}")
        if self.box is not None:
            if len(as_list(self.box, "The box")) != 4:
                raise UserError(f"The box must have the four numbers x0, y0, x1, y1, not {len(self.box)}.")
            x0, y0, x1, y1 = (as_number(value, f"The box's {name}") for value, name in zip(self.box, _BOX, strict=True))
            if x0 >= x1 or y0 >= y1:
                raise UserError(
                    f"The box {_numbers(self.box)} is empty or inverted. It must be x0, y0, x1, y1 with x0 < x1 "
                    "and y0 < y1, where y points down."
                )


@dataclass(frozen=True)
class Points3DPrompt:
    """Points in space.

    Attributes:
        points: (x, y, z, label) in the scene's world frame, label 1 or 0.
    """

    points: tuple[tuple[float, float, float, int], ...]

    def __post_init__(self) -> None:
        if not self.points:
            raise UserError("A prompt in space needs at least one point, and this one has none.")
        for number, point in enumerate(self.points, start=1):
            _check_point(point, 3, f"Point {number}")


@dataclass(frozen=True)
class MaskPrompt:
    """A ready mask of one view: an image file of the photo's size, bright where the object is."""

    view: str
    file: Path

    def __post_init__(self) -> None:
        as_text(self.view, "The view's name")


@dataclass(frozen=True)
class ScribblePrompt:
    """Strokes over one view: an image file of the photo's size; ``splatcut.masks`` says which colours mean what."""

    view: str
    file: Path

    def __post_init__(self) -> None:
        as_text(self.view, "The view's name")


Prompt = ViewPrompt | Points3DPrompt | MaskPrompt | ScribblePrompt


@dataclass(frozen=True)
class ObjectPrompt:
    """One object: its name, which is also its file's, and everything the user said about it.

    Attributes:
        grow: in [-1, 1]; above 0 the object takes in more of what is doubtful, below 0 less. It shifts the logit of
            every Gaussian's probability by 4 times this before the labels are decided.
    """

    name: str
    prompts: tuple[Prompt, ...]
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


def parse_prompts(source: str | Mapping[str, Any], base: Path) -> tuple[ObjectPrompt, ...]:
    """The objects of a prompt document, ``{"version": 1, "objects": [{"name": ..., "prompts": [...]}]}``.

    Args:
        source: JSON text or what it parses to.
        base: folder that relative file names are relative to.

    Raises:
        UserError: what is wrong with which prompt of which object.
    """
    document = parse_json(source)
    check_version(document)
    check_keys(document, "The document", required=["objects"], optional=["version"])
    return parse_objects(document["objects"], base)


def load_prompts(path: Path) -> tuple[ObjectPrompt, ...]:
    """The objects of a prompt file; file names in it are relative to its folder. Raises ``UserError``."""
    text = read_text(path)
    with located(str(path)):
        return parse_prompts(text, path.parent)


def prompts_to_json(objects: Sequence[ObjectPrompt]) -> dict[str, Any]:
    """The document that ``parse_prompts`` reads, ready for ``json.dumps``."""
    return {"version": SCHEMA_VERSION, "objects": objects_to_json(objects)}


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


def parse_objects(value: Any, base: Path) -> tuple[ObjectPrompt, ...]:
    """The list under a document's ``"objects"``. Raises ``UserError``."""
    items = as_list(value, '"objects"')
    if not items:
        raise UserError('"objects" is empty. Name at least one object.')
    objects = tuple(_parse_object(item, number, base) for number, item in enumerate(items, start=1))
    check_object_names(item.name for item in objects)
    return objects


def objects_to_json(objects: Sequence[ObjectPrompt]) -> list[dict[str, Any]]:
    """The list that ``parse_objects`` reads."""
    return [
        {
            "name": item.name,
            "prompts": [_prompt_to_json(prompt) for prompt in item.prompts],
            **({"grow": item.grow} if item.grow else {}),
        }
        for item in objects
    ]


def _parse_object(value: Any, number: int, base: Path) -> ObjectPrompt:
    what = f"Object {number}"
    fields = as_object(value, what)
    check_keys(fields, what, required=["name", "prompts"], optional=["grow"])
    name = fields["name"]
    if not isinstance(name, str):
        raise UserError(f"The name of object {number} must be a string, not {describe(name)}.")
    check_object_name(name)
    prompts: list[Prompt] = []
    for index, item in enumerate(as_list(fields["prompts"], f'"prompts" of the object {name!r}'), start=1):
        with located(f"prompt {index} of the object {name!r}"):
            prompts.append(_parse_prompt(item, base))
    return ObjectPrompt(
        name, tuple(prompts), float(as_number(fields.get("grow", 0.0), f'"grow" of the object {name!r}'))
    )


def _parse_prompt(value: Any, base: Path) -> Prompt:
    fields = as_object(value, "A prompt")
    kinds = [kind for kind in ("view", "points3d", "mask", "scribble") if kind in fields]
    if len(kinds) != 1:
        found = f"has {' and '.join(kinds)}" if kinds else "has none of them"
        raise UserError(f"A prompt has exactly one of view, points3d, mask and scribble. This one {found}.")
    if kinds[0] == "view":
        check_keys(fields, "The prompt", required=["view"], optional=["points", "box"])
        items = as_list(fields.get("points", []), '"points"')
        points = tuple(_parse_point(item, 2, n) for n, item in enumerate(items, 1))
        box = fields.get("box")
        if box is not None:
            sides = [as_number(side, "A side of the box") for side in as_list(box, "The box")]
            if len(sides) != 4:
                raise UserError(f"The box must have the four numbers x0, y0, x1, y1, not {len(sides)}.")
            box = (sides[0], sides[1], sides[2], sides[3])
        return ViewPrompt(as_text(fields["view"], '"view"'), points, box)
    if kinds[0] == "points3d":
        check_keys(fields, "The prompt", required=["points3d"])
        items = as_list(fields["points3d"], '"points3d"')
        return Points3DPrompt(tuple(_parse_point(item, 3, n) for n, item in enumerate(items, 1)))
    kind = kinds[0]
    check_keys(fields, "The prompt", required=[kind])
    inner = as_object(fields[kind], f'"{kind}"')
    check_keys(inner, f'"{kind}"', required=["view", "file"])
    view, file = as_text(inner["view"], '"view"'), as_path(inner["file"], '"file"', base)
    return MaskPrompt(view, file) if kind == "mask" else ScribblePrompt(view, file)


def _parse_point(value: Any, dimensions: int, number: int) -> Any:
    """(x, y, label) or (x, y, z, label)."""
    what = f"Point {number}"
    _check_point(as_list(value, what), dimensions, what)
    return (*(float(coordinate) for coordinate in value[:dimensions]), int(value[dimensions]))


def _check_point(point: Sequence[Any], dimensions: int, what: str) -> None:
    names = "x, y, z"[: 3 * dimensions - 2]
    if len(point) != dimensions + 1:
        raise UserError(f"{what} must be [{names}, label], label 1 (on the object) or 0 (not), not {describe(point)}.")
    for coordinate, name in zip(point, "xyz"[:dimensions], strict=False):
        as_number(coordinate, f"{what}: {name}")
    label = point[dimensions]
    if isinstance(label, bool) or label not in (0, 1):
        raise UserError(f"{what} has the label {describe(label)}. It must be 1 (on the object) or 0 (not on it).")


def _says_where(prompt: Prompt) -> bool:
    """Whether the prompt says where the object is, and not only where it is not."""
    if isinstance(prompt, ViewPrompt) and prompt.box is not None:
        return True
    if isinstance(prompt, (ViewPrompt, Points3DPrompt)):
        return any(point[-1] == 1 for point in prompt.points)
    return True


def _prompt_to_json(prompt: Prompt) -> dict[str, Any]:
    if isinstance(prompt, ViewPrompt):
        result: dict[str, Any] = {"view": prompt.view}
        if prompt.points:
            result["points"] = [list(point) for point in prompt.points]
        if prompt.box is not None:
            result["box"] = list(prompt.box)
        return result
    if isinstance(prompt, Points3DPrompt):
        return {"points3d": [list(point) for point in prompt.points]}
    kind = "mask" if isinstance(prompt, MaskPrompt) else "scribble"
    return {kind: {"view": prompt.view, "file": prompt.file.as_posix()}}


def _numbers(values: Sequence[float]) -> str:
    return "[" + ", ".join(f"{value:g}" for value in values) + "]"


_BOX = ("x0", "y0", "x1", "y1")
