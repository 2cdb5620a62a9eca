# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Which of the 2D model's answers to a lone click is meant (method: masks).

A lone click has three answers (whole, part, part of the part), and the model's own estimate of their quality does not
say which of them is a thing of its own. Two more facts do, and both are free of scale:

- *steadiness*: a click some pixels away is answered with the same mask;
- *relief*: where a thing ends, depth jumps. The splats know the depth, which the 2D model does not see. An outline
  across a smooth surface belongs to a pattern, a shade or a part.

An answer's score is a weighted sum of the three and the best is taken. The weights were fitted on random clicks on the
objects of the demo scene alone, to the mean intersection over union of the answers taken (``scripts/bench_clicks.py
--fit demo``); other scenes were looked at when the facts were picked among others, and ``docs/benchmarks.md`` says
which figures come from scenes that played no part. Left out since they added nothing there: the edge's stability
between thresholds, the picture's border, agreement with the answers to the same surface point clicked in other
views, agreement with the answer to a box or to points inside.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from splatcut.gaussians import F32
from splatcut.sam import Embedding, Frame, Prediction, Prompt2D, Segmenter

Bool = NDArray[np.bool_]


@dataclass(frozen=True)
class ChoiceOptions:
    """How the answers to a lone click are compared.

    Attributes:
        nudge: how far the other clicks lie from the first, as a share of the picture's longer side.
        nudges: number of the other clicks, on a circle.
        jump: change of nearness across the outline, as a share, from which the outline counts as explained by it.
        trust, steadiness, relief: weights of the model's own estimate and the two facts; each lies in [0, 1].
    """

    nudge: float = 0.012
    nudges: int = 8
    jump: float = 0.05
    trust: float = 5.6
    steadiness: float = 3.4
    relief: float = 4.1

    def __post_init__(self) -> None:
        if not self.nudge > 0 or not self.jump > 0 or self.nudges < 1:
            raise ValueError("nudge and jump must be above 0, nudges at least 1.")

    @property
    def weights(self) -> NDArray[np.float64]:
        """[3] in the order of ``describe``'s columns."""
        return np.array([self.trust, self.steadiness, self.relief])


def nearness(depth: F32, transmittance: F32) -> F32:
    """[H, W] inverse of the mean depth of what is drawn (camera z, world units), 0 where the scene is mostly empty.

    On a plane it changes linearly over the picture, and empty space is a surface at infinity.
    """
    return np.where(transmittance < 0.5, 1.0 / np.maximum(depth, 1e-6), 0.0).astype(np.float32)


def relief(mask: Bool, near: F32, jump: float) -> float:
    """In [0, 1]: how much of a mask's outline is explained by jumps of depth.

    Args:
        mask: [h, w]; near: [h, w] ``nearness``.
        jump: share of the nearness by which it must differ 2 pixels inside and outside of the outline; the count is
            soft, with the hyperbolic tangent. On the picture's border nothing is known, which counts as no jump.
    """
    height, width = mask.shape
    rows, columns = np.nonzero(mask & ~ndimage.binary_erosion(mask))
    if not len(rows):
        return 0.0
    outwards, inwards = (np.asarray(ndimage.distance_transform_edt(some)) for some in (~mask, mask))
    # The outline's direction over several pixels, not that of its staircase.
    smooth = np.asarray(ndimage.gaussian_filter(outwards - inwards, 1.0))
    down, right = (np.asarray(slope)[rows, columns] for slope in np.gradient(smooth))
    length = np.maximum(np.hypot(down, right), 1e-6)
    steps = 2.0 * np.stack([down / length, right / length])
    place = np.stack([rows, columns]).astype(np.float64)
    inside = ndimage.map_coordinates(near, place - steps, order=1, mode="nearest")
    outside = ndimage.map_coordinates(near, place + steps, order=1, mode="nearest")
    change = np.tanh(np.abs(inside - outside) / (np.maximum(inside, 1e-6) * jump))
    change[(rows == 0) | (columns == 0) | (rows == height - 1) | (columns == width - 1)] = 0.0
    return float(change.mean())


def overlap(first: Bool, second: Bool) -> float:
    """Intersection over union of two masks, 0 when both are empty."""
    return float((first & second).sum() / max(1, int((first | second).sum())))


def _used(frame: Frame) -> tuple[slice, slice]:
    """The part of the model's masks that shows the picture."""
    rows = frame.to_low_res(np.ones((frame.height, frame.width), np.float32), outside=0.0) > 0.5
    return slice(0, int(rows.any(axis=1).sum())), slice(0, int(rows.any(axis=0).sum()))


def describe(
    segmenter: Segmenter, embedding: Embedding, point: F32, near: F32, options: ChoiceOptions | None = None
) -> tuple[Prediction, NDArray[np.float64]]:
    """The answers to a lone click and [A, 3] the facts about each: trust, steadiness, relief.

    Args:
        embedding: of a picture [H, W]; point: [2] (x, y) in its pixels.
        near: [H, W] ``nearness`` of the scene there.
    """
    options = options or ChoiceOptions()
    frame = embedding.frame
    used = _used(frame)

    def answers(place: NDArray[np.floating]) -> tuple[Prediction, list[Bool]]:
        prompt = Prompt2D(np.asarray(place, np.float32).reshape(1, 2), np.ones(1, np.int32))
        prediction = segmenter.predict(embedding, prompt)
        return prediction, [prediction.low_res[i][used] > 0 for i in np.flatnonzero(~prediction.extra)]

    prediction, masks = answers(point)
    offered = np.flatnonzero(~prediction.extra)
    turn = np.arange(options.nudges) * (2.0 * np.pi / options.nudges)
    reach = options.nudge * max(frame.width, frame.height)
    others = np.asarray(point, np.float64) + reach * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    others = np.clip(others, 0.5, [frame.width - 0.5, frame.height - 0.5])
    nudged = [answers(other)[1] for other in others]
    # At the masks' resolution, which is the same for all pictures. The median clears single stray splats.
    small = ndimage.median_filter(frame.to_low_res(near, outside=0.0)[used], 3)
    facts = np.empty((len(masks), 3))
    for number, mask in enumerate(masks):
        steady = np.mean([max(overlap(mask, other) for other in some) for some in nudged])
        facts[number] = np.clip(prediction.iou[offered[number]], 0.0, 1.0), steady, relief(mask, small, options.jump)
    return prediction, facts


def choose_answer(prediction: Prediction, facts: NDArray[np.floating], options: ChoiceOptions | None = None) -> int:
    """The index of the answer to take, by ``describe``'s facts about those that are offered."""
    scores = facts @ (options or ChoiceOptions()).weights
    return int(np.flatnonzero(~prediction.extra)[int(np.argmax(scores))])
