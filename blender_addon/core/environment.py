# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker's environment: a virtual environment of its own, never Blender's Python."""

from __future__ import annotations

import os
from pathlib import Path

from splatcut.errors import UserError

from .folders import data_folder

#: In a folder while its environment is being made: what has it is made anew.
UNFINISHED = "splatcut-unfinished"
#: In a finished environment: what it was made of, as JSON.
STAMP = "splatcut-environment.json"


def default_folder() -> Path:
    """Where the preferences create the environment when they name no other place."""
    return data_folder() / "worker"


def python_in(folder: Path) -> Path:
    """The interpreter of a virtual environment."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def worker_python(chosen: Path | None) -> Path:
    """The worker's interpreter.

    Args:
        chosen: an interpreter or the folder of a virtual environment, or None for the one that the preferences made.

    Raises:
        UserError: there is none.
    """
    remedy = "Create the environment in the extension's preferences, or choose an existing one there."
    folder = chosen if chosen is not None and chosen.is_dir() else default_folder() if chosen is None else None
    if folder is None:
        assert chosen is not None
        if not chosen.is_file():
            raise UserError(f"The engine's interpreter {chosen} does not exist. {remedy}")
        return chosen
    if (folder / UNFINISHED).exists():
        raise UserError(
            f"The engine's environment in {folder} was made only in part. Create it anew in the preferences."
        )
    python = python_in(folder)
    if not python.is_file():
        what = f"{folder} holds no virtual environment" if chosen is not None else "The engine has no environment yet"
        raise UserError(f"{what}. {remedy}")
    return python
