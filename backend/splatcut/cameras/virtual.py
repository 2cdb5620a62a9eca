# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Virtual cameras around an object, for scenes without cameras of their own (method: views)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from splatcut import raster
from splatcut.errors import UserError
from splatcut.progress import Progress
from splatcut.scene.camera import Camera, View
from splatcut.scene.gaussians import Gaussians
from splatcut.scene.rotations import rotation_matrices

#: Fewer cameras than this cannot show an object from enough sides; virtual ones are added (method: views).
MIN_CAMERAS = 3
#: Virtual cameras that are proposed, and the angle of the cone about the first camera, degrees: farther away floaters
#: show that no photo has trained away.
COUNT, MAX_ANGLE = 24, 40.0
_GOLDEN_ANGLE = math.pi * (3 - math.sqrt(5))
#: Width in pixels of the small renders that candidates are judged by.
PROBE_WIDTH = 160
#: Width in pixels of the first camera's picture when the job has no camera.
WIDTH = 640
#: Smallest mean alpha of a candidate's picture, as a share of what a full picture has in this scene.
LEAST_ALPHA = 0.5
#: What is nearer than this share of the distance to the centre is in the way, and the largest share of the picture's
#: alpha that may be.
NEAR, MOST_NEAR = 0.25, 0.2
#: When the picture's depth about the centre is less than this share of its distance, something hides it.
HIDDEN = 0.75
#: Largest density (opacity times falloff, summed over Gaussians) at the camera's place.
MOST_INSIDE = 0.5


def look_at(position: ArrayLike, target: ArrayLike, up: ArrayLike) -> NDArray[np.float64]:
    """[4, 4] float64 camera_from_world (OpenCV axes) of a camera at ``position`` [3] that looks at ``target`` [3].

    ``up`` [3] is the world direction that points up in the picture, of any length; when it lies along the view, any
    other does. Raises ``ValueError`` when position and target are the same, ``up`` is zero, or a number is not finite.
    """
    place = np.asarray(position, dtype=np.float64)
    z = _unit(np.asarray(target, dtype=np.float64) - place, "The direction from the camera to its target")
    x = np.cross(-_unit(np.asarray(up, dtype=np.float64), "The camera's up direction"), z)
    if np.linalg.norm(x) < 1e-6:
        x = np.cross(np.eye(3)[int(np.argmin(np.abs(z)))], z)
    x /= np.linalg.norm(x)
    rotation = np.stack([x, np.cross(z, x), z])
    result = np.eye(4)
    result[:3, :3], result[:3, 3] = rotation, -rotation @ place
    return result


def _unit(vector: NDArray[np.float64], what: str) -> NDArray[np.float64]:
    """``vector`` [3] at length 1. The square of a number below 1e-162 is zero, so its length alone does not do."""
    largest = float(np.abs(vector).max())
    if not 0 < largest < math.inf:
        raise ValueError(f"{what} is {vector.tolist()}. It must be finite and not zero.")
    scaled = vector / largest
    return scaled / np.linalg.norm(scaled)


def spiral_cone(camera: Camera, centre_world: ArrayLike, count: int, max_angle_degrees: float) -> list[Camera]:
    """``count`` cameras on a spiral cone about ``centre_world`` [3], opening up from the given camera (method: views).

    The first is the given camera itself. The others look at the centre from directions that turn by the golden angle
    and move away from the first one's, up to ``max_angle_degrees`` (above 0, below 180) for the last, evenly over the
    cone's area. So they come in the order of growing angle, and the first few of them already surround the first
    camera. Each has the given camera's intrinsics and distance to the centre, and is upright as the given one is.
    """
    centre = np.asarray(centre_world, dtype=np.float64)
    offset = camera.position - centre
    distance = float(np.linalg.norm(offset))
    axis, up = _unit(offset, "The direction from the object's centre to the camera"), -camera.camera_from_world[1, :3]
    side = np.cross(up, axis)
    if np.linalg.norm(side) < 1e-6:
        side = np.cross(camera.camera_from_world[0, :3], axis)
    side /= np.linalg.norm(side)
    other = np.cross(axis, side)
    cameras = [camera]
    for index in range(1, count):
        # Equal areas of the spherical cap for equal steps of the index.
        share = index / (count - 1)
        angle = math.acos(1 - share * (1 - math.cos(math.radians(max_angle_degrees))))
        turn = index * _GOLDEN_ANGLE
        direction = math.cos(angle) * axis + math.sin(angle) * (math.cos(turn) * side + math.sin(turn) * other)
        place = centre + distance * direction
        cameras.append(replace(camera, camera_from_world=look_at(place, centre, up)))
    return cameras


