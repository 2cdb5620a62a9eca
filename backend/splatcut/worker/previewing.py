# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What would be cut, within about a second of a click.

Every object is worked out by itself from its own views: those it is prompted in, and a handful around it that its mask
is carried on to, so that what they see of its far side counts as well. So a click costs the same however many objects
there are, and an object that nothing was said about since is not touched. The objects meet when the labels are
decided. The whole run works on all views and all objects together; its result may differ about the edges, and it looks
for what objects enclose.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from splatcut.cameras.pictures import WorkingView, working_view
from splatcut.cameras.virtual import first_view_of, virtual_views
from splatcut.errors import UserError
from splatcut.lift.islands import islands, supported
from splatcut.lift.labels import background_probability, grown, labels_from_probability
from splatcut.lift.vote import views_showing, vote
from splatcut.masks.loop import MaskLoop
from splatcut.masks.prompted import PixelPrompt, prompts_in_views
from splatcut.masks.viewpoints import centre_of, points_in_space, surface_points
from splatcut.messages import MaskPrompt, ObjectPrompt, Points3DPrompt, ScribblePrompt, to_json
from splatcut.progress import Progress, Quiet
from splatcut.scene.camera import View
from splatcut.scene.gaussians import F32
from splatcut.scene.masks import share_pixels
from splatcut.worker.cache import CachedSegmenter, content_key, said_key, view_key

#: Sets of virtual views that are kept, each about a thing that was clicked.
AROUND_KEPT = 32


#: Longer side in pixels of the pictures that masks are made in.
MAX_SIDE = 512
#: Views that an object's mask is carried on to.
FURTHER = 5
#: Angle in degrees, as seen from the object, to go from one view to the next: far enough to see something new, near
#: enough to know the object again; and beyond which no view is gone on to.
STRIDE, FARTHEST = 40.0, 75.0
#: Degrees of angle that a view is preferred by which is encoded already.
KNOWN = 15.0
#: Where there are too few cameras: virtual ones to choose from, and the angle of their cone, degrees.
VIRTUAL, VIRTUAL_ANGLE = 10, 55.0
#: Virtual views stay in use until what was clicked has moved by this share of the cameras' distance.
MOVED = 0.15
#: Seconds after which a preview that takes longer (its views are encoded for the first time) is renewed.
RENEW = 1.0


@dataclass(frozen=True, eq=False)
class Labels:
    """A preview.

    Attributes:
        labels: [N] int32, 0 the background, k the k-th object.
        probability: [N] uint8, of that label, 255 being certain.
    """

    labels: NDArray[np.int32]
    probability: NDArray[np.uint8]

    def counts(self, objects: Sequence[ObjectPrompt]) -> dict[str, int]:
        """Gaussians of each object, by name."""
        found = np.bincount(self.labels, minlength=len(objects) + 1)
        return {item.name: int(found[k]) for k, item in enumerate(objects, start=1)}


@dataclass(frozen=True, eq=False)
class _Lifted:
    """One object: [N] float32 probability in [0, 1], [N] float32 visible weight, square pixels, and [N] int32, how many
    views show a Gaussian."""

    probability: F32
    weight: F32
    views: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class _Task:
    """One object to preview: what was said where, and the views its mask may be carried on to."""

    item: ObjectPrompt
    said: dict[str, PixelPrompt]
    prompted: list[WorkingView]
    key: tuple[str, ...]


