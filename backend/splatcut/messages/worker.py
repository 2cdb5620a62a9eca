# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What Blender and the worker say to each other (design: worker messages). Standard library only.

``messages.lines`` turns these into lines of JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from splatcut.errors import UserError
from splatcut.messages.job import InlineView, Job
from splatcut.messages.options import OPTIONS
from splatcut.messages.prompts import ObjectPrompt, check_objects
from splatcut.messages.results import (
    CancelResult,
    CheckResult,
    ConvertResult,
    EncodeResult,
    HealResult,
    HelloResult,
    LoadSceneResult,
    MatchResult,
    PreviewResult,
    RunResult,
    SetViewsResult,
    ShutdownResult,
)

#: Changes whenever a message changes in a way that the other side must know of.
PROTOCOL_VERSION = 1

ErrorKind = Literal["user", "cancelled", "version", "memory", "internal"]

#: Ways of blending that ``Match`` knows.
BLENDS = ("linear", "display")

#: Seconds between two heartbeats.
HEARTBEAT_SECONDS = 1.0


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


# ------------------------------------------------------------------------------------------------------ requests


@dataclass(frozen=True)
class Hello:
    """The first request. The worker refuses (kind "version") when either number is not its own."""

    op: ClassVar = "hello"
    result: ClassVar = HelloResult
    protocol: int
    version: str


@dataclass(frozen=True)
class LoadScene:
    """Loads a scene, which takes the place of an earlier one; the same content again costs nothing but its reading.

    Attributes:
        path: the splat file.
        drop_invalid: leave out Gaussians with values that are not finite, instead of refusing the scene.
    """

    op: ClassVar = "load_scene"
    result: ClassVar = LoadSceneResult
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

    op: ClassVar = "set_views"
    result: ClassVar = SetViewsResult
    cameras: Path | tuple[InlineView, ...] | None = None
    images: Path | None = None
    prompt_views: tuple[InlineView, ...] = ()


@dataclass(frozen=True)
class Encode:
    """Encodes views ahead of a click. Sends ``ProgressEvent``."""

    op: ClassVar = "encode"
    result: ClassVar = EncodeResult
    views: tuple[str, ...]


@dataclass(frozen=True)
class Preview:
    """Labels of all Gaussians from the prompts as they stand. May send ``PreviewEvent`` before its reply.

    Attributes:
        objects: in the order of the labels; the object with label k is the k-th, counted from 1.
        out: folder for the result's file.
    """

    op: ClassVar = "preview"
    result: ClassVar = PreviewResult
    objects: tuple[ObjectPrompt, ...]
    out: Path

    def __post_init__(self) -> None:
        check_objects(self.objects)


@dataclass(frozen=True)
class Run:
    """The whole job, as ``splatcut segment`` does it. Sends ``ProgressEvent``.

    Attributes:
        job: what to do.
        force: replace the results of another job in the output folder.
    """

    op: ClassVar = "run"
    result: ClassVar = RunResult
    job: Job
    force: bool = False


@dataclass(frozen=True)
class Check:
    """What a run would stop at or warn of, in the loaded scene, its views and their photos. Sends ``ProgressEvent``."""

    op: ClassVar = "check"
    result: ClassVar = CheckResult


@dataclass(frozen=True)
class Convert:
    """Writes a splat file, or a cut's folder, in the format of the target's suffix (for Blender, which lacks packages).

    Attributes:
        labels: .npy file for the labels [N] int32 (0 the background) of the objects that the source tells apart.
    """

    op: ClassVar = "convert"
    result: ClassVar = ConvertResult
    source: Path
    target: Path
    drop_invalid: bool = False
    spz_axes: str = "auto"
    labels: Path | None = None


@dataclass(frozen=True)
class Heal:
    """Heals a cut, as ``splatcut heal`` does it. Sends ``ProgressEvent``.

    Attributes:
        cut: the folder that a run wrote.
        without: names of objects that are taken out, the others stay; none: all are taken out.
        cameras, images: as in ``Job``; None for those of the run, as far as its report names them.
        out: folder of the results, or None for ``healed`` in the cut's.
        device, seed, trust_cameras: as in ``JobOptions``.
        close: name of an object whose own unseen sides are closed instead, where it touched planes.
    """

    op: ClassVar = "heal"
    result: ClassVar = HealResult
    cut: Path
    without: tuple[str, ...] = ()
    cameras: Path | tuple[InlineView, ...] | None = None
    images: Path | None = None
    out: Path | None = None
    device: str = "auto"
    seed: int = 0
    trust_cameras: bool = False
    close: str | None = None

    def __post_init__(self) -> None:
        for name in ("device", "seed", "trust_cameras"):
            object.__setattr__(self, name, OPTIONS[name].check(getattr(self, name)))


@dataclass(frozen=True)
class Match:
    """Matches colours to a way of blending, as ``splatcut match`` does it. Sends ``ProgressEvent``.

    Attributes:
        scene: splat file, or the folder of a cut, which is matched as one scene.
        out: a .ply, or a folder for a cut.
        blend: "linear", as Blender does it, or "display", as in training, which puts the trained colours back.
        cameras, images: as in ``Job``; without cameras there are virtual ones.
        force: replace what is at ``out``.
        device, drop_invalid, antialiased: as in ``JobOptions``.
    """

    op: ClassVar = "match"
    result: ClassVar = MatchResult
    scene: Path
    out: Path
    blend: str = "linear"
    cameras: Path | tuple[InlineView, ...] | None = None
    images: Path | None = None
    force: bool = False
    device: str = "auto"
    drop_invalid: bool = False
    antialiased: str = "auto"

    def __post_init__(self) -> None:
        if self.blend not in BLENDS:
            raise UserError(f'"blend" must be one of {", ".join(BLENDS)}, not {self.blend!r}.')
        for name in ("device", "drop_invalid", "antialiased"):
            object.__setattr__(self, name, OPTIONS[name].check(getattr(self, name)))


@dataclass(frozen=True)
class Cancel:
    """Stops the request with the number ``target``, running or waiting. Answered at once."""

    op: ClassVar = "cancel"
    result: ClassVar = CancelResult
    target: int


@dataclass(frozen=True)
class Shutdown:
    """Ends the worker. Answered at once."""

    op: ClassVar = "shutdown"
    result: ClassVar = ShutdownResult


Request = Hello | LoadScene | SetViews | Encode | Preview | Run | Check | Convert | Heal | Match | Cancel | Shutdown


# -------------------------------------------------------------------------------------------------------- events


@dataclass(frozen=True)
class ReadyEvent:
    """The worker listens. The first line it writes."""

    event: ClassVar = "ready"
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

    event: ClassVar = "progress"
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

    event: ClassVar = "preview"
    id: int | None
    file: Path
    stage: str


@dataclass(frozen=True)
class LogEvent:
    """A full sentence that the user should read."""

    event: ClassVar = "log"
    id: int | None
    message: str


@dataclass(frozen=True)
class HeartbeatEvent:
    """The worker lives.

    Attributes:
        busy: the request that is being worked on, or None.
        rss: bytes of memory the worker holds, 0 when that cannot be told.
    """

    event: ClassVar = "heartbeat"
    busy: int | None
    rss: int
    id: int | None = None


Event = ReadyEvent | ProgressEvent | PreviewEvent | LogEvent | HeartbeatEvent


@dataclass(frozen=True)
class Reply:
    """The answer to request ``id``: what the worker's JSON says under ``result``, or why there is none.

    ``id`` is None in the answer to a line that is no request.
    """

    id: int | None
    outcome: Mapping[str, Any] | Failure