@dataclass(frozen=True)
class CandidateQuality:
    """What was found about a candidate.

    Attributes:
        centred: whether the object's centre is in the picture.
        mean_alpha: 0 to 1, over the picture.
        near_share: 0 to 1, the share of the picture's alpha that is much nearer than the centre.
        centre_depth: what is seen about the centre, as a share of the centre's distance: 1 on its surface, less where
            something hides it; infinite where nothing is seen.
        density: opacity times falloff of all Gaussians at the camera's place, summed.
    """

    centred: bool
    mean_alpha: float
    near_share: float
    centre_depth: float
    density: float

    def accepted(self, full_alpha: float, least_alpha: float = LEAST_ALPHA, hidden: float = HIDDEN) -> bool:
        """Whether the camera can be used: neither in empty space, nor inside other things, nor behind them.

        Args:
            full_alpha: mean alpha of the view in which the user clicked, 0 to 1: what a full picture means in this
                scene.
            least_alpha, hidden: see ``LEAST_ALPHA`` and ``HIDDEN``.
        """
        clear = self.density <= MOST_INSIDE and self.near_share <= MOST_NEAR and self.centre_depth >= hidden
        return self.centred and clear and self.mean_alpha >= least_alpha * full_alpha


def candidate_quality(
    gaussians: Gaussians,
    camera: Camera,
    centre_world: ArrayLike,
    depth: NDArray[np.floating],
    transmittance: NDArray[np.floating],
) -> CandidateQuality:
    """Measures a virtual camera by what it sees (method: views).

    Args:
        gaussians: the scene.
        camera: the candidate, of any resolution.
        centre_world: [3] the object's centre.
        depth, transmittance: [H, W] of ``raster.mean_depth``; any depth where nothing is drawn.
    """
    pixels, z = camera.project(np.asarray(centre_world, dtype=np.float64).reshape(1, 3))
    alpha = 1 - np.asarray(transmittance, dtype=np.float64)
    near = np.where(alpha > 0, np.nan_to_num(np.asarray(depth, np.float64), nan=np.inf), np.inf) < NEAR * z[0]
    return CandidateQuality(
        bool(z[0] > 0 and 0 <= pixels[0, 0] <= camera.width and 0 <= pixels[0, 1] <= camera.height),
        float(alpha.mean()),
        float(alpha[near].sum() / max(alpha.sum(), 1e-12)),
        _depth_about(pixels[0] / [camera.width, camera.height], alpha, depth) / z[0] if z[0] > 0 else 0.0,
        _density(gaussians, camera.position),
    )


def _depth_about(place: NDArray[np.float64], alpha: NDArray[np.float64], depth: NDArray[np.floating]) -> float:
    """Mean depth, weighted by alpha, in a window of a 20th of the picture about ``place`` [2].

    The place is given in shares of the picture's width and height, 0 to 1.
    """
    height, width = alpha.shape
    window = tuple(
        slice(max(0, math.floor((share - 0.025) * size)), max(1, math.ceil((share + 0.025) * size)))
        for share, size in ((place[1], height), (place[0], width))
    )
    weight = alpha[window]
    total = float(weight.sum())
    known = np.where(weight > 0, np.nan_to_num(np.asarray(depth[window], dtype=np.float64)), 0.0)
    return float((weight * known).sum()) / total if total > 1e-6 else math.inf


