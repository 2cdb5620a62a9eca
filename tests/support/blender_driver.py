# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The add-on's modules, as tests drive them."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from typing import Any

import pytest


class Driver:
    """The add-on's modules, and what the tests do with them."""

    def __init__(self, addon: str) -> None:
        def module(name: str) -> Any:
            return importlib.import_module(f"{addon}.{name}")

        self.worker, self.state, self.splats = (module(f"bridge.{n}") for n in ("worker", "state", "splats"))
        self.labelled = module("bridge.labelled")
        self.scenes, self.prompts = module("bridge.scenes"), module("bridge.prompts")
        self.preview, self.run = module("ops.preview"), module("ops.run")
        self.client, self.jobs = module("core.client"), module("core.jobs")

    def pid(self) -> int:
        """Of the worker that runs."""
        client = self.worker.session().client
        assert client is not None
        assert client.hello is not None
        return client.hello.pid

    def pump_until(self, condition: Callable[[], Any], seconds: float = 180.0) -> None:
        """What the timer does in a window."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"it did not happen; {self.state.message}"
            self.worker.pump()
            time.sleep(0.01)


def prompts_of(obj: Any) -> list[tuple[object, ...]]:
    """All objects and prompts of a splat object."""
    return [
        (item.name, item.uid, *((p.uid, p.positive, tuple(p.pixels), tuple(p.position)) for p in item.prompts))
        for item in obj.splatcut.objects
    ]


def refused(operator: Callable[..., Any]) -> str:
    """The sentence with which an operator fails."""
    with pytest.raises(RuntimeError) as caught:
        operator()
    return str(caught.value)
