# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What the worker answers to the requests of ``messages.worker``. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from splatcut.messages.findings import Finding
from splatcut.messages.job import InlineView


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
    """``scene``: hash of the scene's content; ``gaussians``: how many; ``dropped``: how many were left out;
    ``findings``: what its user should know about it.
    """

    scene: str
    gaussians: int
    dropped: int = 0
    findings: tuple[Finding, ...] = ()


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
        warnings: full sentences; report: the run's report.json.
        healed: splat file of the rest, healed, or None where it was not.
    """

    out: Path
    objects: Mapping[str, Path]
    background: Path | None
    counts: Mapping[str, int]
    warnings: tuple[str, ...]
    report: Path
    healed: Path | None = None


@dataclass(frozen=True)
class CheckResult:
    """``findings``: about scene, views and photos, the scene's first; ``looked_at``: lines on what there is."""

    findings: tuple[Finding, ...]
    looked_at: tuple[str, ...] = ()


@dataclass(frozen=True)
class ConvertResult:
    """What was written.

    Attributes:
        gaussians: how many; losses: sentences on what the format could not hold; findings: about the source.
        objects: names of those that the source tells apart, where their labels were asked for.
    """

    gaussians: int
    losses: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    objects: tuple[str, ...] = ()


@dataclass(frozen=True)
class HealResult:
    """What healing a cut wrote; all files are absolute paths.

    Attributes:
        name: of what was healed: "background", or "without_" and the names of what was taken out, or "closed_" and the
            name of the object.
        file: the healed scene; dropped: what was dropped of the scene, or None where nothing was.
        masks: folder with a mask for each view: where the filling shows.
        counts: Gaussians that were ``dropped``, ``recoloured`` and ``made_up``, by these names.
        warnings: full sentences.
    """

    name: str
    file: Path
    dropped: Path | None
    masks: Path
    counts: Mapping[str, int]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class MatchResult:
    """What matching colours wrote.

    Attributes:
        file: the file, or the folder of a cut, an absolute path.
        gaussians: how many; hidden: those that no view shows, which keep their colours.
        before, after: root mean square difference in the views, display-referred sRGB, between the scene blended in
            linear light and as it was trained; None where the trained colours were put back.
        warnings: full sentences.
    """

    file: Path
    gaussians: int
    hidden: int = 0
    before: float | None = None
    after: float | None = None
    warnings: tuple[str, ...] = ()


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
    | CheckResult
    | ConvertResult
    | HealResult
    | MatchResult
    | CancelResult
    | ShutdownResult
)
