# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Why renders do not look like the photos: mistakes that are made with cameras, tried one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import permutations, product

import numpy as np
from numpy.typing import NDArray

from splatcut import raster
from splatcut.cameras.likeness import RIGHT, Likeness, cleared, compared, likeness, likenesses, with_small_photos
from splatcut.messages.findings import Finding
from splatcut.scene.camera import Camera, View
from splatcut.scene.gaussians import Gaussians

#: Views in which mistakes are tried; photos among which a view's own is looked for, and how like it must be: in a
#: ring of cameras around a scene that was turned, others are somewhat like it too.
TRIED, PHOTOS, OTHER_PHOTO = 4, 120, 0.6
#: Scales that are tried, from 1/100 to 100 in steps that a likeness still shows.
SCALES = np.geomspace(0.01, 100, 81)
#: Turns OpenGL's camera axes into OpenCV's, and back.
_FLIP = np.diag([1.0, -1.0, -1.0, 1.0])

_GO_ON = "To go on all the same, use --trust-cameras (in Blender: Use cameras as they are)."


def camera_findings(
    gaussians: Gaussians,
    views: Sequence[View],
    device: raster.Device = "cpu",
    step: Callable[[], object] = lambda: None,
    *,
    trusted: bool = False,
) -> list[Finding]:
    """What comparing renders with photos says about the cameras; nothing where there are no photos, or all is well.

    A problem names the likely cause where one can be told. Arguments as of ``compare_with_photos``.
    """
    return compare_with_photos(gaussians, views, device, step, trusted=trusted)[1]


def compare_with_photos(
    gaussians: Gaussians,
    views: Sequence[View],
    device: raster.Device = "cpu",
    step: Callable[[], object] = lambda: None,
    *,
    trusted: bool = False,
) -> tuple[Likeness | None, list[Finding]]:
    """How much the renders look like the photos, None without photos, and ``camera_findings``.

    Args:
        step: called after each of ``likeness.compared(views)``.
        trusted: the user says that the cameras are right: a problem is only a warning.
    """
    chosen, photos = with_small_photos(compared(views))
    if not chosen:
        return None, []
    found = likeness(gaussians, chosen, photos, device, step)
    if found.wrong:
        found = likeness(gaussians, cleared(gaussians, chosen, device), photos, device)
    return found, _judged(found, gaussians, views, device, trusted)


def _judged(
    found: Likeness, gaussians: Gaussians, views: Sequence[View], device: raster.Device, trusted: bool
) -> list[Finding]:
    """What is found of a likeness."""
    if found.wrong:
        cause, remedy = likely_cause(gaussians, views, device)
        what = f"The photos do not show what the cameras see of the scene ({_measure(found)}). {cause}"
        return [
            Finding(
                "warning" if trusted else "problem", what, "cameras", f"{remedy} {'' if trusted else _GO_ON}".strip()
            )
        ]
    if found.median < RIGHT:
        return [
            Finding(
                "warning",
                f"The renders of the scene look only faintly like the photos ({_measure(found)}).",
                "cameras",
                "The cameras may be slightly off, or the scene poorly trained; check the contact sheet.",
            )
        ]
    rows = zip(found.views, found.own, found.best_other, strict=True)
    strange = [name for name, own, other in rows if own < min(0.1, other)]
    if not strange:
        return []
    return [
        Finding(
            "warning",
            f"In {len(strange)} of the {len(found.views)} views that were looked at the scene does not look like the "
            f"photo: {', '.join(strange)}.",
            "cameras",
            "Check their photos, and leave those views out if they are wrong.",
        )
    ]


def _measure(found: Likeness) -> str:
    return f"likeness {found.median:.2f} in {len(found.own)} views, where {RIGHT} or more is right and 0 is chance"


