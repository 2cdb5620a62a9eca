# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What the worker does for each request, and what it keeps in between: the scene, its views, and all that was seen."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property, singledispatchmethod
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from splatcut import formats, raster
from splatcut.cameras import check_views_see_scene, compared, place_views
from splatcut.cameras.virtual import MIN_CAMERAS
from splatcut.devices import resolve_device
from splatcut.errors import UserError
from splatcut.files import atomic_path, content_hash
from splatcut.folders import embeddings_folder
from splatcut.formats.findings import scene_findings
from splatcut.messages import InlineView
from splatcut.messages.findings import Finding, warnings
from splatcut.messages.results import Result
from splatcut.messages.worker import (
    Check,
    CheckResult,
    Convert,
    ConvertResult,
    Encode,
    EncodeResult,
    Event,
    Heal,
    LoadScene,
    LoadSceneResult,
    Match,
    Preview,
    PreviewEvent,
    PreviewResult,
    Request,
    Run,
    RunResult,
    SetViews,
    SetViewsResult,
)
from splatcut.pipeline import heal_cut, match_scene, parts_of, run_job
from splatcut.pipeline.applied import applied_findings
from splatcut.pipeline.checking import seen_findings
from splatcut.pipeline.healing import PARTS as HEALING
from splatcut.pipeline.inputs import place_prompts, read_prompt_views, read_views, scene_files
from splatcut.pipeline.matching import PARTS as MATCHING
from splatcut.pipeline.summary import scene_line, view_lines
from splatcut.scene.camera import Camera, View
from splatcut.scene.gaussians import Gaussians
from splatcut.segmenter import DEFAULT_MAX_BYTES, EmbeddingCache, Segmenter, load_segmenter
from splatcut.worker.cache import CachedSegmenter
from splatcut.worker.previewing import Labels, Previewer
from splatcut.worker.progress import Reporter

#: Preview files that are left for the reader; older ones are removed.
PREVIEWS_LEFT = 16


