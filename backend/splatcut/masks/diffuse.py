# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""From strokes to masks in every view without a 2D model: a random walker over the Gaussians (Grady 2006).

What is drawn in the prompted views makes Gaussians seeds, on an object or not. A walker that steps between neighbours,
rarely across a change of colour, starts at every other Gaussian; the probability of an object is that of meeting one of
its seeds first, which is the harmonic function of the graph with the seeds as its boundary. Rendered into the views
these probabilities are the masks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import cg
from scipy.spatial import cKDTree

from splatcut import raster
from splatcut.errors import UserError
from splatcut.gaussians import F32, Gaussians
from splatcut.masks.prompted import DEPTH_SLACK, Said
from splatcut.masks.types import MaskSet
from splatcut.masks.working import WorkingView
from splatcut.progress import Progress

#: Conductance that every edge has, so that no part of the scene is cut off by colour alone.
LEAST_WEIGHT = 1e-6


@dataclass(frozen=True)
class DiffuseOptions:
    """How strokes spread.

    Attributes:
        neighbours: edges that start at a Gaussian.
        colour: difference of two base colours (sRGB, Euclidean) that an edge feels as one standard deviation.
        share: share of a Gaussian's visible weight under strokes of one kind that makes it a seed, in (0, 1].
        radius: radius of the disc that a point counts as, working pixels.
        tolerance: relative residual at which the solver stops.
        iterations: steps of the solver, at most.
    """

    neighbours: int = 8
    colour: float = 0.03
    share: float = 0.5
    radius: float = 3.0
    tolerance: float = 1e-5
    iterations: int = 10_000

    def __post_init__(self) -> None:
        if self.neighbours < 1 or self.iterations < 1:
            raise ValueError("neighbours and iterations must be at least 1.")
        if self.colour <= 0 or self.radius <= 0 or self.tolerance <= 0:
            raise ValueError("colour, radius and tolerance must be positive.")
        if not 0.0 < self.share <= 1.0:
            raise ValueError("share must be above 0 and at most 1.")


def neighbour_graph(gaussians: Gaussians, options: DiffuseOptions) -> csr_matrix:
    """[N, N] symmetric conductances between neighbours.

    They fall with the difference of the base colours and with the distance relative to the local spacing, and are
    small at transparent Gaussians, through which floaters would join what does not touch.
    """
    count = len(gaussians)
    k = min(options.neighbours + 1, count)
    distance, near = cKDTree(gaussians.means).query(gaussians.means, k=k, workers=-1)
    distance, near = distance.reshape(count, k), near.reshape(count, k)
    start, end = np.repeat(np.arange(count), k), near.ravel()
    spacing = distance.sum(axis=1) / max(k - 1, 1)
    other = start != end
    low, high = np.minimum(start, end)[other], np.maximum(start, end)[other]
    _, first = np.unique(low * np.int64(count) + high, return_index=True)
    low, high, length = low[first], high[first], distance.ravel()[other][first]
    colour = gaussians.base_colours().astype(np.float64)
    difference = ((colour[low] - colour[high]) ** 2).sum(axis=1) / (2 * options.colour**2)
    relative = length**2 / np.maximum(spacing[low] * spacing[high], 1e-30)
    opacity = gaussians.opacities().astype(np.float64)
    weight = (np.exp(-difference - relative) + LEAST_WEIGHT) * np.sqrt(opacity[low] * opacity[high])
    weight = np.maximum(weight, 1e-12)
    both = (np.concatenate([low, high]), np.concatenate([high, low]))
    return csr_matrix((np.concatenate([weight, weight]), both), shape=(count, count))


def walk(
    graph: csr_matrix, on: NDArray[np.bool_], off: NDArray[np.bool_], options: DiffuseOptions
) -> NDArray[np.float64]:
    """[N] in [0, 1]: the probability to meet a seed in ``on`` [N] before one in ``off`` [N]; 0 where none is reached.

    The harmonic function of Grady 2006, equation 9, solved by conjugate gradients.
    """
    result = on.astype(np.float64)
    fixed = on | off
    parts, part = connected_components(graph, directed=False)
    reached = np.zeros(parts, bool)
    reached[part[fixed]] = True
    free = np.flatnonzero(~fixed & reached[part])
    if free.size == 0 or not on.any():
        return result
    laplacian = diags(np.asarray(graph.sum(axis=1)).ravel()).tocsr() - graph
    system: Any = laplacian[free][:, free]
    right = graph[free] @ result
    solution, _ = cg(
        system, right, rtol=options.tolerance, maxiter=options.iterations, M=diags(1.0 / system.diagonal())
    )
    result[free] = np.clip(solution, 0.0, 1.0)
    return result


