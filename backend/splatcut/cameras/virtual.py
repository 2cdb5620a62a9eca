# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Virtual cameras around an object, for scenes without cameras of their own (method: views).

Geometry and judgement only: whoever calls renders the candidates and passes the arrays in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from splatcut.scene.camera import Camera
from splatcut.scene.gaussians import Gaussians
from splatcut.scene.rotations import rotation_matrices

_GOLDEN_ANGLE = math.pi * (3 - math.sqrt(5))


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


#: Smallest mean alpha of a candidate's picture, as a share of what a full picture has in this scene.
LEAST_ALPHA = 0.5
#: What is nearer than this share of the distance to the centre is in the way, and the largest share of the picture's
#: alpha that may be.
NEAR, MOST_NEAR = 0.25, 0.2
#: When the picture's depth about the centre is less than this share of its distance, something hides it.
HIDDEN = 0.75
#: Largest density (opacity times falloff, summed over Gaussians) at the camera's place.
MOST_INSIDE = 0.5


@dataclass(frozen=True)
class CandidateQuality:
    """What was found about a candidate.

    Attributes:
        mean_alpha: 0 to 1, over the picture.
        near_share: 0 to 1, the share of the picture's alpha that is much nearer than the centre.
        centre_depth: what is seen about the centre, as a share of the centre's distance: 1 on its surface, less where
            something hides it; infinite where nothing is seen.
        density: opacity times falloff of all Gaussians at the camera's place, summed.
        reason: why it is rejected, a full sentence; None when it is good.
    """

    mean_alpha: float
    near_share: float
    centre_depth: float
    density: float
    reason: str | None

    @property
    def accepted(self) -> bool:
        """Whether the camera can be used."""
        return self.reason is None


def candidate_quality(
    gaussians: Gaussians,
    camera: Camera,
    centre_world: ArrayLike,
    transmittance: NDArray[np.floating],
    depth: NDArray[np.floating],
    full_alpha: float = 1.0,
    *,
    least_alpha: float = LEAST_ALPHA,
    hidden: float = HIDDEN,
) -> CandidateQuality:
    """Judges a virtual camera by what it sees (method: views): empty space, or opaque Gaussians right in front of it.

    Args:
        gaussians: the scene.
        camera: the candidate, of any resolution.
        centre_world: [3] the object's centre.
        transmittance: [H, W] what the scene lets through, 0 to 1, as rendered.
        depth: [H, W] mean camera z of what is seen, world units (blended z divided by alpha); any value where alpha
            is 0.
        full_alpha: mean alpha of the view in which the user clicked, 0 to 1: what a full picture means in this scene.
        least_alpha, hidden: see ``LEAST_ALPHA`` and ``HIDDEN``.
    """
    pixels, z = camera.project(np.asarray(centre_world, dtype=np.float64).reshape(1, 3))
    alpha = 1 - np.asarray(transmittance, dtype=np.float64)
    mean_alpha = float(alpha.mean())
    near = np.where(alpha > 0, np.nan_to_num(np.asarray(depth, np.float64), nan=np.inf), np.inf) < NEAR * z[0]
    near_share = float(alpha[near].sum() / max(alpha.sum(), 1e-12))
    centre_depth = _depth_about(pixels[0] / [camera.width, camera.height], alpha, depth) / z[0] if z[0] > 0 else 0.0
    density = _density(gaussians, camera.position)
    inside_picture = z[0] > 0 and 0 <= pixels[0, 0] <= camera.width and 0 <= pixels[0, 1] <= camera.height
    reason = None
    if not inside_picture:
        reason = "The object's centre is not in the picture."
    elif density > MOST_INSIDE:
        reason = f"The camera stands inside opaque Gaussians (density {density:.2f})."
    elif mean_alpha < least_alpha * full_alpha:
        reason = f"The camera looks through empty space (mean alpha {mean_alpha:.2f})."
    elif near_share > MOST_NEAR:
        reason = f"Something right in front of the camera covers {near_share:.0%} of what it sees."
    elif centre_depth < hidden:
        reason = f"Something at {centre_depth:.0%} of the way hides the object's centre."
    return CandidateQuality(mean_alpha, near_share, centre_depth, density, reason)


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