class Session:
    """Does requests one after the other, on one thread.

    Args:
        device: "auto", "cuda" or "cpu"; model: path of a 2D model's weights, or None for the embedded one.
        cache: folder of the image embeddings, by default the user's; cache_bytes: what it may hold.
    """

    def __init__(
        self,
        device: str = "auto",
        model: str | None = None,
        cache: Path | None = None,
        cache_bytes: int | None = None,
    ) -> None:
        self._wanted, self._model = device, model
        self._cache = cache or embeddings_folder()
        self._cache_bytes = DEFAULT_MAX_BYTES if cache_bytes is None else cache_bytes
        self._key, self._dropped = "", 0  # of the scene: its content and how it was read; Gaussians left out
        self._findings: tuple[Finding, ...] = ()  # about the scene
        self._cameras: list[View] = []
        self._told: list[Finding] = []  # about reading the cameras
        self._offset = np.zeros(3)  # the scene's world offset, which everything in the previewer is relative to
        self._previewer: Previewer | None = None
        self._has_views = False
        self._written: list[Path] = []

    @cached_property
    def device(self) -> Literal["cuda", "cpu"]:
        """The device that the work runs on. Raises ``UserError`` when it cannot be used."""
        return resolve_device(self._wanted)

    @cached_property
    def segmenter(self) -> Segmenter:
        """The 2D model. Raises ``UserError`` when it cannot be loaded."""
        return load_segmenter(self._model, self._wanted)

    def warm(self) -> None:
        """Loads the model and the compiled kernels ahead of the first click. Problems are told when they matter."""
        try:
            _ = self.segmenter
            if self.device == "cpu":
                _warm_kernels()
        except UserError:
            return

    def forget(self) -> None:
        """Gives back what can be worked out again; for when memory ran out."""
        if self._previewer is not None:
            self._previewer.model.store.clear()
            self._previewer.model.drawings.clear()

    def work(self, number: int, request: Request, send: Callable[[Event], None], cancel: threading.Event) -> Result:
        """Does a request.

        Args:
            number: of the request; send: takes events; cancel: stops the work when set.

        Raises:
            UserError: input that cannot be used; Cancelled.
        """
        plans = {Heal: HEALING, Match: MATCHING}
        plan = parts_of(request.job) if isinstance(request, Run) else plans.get(type(request), ())
        return self._do(request, Reporter(number, send, cancel, plan))

    @singledispatchmethod
    def _do(self, request: Request, report: Reporter) -> Result:
        raise TypeError(f"{type(request).__name__} is no work.")

    @_do.register
    def _(self, request: LoadScene, report: Reporter) -> Result:
        report.stage("load", 2)
        digest = hashlib.sha256(f"{request.path.suffix.lower()}|{request.drop_invalid}".encode())
        if not request.path.exists():
            raise UserError(f"There is no scene at {request.path}. Check the path.")
        for path in scene_files(request.path):
            digest.update(content_hash(path).encode())
            report.check()
        report.step()
        key = digest.hexdigest()
        if self._previewer is None or self._key != key:
            self._previewer, self._has_views = None, False  # two scenes at once may be too much
            splats = formats.read_splats(request.path, drop_invalid=request.drop_invalid)
            report.check()
            model = CachedSegmenter(self.segmenter, self._embeddings(), splats.gaussians, self.device)
            self._key, self._dropped, self._previewer = key, splats.dropped, Previewer(model)
            self._offset = splats.offset
            self._findings = tuple(scene_findings(splats))
        report.step()
        return LoadSceneResult(key, len(self._previewer.model.gaussians), self._dropped, self._findings)

    @_do.register
    def _(self, request: SetViews, report: Reporter) -> Result:
        previewer = self._loaded()
        report.stage("views", 1)
        gaussians, offset = previewer.model.gaussians, self._offset
        told: list[Finding] = []
        cameras = place_views(read_views(request.cameras, request.images, told), gaussians, offset)
        prompt_views = read_prompt_views(request.prompt_views, cameras, gaussians, offset)
        if cameras:
            check_views_see_scene(gaussians, cameras, offset)
        virtual = len(cameras) < MIN_CAMERAS
        previewer.set_views(cameras, prompt_views, virtual)
        self._cameras, self._told = cameras, told
        for sentence in warnings(told):
            report.log(sentence)
        self._has_views = True
        report.step()
        views = sorted([*cameras, *prompt_views], key=lambda view: view.name)
        return SetViewsResult(tuple(_told(view, offset) for view in views), virtual)

    @_do.register
    def _(self, request: Encode, report: Reporter) -> Result:
        previewer = self._viewed()
        views = [previewer.working(name) for name in request.views]
        report.stage("encode", len(views))
        for view in views:
            previewer.model.embedding(view)
            report.step()
        return EncodeResult(len(views))

    @_do.register
    def _(self, request: Preview, report: Reporter) -> Result:
        began = time.perf_counter()
        previewer = self._viewed()
        labels: Labels | None = None
        file = request.out
        objects = place_prompts(request.objects, self._offset)
        for number, (stage, labels) in enumerate(previewer.preview(objects, report)):
            report.check()
            file = self._write(request.out / f"preview_{report.number:06d}_{number}_{stage}.npz", labels)
            if stage != "full":
                report.send(PreviewEvent(report.number, file, stage))
        assert labels is not None
        if problem := previewer.model.cache.problem:
            report.log(problem)
        return PreviewResult(file, labels.counts(request.objects), round(time.perf_counter() - began, 3))

    @_do.register
    def _(self, request: Run, report: Reporter) -> Result:
        options = request.job.options
        options = replace(
            options,
            device=self._wanted if options.device == "auto" else options.device,
            model=self._model if options.model is None else options.model,
        )
        job = replace(request.job, options=options, out=request.job.out.absolute())
        result = run_job(job, report, self._embeddings(), force=request.force)
        files, told = result.files, job.out / "report.json"
        healed = None if result.healed is None else result.healed.scene
        return RunResult(job.out, files.objects, files.background, files.counts, result.warnings, told, healed)

    @_do.register
    def _(self, request: Heal, report: Reporter) -> Result:
        device = self._wanted if request.device == "auto" else request.device
        return heal_cut(replace(request, cut=request.cut.absolute(), device=device), report)

    @_do.register
    def _(self, request: Match, report: Reporter) -> Result:
        device = self._wanted if request.device == "auto" else request.device
        return match_scene(replace(request, device=device), report)

    @_do.register
    def _(self, request: Check, report: Reporter) -> Result:
        gaussians, views = self._viewed().model.gaussians, self._cameras
        report.stage("photos", max(1, len(compared(views))))
        compared_views, seen = seen_findings(gaussians, views, self._offset, self.device, report.step)
        looked_at = (scene_line(gaussians), *view_lines(views, compared_views))
        return CheckResult((*self._findings, *applied_findings(gaussians), *self._told, *seen), looked_at)

    @_do.register
    def _(self, request: Convert, report: Reporter) -> Result:
        report.stage("convert", 2)
        formats.writable_format(request.target)
        splats = formats.read_splats(request.source, drop_invalid=request.drop_invalid, spz_axes=request.spz_axes)
        report.step()
        formats.write_splats(request.target, splats)
        report.step()
        objects = ()
        if request.labels is not None and splats.objects is not None:
            np.save(request.labels, splats.objects.labels)
            objects, splats = splats.objects.names, replace(splats, objects=None)
        lost = tuple(formats.losses(splats, request.target))
        return ConvertResult(len(splats), lost, splats.findings, objects)

    def _embeddings(self) -> EmbeddingCache:
        return EmbeddingCache(self._cache, self._cache_bytes)

    def _loaded(self) -> Previewer:
        if self._previewer is None:
            raise UserError("No scene is loaded. Load one before its views.")
        return self._previewer

    def _viewed(self) -> Previewer:
        previewer = self._loaded()
        if not self._has_views:
            raise UserError("No views are registered. Register the scene's views before a preview.")
        return previewer

    def _write(self, path: Path, labels: Labels) -> Path:
        """Writes a preview's file and removes those that nobody will read any more."""
        path = path.absolute()
        with atomic_path(path) as temporary, temporary.open("wb") as stream:
            np.savez(stream, allow_pickle=False, labels=labels.labels, probability=labels.probability)
        self._written = [*(old for old in self._written if old != path), path]
        for old in self._written[:-PREVIEWS_LEFT]:
            old.unlink(missing_ok=True)
        self._written = self._written[-PREVIEWS_LEFT:]
        return path