def drawn(said: Said, shape: tuple[int, int], options: DiffuseOptions) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """[h, w] bool twice: the pixels said to lie on the object, and beside it."""
    height, width = shape
    rows, columns = np.mgrid[:height, :width] + 0.5
    marks = np.zeros((2, height, width), bool)
    if said.strokes is not None:
        marks |= said.strokes
    for (x, y), label in zip(said.points, said.labels, strict=True):
        kind = 0 if label == 1 else 1
        column, row = min(int(x), width - 1), min(int(y), height - 1)
        if said.strokes is None or not said.strokes[kind, row, column]:
            marks[kind] |= (columns - x) ** 2 + (rows - y) ** 2 <= options.radius**2
    if said.mask is not None:
        marks[0] |= said.mask > 127
        marks[1] |= said.mask <= 127
    if said.box is not None:
        x0, y0, x1, y1 = said.box
        marks[1] |= (columns < x0) | (columns > x1) | (rows < y0) | (rows > y1)
    return marks[0], marks[1] & ~marks[0]


def find_seeds(
    gaussians: Gaussians,
    views: Mapping[str, WorkingView],
    said: Sequence[Mapping[str, Said]],
    options: DiffuseOptions,
    device: raster.Device = "cpu",
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """[N, K] bool twice: the Gaussians that are seeds on each object, and beside it (other objects' seeds included)."""
    kinds = len(said)
    under_on, under_off = np.zeros((len(gaussians), kinds)), np.zeros((len(gaussians), kinds))
    for name in sorted({name for part in said for name in part}):
        camera = views[name].view.camera
        rotation, offset = camera.camera_from_world[2, :3], camera.camera_from_world[2, 3]
        depth = (gaussians.means @ rotation + offset).astype(np.float32)
        rendered = raster.render(gaussians, camera, features=depth[:, None], colour=False, device=device)
        assert rendered.features is not None
        surface = rendered.features[..., 0] / np.maximum(1.0 - rendered.transmittance, 1e-6)
        here = [k for k in range(kinds) if name in said[k]]
        marks = [mark for k in here for mark in drawn(said[k][name], surface.shape, options)]
        signals = np.stack([*marks, surface]).astype(np.float32)
        sums = raster.accumulate(gaussians, camera, signals, device=device)
        share = sums.weighted / np.maximum(sums.weight, 1e-9)[:, None]
        # What shimmers through from behind was not what the stroke meant.
        front = (sums.weight > 0.05) & (np.abs(depth - share[:, -1]) <= DEPTH_SLACK * share[:, -1])
        for number, k in enumerate(here):
            for column, total in ((2 * number, under_on), (2 * number + 1, under_off)):
                chosen = front & (share[:, column] >= options.share)
                if marks[column].any() and not chosen.any():
                    # A stroke on few large Gaussians is mostly beside each of them; the one it covers most counts.
                    chosen[np.argmax(np.where(front, sums.weighted[:, column], -1.0))] = bool(front.any())
                total[chosen, k] += sums.weighted[chosen, column]
    against = under_off.copy()
    for k in range(kinds):
        against[:, k] += np.delete(under_on, k, axis=1).sum(axis=1)
    return under_on > against, (against > 0) & (against >= under_on)


def diffuse(
    gaussians: Gaussians,
    on: NDArray[np.bool_],
    off: NDArray[np.bool_],
    options: DiffuseOptions,
    progress: Progress,
) -> F32:
    """[N, K] float32 in [0, 1]: each object's probability; a Gaussian's sum is at most 1. A step of progress each."""
    graph = neighbour_graph(gaussians, options)
    result = np.zeros(on.shape, np.float32)
    for k in range(on.shape[1]):
        result[:, k] = walk(graph, on[:, k], off[:, k], options)
        progress.step()
    return result / np.maximum(result.sum(axis=1, keepdims=True), np.float32(1))


def diffuse_masks(
    gaussians: Gaussians,
    views: Sequence[WorkingView],
    names: Sequence[str],
    said: Sequence[Mapping[str, Said]],
    options: DiffuseOptions,
    progress: Progress,
    device: raster.Device = "cpu",
) -> MaskSet:
    """Masks of K objects in V views from what was said about them; see the module.

    Raises ``UserError`` for an object of which nothing says what is on it, or nothing what is not.
    """
    progress.stage("masks", len(names) + len(views))
    on, off = find_seeds(gaussians, {view.name: view for view in views}, said, options, device)
    for k, name in enumerate(names):
        if not on[:, k].any():
            raise UserError(
                f"The object {name!r} has no stroke, point or mask that lies on visible Gaussians. Without a 2D model "
                "(--model none) draw strokes on the object; a box alone only says what is not the object."
            )
        if not off[:, k].any():
            raise UserError(
                f"Nothing says what does not belong to the object {name!r}. Without a 2D model (--model none) draw a "
                "stroke beside it (red), or give a point with label 0, a box around it or a second object."
            )
    features = diffuse(gaussians, on, off, options, progress)
    probability = []
    for view in views:
        blended = raster.render(gaussians, view.view.camera, features=features, colour=False, device=device).features
        assert blended is not None
        probability.append(np.rint(blended.transpose(2, 0, 1).clip(0, 1) * 255).astype(np.uint8))
        progress.step()
    trust = np.ones((len(views), len(names)), np.float32)
    return MaskSet(tuple(names), tuple(view.name for view in views), probability, trust)