class Previewer:
    """Previews of one scene; keeps what it has worked out in the store of ``model``."""

    def __init__(self, model: CachedSegmenter) -> None:
        self.model = model
        self._cameras: dict[str, WorkingView] = {}
        self._prompt_views: dict[str, WorkingView] = {}
        self._signature, self._virtual = "", False
        #: Virtual views made so far: the first view's key, what they look at, and they themselves.
        self._around: list[tuple[str, NDArray[np.float64], list[WorkingView]]] = []

    def set_views(self, cameras: Sequence[View], prompt_views: Sequence[View], virtual: bool) -> None:
        """The views that may be prompted in; ``virtual``: the cameras are too few to carry masks on to."""
        self._cameras = {view.name: working_view(view, MAX_SIDE) for view in cameras}
        self._prompt_views = {view.name: working_view(view, MAX_SIDE) for view in prompt_views}
        keys = [f"{name}={view_key(view.view)}" for name, view in sorted(self._cameras.items())]
        self._signature, self._virtual = "|".join([*keys, str(virtual)]), virtual

    def working(self, name: str) -> WorkingView:
        """A view as previews see it. Raises ``UserError`` when there is none of that name."""
        view = self._cameras.get(name) or self._prompt_views.get(name)
        if view is None:
            raise UserError(f"There is no view {name!r}. Register the views again.")
        return view

    def preview(self, objects: Sequence[ObjectPrompt], progress: Progress) -> Iterator[tuple[str, Labels]]:
        """First, when there is anything new, ``("first", labels)`` from the prompted views alone; then now and again
        ``"more"``, while the others take long; in the end ``"full"``.

        Raises:
            UserError: prompts that cannot be used or that lead to nothing; Cancelled.
        """
        tasks = [self._task(item) for item in objects]
        kept: dict[str, _Lifted] = {
            task.item.name: found for task in tasks if (found := self.model.store.find(task.key)) is not None
        }
        new = [task for task in tasks if task.item.name not in kept]
        progress.stage("preview", sum(2 * len(task.prompted) + FURTHER for task in new))
        if new:
            for task in new:
                loop = self._loop(task, task.prompted, progress)
                loop.begin()
                kept[task.item.name] = self._lift(loop)
            yield "first", self._labels(objects, kept)
        told = time.monotonic()
        for task in new:
            loop = None
            for loop in self._carried(task, progress):
                if time.monotonic() - told > RENEW:
                    kept[task.item.name] = self._lift(loop)
                    yield "more", self._labels(objects, kept)
                    told = time.monotonic()
            if loop is not None:
                kept[task.item.name] = self._lift(loop)
            self.model.store.get(task.key, lambda made=kept[task.item.name]: made)
        yield "full", self._labels(objects, kept)

    def _task(self, item: ObjectPrompt) -> _Task:
        """What was said about an object, in working pixels."""
        named = {prompt.view for prompt in item.prompts if not isinstance(prompt, Points3DPrompt)}
        own = {name: view for name, view in self._prompt_views.items() if name in named}
        views = {**self._cameras, **own} or dict(self._prompt_views)
        if not views:
            first = self._first_view(item)
            views = {first.name: WorkingView(first, first)}

        def make() -> dict[str, PixelPrompt]:
            return prompts_in_views([item], views, self.model.gaussians, self.model.device, alpha=self.model.alpha)[0]

        if any(isinstance(prompt, (MaskPrompt, ScribblePrompt)) for prompt in item.prompts):
            said = make()  # the files may have changed
        else:
            where = "|".join(f"{name}={view_key(view.view)}" for name, view in sorted(views.items()))
            key = ("said", json.dumps(to_json(item.prompts)), where)
            said = self.model.store.get(key, make)
        prompted = [views[name] for name in said]
        parts = [f"{view_key(views[name].view)}:{said_key(part)}" for name, part in said.items()]
        return _Task(item, said, prompted, ("lifted", self._signature, *parts))

    def _first_view(self, item: ObjectPrompt) -> View:
        """A view of points in space, for a scene without any."""
        points = points_in_space(item)
        if not len(points):
            raise UserError(f"The object {item.name!r} is prompted in a view, but no views are registered.")
        key = ("first view", content_key(points))
        return self.model.store.get(key, lambda: first_view_of(self.model.gaussians, points, self.model.device))

    def _loop(self, task: _Task, views: Sequence[WorkingView], progress: Progress) -> MaskLoop:
        return MaskLoop(self.model, views, [task.item.name], [task.said], 0, progress)

    def _lift(self, loop: MaskLoop) -> _Lifted:
        gaussians = self.model.gaussians
        sums, confidence = loop.evidence()
        probability, weight = vote(gaussians, sums, confidence, self.model.neighbours)
        return _Lifted(probability[:, 0], weight, views_showing(sums, len(gaussians), confidence))

    def _carried(self, task: _Task, progress: Progress) -> Iterator[MaskLoop]:
        """The object with more and more of the views around it."""
        loop = self._loop(task, task.prompted, Quiet())
        loop.begin()
        chosen = self._chosen(loop.centre(), task, progress)
        loop = self._loop(task, [*task.prompted, *chosen], progress)
        loop.begin()
        for number in range(len(chosen)):
            loop.carry([len(task.prompted) + number])
            yield loop

    def _chosen(self, centre: NDArray[np.float64], task: _Task, progress: Progress) -> list[WorkingView]:
        """The views to carry an object's mask on to, in that order; ``centre`` [3] of the object, world."""
        prompted = {view_key(view.view) for view in task.prompted}
        candidates = self._virtual_views(task, progress) if self._virtual else list(self._cameras.values())
        left = [view for view in candidates if view_key(view.view) not in prompted and _shows(view, centre)]
        chosen: list[WorkingView] = []
        while left and len(chosen) < FURTHER:
            angles, ratios = _apart(left, [*task.prompted, *chosen], centre)
            known = np.array([self.model.has_embedding(view) for view in left])
            cost = np.abs(angles - STRIDE) + 25.0 * ratios - KNOWN * known
            best = min(range(len(left)), key=lambda i: (angles[i] > FARTHEST, cost[i], left[i].name))
            if angles[best] > FARTHEST:
                break
            chosen.append(left.pop(best))
        return chosen

    def _virtual_views(self, task: _Task, progress: Progress) -> list[WorkingView]:
        """Virtual views about what was clicked: those made before, unless that has moved, and the few cameras."""
        model = self.model
        points = [points_in_space(task.item)]
        for view in task.prompted:
            pixels = task.said[view.name].on_object()
            points.append(surface_points(view.view.camera, pixels, *model.depth(view.view)))
        centre, first = centre_of(points), task.prompted[0]
        reach = MOVED * float(np.linalg.norm(first.view.camera.position - centre))
        known = view_key(first.view)
        for key, place, views in self._around:
            if key == known and np.linalg.norm(place - centre) <= reach:
                return [*views, *self._cameras.values()]
        try:
            made = virtual_views(model.gaussians, first.view, centre, Quiet(), model.device, VIRTUAL, VIRTUAL_ANGLE)[1:]
        except UserError:  # no place for a camera: the prompted views have to do
            made = []
        progress.step(0)
        views = [WorkingView(view, view) for view in made]
        self._around = [*self._around[1 - AROUND_KEPT :], (known, centre, views)]
        return [*views, *self._cameras.values()]

    def _labels(self, objects: Sequence[ObjectPrompt], lifted: dict[str, _Lifted]) -> Labels:
        """Labels of all objects together, stray islands cleared as in a run."""
        shares = share_pixels(np.stack([lifted[item.name].probability for item in objects]))
        probability = grown(np.ascontiguousarray(shares.T), [item.grow for item in objects])
        weight = np.max([lifted[item.name].weight for item in objects], axis=0)
        sure = supported(probability, np.max([lifted[item.name].views for item in objects], axis=0))
        labels = labels_from_probability(probability)
        labels = islands(self.model.gaussians, labels, weight, sure, enclosing=False).labels
        classes = np.concatenate([background_probability(probability)[:, None], probability], axis=1)
        own = np.take_along_axis(classes, labels[:, None].astype(np.int64), axis=1)[:, 0]
        return Labels(labels, np.rint(own * 255.0).astype(np.uint8))


def _apart(
    views: Sequence[WorkingView], others: Sequence[WorkingView], centre: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How far views stand from the others' nearest, as seen from an object: [V] degrees, [V] logarithm of distances."""
    offsets = [np.array([view.view.camera.position for view in group]) - centre for group in (views, others)]
    own, other = (np.maximum(np.linalg.norm(offset, axis=1), 1e-9) for offset in offsets)
    cosines = (offsets[0] / own[:, None]) @ (offsets[1] / other[:, None]).T
    angles = np.degrees(np.arccos(np.clip(cosines, -1.0, 1.0)))
    return angles.min(axis=1), np.abs(np.log(own[:, None] / other)).min(axis=1)


def _shows(view: WorkingView, centre: NDArray[np.float64]) -> bool:
    """Whether a world point [3] is in the picture, not at its very border."""
    camera = view.view.camera
    pixels, depth = camera.project(centre[None])
    size = np.array([camera.width, camera.height])
    return bool(depth[0] > camera.near and (pixels[0] > 0.05 * size).all() and (pixels[0] < 0.95 * size).all())
