# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker of this Blender: started from the preferences when first needed, pumped by a timer, closed at the end.

In a window the timer pumps; in ``blender -b`` timers do not fire, and what waits pumps by itself (``wait``).
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from pathlib import Path
from typing import Any

import bpy

import splatcut
from splatcut.errors import UserError
from splatcut.folders import cache_folder

from ..core.client import Limits, Outcome, WorkerClient
from ..core.environment import default_folder, worker_python
from ..core.session import Session, Task
from . import state

_log = logging.getLogger(__name__)

#: The add-on's name in Blender's preferences.
ADDON = str(__package__).rpartition(".")[0]
#: Names the interpreter of the worker's environment, whatever the preferences say.
PYTHON_VARIABLE = "SPLATCUT_WORKER_PYTHON"

_BUSY_SECONDS = 0.05
_IDLE_SECONDS = 0.25

_session: Session | None = None
#: How long the worker may be silent, and so on; tests shorten it.
limits = Limits()


def preferences(context: bpy.types.Context | None = None) -> Any:
    """The add-on's preferences, or None when it runs without being installed (tests, scripts)."""
    addon = (context or bpy.context).preferences.addons.get(ADDON)
    return addon.preferences if addon is not None else None


def option(name: str, default: Any) -> Any:
    """One of the preferences, or ``default`` where there are none."""
    value = getattr(preferences(), name, None)
    return default if value is None or value == "" else value


def cache() -> Path:
    """The folder for everything that can be made again."""
    chosen = option("cache_path", "")
    if chosen and not os.environ.get("SPLATCUT_CACHE"):
        return Path(bpy.path.abspath(chosen))
    return cache_folder()


def cache_bytes() -> int:
    """How large the cache may become."""
    return int(option("cache_gigabytes", 5.0) * 1e9)


def python() -> Path:
    """The worker's interpreter. Raises ``UserError`` when there is none."""
    return worker_python(chosen_environment())


def chosen_environment() -> Path | None:
    """The interpreter or the folder of the environment that was chosen, or None for the usual one."""
    chosen = os.environ.get(PYTHON_VARIABLE) or option("python_path", "") or option("environment_path", "")
    return Path(bpy.path.abspath(chosen)) if chosen else None


def creation_folder() -> Path:
    """Where the preferences make the environment."""
    chosen = option("environment_path", "")
    return Path(bpy.path.abspath(chosen)) if chosen else default_folder()


def model() -> str | None:
    """Path of the 2D model's weights, or None for the embedded one. Raises ``UserError`` when it is not there."""
    chosen = option("model_path", "")
    if not chosen:
        return None
    path = Path(bpy.path.abspath(chosen))
    if not path.is_file():
        raise UserError(
            f"The model file {path} does not exist. Choose it again in the extension's preferences, or clear the field."
        )
    return str(path)


def session() -> Session:
    """The session, which sends scene and views before what needs them. Starts nothing by itself."""
    global _session
    if _session is None:
        _session = Session(_start, _started)
    return _session


def submit(task: Task) -> Task:
    """Queues a task and sees to it that it is pumped."""
    session().submit(task)
    _keep_pumping()
    pump()
    return task


def wait(task: Task) -> Outcome:
    """Waits for a task, for blocking operators."""
    result = session().wait(task)
    _show()
    return result


def pump() -> None:
    """Hands out what the worker has answered. Never raises; cheap when there is nothing."""
    if _session is not None:
        _session.poll()
        _show()


def restart() -> None:
    """Ends the worker; the next request starts one with the preferences as they are then."""
    close()


def close() -> None:
    """Ends the worker."""
    global _session
    if _session is not None:
        ended, _session = _session, None
        ended.close()
    state.set_worker(state.WorkerStatus())


def unregister() -> None:
    """Ends the worker and the timer."""
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    close()


def _start() -> WorkerClient:
    command = [str(python()), "-m", "splatcut", "worker"]
    device = option("device", "auto")
    if device != "auto":
        command += ["--device", device]
    weights = model()
    if weights is not None:
        command += ["--model", weights]
    command += ["--cache", str(cache() / "embeddings"), "--cache-bytes", str(cache_bytes())]
    log = cache() / "logs" / f"worker-{os.getpid()}.log"
    return WorkerClient(command, log, splatcut.__version__, limits)


def _started(client: WorkerClient) -> None:
    _remove_old_logs(client.log)
    _show()


def _remove_old_logs(current: Path) -> None:
    """Keeps the logs of a week."""
    with contextlib.suppress(OSError):
        for path in current.parent.glob("worker-*.log*"):
            if path != current and time.time() - path.stat().st_mtime > 7 * 86400:
                path.unlink()


def _show() -> None:
    """Tells the panels how the worker is."""
    client = _session.client if _session is not None else None
    if client is None:
        state.set_worker(state.WorkerStatus())
        return
    log = str(client.log)
    if client.problem is not None:
        state.set_worker(state.WorkerStatus("dead", detail=client.problem.message, log=log))
    elif client.hello is None:
        state.set_worker(state.WorkerStatus("starting", log=log))
    else:
        phase = "busy" if client.waiting else "ready"
        hello = client.hello
        # To a hundred megabytes: nobody needs a new drawing for less.
        rss = round(client.rss / 1e8) * 10**8
        state.set_worker(state.WorkerStatus(phase, hello.device, hello.model, hello.version, rss=rss, log=log))


def _keep_pumping() -> None:
    # Without a window timers never fire, and one that is registered when Blender ends makes some versions hang.
    if not bpy.app.background and not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=_BUSY_SECONDS, persistent=True)


def _tick() -> float | None:
    if _session is None:
        return None
    try:
        pump()
    except Exception:  # a timer that raises is not called again
        _log.exception("The pump failed.")
    client = _session.client if _session is not None else None
    busy = _session is not None and (not _session.idle or bool(client and client.waiting))
    return _BUSY_SECONDS if busy else _IDLE_SECONDS
