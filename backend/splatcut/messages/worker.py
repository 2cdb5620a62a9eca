# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What Blender and the worker say to each other (design: worker messages). Standard library only.

One JSON object a line, UTF-8. Blender writes requests, ``{"id": 3, "op": "preview", ...}``; the worker writes one reply
to each, ``{"id": 3, "ok": true, "result": {...}}`` or ``{"id": 3, "ok": false, "error": {...}}``, and events,
``{"event": "progress", "id": 3, ...}``, at any time. Arrays go through files, never through the pipe.

A message is a dataclass of ``worker_types``; what its fields look like in JSON follows from their annotations
(``_FIELDS``), so a new field is a new line in its class and nothing else.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

from splatcut.errors import UserError
from splatcut.messages.job import InlineView, job_from_json, job_to_json, parse_views, views_to_json
from splatcut.messages.prompts import objects_to_json, parse_objects
from splatcut.messages.reading import (
    as_flag,
    as_integer,
    as_list,
    as_number,
    as_object,
    as_path,
    as_text,
    check_keys,
    describe,
    located,
    parse_json,
)
from splatcut.messages.worker_types import (
    ERROR_KINDS,
    HEARTBEAT_SECONDS,
    PROTOCOL_VERSION,
    Cancel,
    CancelResult,
    Convert,
    ConvertResult,
    Encode,
    EncodeResult,
    ErrorKind,
    Event,
    Failure,
    HeartbeatEvent,
    Hello,
    HelloResult,
    LoadScene,
    LoadSceneResult,
    LogEvent,
    Preview,
    PreviewEvent,
    PreviewResult,
    ProgressEvent,
    ReadyEvent,
    Reply,
    Request,
    Result,
    Run,
    RunResult,
    SetViews,
    SetViewsResult,
    Shutdown,
    ShutdownResult,
)

__all__ = [
    "ERROR_KINDS",
    "HEARTBEAT_SECONDS",
    "PROTOCOL_VERSION",
    "Cancel",
    "CancelResult",
    "Convert",
    "ConvertResult",
    "Encode",
    "EncodeResult",
    "ErrorKind",
    "Event",
    "Failure",
    "HeartbeatEvent",
    "Hello",
    "HelloResult",
    "LoadScene",
    "LoadSceneResult",
    "LogEvent",
    "Preview",
    "PreviewEvent",
    "PreviewResult",
    "ProgressEvent",
    "ReadyEvent",
    "Reply",
    "Request",
    "Result",
    "Run",
    "RunResult",
    "SetViews",
    "SetViewsResult",
    "Shutdown",
    "ShutdownResult",
    "event_line",
    "failure_line",
    "handshake_problem",
    "parse_answer",
    "parse_request",
    "parse_result",
    "request_id",
    "request_line",
    "result_line",
]

_REQUESTS: dict[str, type[Any]] = {
    kind.op: kind for kind in (Hello, LoadScene, SetViews, Encode, Preview, Run, Convert, Cancel, Shutdown)
}
_RESULTS: dict[type[Any], type[Any]] = {
    Hello: HelloResult,
    LoadScene: LoadSceneResult,
    SetViews: SetViewsResult,
    Encode: EncodeResult,
    Preview: PreviewResult,
    Run: RunResult,
    Convert: ConvertResult,
    Cancel: CancelResult,
    Shutdown: ShutdownResult,
}
_EVENTS: dict[str, type[Any]] = {
    kind.event: kind for kind in (ReadyEvent, ProgressEvent, PreviewEvent, LogEvent, HeartbeatEvent)
}

T = TypeVar("T")


def request_line(number: int, request: Request) -> str:
    """The line, without its end, that asks for ``request`` under the number ``number``."""
    return _line({"id": number, "op": request.op, **_to_json(request)})


def result_line(number: int, result: Result) -> str:
    """The reply to request ``number`` that succeeded."""
    return _line({"id": number, "ok": True, "result": _to_json(result)})


def failure_line(number: int | None, failure: Failure) -> str:
    """The reply to request ``number``, or to a line that was no request (None), that failed."""
    return _line({"id": number, "ok": False, "error": _to_json(failure)})


def event_line(event: Event) -> str:
    """The line of an event."""
    return _line({"event": event.event, **_to_json(event)})


def parse_request(line: str) -> tuple[int, Request]:
    """Number and request of a line. Raises ``UserError``; ``request_id`` then says whose reply it is."""
    document = parse_json(line)
    check_keys({key: value for key, value in document.items() if key in ("id", "op")}, "The request",
               required=["id", "op"])  # fmt: skip
    number = as_integer(document["id"], '"id"')
    op = as_text(document["op"], '"op"')
    if op not in _REQUESTS:
        raise UserError(f"There is no operation {describe(op)}. Known operations are {', '.join(_REQUESTS)}.")
    fields = {key: value for key, value in document.items() if key not in ("id", "op")}
    return number, _from_json(_REQUESTS[op], fields, f"The request {op}")


