# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The messages of ``messages.worker`` as lines on the pipe (design: worker messages). Standard library only.

One JSON object a line, in ASCII. Blender writes requests, ``{"id": 3, "op": "preview", ...}``; the worker writes one
reply to each, ``{"id": 3, "ok": true, "result": {...}}`` or ``{"id": 3, "ok": false, "error": {...}}``, and events,
``{"event": "progress", "id": 3, ...}``, at any time. Arrays go through files, never through the pipe.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, get_args

from splatcut.errors import UserError
from splatcut.messages.conversion import (
    as_flag,
    as_object,
    as_text,
    check_keys,
    describe,
    from_json,
    parse_json,
    to_json,
)
from splatcut.messages.results import Result
from splatcut.messages.worker import Event, Failure, Reply, Request

_REQUESTS: dict[str, Any] = {kind.op: kind for kind in get_args(Request)}
_EVENTS: dict[str, Any] = {kind.event: kind for kind in get_args(Event)}


def request_line(number: int, request: Request) -> str:
    """The line, without its end, that asks for ``request`` under the number ``number``."""
    return _line({"id": number, "op": request.op, **to_json(request)})


def reply_line(number: int | None, outcome: Result | Failure) -> str:
    """The reply to request ``number``, or to a line that was no request (None)."""
    ok = not isinstance(outcome, Failure)
    return _line({"id": number, "ok": ok, "result" if ok else "error": to_json(outcome)})


def event_line(event: Event) -> str:
    """The line of an event."""
    return _line({"event": event.event, **to_json(event)})


def parse_request(line: str) -> tuple[int, Request]:
    """Number and request of a line. Raises ``UserError``; ``request_id`` then says whose reply it is."""
    document = dict(parse_json(line))
    for key in ("id", "op"):
        if key not in document:
            raise UserError(f'The request has no "{key}".')
    number = from_json(int, document.pop("id"), '"id"')
    op = as_text(document.pop("op"), '"op"')
    if op not in _REQUESTS:
        raise UserError(f"There is no operation {describe(op)}. Known operations are {', '.join(_REQUESTS)}.")
    return number, from_json(_REQUESTS[op], document, f"The request {op}")


def request_id(line: str) -> int | None:
    """The number of a line that may not be a request otherwise, or None."""
    try:
        number = json.loads(line)["id"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return number if isinstance(number, int) and not isinstance(number, bool) else None


def parse_answer(line: str) -> Reply | Event:
    """A reply or an event of the worker. Raises ``UserError`` when the line is neither."""
    document = dict(parse_json(line))
    if "event" in document:
        kind = as_text(document.pop("event"), '"event"')
        if kind not in _EVENTS:
            raise UserError(f"There is no event {describe(kind)}.")
        return from_json(_EVENTS[kind], document, f"The event {kind}")
    check_keys(document, "The reply", required=["id", "ok"], optional=["result", "error"])
    number = from_json(int | None, document["id"], '"id"')
    if as_flag(document["ok"], '"ok"'):
        return Reply(number, as_object(document.get("result"), '"result"'))
    return Reply(number, from_json(Failure, document.get("error"), '"error"'))


def parse_result(request: Request, outcome: Mapping[str, Any]) -> Any:
    """The result dataclass (``HelloResult`` for ``Hello`` and so on) of a reply. Raises ``UserError``."""
    return from_json(request.result, outcome, f"The result of {request.op}")


def _line(document: Mapping[str, Any]) -> str:
    return json.dumps(document, allow_nan=False, separators=(",", ":"))
