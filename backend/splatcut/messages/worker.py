# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What Blender and the worker say to each other (design: worker messages). Standard library only.

One JSON object a line, UTF-8. Blender writes requests, ``{"id": 3, "op": "preview", ...}``; the worker writes one reply
to each, ``{"id": 3, "ok": true, "result": {...}}`` or ``{"id": 3, "ok": false, "error": {...}}``, and events,
``{"event": "progress", "id": 3, ...}``, at any time. Arrays go through files, never through the pipe.

A message is a dataclass; what its fields look like in JSON follows from their annotations (``_FIELDS``), so a new field
is a new line in its class and nothing else.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar, cast

from splatcut.errors import UserError
from splatcut.messages.job import InlineView, Job, job_from_json, job_to_json, parse_views, views_to_json
from splatcut.messages.prompts import ObjectPrompt, objects_to_json, parse_objects
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

#: Changes whenever a message changes in a way that the other side must know of.
PROTOCOL_VERSION = 1

ErrorKind = Literal["user", "cancelled", "version", "memory", "internal"]
ERROR_KINDS: tuple[ErrorKind, ...] = ("user", "cancelled", "version", "memory", "internal")

#: Seconds between two heartbeats.
HEARTBEAT_SECONDS = 1.0


# ------------------------------------------------------------------------------------------------------ requests


@dataclass(frozen=True)
class Hello:
    """The first request. The worker refuses (kind "version") when either number is not its own."""

    op: ClassVar[str] = "hello"
    protocol: int
    version: str


@dataclass(frozen=True)
class LoadScene:
    """Loads a scene, which takes the place of an earlier one; the same content again costs nothing but its reading.

    Attributes:
        path: the splat file.
        drop_invalid: leave out Gaussians with values that are not finite, instead of refusing the scene.
    """

    op: ClassVar[str] = "load_scene"
    path: Path
    drop_invalid: bool = False


@dataclass(frozen=True)
class SetViews:
    """Registers the views of the loaded scene, in place of earlier ones; what is known of equal views is kept.

    Attributes:
        cameras: a data set, views that stand here themselves, or None (virtual views are made about the prompts).
        images: folder of the data set's photos, or None.
        prompt_views: views that only hold prompts, such as the viewport at the time of a click.
    """

    op: ClassVar[str] = "set_views"
    cameras: Path | tuple[InlineView, ...] | None = None
    images: Path | None = None
    prompt_views: tuple[InlineView, ...] = ()


@dataclass(frozen=True)
class Encode:
    """Encodes views ahead of a click. Sends ``ProgressEvent``."""

    op: ClassVar[str] = "encode"
    views: tuple[str, ...]


@dataclass(frozen=True)
class Preview:
    """Labels of all Gaussians from the prompts as they stand. May send ``PreviewEvent`` before its reply.

    Attributes:
        objects: in the order of the labels; the object with label k is the k-th, counted from 1.
        out: folder for the result's file.
    """

    op: ClassVar[str] = "preview"
    objects: tuple[ObjectPrompt, ...]
    out: Path


@dataclass(frozen=True)
class Run:
    """The whole job, as ``splatcut segment`` does it. Sends ``ProgressEvent``.

    Attributes:
        job: what to do.
        force: replace the results of another job in the output folder.
    """

    op: ClassVar[str] = "run"
    job: Job
    force: bool = False


@dataclass(frozen=True)
class Convert:
    """Writes a splat file in the format of the target's suffix (to import what takes packages Blender has not)."""

    op: ClassVar[str] = "convert"
    source: Path
    target: Path
    drop_invalid: bool = False


@dataclass(frozen=True)
class Cancel:
    """Stops the request with the number ``target``, running or waiting. Answered at once."""

    op: ClassVar[str] = "cancel"
    target: int


@dataclass(frozen=True)
class Shutdown:
    """Ends the worker. Answered at once."""

    op: ClassVar[str] = "shutdown"


Request = Hello | LoadScene | SetViews | Encode | Preview | Run | Convert | Cancel | Shutdown

#: Requests that are answered at once, whatever else is being worked on.
IMMEDIATE = (Hello, Cancel, Shutdown)


# ------------------------------------------------------------------------------------------------------- results


@dataclass(frozen=True)
class HelloResult:
    """Who answers.

    Attributes:
        device: "cpu" or "cuda"; model: what a person calls the 2D model, or its path.
        log: the worker's log file, or None.
    """

    protocol: int
    version: str
    device: str
    model: str
    pid: int
    log: str | None = None


@dataclass(frozen=True)
class LoadSceneResult:
    """``scene``: hash of the scene's content; ``gaussians``: how many; ``dropped``: how many were left out."""

    scene: str
    gaussians: int
    dropped: int = 0


@dataclass(frozen=True)
class SetViewsResult:
    """The views that can be prompted in.

    Attributes:
        views: the data set's and the prompt views, sorted by name. Their cameras are the pinhole cameras that
            everything is computed in; in a photo of a lens with distortion, prompts are still in the photo's pixels.
        virtual: whether there are too few cameras, so that virtual views are made.
    """

    views: tuple[InlineView, ...]
    virtual: bool


