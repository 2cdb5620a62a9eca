# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""A scene without some of its Gaussians, as it may have looked without what they show (method: healing)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from splatcut import raster
from splatcut.heal.behind import fill_behind
from splatcut.heal.chart import make_chart
from splatcut.heal.fill import Filling, fill
from splatcut.heal.planes import Plane, extent, find_planes
from splatcut.heal.relight import continued_tones
from splatcut.heal.visibility import ROUNDS, SUPPORT_VIEWS, Sight, Support, look, support
from splatcut.progress import Progress
from splatcut.scene import sh
from splatcut.scene.camera import Camera
from splatcut.scene.gaussians import F32, SH_C0, Gaussians, concatenate

Bools = NDArray[np.bool_]

#: Healing looks at the scene from at most so many of its views, in pictures with at most so many pixels a side.
VIEWS, SIDE = 48, 640
#: A Gaussian's colour is its mean over so many of them.
COLOURS = 12
#: Tones come from within this share of the removed's size around it, from Gaussians that show more than this (px^2);
#: shadows are taken away within this share of its size from it.
ABOUT, SHOWN, SHADOW = 0.6, 1.0, 0.25
#: Colours that change by less stay as they are.
CHANGE = 0.01
#: Gaussians at least this opaque lie on surfaces.
SOLID = 0.5


@dataclass(frozen=True, eq=False)
class Healed:
    """How a scene of N Gaussians is healed: those of ``dropped`` go, ``filling`` comes.

    Attributes:
        dropped: [N] bool, Gaussians that stayed but are not believed or are replaced; none of the removed.
        filling: F Gaussians.
        parent: [F] int64, the row of the scene of which one is the recoloured copy; -1 for those that are made up.
        told: full sentences for the user: what could not be filled, and why.
    """

    dropped: Bools
    filling: Gaussians
    parent: NDArray[np.int64]
    told: tuple[str, ...]


def heal(
    scene: Gaussians,
    labels: NDArray[np.integer],
    removed: Bools,
    cameras: Sequence[Camera],
    progress: Progress,
    device: raster.Device = "cpu",
    seed: int = 0,
) -> Healed:
    """Fills what the removed hid from all views, and takes away what they left behind.

    Args:
        scene: N Gaussians; labels: [N], which part each belongs to: tones do not pass between parts.
        removed: [N] bool, those that are taken out.
        cameras: of the scene's views.

    Raises:
        Cancelled: through ``progress``.
    """
    nothing = Healed(np.zeros(len(scene), bool), scene.take(slice(0, 0)), np.zeros(0, np.int64), ())
    if not removed.any():
        return nothing
    if removed.all() or not cameras:
        why = "nothing else is in the scene" if removed.all() else "there are no views"
        return replace(nothing, told=(f"The hole cannot be filled: {why}.",))
    cameras = [camera.within(SIDE) for camera in spread(cameras, VIEWS)]
    progress.stage("sights", len(cameras) * (3 + ROUNDS))
    sights = look(scene, removed, cameras, device, progress.step)
    showing = sum(bool(sight.outline.any()) for sight in sights)
    if not showing:
        why = "No view shows what is taken out, so nothing was dropped or filled: give cameras that see it."
        return replace(nothing, told=(why,))
    known = support(scene, removed, sights, device, progress.step)
    stay = np.flatnonzero(~removed & ~known.gone)
    if not stay.size:
        return replace(nothing, told=("The hole cannot be filled: nothing is known around it.",))
    rest, colours, changed = _relit(scene, labels, removed, stay, known, cameras)
    progress.stage("holes", 3)
    fillings = _fill_planes(rest, colours, scene.means[removed], sights, seed)
    progress.step()
    closed = concatenate([rest, *(filling.gaussians for filling in fillings)])
    behind, told = fill_behind(closed, _all(colours, fillings), scene.means[removed], sights, device)
    progress.step()
    parts = [rest.take(changed), *(filling.gaussians for filling in [*fillings, *behind])]
    made = concatenate(parts)
    dropped = known.gone & ~known.far if not behind else known.gone.copy()
    dropped[stay[changed]] = True
    parent = np.full(len(made), -1, np.int64)
    parent[: int(changed.sum())] = stay[changed]
    progress.step()
    if showing < SUPPORT_VIEWS:
        few = "only one view shows" if showing == 1 else f"only {showing} views show"
        told = (f"The filling is a guess: {few} what is taken out. More cameras make a better one.", *told)
    return Healed(dropped, made, parent, told)


def spread(cameras: Sequence[Camera], most: int) -> list[Camera]:
    """At most so many cameras, evenly chosen."""
    chosen = np.unique(np.linspace(0, len(cameras) - 1, min(most, len(cameras))).round().astype(int))
    return [cameras[number] for number in chosen]


def seen_colours(gaussians: Gaussians, cameras: Sequence[Camera]) -> F32:
    """[N, 3] float32: the Gaussians' colours, display-referred sRGB, as the cameras see them in the mean."""
    total = np.zeros((len(gaussians), 3))
    for camera in cameras:
        total += sh.colours(gaussians.sh, gaussians.means - camera.position)
    return (total / len(cameras)).astype(np.float32)


def _all(colours: F32, fillings: Sequence[Filling]) -> F32:
    return np.concatenate([colours, *(filling.colours for filling in fillings)])


def _relit(
    scene: Gaussians,
    labels: NDArray[np.integer],
    removed: Bools,
    stay: NDArray[np.int64],
    known: Support,
    cameras: Sequence[Camera],
) -> tuple[Gaussians, F32, Bools]:
    """The Gaussians that stay without shadows of what goes: them, their colours, and which of them changed."""
    rest = scene.take(stay)
    old = seen_colours(rest, spread(cameras, COLOURS))
    new = old.copy()
    low, high = extent(scene.means[removed])
    size = float(np.linalg.norm(high - low))
    reach = ABOUT * size
    near = ((rest.means > low - reach) & (rest.means < high + reach)).all(axis=1) & (known.shown[stay] > SHOWN)
    for label in np.unique(labels[stay[near]]):
        some = np.flatnonzero(near & (labels[stay] == label))
        rows = stay[some]
        new[some] = continued_tones(rest.means[some], old[some], known.seen[rows], known.shown[rows])
    changed = (np.abs(new - old) > CHANGE).any(axis=1)
    distance, _ = cKDTree(scene.means[removed]).query(rest.means, distance_upper_bound=SHADOW * size)
    changed &= np.isfinite(distance)
    harmonics = rest.sh.copy()
    harmonics[changed, 0] += ((new - old) / SH_C0)[changed]
    return replace(rest, sh=harmonics), np.where(changed[:, None], new, old), changed


def _fill_planes(rest: Gaussians, colours: F32, removed: F32, sights: Sequence[Sight], seed: int) -> list[Filling]:
    """What closes the holes in planes that the removed touched."""
    solid = rest.opacities() > SOLID
    cameras = np.mean([sight.camera.position for sight in sights], axis=0)
    used: list[Plane] = []
    fillings = []
    for plane in find_planes(rest.means[solid].astype(np.float64), removed.astype(np.float64), cameras, seed):
        if any(plane.doubles(other) for other in used):
            continue
        chart = make_chart(rest, colours, removed, plane, sights)
        if chart is not None:
            used.append(plane)
            fillings.append(fill(chart, rest.sh_degree, rest.pixel_filter))
    return fillings
