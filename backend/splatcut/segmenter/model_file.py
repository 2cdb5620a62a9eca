# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Sentences for files that are no models, told from their first bytes."""

from __future__ import annotations

from pathlib import Path

from splatcut.errors import UserError


def check_model_file(path: Path, kind: str, advice: str = "") -> bytes:
    """The first 64 bytes of a model's file.

    Raises ``UserError`` when it is missing, unreadable or plainly something else than ``kind`` ("a checkpoint");
    ``advice`` says where to get one.
    """
    _, name = kind.split(" ", 1)
    try:
        with path.open("rb") as stream:
            head = stream.read(64)
    except FileNotFoundError:
        raise UserError(f"There is no {name} at {path}. Check the path.{advice}") from None
    except OSError as error:
        raise UserError(f"The {name} {path} cannot be read ({error.strerror}).") from error
    for found, wrong in (
        (not head, "it is empty"),
        (
            head.startswith(b"version https://git-lfs"),
            "it is a Git LFS pointer, not the file itself (run: git lfs pull)",
        ),
        (head.lstrip()[:1] == b"<", "it is a web page, so the download failed"),
        (head.startswith(b"ply"), "it is a PLY file"),
    ):
        if found:
            raise UserError(f"{path} is not {kind}: {wrong}.{advice}")
    return head
