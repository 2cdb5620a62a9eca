# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Reading JSON values with errors that say in a sentence what is wrong and where."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from splatcut.errors import UserError

#: Version of the job and prompt schema. A file without a version is taken to have this one.
SCHEMA_VERSION = 1


@contextlib.contextmanager
def located(where: str) -> Iterator[None]:
    """Puts ``where`` in front of the message of a ``UserError`` raised inside."""
    try:
        yield
    except UserError as error:
        raise UserError(f"In {where}: {error}") from error


def parse_json(source: str | Mapping[str, Any]) -> Mapping[str, Any]:
    """The JSON object in ``source``; a mapping is taken as already parsed. Raises ``UserError``."""
    if isinstance(source, str):
        try:
            value = json.loads(
                source.lstrip("\ufeff"), parse_constant=_reject_constant, object_pairs_hook=_unique_pairs
            )
        except json.JSONDecodeError as error:
            raise UserError(
                f"This is not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}."
            ) from error
        except (ValueError, RecursionError) as error:
            raise UserError(f"This JSON cannot be used: {error}.") from error
    else:
        value = source
    return as_object(value, "The document")


def read_text(path: Path) -> str:
    """The text of a UTF-8 file. Raises ``UserError``."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}). Check the path.") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not a UTF-8 text file. Save it as UTF-8.") from error


def as_object(value: Any, what: str) -> Mapping[str, Any]:
    """``value`` as a JSON object."""
    if not isinstance(value, Mapping):
        raise UserError(f'{what} must be a JSON object ("{{...}}"), not {describe(value)}.')
    for key in value:
        if not isinstance(key, str):
            raise UserError(f"{what} has a key that is not a string, {describe(key)}.")
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


def check_version(value: Mapping[str, Any]) -> None:
    """Raises ``UserError`` when the document has another version than ``SCHEMA_VERSION``."""
    version = value.get("version", SCHEMA_VERSION)
    if isinstance(version, bool) or version != SCHEMA_VERSION:
        raise UserError(
            f"The version of this document is {describe(version)}, but this SplatCut reads version {SCHEMA_VERSION}. "
            "Use the SplatCut version that wrote it, or create it again."
        )


def as_list(value: Any, what: str) -> Sequence[Any]:
    """``value`` as a JSON list."""
    if not isinstance(value, (list, tuple)):
        raise UserError(f'{what} must be a list ("[...]"), not {describe(value)}.')
    return value


def as_text(value: Any, what: str) -> str:
    """``value`` as a text that is not empty."""
    if not isinstance(value, str):
        raise UserError(f"{what} must be a string, not {describe(value)}.")
    if not value.strip():
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
    try:
        text = ascii(value) if isinstance(value, str) else str(value)
    except ValueError:  # an integer with thousands of digits
        return "a huge number"
    return text if len(text) <= 60 else text[:57] + "..."


def _reject_constant(word: str) -> float:
    raise ValueError(f"{word} is not a finite number")


def _unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise ValueError(f"the key {key!a} appears twice in one object")
        result[key] = value
    return result
