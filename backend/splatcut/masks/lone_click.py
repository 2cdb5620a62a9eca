# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Which of the 2D model's answers to a lone click is meant (method: masks).

A lone click has three answers (whole, part, part of the part), and the model's own estimate of their quality does not
say which of them is a thing of its own. Two more facts do, and both are free of scale:

- *steadiness*: a click some pixels away is answered with the same mask;
- *relief*: where a thing ends, depth jumps, or the surface bends towards the viewer where the thing stands on another
  one. The splats know the depth, which the 2D model does not see. An outline across a smooth surface belongs to a
  pattern, a shade or a part.

A weighted sum of the three is an answer's score. Of answers that are about as good as the best the smallest is taken:
a second click adds what is missing. Rule and weights were developed with random clicks
(``scripts/bench/clicks.py --fit --seed 1``; ``docs/benchmarks.md``).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from splatcut.scene.gaussians import F32
from splatcut.segmenter import Embedding, Prediction, Prompt2D, Segmenter
from splatcut.segmenter.transform import CELL

Bool = NDArray[np.bool_]

#: Distances from the outline, in pixels of the model's masks, at which the scene's shape is looked at.
CLOSE, FAR = 2.0, 7.0
#: How far the other clicks lie from the first, as a share of the picture's longer side, and how many there are.
NUDGE, NUDGES = 0.012, 8
#: Change of nearness across the outline, as a share, from which it counts as explained.
JUMP = 0.05
#: Angle between the surfaces on both sides, radians, from which the outline counts as explained; only where the one
#: outside comes towards the viewer.
BEND = 0.5
#: Weights of the model's own estimate, steadiness and relief, each of which lies in [0, 1].
WEIGHTS = (5.5, 2.5, 6.5)
#: Of the answers whose sums lie within this of the largest, the smallest is taken.
TIE = 0.25


def nearness(depth: F32, transmittance: F32) -> F32:
    """[H, W] inverse of the mean depth of what is drawn (camera z, world units), 0 where the scene is mostly empty.

    On a plane it changes linearly over the picture, and empty space is a surface at infinity.
    """
    return np.where(transmittance < 0.5, 1.0 / np.maximum(depth, 1e-6), 0.0).astype(np.float32)


def relief(mask: Bool, near: F32, focal: float) -> float:
    """In [0, 1]: how much of a mask's outline is explained by the scene's shape: depth jumps, or bends towards the
    viewer as where a thing stands on another. Both are counted softly, with the hyperbolic tangent.

    Args:
        mask: [h, w]; near: [h, w] ``nearness``; focal: focal length, pixels of the mask. On the picture's border
            nothing is known, which counts as not explained.
    """
    height, width = mask.shape
    rows, columns = np.nonzero(mask & ~ndimage.binary_erosion(mask))
    if not len(rows):
        return 0.0
    outwards, inwards = (np.asarray(ndimage.distance_transform_edt(some)) for some in (~mask, mask))
    # The outline's direction over several pixels, not that of its staircase.
    smooth = np.asarray(ndimage.gaussian_filter(outwards - inwards, 1.0))
    direction = np.stack([np.asarray(slope)[rows, columns] for slope in np.gradient(smooth)])
    direction /= np.maximum(np.hypot(*direction), 1e-6)
    place = np.stack([rows, columns]).astype(np.float64)

    def sample(pixels: float) -> NDArray[np.float64]:
        """[P] nearness that many pixels outside of the outline."""
        return ndimage.map_coordinates(near, place + pixels * direction, np.float64, order=1, mode="nearest")

    inside, outside = sample(-CLOSE), sample(CLOSE)
    unit = np.maximum(inside, 1e-6)
    jump = np.tanh(np.abs(inside - outside) / (unit * JUMP))
    # On a plane nearness changes evenly, and its change for a pixel is the tangent of the tilt over the focal length.
    step = unit * (FAR - CLOSE) / focal
    bend = np.arctan((sample(FAR) - outside) / step) - np.arctan((inside - sample(-FAR)) / step)
    explained = jump + (1.0 - jump) * np.tanh(np.maximum(bend, 0.0) / BEND)
    explained[(rows == 0) | (columns == 0) | (rows == height - 1) | (columns == width - 1)] = 0.0
    return float(explained.mean())


def overlap(first: Bool, second: Bool) -> float:
    """Intersection over union of two masks, 0 when both are empty."""
    return float((first & second).sum() / max(1, int((first | second).sum())))


def candidates(
    segmenter: Segmenter, embedding: Embedding, point: F32, near: F32, focal: float
) -> tuple[Prediction, NDArray[np.float64]]:
    """The answers to a lone click and [A, 3] the facts about each: quality, steadiness, relief.

    Args:
        embedding: of a picture [H, W]; point: [2] (x, y) in its pixels.
        near: [H, W] ``nearness`` of the scene there; focal: focal length, pixels of the picture.
    """
    frame = embedding.frame
    # The part of the model's masks that shows the picture.
    used = slice(-(-frame.used_height // CELL)), slice(-(-frame.used_width // CELL))

    def answers(place: NDArray[np.floating]) -> tuple[Prediction, list[Bool]]:
        prompt = Prompt2D(np.asarray(place, np.float32).reshape(1, 2), np.ones(1, np.int32))
        prediction = segmenter.predict(embedding, prompt)
        return prediction, [prediction.low_res[i][used] > 0 for i in np.flatnonzero(~prediction.extra)]

    prediction, masks = answers(point)
    offered = np.flatnonzero(~prediction.extra)
    turn = np.arange(NUDGES) * (2.0 * np.pi / NUDGES)
    reach = NUDGE * max(frame.width, frame.height)
    others = np.asarray(point, np.float64) + reach * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    others = np.clip(others, 0.5, [frame.width - 0.5, frame.height - 0.5])
    nudged = [answers(other)[1] for other in others]
    # At the masks' resolution, which is the same for all pictures. The median clears single stray splats.
    small = ndimage.median_filter(frame.to_low_res(near, outside=0.0)[used], 5)
    scaled = focal * frame.scale[0] / CELL
    facts = np.empty((len(masks), 3))
    for number, mask in enumerate(masks):
        steady = np.mean([max(overlap(mask, other) for other in some) for some in nudged])
        facts[number] = np.clip(prediction.iou[offered[number]], 0.0, 1.0), steady, relief(mask, small, scaled)
    return prediction, facts


def choose(
    facts: NDArray[np.floating],
    areas: NDArray[np.number],
    weights: Sequence[float] | NDArray[np.floating] = WEIGHTS,
    tie: float = TIE,
) -> int:
    """The row to take of facts [A, 3] about answers with areas [A], in any unit."""
    sums = facts @ np.asarray(weights)
    good = np.flatnonzero(sums >= sums.max() - tie)
    return int(good[int(np.argmin(areas[good]))])


def choose_answer(prediction: Prediction, facts: NDArray[np.floating]) -> int:
    """The index of the answer to take, by ``candidates``'s facts about those that are offered."""
    offered = np.flatnonzero(~prediction.extra)
    areas = (prediction.low_res[offered] > 0).sum(axis=(1, 2))
    return int(offered[choose(facts, areas)])
