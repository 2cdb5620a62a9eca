# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What a run leaves on disk so that the same command continues it.

The output folder holds ``.splatcut/job.json``, which says whose folder it is, and one ``<stage>.npz`` per finished
stage. Files are complete or absent (written to a temporary name, flushed, renamed), so a run may be killed at any
moment.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splatcut.errors import UserError, is_memory_problem
from splatcut.files import atomic_path, remove_temporaries
from splatcut.pipeline.lock import locked

STATE = ".splatcut"
#: What a finished run consists of, besides the state; ``force`` removes these and nothing else.
RESULTS = (
    *("objects", "masks", "background.ply", "healed", "labels.npz"),
    *("contact_sheet.png", "report.json", "cameras.json"),
)
#: Stages before the one that reads prompts and masks, of little work: a job that has finished no more does not keep its
#: folder from other jobs, and does not replace another job's results yet.
EARLY = ("floaters", "views")
#: Stages that alone read the options of ``inputs.LATE_OPTIONS``: a job that differs in no more takes
#: what another has finished before them.
LATE = ("extract", "heal", "write")
#: What file managers leave in folders that look empty.
_CLUTTER = (".DS_Store", "Thumbs.db", "desktop.ini")

Arrays = dict[str, NDArray[Any]]


class Checkpoints:
    """Finished stages of one job in one output folder.

    What another job has left is replaced only when this job has masks, and a run that fails on its input before that
    leaves no trace.
    """

    def __init__(self, folder: Path, key: str, shared: str = "") -> None:
        self.folder = folder
        self._state = folder / STATE
        self._key = key
        self._shared = shared or key
        self._owner: str | None = None
        self._waiting: dict[str, tuple[Mapping[str, NDArray[Any]], Mapping[str, Any]]] = {}

    @staticmethod
    @contextlib.contextmanager
    def open(folder: Path, key: str, force: bool = False, shared: str = "") -> Iterator[Checkpoints]:
        """Takes ``folder`` for the job with fingerprint ``key``; no other run may use it meanwhile.

        ``shared`` is what the job has in common with jobs that differ in late options alone (``inputs.fingerprint``):
        what those have finished of the stages before ``LATE`` is kept.

        Raises ``UserError`` when the folder cannot be written, another run is writing to it, or it holds files that are
        not SplatCut's or another job (unless ``force``, which removes that job's results once this one has some).
        """
        if folder.exists() and not folder.is_dir():
            raise UserError(f"The output folder {folder} is a file. Choose a folder with --out.")
        made = Checkpoints(folder, key, shared)
        made._check_owner(force)
        with locked(folder, folder / STATE / "lock"):
            made._check_owner(force)  # another run may have ended in between
            if made._owner == key:
                made._remove_unfinished()
            try:
                yield made
            except UserError:
                if made._owner == key and not made._holds_work():
                    made._forget_stages()
                raise

    def _check_owner(self, force: bool) -> None:
        self._owner = self._read_owner()
        if self._owner is None and self.folder.is_dir():
            others = sorted(path.name for path in self.folder.iterdir() if path.name not in (STATE, *_CLUTTER))
            if others:
                raise UserError(
                    f"The output folder {self.folder} is not empty and was not written by SplatCut (it holds "
                    f"{others[0]!r}). Choose an empty or new folder with --out."
                )
        if self._owner not in (None, self._key) and not force and self._holds_work():
            raise UserError(
                f"The output folder {self.folder} holds the results of another job, with other inputs or options. "
                "Choose another folder "
                "with --out, or replace that job's results with --force."
            )

    def _read_owner(self) -> str | None:
        """The key of the folder's job; "" when it cannot be told any more, None when there is none."""
        note = self._state / "job.json"
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            return str(json.loads(note.read_text(encoding="utf-8"))["job"])
        stages = sorted(self._state.glob("*.npz"), key=lambda path: (path.stem not in LATE, path.name))
        for path in stages:
            job = _job(path)
            if job is not None:
                return self._key if job == self._shared else job
        return "" if stages or note.exists() else None

    def _holds_work(self) -> bool:
        stages = (path.stem for path in self._state.glob("*.npz"))
        return any(stage not in EARLY for stage in stages) or any((self.folder / name).exists() for name in RESULTS)

    def _forget_stages(self) -> None:
        for path in [*self._state.glob("*.npz"), self._state / "job.json"]:
            path.unlink(missing_ok=True)

    def _forget_others(self) -> None:
        for path in self._state.glob("*.npz"):
            if path.stem in LATE or _job(path) != self._shared:
                path.unlink()

    def _key_of(self, stage: str) -> str:
        return self._key if stage in LATE else self._shared

    def _remove_unfinished(self) -> None:
        for place in (self._state, *(self.folder / name for name in ("objects", "masks", "healed"))):
            remove_temporaries(place)
        remove_temporaries(self.folder, deep=False)

    def _claim(self) -> None:
        """Makes the folder this job's, when it is not yet."""
        if self._owner == self._key:
            return
        if self._owner is not None:
            for name in RESULTS:
                path = self.folder / name
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)
            self._forget_others()
            self._remove_unfinished()
        with atomic_path(self._state / "job.json") as temporary:
            temporary.write_text(json.dumps({"job": self._key}), encoding="utf-8")
        self._owner = self._key

    def sizes(self) -> dict[str, int]:
        """Bytes of every result file by its path in the folder, the report left out."""
        files: list[Path] = []
        for name in RESULTS:
            path = self.folder / name
            files += path.rglob("*") if path.is_dir() else [path]
        return {
            path.relative_to(self.folder).as_posix(): path.stat().st_size
            for path in sorted(files)
            if path.is_file() and path.name != "report.json" and path.name not in _CLUTTER
        }

    def holds(self, sizes: Mapping[str, int]) -> bool:
        """Whether all these result files are there and have these sizes; those of other sizes are removed."""
        now = self.sizes()
        for name in sizes.keys() & now.keys():
            if sizes[name] != now[name]:
                (self.folder / name).unlink()
        return all(now.get(name) == size for name, size in sizes.items())

    def load(self, stage: str) -> tuple[Arrays, dict[str, Any]] | None:
        """Arrays and notes of a finished stage, or None. A damaged file counts as none (every array has a checksum)."""
        stored = _read(self._state / f"{stage}.npz")
        if stored is None:
            return None
        arrays, notes = stored
        if (notes.pop("job", None), notes.pop("stage", None)) != (self._key_of(stage), stage):
            return None
        return arrays, notes

    def save(
        self, stage: str, arrays: Mapping[str, NDArray[Any]], notes: Mapping[str, Any], compress: bool = True
    ) -> None:
        """Records a finished stage; ``notes`` are JSON-ready. Raises ``UserError`` when it cannot be written."""
        write = np.savez_compressed if compress else np.savez
        if stage in EARLY and self._owner not in (None, self._key) and self._holds_work():
            self._waiting[stage] = arrays, notes
            return
        self._claim()
        for name, (its_arrays, its_notes) in {**self._waiting, stage: (arrays, notes)}.items():
            text = json.dumps({**its_notes, "job": self._key_of(name), "stage": name})
            with atomic_path(self._state / f"{name}.npz") as temporary, temporary.open("wb") as stream:
                write(stream, allow_pickle=False, **dict(its_arrays), __notes__=np.array(text))
        self._waiting.clear()

    def forget(self, *stages: str) -> None:
        """Removes what was recorded under these names."""
        for stage in stages:
            (self._state / f"{stage}.npz").unlink(missing_ok=True)


def _read(path: Path) -> tuple[Arrays, dict[str, Any]] | None:
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        notes = json.loads(str(arrays.pop("__notes__")))
    except Exception as error:  # damage makes the readers of zip archives and arrays fail in many ways
        # A damaged header may ask for any amount of memory, too.
        if is_memory_problem(error) and _is_whole(path):
            raise
        return None
    return (arrays, notes) if isinstance(notes, dict) else None


def _job(path: Path) -> str | None:
    """Whose a stage's file is; None where that cannot be told. Reads no more than the notes."""
    with contextlib.suppress(Exception), np.load(path, allow_pickle=False) as stored:
        return str(json.loads(str(stored["__notes__"])).get("job"))
    return None


def _is_whole(path: Path) -> bool:
    with contextlib.suppress(OSError, zipfile.BadZipFile, zlib.error), zipfile.ZipFile(path) as archive:
        return archive.testzip() is None
    return False