def _density(gaussians: Gaussians, place: NDArray[np.float64]) -> float:
    """Opacity times falloff of all Gaussians at a world point [3], summed."""
    scales = gaussians.scales()
    offsets = place - gaussians.means
    with np.errstate(invalid="ignore", over="ignore"):
        close = np.flatnonzero((offsets**2).sum(axis=1) < (4 * scales.max(axis=1)) ** 2)
    if not len(close):
        return 0.0
    rotations = rotation_matrices(gaussians.quats[close])
    local = np.einsum("nij,ni->nj", rotations, offsets[close]) / scales[close]
    return float((gaussians.opacities()[close] * np.exp(-0.5 * (local**2).sum(axis=1))).sum())


def virtual_views(
    gaussians: Gaussians,
    first: View,
    centre: NDArray[np.float64],
    progress: Progress,
    device: raster.Device,
    count: int,
    max_angle: float,
) -> list[View]:
    """The first view and the virtual ones about ``centre`` [3] (world) that pass the test, in order of growing angle.

    Args:
        count: cameras that are proposed; max_angle: of their cone about the first camera, degrees.

    Raises:
        UserError: fewer than two can be used.
    """
    base = first.camera
    distance = float(np.linalg.norm(base.position - centre))
    base = replace(base, near=min(base.near, 0.1 * distance))
    probe = base.resized(PROBE_WIDTH, max(1, round(PROBE_WIDTH * base.height / base.width)))
    _, transmittance = raster.mean_depth(gaussians, probe, device)
    full = float(1.0 - transmittance.mean())
    views = [first]
    candidates = spiral_cone(base, centre, count, max_angle)[1:]
    progress.stage("views", len(candidates))
    for number, camera in enumerate(candidates, start=1):
        small = camera.resized(probe.width, probe.height)
        depth, transmittance = raster.mean_depth(gaussians, small, device)
        if candidate_quality(gaussians, small, centre, depth, transmittance).accepted(full):
            views.append(View(f"virtual_{number:03d}", camera))
        progress.step()
    if len(views) < 3:
        raise UserError(
            "No place around the object gives a clear view of it: virtual cameras would look through empty space or "
            "stand inside other things. Give the capture's cameras with --cameras, or click the object in another view."
        )
    return views


def first_view_of(gaussians: Gaussians, points: NDArray[np.floating], device: raster.Device = "cpu") -> View:
    """A first view of points in space [P, 3], for scenes without any camera.

    Directions all around are tried at a distance that shows the neighbourhood of the points; the one in which the
    points lie on the visible surface and the picture is fullest is taken. The scene's up is guessed from the file's
    axes (negative y, as COLMAP and 3DGS have it).
    """
    centre = np.asarray(points, np.float64).mean(axis=0)
    spread = np.percentile(np.abs(gaussians.means - np.median(gaussians.means, axis=0)), 75)
    up = np.array([0.0, -1.0, 0.0])
    height, focal = round(WIDTH * 0.75), 0.9 * WIDTH
    best: tuple[float, Camera] | None = None
    for distance in (1.5 * float(spread), 0.75 * float(spread)):
        for turn in np.arange(0.0, 360.0, 30.0):
            for lift in (15.0, 40.0):
                around, above = np.radians(turn), np.radians(lift)
                direction = np.array([np.cos(above) * np.cos(around), -np.sin(above), np.cos(above) * np.sin(around)])
                pose = look_at(centre + distance * direction, centre, up)
                camera = Camera(WIDTH, height, focal, focal, WIDTH / 2, height / 2, pose, min(0.2, 0.1 * distance))
                small = camera.resized(PROBE_WIDTH, round(PROBE_WIDTH * 0.75))
                depth, transmittance = raster.mean_depth(gaussians, small, device)
                pixels, z = small.project(points)
                inside = (pixels >= 0).all(axis=1) & (pixels < [small.width, small.height]).all(axis=1) & (z > 0)
                if not inside.all():
                    continue
                column, row = np.floor(pixels).astype(int).T
                visible = float((z < depth[row, column] * 1.05).mean())
                quality = candidate_quality(gaussians, small, centre, depth, transmittance)
                score = visible + 0.5 * quality.mean_alpha - quality.near_share - min(quality.density, 1.0)
                if best is None or score > best[0]:
                    best = (score, camera)
    if best is None:
        raise UserError("The given points are not visible from any direction. Check the points' coordinates.")
    return View("virtual_000", best[1])
