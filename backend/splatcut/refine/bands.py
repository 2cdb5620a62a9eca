# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The bands of all views: which tiles are drawn, and what they are held to (method: bands).

The cost of the refinement follows the bands, not the scene: tiles that no moving Gaussian reaches are never rasterised,
and of the scene's Gaussians only those that reach the tiles take part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from splatcut import memory, raster
from splatcut.cameras import load_photo
from splatcut.lift.problem import Problem
from splatcut.progress import Progress
from splatcut.raster import cpu
from splatcut.refine.edges import near_edge
from splatcut.refine.options import RefineOptions
from splatcut.refine.tiles import reaching, tile_pixels, tiles_with
from splatcut.refine.translucent import Translucent
from splatcut.scene.camera import Camera, View
from splatcut.scene.gaussians import F32, Gaussians

#: Share of a pixel that moving Gaussians must make up for its tile to be worked on.
VISIBLE = 1 / 32
#: A pixel is exempt from L_alone where the cores of the object's Gaussians, of this share of their size, cover alone so
#: much more of it than the label image shows.
CORE, HIDDEN = 0.5, 0.5
#: Root mean square difference of the renders from the photos, in [0, 1], below which L_photo weighs more, and how many
#: times as much it weighs at most (``photo_weight``).
NOISE, MOST = 0.032, 4.0

ReadPhoto = Callable[[View], "NDArray[np.uint8] | None"]


@dataclass(frozen=True, eq=False)
class Band:
    """Tiles of one view and their targets.

    Attributes:
        name, camera: of the view.
        tiles: [tiles down, tiles across] bool.
        subset: [S] int32 ascending, the scene's Gaussians that reach the tiles.
        place: [P] int32, places in ``subset`` of the moving ones among them; moving: [P] int32, their places in
            ``Moving.rows``.
        masks: [K, T, 256] uint8, what the label image should be; confidence: [K] float32, the view's.
        alone: [K, T, 256] uint8, what each object should cover alone: ``masks``, but where translucent Gaussians show.
        photo: [T, 256, 3] uint8, what the render should look like; error: root mean square difference of the render,
            before anything moves, from it in all tiles of the view that are reached, in [0, 1].
        exempt: [K, T, 256] bool, pixels where something hides the object, which may cover more of them than its mask.
        weight: [T] float32, how much a tile counts: in how many of the view's bands it is not, plus one.
    """

    name: str
    camera: Camera
    tiles: NDArray[np.bool_]
    subset: NDArray[np.int32]
    place: NDArray[np.int32]
    moving: NDArray[np.int32]
    masks: NDArray[np.uint8]
    confidence: F32
    photo: NDArray[np.uint8]
    error: float
    alone: NDArray[np.uint8]
    exempt: NDArray[np.bool_]
    weight: F32

    # A third of a band's memory if kept, and a thousandth of an iteration's time to make.
    @property
    def pixels(self) -> NDArray[np.int32]:
        """[T, 256]: flat pixel numbers of each tile, row by row (clamped where a tile leaves the image)."""
        return tile_pixels(self.tiles, self.camera)[0]

    @property
    def valid(self) -> NDArray[np.bool_]:
        """[T, 256]: which of them lie inside the image."""
        return tile_pixels(self.tiles, self.camera)[1]


@dataclass(frozen=True, eq=False)
class Movable:
    """The scene that is optimised.

    Attributes:
        scene: N Gaussians; rows: [M] ascending, those that move.
        probability: [N, K] of being each object's: 0 or 1 for those that do not move.
    """

    scene: Gaussians
    rows: NDArray[np.int64]
    probability: F32


