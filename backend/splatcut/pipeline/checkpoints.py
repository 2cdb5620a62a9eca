# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What a run leaves on disk so that the same command continues it.

The output folder holds ``.splatcut/job.json``, which says whose folder it is, and one ``<stage>.npz`` per finished
stage. Files are complete or absent (written to a temporary name, flushed, renamed), so a run may be killed at any
moment.
"""

from __future__ import annotations

import json
import shutil
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splatcut.errors import UserError
from splatcut.files import atomic_path

STATE = ".splatcut"
#: What a finished run consists of, besides the state; ``force`` removes these and nothing else.
RESULTS = ("objects", "masks", "background.ply", "labels.npz", "contact_sheet.png", "report.json", "cameras.json")

Arrays = dict[str, NDArray[Any]]


class Checkpoints:
    """Finished stages of one job in one output folder."""

    def __init__(self, folder: Path, key: str) -> None:
        self.folder = folder
        self._state = folder / STATE
        self._key = key

    @staticmethod
    def open(folder: Path, key: str, force: bool = False) -> Checkpoints:
        """Claims ``folder`` for the job with fingerprint ``key``.

        Raises ``UserError`` when the folder holds files that are not SplatCut's, or another job (unless ``force``,
        which removes that job's results).
        """
        checkpoints = Checkpoints(folder, key)
        if folder.exists() and not folder.is_dir():
            raise UserError(f"The output folder {folder} is a file. Choose another name with --out.")
        owner = checkpoints._owner()
        if owner is None and folder.is_dir():
            others = sorted(path.name for path in folder.iterdir() if path.name != STATE)
            if others:
                raise UserError(
                    f"The output folder {folder} is not empty and was not written by SplatCut (it holds "
                    f"{others[0]!r}). Choose an empty or new folder with --out."
                )
        if owner is not None and owner != key:
            if not force:
                raise UserError(
                    f"The output folder {folder} holds another job: other inputs or options. Choose another folder "
                    "with --out, or replace that job's results with --force."
                )
            checkpoints._clear()
        if owner != key:
            with atomic_path(checkpoints._state / "job.json") as temporary:
                temporary.write_text(json.dumps({"job": key}), encoding="utf-8")
        return checkpoints

    def _owner(self) -> str | None:
        try:
            return str(json.loads((self._state / "job.json").read_text(encoding="utf-8"))["job"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _clear(self) -> None:
        for name in RESULTS:
            path = self.folder / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        shutil.rmtree(self._state, ignore_errors=True)

    def load(self, stage: str) -> tuple[Arrays, dict[str, Any]] | None:
        """Arrays and notes of a finished stage, or None. A damaged file counts as none (every array has a checksum)."""
        try:
            with np.load(self._state / f"{stage}.npz", allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            notes = json.loads(str(arrays.pop("__notes__")))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
            return None
        if notes.pop("job", None) != self._key:
            return None
        return arrays, notes

    def save(self, stage: str, arrays: Mapping[str, NDArray[Any]], notes: Mapping[str, Any]) -> None:
        """Records a finished stage; ``notes`` are JSON-ready."""
        text = json.dumps({**notes, "job": self._key})
        with atomic_path(self._state / f"{stage}.npz") as temporary, temporary.open("wb") as stream:
            np.savez_compressed(stream, allow_pickle=False, **dict(arrays), __notes__=np.array(text))
