# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Dataclasses to JSON and back, as the hints of their fields say; sentences tell what is wrong and where.

A dataclass is a JSON object. Fields that have their default are not written, and need not be there to be read.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from splatcut.errors import UserError


@functools.singledispatch
def to_json(value: Any) -> Any:
    """What ``from_json`` reads, ready for ``json.dumps``. A class that looks otherwise in JSON registers itself."""
    return fields_to_json(value) if dataclasses.is_dataclass(value) else value


@to_json.register
def _(value: Path) -> str:
    return value.as_posix()


@to_json.register(list | tuple)
def _(value: Sequence[Any]) -> list[Any]:
    return [to_json(item) for item in value]


@to_json.register
def _(value: Mapping) -> dict[str, Any]:
    return {key: to_json(item) for key, item in value.items()}


def fields_to_json(message: Any) -> dict[str, Any]:
    """The fields of a dataclass by name."""
    fields = [(item, getattr(message, item.name)) for item in dataclasses.fields(message)]
    return {item.name: to_json(value) for item, value in fields if value != _default(item)}


def from_json(kind: Any, value: Any, what: str, base: Path = Path()) -> Any:
    """A ``kind`` from its JSON.

    Args:
        kind: a dataclass or a field's hint: bool, int, float, str, ``Any``, ``Path``, ``Literal``, ``Mapping``, tuples,
            a union with None, or with a tuple (which a list then is). ``Annotated[..., names]`` names what a tuple
            holds, ``Annotated[..., function]`` is read by a function with the other arguments of this one.
        what: the subject of the sentence if something is wrong, such as "The job".
        base: folder that relative paths are relative to.

    Raises:
        UserError: a key is missing or unknown, a value is of another type, or the dataclass refuses it.
    """
    names: Sequence[str] = ()
    if get_origin(kind) is Annotated:
        kind, more = get_args(kind)
        if callable(more):
            return more(value, what, base)
        names = more
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        if value is None and NoneType in inner:
            return None
        kinds = [item for item in inner if item is not NoneType]
        return from_json(kinds[-1 if isinstance(value, list) else 0], value, what, base)
    if origin is Literal:
        if value not in inner:
            raise UserError(f"{what} must be {either(inner)}, not {describe(value)}.")
        return value
    if origin is tuple:
        return _tuple(inner, names, value, what, base)
    if origin is Mapping:
        values = as_object(value, what)
        return {key: from_json(inner[1], item, f"{key!a} in {what}", base) for key, item in values.items()}
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind, value, what, base)
    return as_path(value, what, base) if kind is Path else _PLAIN[kind](value, what)


def _tuple(kinds: tuple[Any, ...], names: Sequence[str], values: Any, what: str, base: Path) -> tuple[Any, ...]:
    if not isinstance(values, list):
        raise UserError(f'{what} must be a list ("[...]"), not {describe(values)}.')
    if kinds[-1] is Ellipsis:
        kinds = kinds[:1] * len(values)
    if len(kinds) != len(values):
        wanted = f"[{', '.join(names)}]" if names else f"a list of {len(kinds)}"
        raise UserError(f"{what} must be {wanted}, not {describe(values)}.")
    place = inside(what)
    whats = [f"{name} of {place}" for name in names] or [
        f"Entry {number} of {place}{_named(value)}" for number, value in enumerate(values, start=1)
    ]
    return tuple(from_json(*item, base) for item in zip(kinds, values, whats, strict=True))


def _dataclass(kind: Any, value: Any, what: str, base: Path) -> Any:
    document = as_object(value, what)
    fields = dataclasses.fields(kind)
    required = [item.name for item in fields if _default(item) is dataclasses.MISSING]
    check_keys(document, what, required=required, optional=[item.name for item in fields if item.name not in required])
    hints = _hints(kind)
    with located(inside(what)):
        return kind(**{name: from_json(hints[name], item, f'"{name}"', base) for name, item in document.items()})


@functools.cache
def _hints(kind: type[Any]) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def _default(item: dataclasses.Field[Any]) -> Any:
    return item.default if item.default_factory is dataclasses.MISSING else item.default_factory()


def inside(what: str) -> str:
    """The subject of a sentence inside of one."""
    return what[0].lower() + what[1:]


