# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Names of objects and views, which become names of files.

Objects are named by the user and have to be files on Linux, macOS and Windows alike; views are named by their photos
and only have to be files on the system that they are on.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable

from splatcut.errors import UserError
from splatcut.messages.conversion import describe

#: Longest name in UTF-8 bytes: file systems take 255, a suffix and a temporary prefix have to fit too.
MAX_NAME_BYTES = 120

_FORBIDDEN = frozenset('<>:"/\\|?*')
_FORBIDDEN_IN_VIEWS = _FORBIDDEN if os.name == "nt" else frozenset("/\\")
#: Longest name of a view in UTF-8 bytes, so that ``<view>.png`` is a file name.
_MAX_VIEW_BYTES = 250
_WINDOWS_DEVICES = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$"]
    + [f"{stem}{digit}" for stem in ("com", "lpt") for digit in "123456789\u00b9\u00b2\u00b3"]
)


def check_object_name(name: str) -> None:
    """Raises ``UserError`` when ``name`` cannot be an object's name."""
    problem = _problem(name)
    if problem is not None:
        raise UserError(f"The object name {describe(name)} cannot be used, because {problem}. Choose another name.")


def check_object_names(names: Iterable[str]) -> None:
    """Checks every name, and that no two of them would be the same file. Raises ``UserError``."""
    seen: dict[str, str] = {}
    for name in names:
        check_object_name(name)
        # Case and Unicode composition do not tell files apart on Windows and macOS.
        key = unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
        if key in seen:
            if seen[key] == name:
                raise UserError(f"Two objects have the name {name!r}. Object names must be unique.")
            raise UserError(
                f"The object names {seen[key]!r} and {name!r} are the same file name on some systems. "
                "Object names must be unique."
            )
        seen[key] = name


def check_view_name(name: str, where: str = "") -> None:
    """Raises ``UserError`` when ``name`` cannot be a view's name; ``where`` (" in cameras.json") says whose."""
    problem = _no_text(name)
    if problem is None and (bad := sorted(_FORBIDDEN_IN_VIEWS & set(name))):
        problem = f"a file name cannot contain {' or '.join(bad)}"
    elif problem is None and name in (".", ".."):
        problem = "it is not a valid file name"
    elif problem is None and len(name.encode("utf-8")) > _MAX_VIEW_BYTES:
        problem = f"it is longer than {_MAX_VIEW_BYTES} bytes"
    if problem is not None:
        raise UserError(
            f"The view name {describe(name)}{where} cannot be used, because {problem}. Masks are named after the "
            "views: rename the photo or the camera."
        )


def _no_text(name: str) -> str | None:
    """The end of the sentence "..., because" when the name is empty or has characters that no file name can have."""
    if not name.strip():
        return "it is empty"
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in name):
        return "it contains a control character or an invalid character"
    return None


def _problem(name: str) -> str | None:
    """The end of the sentence "..., because", or None when the name is fine."""
    if (problem := _no_text(name)) is not None:
        return problem
    bad = sorted(_FORBIDDEN & set(name))
    if bad:
        return f"a file name cannot contain {' or '.join(bad)}"
    if name.startswith("."):
        return "it begins with a dot"
    if name != name.strip() or name.endswith("."):
        return "it begins with a space or ends with a space or a dot"
    if name.split(".")[0].rstrip().casefold() in _WINDOWS_DEVICES:
        return "Windows reserves this name for a device"
    if name.casefold() == "background":
        return "it is reserved for everything that belongs to no object"
    if len(name.encode("utf-8")) > MAX_NAME_BYTES:
        return f"it is longer than {MAX_NAME_BYTES} bytes"
    return None