def request_id(line: str) -> int | None:
    """The number of a line that may not be a request otherwise, or None."""
    try:
        number = json.loads(line)["id"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return number if isinstance(number, int) and not isinstance(number, bool) else None


def parse_answer(line: str) -> Reply | Event:
    """A reply or an event of the worker. Raises ``UserError`` when the line is neither."""
    document = parse_json(line)
    if "event" in document:
        kind = as_text(document["event"], '"event"')
        if kind not in _EVENTS:
            raise UserError(f"There is no event {describe(kind)}.")
        return _from_json(_EVENTS[kind], {k: v for k, v in document.items() if k != "event"}, f"The event {kind}")
    check_keys(document, "The reply", required=["id", "ok"], optional=["result", "error"])
    number = None if document["id"] is None else as_integer(document["id"], '"id"')
    if as_flag(document["ok"], '"ok"'):
        return Reply(number, as_object(document.get("result"), '"result"'))
    return Reply(number, _from_json(Failure, document.get("error"), '"error"'))


def parse_result(request: Request, outcome: Mapping[str, Any]) -> Any:
    """The result dataclass (``HelloResult`` for ``Hello`` and so on) of a reply. Raises ``UserError``."""
    return _from_json(_RESULTS[type(request)], outcome, f"The result of {request.op}")


def handshake_problem(protocol: int, version: str, own_version: str) -> str | None:
    """A sentence when two sides cannot talk to each other, else None.

    Args:
        protocol, version: of the other side; own_version: of this one.
    """
    if (protocol, version) == (PROTOCOL_VERSION, own_version):
        return None
    return (
        f"The extension in Blender and the worker have different versions: SplatCut {version} (protocol {protocol}) "
        f"talks to a worker of SplatCut {own_version} (protocol {PROTOCOL_VERSION}). Recreate the worker's "
        "environment in the extension's preferences."
    )


def _line(document: Mapping[str, Any]) -> str:
    # ASCII only: no encoding along the way can hurt it.
    return json.dumps(document, allow_nan=False, separators=(",", ":"))


def _to_json(message: Any) -> dict[str, Any]:
    return {item.name: _FIELDS[str(item.type)][0](getattr(message, item.name)) for item in dataclasses.fields(message)}


def _from_json(kind: type[T], value: Any, what: str) -> T:
    document = as_object(value, what)
    fields = dataclasses.fields(cast(Any, kind))
    required = [item.name for item in fields if item.default is dataclasses.MISSING]
    check_keys(document, what, required=required, optional=[item.name for item in fields if item.name not in required])
    with located(what[0].lower() + what[1:]):
        return kind(
            **{
                item.name: _FIELDS[str(item.type)][1](document[item.name], f'"{item.name}"')
                for item in fields
                if item.name in document
            }
        )


def _same(value: Any) -> Any:
    return value


def _path_to_json(value: Path) -> str:
    return value.as_posix()


def _read_path(value: Any, what: str) -> Path:
    return as_path(value, what, Path())


def _read_string(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise UserError(f"{what} must be a string, not {describe(value)}.")
    return value


def _read_cameras(value: Any, what: str) -> Path | tuple[InlineView, ...]:
    return parse_views(value, Path()) if isinstance(value, (list, tuple)) else _read_path(value, what)


def _cameras_to_json(value: Path | tuple[InlineView, ...]) -> Any:
    return _path_to_json(value) if isinstance(value, Path) else views_to_json(value)


_Codec = tuple[Callable[[Any], Any], Callable[[Any, str], Any]]


def _optional(codec: _Codec) -> _Codec:
    write, read = codec
    return (
        lambda value: None if value is None else write(value),
        lambda value, what: None if value is None else read(value, what),
    )


def _sequence(codec: _Codec) -> _Codec:
    write, read = codec
    return (
        lambda values: [write(value) for value in values],
        lambda values, what: tuple(read(value, f"An entry of {what}") for value in as_list(values, what)),
    )


def _mapping(codec: _Codec) -> _Codec:
    write, read = codec
    return (
        lambda values: {key: write(value) for key, value in values.items()},
        lambda values, what: {key: read(value, f"{key!a} in {what}") for key, value in as_object(values, what).items()},
    )


_PATH: _Codec = (_path_to_json, _read_path)
_STRING: _Codec = (_same, _read_string)
_INTEGER: _Codec = (_same, as_integer)
_NUMBER: _Codec = (_same, as_number)
#: By annotation: value to JSON, and JSON and the field's name to value.
_FIELDS: dict[str, _Codec] = {
    "bool": (_same, as_flag),
    "int": _INTEGER,
    "int | None": _optional(_INTEGER),
    "float": _NUMBER,
    "float | None": _optional(_NUMBER),
    "str": _STRING,
    "str | None": _optional(_STRING),
    "ErrorKind": _STRING,
    "tuple[str, ...]": _sequence(_STRING),
    "Path": _PATH,
    "Path | None": _optional(_PATH),
    "Mapping[str, int]": _mapping(_INTEGER),
    "Mapping[str, Path]": _mapping(_PATH),
    "tuple[InlineView, ...]": (views_to_json, lambda value, what: parse_views(as_list(value, what), Path())),
    "Path | tuple[InlineView, ...] | None": _optional((_cameras_to_json, _read_cameras)),
    "tuple[ObjectPrompt, ...]": (objects_to_json, lambda value, what: parse_objects(as_list(value, what), Path())),
    "Job": (job_to_json, lambda value, what: job_from_json(as_object(value, what), Path())),
}