def _told(view: View, offset: NDArray[np.float64]) -> InlineView:
    """A view as Blender is told of it: the pinhole camera that everything is computed in, in the file's world."""
    c = view.camera.relative_to(-offset)
    rows = [(float(a), float(b), float(c), float(d)) for a, b, c, d in c.camera_from_world]
    return InlineView(view.name, c.width, c.height, c.fx, c.fy, c.cx, c.cy, tuple(rows), view.photo)


def _warm_kernels() -> None:
    """Runs the kernels that previews use on next to nothing, which loads (or, the first time ever, compiles) them."""
    gaussians = Gaussians(
        means=np.array([[0, 0, 1], [0.1, 0, 1.2]], np.float32),
        log_scales=np.full((2, 3), -2, np.float32),
        quats=np.array([[1, 0, 0, 0]] * 2, np.float32),
        opacity_logits=np.zeros(2, np.float32),
        sh=np.zeros((2, 1, 3), np.float32),
    )
    camera = Camera(32, 32, 32.0, 32.0, 16.0, 16.0, np.eye(4), 0.1)
    raster.render(gaussians, camera)
    raster.render(gaussians, camera, features=np.zeros((2, 2), np.float32), colour=False)
    raster.render(gaussians, camera, features=np.zeros((2, 1), np.float32), colour=False)
    raster.accumulate(gaussians, camera, np.zeros((1, 32, 32), np.float32))
