# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Options on command lines. Standard library only: the batch script uses it inside Blender."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from typing import Any

from splatcut.errors import UserError
from splatcut.messages.options import OPTIONS, Option


def flag(option: Option) -> str:
    """How an option is written: "--soft-edges"."""
    return f"--{option.name.replace('_', '-')}"


def add_arguments(
    parser: argparse.ArgumentParser, names: Iterable[str] = tuple(OPTIONS), *, defaults: bool = True
) -> None:
    """Adds options to a parser; without ``defaults``, what is not given is not among the arguments."""
    for option in map(OPTIONS.__getitem__, names):
        kind: dict[str, Any] = {"type": option.type, "metavar": option.metavar}
        if option.choices:
            kind = {"choices": option.values}
        elif option.type is bool:
            kind = {"action": argparse.BooleanOptionalAction}
        default = option.default if defaults else argparse.SUPPRESS
        action = parser.add_argument(flag(option), dest=option.name, default=default, **kind)
        action.help = _help(option).replace("%", "%%")


def _help(option: Option) -> str:
    text = option.help
    if option.choices:
        text += f": {'; '.join(f'{choice.value}, {choice.help}' for choice in option.choices)}"
    if option.default is None:
        return text
    default = ("on" if option.default else "off") if option.type is bool else option.default
    return f"{text} (default: {default})"


def given(arguments: argparse.Namespace) -> dict[str, Any]:
    """The options that stand on a command line, by name."""
    return {name: value for name, value in vars(arguments).items() if name in OPTIONS}


def parse_experiment(texts: Iterable[str]) -> dict[str, Any]:
    """Settings written as KEY=VALUE; a value that is no JSON is a text. Raises ``UserError``."""
    settings: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise UserError(f"The experiment {text!r} must be KEY=VALUE.")
        try:
            settings[name] = json.loads(value)
        except ValueError:
            settings[name] = value
    return settings
