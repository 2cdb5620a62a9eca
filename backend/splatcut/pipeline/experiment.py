# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Experiments: any setting of a dataclass changed by its name, such as ``weights.spill``."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

from splatcut.errors import UserError
from splatcut.messages.options import Setting
from splatcut.messages.reading import describe

T = TypeVar("T")


def with_settings(options: T, settings: Mapping[str, Setting]) -> T:
    """A frozen dataclass with other values at dotted names. Raises ``UserError`` for names and values it refuses."""
    for name, value in settings.items():
        try:
            options = _changed(options, name.split("."), value)
        except (TypeError, ValueError) as error:
            raise UserError(f"The experiment {name}={describe(value)} is not possible: {error}") from error
    return options


def _changed(options: Any, path: list[str], value: Setting) -> Any:
    fields = {item.name: getattr(options, item.name) for item in dataclasses.fields(options)}
    if path[0] not in fields:
        raise ValueError(f"There is no {path[0]!r} among {', '.join(fields)}.")
    old = fields[path[0]]
    if len(path) > 1 and dataclasses.is_dataclass(old):
        return dataclasses.replace(options, **{path[0]: _changed(old, path[1:], value)})
    if len(path) > 1 or not isinstance(value, (int, float) if type(old) is float else type(old)):
        raise ValueError(f"{path[0]} is {old!r}.")
    return dataclasses.replace(options, **{path[0]: type(old)(value)})
