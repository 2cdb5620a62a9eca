# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Holes in what lies behind something that is taken out, filled as one view sees them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from splatcut import raster
from splatcut.heal.fill import Filling, discs, widened
from splatcut.heal.planes import extent
from splatcut.heal.texture import SQUARE, blurred, continued, filled
from splatcut.heal.visibility import OPEN, Sight, open_pixels
from splatcut.scene.gaussians import F32, Gaussians, concatenate

Bools = NDArray[np.bool_]

#: Holes smaller than this share of the outline are left; so many views are filled one after the other.
SMALLEST, MOST_VIEWS = 0.01, 4
#: What is farther than this share of the removed's size behind it is continued; nearer things are what it stood on.
MARGIN = 0.2
#: How much nearer than haze in a hole its filling lies.
BEFORE = 0.97
#: A hole is filled if this share of its rim is known, and this share of the rim that is known or open.
RIM, RIM_KNOWN = 0.15, 0.6
#: Views that see through a filling: it goes where more than this share of those that see its place do.
CONTRADICT = 0.15
#: What is left open is told of where it is this share of the outline in some view.
WORTH = 0.1
#: What covers this much of a pixel is known.
KNOWN = 0.85


def fill_behind(
    rest: Gaussians,
    colours: F32,
    behind: NDArray[np.floating],
    sights: Sequence[Sight],
    device: raster.Device,
) -> tuple[list[Filling], tuple[str, ...]]:
    """What closes the holes that are left in the views, and sentences about those that cannot be filled.

    Args:
        rest: what stays, holes in planes filled; colours [N, 3] of them.
        behind: [M, 3] centres of the removed: what is filled lies behind them.
    """
    fillings: list[Filling] = []
    hopeless: set[int] = set()
    holes = [open_pixels(rest, sight, device) for sight in sights]
    while len(fillings) < MOST_VIEWS and len(hopeless) < MOST_VIEWS:
        sizes = [0 if n in hopeless else int(hole.sum()) for n, hole in enumerate(holes)]
        number = int(np.argmax(sizes))
        if sizes[number] <= SMALLEST * max(1, int(sights[number].outline.sum())):
            break
        filling = _filled(rest, colours, behind, sights, number, holes[number], device)
        hopeless.add(number)  # what it leaves open now stays open
        if filling is None:
            continue
        fillings.append(filling)
        rest = concatenate([rest, filling.gaussians])
        colours = np.concatenate([colours, filling.colours])
        holes = [open_pixels(rest, sight, device) for sight in sights]
    told = ()
    left = max((hole.sum() / max(1, sight.outline.sum()) for hole, sight in zip(holes, sights, strict=True)), default=0)
    if hopeless and not fillings and left > WORTH:
        told = ("Part of what the objects hid could not be filled: nothing is known around it in any view.",)
    return fillings, told


def _filled(
    rest: Gaussians,
    colours: F32,
    behind: NDArray[np.floating],
    sights: Sequence[Sight],
    number: int,
    hole: Bools,
    device: raster.Device,
) -> Filling | None:
    """One view's holes filled; None if nothing is known around them, or other views see through there."""
    camera = sights[number].camera
    z = camera.depths(rest.means).astype(np.float32)
    features = np.concatenate([colours, z[:, None]], axis=1).astype(np.float32)
    drawn = raster.render(rest, camera, features=features, colour=False, device=device)
    depth = raster.over_alpha(drawn.features[..., 3], drawn.alpha)
    low, high = extent(behind)
    nearest = float(np.quantile(camera.depths(behind), 0.9)) + MARGIN * float(np.linalg.norm(high - low))
    wide = widened(hole, drawn.alpha, 2)
    known = (drawn.alpha > np.where(sights[number].outline, OPEN, KNOWN)) & (depth > nearest) & ~wide
    wide = _closed_in(wide, known, drawn.alpha < KNOWN)
    if not wide.any():
        return None
    colour = filled(drawn.features[..., :3], known, wide)  # as it looks before black, where it lets some through
    disparity = np.where(known, 1 / np.maximum(depth, 1e-9), 0)[..., None]
    disparity = continued(blurred(disparity, known, 2.0), known, wide)[..., 0]
    chosen = wide & (disparity > 0)
    stride = _stride(camera.project(rest.means), camera.width, camera.height)
    grid = np.zeros_like(chosen)
    grid[::stride, ::stride] = True
    rows, columns = np.nonzero(chosen & grid)
    distance = 1 / disparity[rows, columns]
    # before what shows through the hole: it lets light through and was never seen there
    haze = np.where((drawn.alpha > 0.02) & (depth > nearest), depth, np.inf)
    haze = ndimage.minimum_filter(haze, 5)[rows, columns]
    distance = np.minimum(distance, BEFORE * haze) * np.where(hole[rows, columns], 1.0, 1.01)
    means = camera.unproject(np.stack([columns + 0.5, rows + 0.5], axis=1), distance)
    size = distance / camera.fx * stride
    good = ~_seen_through(means, size, sights)
    if not good.any():
        return None
    rows, columns, means, size = rows[good], columns[good], means[good], size[good]
    axes = np.broadcast_to(camera.camera_from_world[:3, :3].T, (len(means), 3, 3))
    shade = colour if stride == 1 else ndimage.gaussian_filter(colour, (0.4 * stride, 0.4 * stride, 0))
    return discs(means, axes, size, shade[rows, columns], rest.sh_degree, rest.pixel_filter)


def _closed_in(holes: Bools, known: Bools, open_: Bools) -> Bools:
    """Those of the holes with something known around them."""
    kept = np.zeros_like(holes)
    parts, count = ndimage.label(holes)
    for number in range(1, count + 1):
        part = parts == number
        rim = ndimage.binary_dilation(part, SQUARE) & ~part
        at_known, at_open = int((rim & known).sum()), int((rim & open_).sum())
        if at_known >= RIM * rim.sum() and at_known >= RIM_KNOWN * (at_known + at_open):
            kept |= part
    return kept


def _seen_through(means: NDArray[np.floating], size: NDArray[np.floating], sights: Sequence[Sight]) -> Bools:
    """[F] bool: points [F, 3] that too many views see through: what they see there lies more than 3 sizes behind."""
    free, every = np.zeros(len(means), int), np.zeros(len(means), int)
    for sight in sights:
        inside, row, column, z = sight.pixels_of(means)
        every[inside] += 1
        free[inside] += sight.depth[row, column] > z * 1.02 + 3 * size[inside]
    return free > CONTRADICT * every


def _stride(projected: tuple[NDArray[np.float64], NDArray[np.float64]], width: int, height: int) -> int:
    """Pixels between neighbours, so that what is filled is about as dense as the scene in the picture."""
    pixels, z = projected
    inside = (z > 0) & (pixels >= 0).all(axis=1) & (pixels < (width, height)).all(axis=1)
    return int(np.clip(round((width * height / max(1, inside.sum())) ** 0.5), 1, 3))