def make_bands(
    movable: Movable,
    problem: Problem,
    options: RefineOptions,
    progress: Progress,
    read_photo: ReadPhoto = load_photo,
    translucent: Translucent | None = None,
) -> list[Band]:
    """The bands of all trusted views in which anything that moves can be seen, ``options.parts`` for a view.

    The tiles along the masks' edges and those with errors are in each of a view's bands, all others in one of them.

    Args:
        read_photo: reads a view's photo [H, W, 3] at the size of its camera; None if the scene's render stands in.
        translucent: what is left as it came in.
    """
    rng = np.random.default_rng(options.seed)
    masks, scene, device = problem.masks, movable.scene, problem.device
    bands: list[Band] = []
    progress.stage("bands", len(problem.views))
    for number in memory.tidily(range(len(problem.views))):
        progress.step()
        view = problem.views[number]
        if masks.confidence[number].max(initial=0) <= 0:
            continue
        image, reach, labels, alone = _shown(movable, view.camera, device)
        if not reach.any():
            continue
        soft = masks.soft(number)
        shares = covers = masks.probability[number]
        if translucent is not None:
            shares, covers = translucent.targets(shares, view.camera, device)
        goals = (soft, soft) if covers is shares else (_soft(shares), _soft(covers))
        inner = tiles_with(always_drawn(soft, alone, labels, goals), view.camera)
        cores = np.stack(
            [_core(scene, movable.probability[:, k], view.camera, reach, device) for k in range(len(soft))]
        )
        photo = None if view.photo is None else read_photo(view)
        if photo is None:
            photo = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
        error = _difference(image, photo, tile_pixels(reach, view.camera))
        exempt = (cores - labels.transpose(2, 0, 1) > HIDDEN) & (goals[1] < 0.5)
        targets = _Targets(shares, masks.confidence[number].astype(np.float32), photo, error, covers, exempt)
        bands += _bands(movable, view, (reach, inner), targets, options.parts, rng)
    return bands


def photo_error(bands: Sequence[Band]) -> float:
    """The bands' median error."""
    return float(np.median([band.error for band in bands]))


def photo_weight(bands: Sequence[Band]) -> float:
    """How many times as much L_photo weighs where the scene shows its photos well: (``NOISE`` / error)^2, from 1 to
    ``MOST``, with ``photo_error``.

    The inverse variance, as in a likelihood: a scene that shows its photos to within little is spoilt by little.
    """
    error = photo_error(bands)
    return min(max((NOISE / max(error, 1e-6)) ** 2, 1.0), MOST)


@dataclass(frozen=True, eq=False)
class _Targets:
    """What a view is held to: masks [K, H, W] uint8, confidence [K], photo [H, W, 3] uint8, the render's error,
    coverage of objects alone [K, H, W] uint8, exempt pixels [K, H, W]."""

    masks: NDArray[np.uint8]
    confidence: F32
    photo: NDArray[np.uint8]
    error: float
    alone: NDArray[np.uint8]
    exempt: NDArray[np.bool_]


def _bands(
    movable: Movable,
    view: View,
    tiles_of: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    targets: _Targets,
    parts: int,
    rng: np.random.Generator,
) -> list[Band]:
    """A view's bands: of the tiles that are reached those of the inner ones are in each, the others in one of them."""
    reach, inner = tiles_of
    place = np.full(len(movable.scene), -1, np.int64)
    place[movable.rows] = np.arange(len(movable.rows))
    kinds = len(targets.masks)
    masks, exempt = targets.masks.reshape(kinds, -1), targets.exempt.reshape(kinds, -1)
    alone = None if targets.alone is targets.masks else targets.alone.reshape(kinds, -1)
    photo = targets.photo.reshape(-1, 3)
    # Whatever the optimisation is never shown it may spoil, so every tile has its turn.
    share = rng.integers(parts, size=reach.shape)
    # A tile that is drawn in one iteration of several counts as often, lest errors away from the edges go unpunished.
    weight = np.where(inner, 1, parts).astype(np.float32)
    prepared = cpu.prepare(movable.scene, view.camera, tiles=reach)
    found: list[Band] = []
    for part in range(parts):
        tiles = reach & (inner | (share == part))
        if not tiles.any():
            continue
        pixels, _ = tile_pixels(tiles, view.camera)
        subset = reaching(prepared, tiles)
        moving = place[subset].astype(np.int32)
        shares = masks[:, pixels]
        covers = shares if alone is None else alone[:, pixels]
        found.append(
            Band(
                view.name, view.camera, tiles, subset.astype(np.int32), np.flatnonzero(moving >= 0).astype(np.int32),
                moving[moving >= 0], shares, targets.confidence, photo[pixels], targets.error, covers,
                exempt[:, pixels], weight[tiles],
            )
        )  # fmt: skip
    return found