def _named(value: Any) -> str:
    """The name of a thing that has one, in brackets."""
    name = value.get("name") if isinstance(value, Mapping) else None
    return f" ({describe(name)})" if isinstance(name, str) else ""


class _LocatedError(UserError):
    """A problem and where it is, the outermost place first."""

    def __init__(self, places: Sequence[str], problem: str) -> None:
        super().__init__(f"In {', '.join(places)}: {problem}")
        self.places, self.problem = places, problem


@contextlib.contextmanager
def located(where: str) -> Iterator[None]:
    """Puts ``where`` in front of the message of a ``UserError`` raised inside."""
    try:
        yield
    except _LocatedError as error:
        raise _LocatedError([where, *error.places], error.problem) from error
    except UserError as error:
        raise _LocatedError([where], str(error)) from error


def parse_json(text: str) -> Mapping[str, Any]:
    """The JSON object in a text. Raises ``UserError``."""
    try:
        value = json.loads(text, parse_constant=_reject_constant, object_pairs_hook=_unique_pairs)
    except json.JSONDecodeError as error:
        where = f"at line {error.lineno}, column {error.colno}"
        raise UserError(f"This is not valid JSON: {error.msg} {where}.") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"This JSON cannot be used: {error}.") from error
    return as_object(value, "The document")


def as_object(value: Any, what: str) -> Mapping[str, Any]:
    """``value`` as a JSON object."""
    if not isinstance(value, Mapping):
        raise UserError(f'{what} must be a JSON object ("{{...}}"), not {describe(value)}.')
    return value


def check_keys(value: Mapping[str, Any], what: str, *, required: Sequence[str], optional: Sequence[str] = ()) -> None:
    """Raises ``UserError`` when a required key is missing or a key is unknown."""
    known = [*required, *optional]
    for key in value:
        if key not in known:
            raise UserError(f"{what} has the unknown key {key!a}. Known keys are {', '.join(known)}.")
    for key in required:
        if key not in value:
            raise UserError(f'{what} has no "{key}".')


def as_string(value: Any, what: str) -> str:
    """``value`` as a text."""
    if not isinstance(value, str):
        raise UserError(f"{what} must be a string, not {describe(value)}.")
    return value


def as_text(value: Any, what: str) -> str:
    """``value`` as a text that is not empty."""
    if not as_string(value, what).strip():
        raise UserError(f"{what} is empty.")
    return value


def as_number(value: Any, what: str) -> float:
    """``value`` as a finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise UserError(f"{what} must be a number, not {describe(value)}.")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise UserError(f"{what} must be a finite number, not {describe(value)}.")
    return number


def as_integer(value: Any, what: str) -> int:
    """``value`` as an integer; 2.0 is one, true is none."""
    number = as_number(value, what)
    if number != int(number):
        raise UserError(f"{what} must be an integer, not {describe(value)}.")
    return value if isinstance(value, int) else int(number)


def as_flag(value: Any, what: str) -> bool:
    """``value`` as true or false."""
    if not isinstance(value, bool):
        raise UserError(f"{what} must be true or false, not {describe(value)}.")
    return value


def as_path(value: Any, what: str, base: Path) -> Path:
    """``value`` as a path; a relative one is relative to ``base``."""
    text = as_text(value, what)
    if "\0" in text:
        raise UserError(f"{what} is not a valid path: it contains a NUL character.")
    return base / text


def describe(value: Any) -> str:
    """A value as an error message shows it: short, and in JSON's words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}"
    if isinstance(value, str):
        return ascii(value if len(value) <= 60 else value[:57] + "...")
    try:
        text = str(value)
    except ValueError:  # an integer with thousands of digits
        return "a huge number"
    return text if len(text) <= 60 else text[:57] + "..."


def either(words: Sequence[str]) -> str:
    """ "a, b or c"."""
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _reject_constant(word: str) -> float:
    raise ValueError(f"{word} is not a finite number")


def _unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise ValueError(f"the key {key!a} appears twice in one object")
        result[key] = value
    return result


#: The types that JSON has itself.
_PLAIN: dict[Any, Callable[[Any, str], Any]] = {
    bool: as_flag,
    int: as_integer,
    float: as_number,
    str: as_string,
    Any: lambda value, what: value,
}
