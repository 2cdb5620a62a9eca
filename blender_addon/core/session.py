# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender wants of the worker, one thing after the other, whichever worker process that takes.

A task names the scene and the views that it needs. The session knows what the worker that runs holds and sends what is
missing; a worker that was lost is replaced by the next task, which sends everything again.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from splatcut.errors import UserError
from splatcut.messages import worker as messages

from .client import OnEvent, OnReply, Outcome, Problem, WorkerClient

_log = logging.getLogger(__name__)

CANCELLED = Problem("cancelled", "Stopped.")


@dataclass(frozen=True)
class Scene:
    """A splat object's data for the worker.

    Attributes:
        key: changes with the data; write: writes the file and returns it, or raises ``UserError``.
    """

    key: Hashable
    write: Callable[[], Path]


@dataclass(eq=False)
class Task:
    """Something that was asked of the session; ``outcome`` is None until it has ended.

    Attributes:
        request: the message that the task is about, or a function that makes it when its turn has come.
        scene, views: what the worker must hold for it, or None where it does not matter.
        slot: a waiting task gives way to a later one of the same slot.
    """

    request: messages.Request | Callable[[], messages.Request]
    scene: Scene | None = None
    views: messages.SetViews | None = None
    on_reply: OnReply | None = None
    on_event: OnEvent | None = None
    slot: Hashable = None
    outcome: Outcome | None = None
    cancelled: bool = False
    number: int | None = None  # of the request that is under way for it
    steps: list[str] = field(default_factory=list)  # operations sent so far, in order


class Session:
    """Works tasks off one after the other. All methods belong to the thread that polls.

    Args:
        start: makes a client; raises ``UserError`` with a sentence where none can be made.
        on_client: called with each client that was made.
    """

    def __init__(self, start: Callable[[], WorkerClient], on_client: Callable[[WorkerClient], None] | None = None):
        self._start = start
        self._on_client = on_client
        self._client: WorkerClient | None = None
        self._scene: Hashable = None
        self._views: messages.SetViews | None = None
        #: What the worker said about the views it holds now.
        self.views: messages.SetViewsResult | None = None
        #: The hash and the size of the scene that the worker holds now.
        self.loaded: messages.LoadSceneResult | None = None
        self._queue: deque[Task] = deque()
        self._current: Task | None = None

    @property
    def client(self) -> WorkerClient | None:
        """The worker's client, dead or alive, or None before the first task."""
        return self._client

    @property
    def current(self) -> Task | None:
        """The task that is being worked on."""
        return self._current

    @property
    def idle(self) -> bool:
        """Whether nothing is being worked on and nothing waits."""
        return self._current is None and not self._queue

    def live_client(self) -> WorkerClient:
        """A client that takes requests; starts a worker where none runs. Raises ``UserError``."""
        if self._client is not None and self._client.alive:
            return self._client
        self._scene = self._views = self.views = self.loaded = None
        self._client = None
        client = self._start()
        self._client = client
        if self._on_client is not None:
            self._on_client(client)
        return client

    def submit(self, task: Task) -> Task:
        """Puts a task at the end of the queue, and starts it when nothing is before it."""
        if task.slot is not None:
            for earlier in [item for item in self._queue if item.slot == task.slot]:
                self._queue.remove(earlier)
                self._end(earlier, Outcome(problem=CANCELLED))
        self._queue.append(task)
        self._advance()
        return task

    def cancel(self, task: Task) -> None:
        """Stops a task, which then ends as "cancelled"."""
        if task.outcome is not None or task.cancelled:
            return
        task.cancelled = True
        if task in self._queue:
            self._queue.remove(task)
            self._end(task, Outcome(problem=CANCELLED))
        elif task.number is not None and self._client is not None:
            self._client.cancel(task.number)

    def poll(self) -> None:
        """Hands out what has arrived. Never raises."""
        if self._client is not None:
            self._client.poll()
        self._advance()

    def wait(self, task: Task, interval: float = 0.02) -> Outcome:
        """Polls until the task has ended; Ctrl-C cancels it."""
        try:
            while task.outcome is None:
                self.poll()
                if task.outcome is None:
                    time.sleep(interval)
        except KeyboardInterrupt:
            self.cancel(task)
            raise
        return task.outcome

    def close(self) -> None:
        """Ends the worker; all tasks end as "cancelled"."""
        waiting, self._queue = list(self._queue), deque()
        for task in waiting:
            self._end(task, Outcome(problem=CANCELLED))
        if self._client is not None:
            self._client.close()
        self._client = None
        self._scene = self._views = self.views = self.loaded = None

    def holds(self, scene: Scene, views: messages.SetViews) -> bool:
        """Whether the worker that runs has this scene and these views."""
        alive = self._client is not None and self._client.alive
        return alive and self._scene == scene.key and self._views == views

    def forget_views(self) -> None:
        """Has the next task that needs views send them again: what stands on the disk may have changed."""
        self._views = None

    def forget_scene(self) -> None:
        """Has the next task send scene and views again."""
        self._scene = self._views = None

    # ------------------------------------------------------------------------------------------------------- inside

    def _advance(self) -> None:
        while self._current is None and self._queue:
            task = self._current = self._queue.popleft()
            self._step(task)

    def _step(self, task: Task) -> None:
        """Sends what the task needs next; ends the task where that cannot be made."""
        try:
            client = self.live_client()
            if task.scene is not None and task.scene.key != self._scene:
                scene = task.scene
                # Should it fail, the worker may hold neither this scene nor the one before.
                self._scene = self._views = None
                self._send(
                    client, task, messages.LoadScene(scene.write()), lambda result: self._has_scene(scene, result)
                )
            elif task.views is not None and task.views != self._views:
                views = task.views
                self._views = None
                self._send(client, task, views, lambda result: self._has_views(views, result))
            else:
                request = task.request() if callable(task.request) else task.request
                then: Callable[[Any], None] | None = None
                if isinstance(request, messages.SetViews):
                    sent = request
                    self._views = None
                    then = lambda result: self._has_views(sent, result)  # noqa: E731
                self._send(client, task, request, then, last=True)
        except UserError as error:
            self._end(task, Outcome(problem=Problem("user", str(error))))
        except OSError as error:
            self._end(
                task, Outcome(problem=Problem("user", f"{error.strerror or error}: {error.filename or ''}".strip()))
            )

    def _send(
        self,
        client: WorkerClient,
        task: Task,
        request: messages.Request,
        then: Callable[[Any], None] | None,
        *,
        last: bool = False,
    ) -> None:
        task.steps.append(request.op)

        def answered(outcome: Outcome) -> None:
            task.number = None
            if outcome.problem is not None and outcome.problem.kind in ("internal", "memory"):
                self.forget_scene()  # who knows what is left of it
            if outcome.problem is None and then is not None:
                then(outcome.result)
            if outcome.problem is not None or last:
                self._end(task, outcome)
            elif task.cancelled:
                self._end(task, Outcome(problem=CANCELLED))
            else:
                self._step(task)

        task.number = client.request(request, answered, task.on_event)

    def _has_scene(self, scene: Scene, result: messages.LoadSceneResult) -> None:
        self._scene, self.loaded = scene.key, result
        self._views = self.views = None

    def _has_views(self, request: messages.SetViews, result: messages.SetViewsResult) -> None:
        self._views, self.views = request, result

    def _end(self, task: Task, outcome: Outcome) -> None:
        task.outcome, task.number = outcome, None
        if self._current is task:
            self._current = None
        if task.on_reply is not None:
            try:
                task.on_reply(outcome)
            except Exception:
                _log.exception("What was to be done with the engine's answer failed.")