def _shown(movable: Movable, camera: Camera, device: raster.Device) -> tuple[F32, NDArray[np.bool_], F32, F32]:
    """The image [H, W, 3]; tiles [tiles down, tiles across] where moving Gaussians can be seen, in the scene or in an
    object alone; the label image [H, W, K]; coverage of each object alone [H, W, K]."""
    scene, probability = movable.scene, movable.probability
    count, kinds = probability.shape
    is_moving = np.zeros((count, 1), np.float32)
    is_moving[movable.rows] = 1
    shown = raster.render(scene, camera, features=np.hstack([is_moving, probability]), device=device)
    reach = shown.features[..., 0] > VISIBLE
    alone = np.zeros((camera.height, camera.width, kinds), np.float32)
    for k in range(kinds):
        some = np.flatnonzero(probability[:, k] > 1 / 255)
        if not some.size:
            continue
        drawn = raster.render(
            scene.take(some), camera, features=is_moving[some], colour=False, opacity_scale=probability[some, k],
            device=device,
        )  # fmt: skip
        alone[..., k] = 1 - drawn.transmittance
        reach |= drawn.features[..., 0] > VISIBLE
    return shown.image, tiles_with(reach, camera), shown.features[..., 1:], alone


def always_drawn(soft: F32, alone: F32, labels: F32, goals: tuple[F32, F32]) -> NDArray[np.bool_]:
    """[H, W] bool: near the edge of a mask [K, H, W], or where the label image or objects alone [H, W, K] are far from
    their ``goals`` [K, H, W]."""
    found = near_edge(soft)
    for k, (share, cover) in enumerate(zip(*goals, strict=True)):
        found |= (np.abs(alone[..., k] - cover) > 0.5) | (np.abs(labels[..., k] - share) > 0.5)
    return found


def _difference(image: F32, photo: NDArray[np.uint8], tiles: tuple[NDArray[np.int32], NDArray[np.bool_]]) -> float:
    """Root mean square difference of an image [H, W, 3] in [0, 1] from a photo [H, W, 3] in the tiles' pixels."""
    pixels = tiles[0][tiles[1]]
    difference = image.reshape(-1, 3)[pixels] - photo.reshape(-1, 3)[pixels] / np.float32(255)
    return float(np.sqrt(np.mean(np.square(difference))))


def _soft(levels: NDArray[np.uint8]) -> F32:
    return levels.astype(np.float32) / np.float32(255)


def _core(scene: Gaussians, label: F32, camera: Camera, tiles: NDArray[np.bool_], device: raster.Device) -> F32:
    """[H, W] alpha of the Gaussians' cores alone: a spike may reach far from the object."""
    some = np.flatnonzero(label > 1 / 255)
    if not some.size:
        return np.zeros((camera.height, camera.width), np.float32)
    core = scene.take(some)
    core = replace(core, log_scales=core.log_scales + np.float32(np.log(CORE)))
    drawn = raster.render(core, camera, colour=False, opacity_scale=label[some], tiles=tiles, device=device)
    return 1 - drawn.transmittance


def view_by_view(names: Sequence[str], rng: np.random.Generator) -> list[int]:
    """A random order of the bands, whose views have these names, in which all views have their turn, then all again."""
    mixed: list[int] = rng.permutation(len(names)).tolist()
    turns: dict[str, int] = {}
    keys: list[int] = []
    for number in mixed:
        keys.append(turns.get(names[number], 0))
        turns[names[number]] = keys[-1] + 1
    return [mixed[place] for place in np.argsort(keys, kind="stable").tolist()]
