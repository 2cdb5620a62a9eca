# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""From prompts in a few views to masks in every view: the 3D-consistent loop (method: masks).

The first pass walks from the prompted views outwards, always to the nearest view not yet done, so that each view is
prompted from a vote that its neighbours have just made. The passes after it visit every view with the vote of all the
others. A view whose mask the vote contradicts does not vote.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from splatcut.cameras.pictures import WorkingView
from splatcut.errors import UserError
from splatcut.lift.vote import Tally, ViewSums
from splatcut.masks.confidence import MIN_AGREEMENT, agreement, confidence_of, is_absent
from splatcut.masks.prompted import PixelPrompt
from splatcut.masks.scene_segmenter import SceneSegmenter
from splatcut.masks.self_prompts import RenderedVote, self_prompt
from splatcut.progress import Progress
from splatcut.scene.gaussians import F32
from splatcut.scene.masks import MaskSet, share_pixels
from splatcut.segmenter import Prediction, low_res_from_mask

#: The passes end when the masks of one and the next agree to this mean intersection over union.
SETTLED = 0.985
#: What the model's answer to the clear prompt has ahead of its others in agreement.
PREFERRED = 0.02


def _walk_order(views: Sequence[WorkingView], start: Sequence[int], centre: NDArray[np.float64]) -> list[int]:
    """Views from the started ones outwards: next is always the one nearest to any that is done.

    Nearness is the angle under which the object's centre sees two cameras, plus the change of distance.
    """
    offsets = np.array([view.view.camera.position - centre for view in views])
    distance = np.linalg.norm(offsets, axis=1)
    directions = offsets / np.maximum(distance[:, None], 1e-9)
    angle = np.arccos(np.clip(directions @ directions.T, -1.0, 1.0))
    cost = angle + 0.5 * np.abs(np.log(np.maximum(distance[:, None], 1e-9) / np.maximum(distance[None], 1e-9)))
    done = list(start)
    left = [i for i in range(len(views)) if i not in set(start)]
    order = []
    while left:
        nearest = min(left, key=lambda i: (cost[i, done].min(), i))
        order.append(nearest)
        done.append(nearest)
        left.remove(nearest)
    return order


def _similarity(before: Mapping[int, NDArray[np.bool_]], now: Mapping[int, F32]) -> float:
    """Mean intersection over union of the masks [K, h, w] of two passes, by view."""
    scores: list[float] = []
    for number, old in before.items():
        new = now[number] > 0.5
        union = (old | new).sum(axis=(1, 2))
        scores.extend(((old & new).sum(axis=(1, 2))[union > 0] / union[union > 0]).tolist())
    return float(np.mean(scores)) if scores else 0.0