def likely_cause(gaussians: Gaussians, views: Sequence[View], device: raster.Device = "cpu") -> tuple[str, str]:
    """A sentence on why nothing fits, and one on what to do."""
    chosen, photos = with_small_photos(compared(views))
    some = slice(0, None, max(1, len(chosen) // TRIED))
    tried, photos = chosen[some][:TRIED], photos[some][:TRIED]

    def measured(change: Callable[[Camera], Camera]) -> float:
        changed = [replace(view, camera=change(view.camera)) for view in tried]
        # Most mistakes are seen to be others in the first view.
        if max(likenesses(gaussians, changed[0], photos[:1], device)) < 0.15:
            return 0.0
        return likeness(gaussians, changed, photos, device).median

    def fits(change: Callable[[Camera], Camera]) -> bool:
        return measured(change) >= RIGHT

    if fits(lambda camera: _posed(camera, _maybe(camera.camera_from_world, True))):
        return (
            "The poses are inverted: they map the camera to the world where the opposite is expected, or vice versa.",
            "Invert each pose.",
        )
    for inverted in (False, True):
        if fits(lambda camera, inverted=inverted: _posed(camera, _FLIP @ _maybe(camera.camera_from_world, inverted))):
            return (
                "The cameras' axes are others: y and z point the other way"
                f"{', and the poses are inverted' if inverted else ''}.",
                "Convert the cameras from OpenGL's axes to OpenCV's, or the other way round.",
            )
    if names := _other_photos(gaussians, views, tried, device):
        return (
            f"They fit photos of other views: {', '.join(names)}.",
            "Put the photos in the order, and under the names, that the cameras were computed with.",
        )
    for turn in _turns():
        if fits(lambda camera, turn=turn: _posed(camera, camera.camera_from_world @ turn)):
            return (
                "The scene is turned against the cameras by quarter turns, as a file with another axis upwards is.",
                "Turn it back, or use the scene as it was trained.",
            )
    for scale in sorted(SCALES, key=lambda scale: abs(np.log(scale))):
        if fits(lambda camera, scale=scale: _scaled(camera, scale)):
            near = scale * np.geomspace(0.9, 1.1, 5)
            best = max(near, key=lambda some: measured(lambda camera, some=some: _scaled(camera, some)))
            return (
                f"The scene has another scale: it is about {best:.2g} times as large as the cameras have it.",
                "Scale it back, or use the cameras that the scene was trained with.",
            )
    return (
        "Scene and cameras seem to be from different worlds: moved, turned or scaled against each other, or of "
        "different captures.",
        "Use the cameras that the scene was trained with. A scene exported by nerfstudio needs its "
        "dataparser_transforms.json beside the transforms.json.",
    )


def _maybe(matrix: NDArray[np.float64], inverted: bool) -> NDArray[np.float64]:
    return np.asarray(np.linalg.inv(matrix), np.float64) if inverted else matrix


def _posed(camera: Camera, camera_from_world: NDArray[np.float64]) -> Camera:
    return replace(camera, camera_from_world=camera_from_world)


def _scaled(camera: Camera, scale: float) -> Camera:
    """The camera in a world that is ``scale`` times as large; its near plane may be right as it is."""
    pose = camera.camera_from_world.copy()
    pose[:3, 3] *= scale
    return replace(camera, camera_from_world=pose, near=camera.near * min(scale, 1.0))


def _turns() -> Iterator[NDArray[np.float64]]:
    """[4, 4] rotations of the world by quarter turns, without the identity."""
    for order, signs in product(permutations(range(3)), product((1.0, -1.0), repeat=3)):
        turn = np.eye(4)
        turn[:3, :3] = np.eye(3)[list(order)] * np.array(signs)[:, None]
        if np.linalg.det(turn) > 0 and not np.allclose(turn, np.eye(4)):
            yield turn


def _other_photos(
    gaussians: Gaussians, views: Sequence[View], some: Sequence[View], device: raster.Device
) -> list[str]:
    """Which photos fit the cameras of some views, as "a fits b"; empty unless most fit that of another view."""
    there = [view for view in views if view.photo is not None]
    spread, photos = with_small_photos(there[:: -(-len(there) // PHOTOS)])
    found = []
    for view in some:
        values = likenesses(gaussians, view, photos, device)
        best = int(np.argmax(values))
        if values[best] >= OTHER_PHOTO and spread[best].name != view.name:
            found.append(f"the camera of {view.name} that of {spread[best].name}")
    # Where not all photos were looked at, those of most views were not.
    return found if len(found) > len(some) / 2 or (found and len(spread) < len(there)) else []
