# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""How well ready masks fit scene and cameras: each against the vote of all the others (method: masks that disagree).

The right masks of an object in the right cameras say the same about its Gaussians from all sides. Where the cameras are
another scene's, or the masks other views', every mask finds other Gaussians, and the vote of the others shows the
object elsewhere or nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from splatcut import raster
from splatcut.lift.problem import Problem
from splatcut.lift.vote import Tally, accumulate_views
from splatcut.masks.self_prompts import MIN_KNOWN, RenderedVote, rendered_vote
from splatcut.scene.camera import View
from splatcut.scene.gaussians import Gaussians
from splatcut.scene.masks import MaskSet

Bool = NDArray[np.bool_]

#: Views that are compared, and the longer side of their masks, pixels.
VIEWS, SIDE = 12, 256
#: Pixels that a mask must have at that size to be compared.
MIN_PIXELS = 60
#: Share of a mask that the others must have seen, or that lies where the scene is empty, for it to be compared.
SEEN = 0.3


@dataclass(frozen=True, eq=False)
class Agreements:
    """What the other views say about some masks.

    Attributes:
        masks: C pairs of view and object.
        values: [C] intersection over union with the vote of the others, edges a pixel apart taken as one; in [0, 1].
        empty: [C] shares of the masks that lie where the scene has nothing.
    """

    masks: tuple[tuple[str, str], ...]
    values: NDArray[np.float64]
    empty: NDArray[np.float64]


def compared_masks(
    masks: MaskSet, views: Sequence[View], most: int = VIEWS, side: int = SIDE
) -> tuple[list[View], MaskSet]:
    """At most ``most`` views that show an object, spread over all, and their masks, with ``side`` pixels at most."""
    by_name = {view.name: view for view in views}
    showing = [n for n, mask in enumerate(masks.probability) if (mask > 127).any()]
    spread = np.unique(np.linspace(0, len(showing) - 1, min(most, len(showing))).round().astype(int))
    some = [showing[place] for place in spread]
    small = [replace(view, camera=view.camera.within(side)) for view in (by_name[masks.views[n]] for n in some)]
    shrunk = [_shrunk(masks.probability[n], view) for n, view in zip(some, small, strict=True)]
    names = tuple(view.name for view in small)
    return small, replace(masks, views=names, probability=shrunk, confidence=masks.confidence[some])


def _shrunk(mask: NDArray[np.uint8], view: View) -> NDArray[np.uint8]:
    from PIL import Image

    size = view.camera.width, view.camera.height
    return np.stack([np.asarray(Image.fromarray(one).resize(size, Image.Resampling.BOX)) for one in mask])


def agreements(
    gaussians: Gaussians,
    views: Sequence[View],
    masks: MaskSet,
    device: raster.Device = "cpu",
    step: Callable[[], None] = lambda: None,
) -> Agreements:
    """Compares masks, of ``compared_masks``, with what the others make of them.

    Args:
        step: called twice for each view.
    """
    sums = accumulate_views(Problem(gaussians, views, masks, device), step)
    tally, kinds = Tally(len(gaussians), len(masks.objects)), len(masks.objects)
    for its, confidence in zip(sums, masks.confidence, strict=True):
        tally.add(its, confidence)
    pairs, values, empty = [], [], []
    for number, view in enumerate(views):
        features = tally.without(sums[number], masks.confidence[number])
        drawn = raster.render(gaussians, view.camera, features=features, colour=False, device=device)
        nothing = drawn.alpha.reshape(drawn.features.shape[:2]) < MIN_KNOWN
        for k in np.flatnonzero(masks.confidence[number] > 0):
            mask = masks.probability[number][k] > 127
            vote = rendered_vote(drawn.features[..., k], drawn.features[..., kinds + k])
            pixels = int(mask.sum())
            if pixels < MIN_PIXELS or int((mask & (vote.known | nothing)).sum()) < SEEN * pixels:
                continue
            pairs.append((view.name, masks.objects[k]))
            values.append(_agreement(mask, vote, nothing))
            empty.append(float((mask & nothing).sum() / pixels))
        step()
    return Agreements(tuple(pairs), np.array(values), np.array(empty))


def _agreement(mask: Bool, vote: RenderedVote, nothing: Bool) -> float:
    """As ``masks.confidence.agreement``, but that empty pixels are known not to show the object, and edges may be a
    pixel apart: thin things are thinner than that at this size."""
    inside, candidate = vote.inside, mask & (vote.known | nothing)
    square = np.ones((3, 3), bool)
    near = candidate & ndimage.binary_dilation(inside, square) | inside & ndimage.binary_dilation(candidate, square)
    return float(near.sum() / max(1, int((inside | candidate).sum())))