class MaskLoop:
    """Carries prompts to masks in every view; one instance per run.

    Args:
        model: the 2D model and the scene.
        views: V working views.
        names: K object names.
        said: per object, view name -> what the user said there.
        passes: over all views after the first walk, at most.
        settled: see ``SETTLED``.
    """

    def __init__(
        self,
        model: SceneSegmenter,
        views: Sequence[WorkingView],
        names: Sequence[str],
        said: Sequence[dict[str, PixelPrompt]],
        passes: int,
        progress: Progress,
        settled: float = SETTLED,
    ) -> None:
        self._model, self._views, self._names, self._said = model, views, names, said
        self._passes, self._until, self._progress = passes, settled, progress
        self._tally = Tally(len(model.gaussians), len(names))
        #: By view, the masks so far, their sums if they vote, and the masks that the user's own prompts led to, before
        #: the objects share the pixels out.
        self._masks: dict[int, F32] = {}
        self._sums: dict[int, ViewSums] = {}
        self._given: dict[int, F32] = {}
        self._confidence = np.zeros((len(views), len(names)))
        self._agreement = np.zeros((len(views), len(names)))

    def _settled(self, number: int) -> NDArray[np.bool_]:
        """[K] bool: the objects whose mask in this view comes from what the user said there."""
        name = self._views[number].name
        return np.array([name in said and said[name].locates for said in self._said])

    def propagate(self) -> MaskSet:
        """All passes; see the module. Raises ``UserError`` when a prompt leads to nothing."""
        self._progress.stage("masks", len(self._views) * (1 + self._passes))
        prompted = self.begin()
        self.carry(_walk_order(self._views, prompted, self.centre()))
        for _ in range(self._passes):
            before = {number: self._masks[number] > 0.5 for number in range(len(self._views))}
            self.carry(range(len(self._views)))
            if _similarity(before, self._masks) >= self._until:
                break
        return self._result()

    def begin(self) -> list[int]:
        """Masks in the prompted views; returns their numbers. Raises ``UserError`` when a prompt leads to nothing."""
        prompted = [i for i in range(len(self._views)) if self._settled(i).any()]
        for number in prompted:
            self._prompted_view(number)
            self._progress.step()
        self._check_prompts_found_something()
        return prompted

    def carry(self, numbers: Sequence[int]) -> None:
        """Masks in these views, one after the other, each from the vote of all others that have masks so far."""
        for number in numbers:
            self._visit(number)
            self._progress.step()

    def evidence(self) -> tuple[list[ViewSums], F32]:
        """The sums of the V views that vote so far, and [V, K] how much each counts for each object."""
        voting = sorted(self._sums)
        return [self._sums[number] for number in voting], self._confidence[voting].astype(np.float32)

    def _count(self, number: int, probability: F32, confidence: NDArray[np.float64]) -> None:
        """Sets a view's masks and its say in the vote."""
        old = self._sums.pop(number, None)
        if old is not None:
            self._tally.add(old, -self._confidence[number])
        self._masks[number] = probability
        self._confidence[number] = confidence
        if confidence.any():
            self._sums[number] = self._model.lift(self._views[number].view, probability)
            self._tally.add(self._sums[number], confidence)

    def _prompted_view(self, number: int) -> None:
        """Masks of the objects that the user prompted in this view; the others get no say yet."""
        view = self._views[number]
        kinds, camera = len(self._names), view.view.camera
        probability = np.zeros((kinds, camera.height, camera.width), np.float32)
        confidence = np.zeros(kinds)
        for k in np.flatnonzero(self._settled(number)).tolist():
            probability[k] = self._model.mask(self._said[k][view.name], view)
            confidence[k] = 1.0
        self._given[number] = probability
        self._count(number, self._shared(number, probability), confidence)
        self._agreement[number] = confidence

    def _check_prompts_found_something(self) -> None:
        features = self._tally.features()
        for k, name in enumerate(self._names):
            if not (features[:, k] > 0.5).any():
                raise UserError(
                    f"The prompts of the object {name!r} select nothing: no Gaussian lies mostly inside the 2D "
                    "model's mask, or other objects claim all of them. Add points on the object or draw a box "
                    "around it."
                )

    def centre(self) -> NDArray[np.float64]:
        """Median of the Gaussians that the prompted views put into objects, world frame."""
        kinds = len(self._names)
        inside = (self._tally.features()[:, :kinds] > 0.5).any(axis=1)
        return np.median(self._model.gaussians.means[inside], axis=0).astype(np.float64)

    def _predict(
        self, number: int, votes: list[RenderedVote], keep: NDArray[np.bool_]
    ) -> tuple[F32, NDArray[np.float64]]:
        """Masks [K, h, w] and agreements [K] of a view from what the vote says there; objects in ``keep`` stay."""
        view = self._views[number]
        camera = view.view.camera
        probability = np.zeros((len(self._names), camera.height, camera.width), np.float32)
        scores = np.zeros(len(self._names))
        embedding = None
        for k, own in enumerate(votes):
            if keep[k]:
                probability[k], scores[k] = self._given[number][k], 1.0
                continue
            derived = self_prompt(own, [other for j, other in enumerate(votes) if j != k])
            if derived is None:
                # An empty mask: a vote for the object's absence, or no vote.
                scores[k] = 1.0 if is_absent(own) else 0.0
                continue
            if embedding is None:
                embedding = self._model.embedding(view)
            soft = np.where(own.known, own.probability, 0.0).astype(np.float32)
            prompt = replace(derived, low_res=low_res_from_mask(soft, embedding.frame))
            if view.name in self._said[k]:
                # Points that are not on the object, with which the user corrects the vote.
                said = self._said[k][view.name]
                points, labels = np.concatenate([prompt.points, said.points]), [*prompt.labels, *said.labels]
                prompt = replace(prompt, points=points, labels=np.array(labels))
            probability[k], scores[k] = best_mask(self._model.segmenter.predict(embedding, prompt), own)
        return self._shared(number, probability), scores

    def _shared(self, number: int, probability: F32) -> F32:
        """What one object claims in a view is not another's; ready masks are right and come first."""
        name = self._views[number].name
        ready = np.array([name in said and said[name].mask is not None for said in self._said])
        return share_pixels(probability, (ready, ~ready))

    def _visit(self, number: int) -> None:
        """One view, given the vote of all the others."""
        sums, keep = self._sums.get(number), self._settled(number)
        features = self._tally.features() if sums is None else self._tally.without(sums, self._confidence[number])
        votes = self._model.votes(self._views[number].view, features)
        probability, scores = self._predict(number, votes, keep)
        self._agreement[number] = scores
        self._count(number, probability, np.where(keep, 1.0, confidence_of(scores)))

    def _result(self) -> MaskSet:
        notes: dict[str, str] = {}
        for number, view in enumerate(self._views):
            unsure = [
                f"{name!r} ({self._agreement[number, k]:.2f})"
                for k, name in enumerate(self._names)
                if self._confidence[number, k] == 0
            ]
            if unsure:
                notes[view.name] = (
                    f"Not used for {', '.join(unsure)}: the 2D model's mask and the other views' vote overlap by less "
                    f"than {MIN_AGREEMENT:.2f} (intersection over union), or too little of the object is visible here."
                )
        return MaskSet(
            tuple(self._names),
            tuple(view.name for view in self._views),
            [np.rint(self._masks[number] * 255.0).astype(np.uint8) for number in range(len(self._views))],
            self._confidence.astype(np.float32),
            notes,
        )


def best_mask(prediction: Prediction, own: RenderedVote) -> tuple[F32, float]:
    """The candidate that agrees best with the vote, and how well."""
    scores = [agreement(prediction.logits(i) > 0, own) for i in range(len(prediction.iou))]
    # The model's answer to the clear prompt is preferred unless another one is clearly nearer to the vote.
    scores_preferred = [score + (PREFERRED if not prediction.extra[i] else 0.0) for i, score in enumerate(scores)]
    best = int(np.argmax(scores_preferred))
    return prediction.probability(best), scores[best]