@dataclass(frozen=True)
class EncodeResult:
    """``encoded``: number of views that are encoded now, of those that were asked for."""

    encoded: int


@dataclass(frozen=True)
class PreviewResult:
    """A preview.

    Attributes:
        file: .npz with ``labels`` [N] int32, 0 the background and k the k-th object, and ``probability`` [N] uint8 of
            that label, 255 being certain.
        counts: Gaussians of each object, by name.
        seconds: what the request took.
    """

    file: Path
    counts: Mapping[str, int]
    seconds: float


@dataclass(frozen=True)
class RunResult:
    """What a run wrote.

    Attributes:
        out: the folder; the files are absolute paths.
        objects: name -> splat file, for objects that have Gaussians.
        background: splat file of the rest, or None when nothing is left.
        counts: Gaussians of each object, by name.
        warnings: full sentences.
        report: the run's report.json.
    """

    out: Path
    objects: Mapping[str, Path]
    background: Path | None
    counts: Mapping[str, int]
    warnings: tuple[str, ...]
    report: Path


@dataclass(frozen=True)
class ConvertResult:
    """``gaussians``: how many were written; ``losses``: sentences on what the format could not hold."""

    gaussians: int
    losses: tuple[str, ...] = ()


@dataclass(frozen=True)
class CancelResult:
    """``cancelled``: whether the request was running or waiting."""

    cancelled: bool


@dataclass(frozen=True)
class ShutdownResult:
    """Nothing to say."""


Result = (
    HelloResult
    | LoadSceneResult
    | SetViewsResult
    | EncodeResult
    | PreviewResult
    | RunResult
    | ConvertResult
    | CancelResult
    | ShutdownResult
)

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


@dataclass(frozen=True)
class Failure:
    """Why a request was not fulfilled.

    Attributes:
        kind: "user": the input cannot be used; "cancelled"; "version": the other side is of another version; "memory":
            it ran out; "internal": a defect, whose trace stands in the log.
        message: one or more full sentences for the user.
        log: the worker's log file, or None.
    """

    kind: ErrorKind
    message: str
    log: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in ERROR_KINDS:
            raise UserError(f"The kind of an error must be {' or '.join(ERROR_KINDS)}, not {describe(self.kind)}.")


# -------------------------------------------------------------------------------------------------------- events


@dataclass(frozen=True)
class ReadyEvent:
    """The worker listens. The first line it writes."""

    event: ClassVar[str] = "ready"
    protocol: int
    version: str
    pid: int
    id: int | None = None


@dataclass(frozen=True)
class ProgressEvent:
    """Where a request is.

    Attributes:
        stage: its name; number: which of ``stages`` it is, from 1.
        done, total: steps of the stage.
        fraction: of the whole request, 0 to 1, never falling.
        eta: seconds left, or None while that cannot be told.
    """

    event: ClassVar[str] = "progress"
    id: int | None
    stage: str
    number: int
    stages: int
    done: int
    total: int
    fraction: float
    eta: float | None = None


@dataclass(frozen=True)
class PreviewEvent:
    """An early preview.

    Attributes:
        file: as in ``PreviewResult``.
        stage: "first" is from the prompted views alone, "more" has some of the support that the reply will have.
    """

    event: ClassVar[str] = "preview"
    id: int | None
    file: Path
    stage: str


@dataclass(frozen=True)
class LogEvent:
    """A full sentence that the user should read."""

    event: ClassVar[str] = "log"
    id: int | None
    message: str


@dataclass(frozen=True)
class HeartbeatEvent:
    """The worker lives.

    Attributes:
        busy: the request that is being worked on, or None.
        rss: bytes of memory the worker holds, 0 when that cannot be told.
    """

    event: ClassVar[str] = "heartbeat"
    busy: int | None
    rss: int
    id: int | None = None


Event = ReadyEvent | ProgressEvent | PreviewEvent | LogEvent | HeartbeatEvent
_EVENTS: dict[str, type[Any]] = {
    kind.event: kind for kind in (ReadyEvent, ProgressEvent, PreviewEvent, LogEvent, HeartbeatEvent)
}


@dataclass(frozen=True)
class Reply:
    """The answer to request ``id``: what the worker's JSON says under ``result``, or why there is none.

    ``id`` is None in the answer to a line that is no request.
    """

    id: int | None
    outcome: Mapping[str, Any] | Failure


# ------------------------------------------------------------------------------------------------- to and from JSON

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
        f"The extension in Blender and the worker are of different versions: SplatCut {version} (protocol {protocol}) "
        f"talks to a worker of SplatCut {own_version} (protocol {PROTOCOL_VERSION}). Create the worker's environment "
        "anew in the extension's preferences."
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
        raise UserError(f"{what} must be a text, not {describe(value)}.")
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
