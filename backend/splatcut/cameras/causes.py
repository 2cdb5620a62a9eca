# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Why renders do not look like the photos: mistakes that are made with cameras, tried one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from splatcut import raster
from splatcut.cameras.displacement import BESIDE, are_off, displacements
from splatcut.cameras.likeness import RIGHT, SIDE, Likeness, cleared, compared, likeness, likenesses, with_small_photos
from splatcut.cameras.mistakes import Mistake, mirrored_worlds, scaled_world, turned_worlds, wrong_poses
from splatcut.messages.findings import Finding
from splatcut.scene.camera import View
from splatcut.scene.gaussians import Gaussians

#: Views in which mistakes are tried; photos among which a view's own is looked for, and how like it must be: in a
#: ring of cameras around a scene that was turned, others are somewhat like it too.
TRIED, PHOTOS, OTHER_PHOTO = 4, 120, 0.6
#: Scales that are tried, from 1/100 to 100 in steps that a likeness still shows; and where it nearly fits.
SCALES = np.geomspace(0.01, 100, 81)
NEAR_SCALES = np.geomspace(0.75, 1 / 0.75, 13)
#: How much liker renders must be without a small mistake, or with a turned scene than with others' photos.
CLEARLY, AS_GOOD = 0.05, 0.05
#: Degrees, and share of the cameras' distances, by which motions from views to those whose photos fit may differ.
SAME_TURN, SAME_PLACE = 3.0, 0.05

_GO_ON = "To continue anyway, use --trust-cameras (in Blender: Use cameras as they are)."


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
    return found, _judged(found, _Pictured(gaussians, chosen, photos, device), views, trusted)


def _judged(found: Likeness, pictured: _Pictured, views: Sequence[View], trusted: bool) -> list[Finding]:
    """What is found of a likeness, that of ``pictured``, which are some of the ``views``."""
    if found.wrong:
        cause, remedy = _likely_cause(pictured.few(), views)
        what = f"The photos do not show what the cameras see of the scene ({_measure(found)}). {cause}"
        return [
            Finding(
                "warning" if trusted else "problem", what, "cameras", f"{remedy} {'' if trusted else _GO_ON}".strip()
            )
        ]
    if found.median >= RIGHT:
        beside = displacements(pictured.gaussians, pictured.views, pictured.photos, pictured.device)
        if are_off(beside):
            return [_beside(beside, pictured.few())]
    else:
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


def _beside(pixels: NDArray[np.float64], trial: _Pictured) -> Finding:
    """What is found where photos lie a little beside the renders."""
    tried = {scale: trial.measured(scaled_world(scale)) for scale in NEAR_SCALES}
    best = max(tried, key=lambda scale: tried[scale])
    cause = "Scene and cameras are a little moved, turned or scaled against each other, or the photos are distorted."
    remedy = "Use the cameras and photos that the scene was trained with."
    if abs(np.log(best)) > 0.02 and tried[best] > trial.likeness() + CLEARLY:
        found = scaled_world(best)
        cause, remedy = found.cause, found.remedy
    share = float((pixels > BESIDE).mean())
    what = (
        f"The photos lie beside the renders of the scene: {share:.0%} of what was compared by more than "
        f"{BESIDE / SIDE:.1%} of a picture's width, {np.median(pixels) / SIDE:.1%} in the median. {cause}"
    )
    return Finding("warning", what, "cameras", f"{remedy} Masks are wrong by as much.")


@dataclass(frozen=True, eq=False)
class _Pictured:
    """Some views with their photos, in which mistakes can be tried."""

    gaussians: Gaussians
    views: Sequence[View]
    photos: Sequence[NDArray[np.uint8]]
    device: raster.Device

    def few(self) -> _Pictured:
        """A few of them."""
        some = slice(0, None, max(1, len(self.views) // TRIED))
        return replace(self, views=self.views[some][:TRIED], photos=self.photos[some][:TRIED])

    def likeness(self) -> float:
        """The median."""
        return likeness(self.gaussians, self.views, self.photos, self.device).median

    def measured(self, mistake: Mistake) -> float:
        """Median likeness without it; 0 where that of the first view is next to nothing, as of most mistakes."""
        changed = mistake.undone(self.views)
        if max(likenesses(self.gaussians, changed[0], self.photos[:1], self.device)) < 0.15:
            return 0.0
        return likeness(self.gaussians, changed, self.photos, self.device).median

    def fitting(self, mistakes: Iterable[Mistake]) -> Mistake | None:
        """The first without which the photos fit."""
        return next((mistake for mistake in mistakes if self.measured(mistake) >= RIGHT), None)

    def best(self, mistakes: Iterable[Mistake]) -> tuple[float, Mistake]:
        """The one without which the photos fit best, and how well."""
        return max(((self.measured(mistake), mistake) for mistake in mistakes), key=lambda pair: pair[0])


def _likely_cause(trial: _Pictured, views: Sequence[View]) -> tuple[str, str]:
    """A sentence on why nothing fits, and one on what to do; ``trial``: of some of the ``views``."""
    if found := trial.fitting(wrong_poses()):
        return found.cause, found.remedy
    others = _other_photos(trial, views)
    fit = float(np.median([other.likeness for other in others])) if others else 0.0
    # In a regular ring of cameras a turned scene fits the others' photos as well, and a mirrored one nearly.
    measured, turned = trial.best([*turned_worlds(), *mirrored_worlds()])
    if measured >= max(RIGHT, fit - AS_GOOD):
        return turned.cause, turned.remedy
    if others:
        told = ", ".join(f"the camera of {other.view.name} that of {other.photo.name}" for other in others)
        order = "Put the photos in the order, and under the names, that the cameras were computed with."
        angle = _common_turn(others)
        if angle is None:
            return f"They fit photos of other views: {told}.", order
        return (
            f"Either the scene is turned by {angle:.0f} degrees against the cameras, or they belong to photos of other "
            f"views: {told}.",
            f"Use the scene as it was trained. {order}",
        )
    if found := trial.fitting(map(scaled_world, sorted(SCALES, key=lambda scale: abs(np.log(scale))))):
        near = found.scale * np.geomspace(0.9, 1.1, 5)
        _, found = trial.best(map(scaled_world, near))
        return found.cause, found.remedy
    return (
        "Scene and cameras seem to be from different worlds: moved, turned or scaled against each other, or of "
        "different captures.",
        "Use the cameras that the scene was trained with. A scene exported by nerfstudio needs its "
        "dataparser_transforms.json beside the transforms.json.",
    )


@dataclass(frozen=True, eq=False)
class _Other:
    """That the render of ``view`` looks like another view's photo, and how much."""

    view: View
    photo: View
    likeness: float


def _other_photos(trial: _Pictured, views: Sequence[View]) -> list[_Other]:
    """Which of the views' photos fit the cameras of some; empty unless most fit that of another view."""
    there = [view for view in views if view.photo is not None]
    spread, photos = with_small_photos(there[:: -(-len(there) // PHOTOS)])
    found = []
    for view in trial.views:
        values = likenesses(trial.gaussians, view, photos, trial.device)
        best = int(np.argmax(values))
        if values[best] >= OTHER_PHOTO and spread[best].name != view.name:
            found.append(_Other(view, spread[best], values[best]))
    # Where not all photos were looked at, those of most views were not.
    return found if len(found) > len(trial.views) / 2 or (found and len(spread) < len(there)) else []


def _common_turn(others: Sequence[_Other]) -> float | None:
    """Degrees by which one motion of the world brings every view to the one whose photo fits; None if none does."""
    motions = np.array(
        [np.linalg.inv(o.photo.camera.camera_from_world) @ o.view.camera.camera_from_world for o in others]
    )
    reach = max(float(np.linalg.norm(o.view.camera.position - o.photo.camera.position)) for o in others)
    turns = [
        np.degrees(np.arccos(np.clip((np.trace(m[:3, :3].T @ motions[0, :3, :3]) - 1) / 2, -1, 1))) for m in motions
    ]
    places = np.linalg.norm(motions[:, :3, 3] - motions[0, :3, 3], axis=1)
    if len(others) < 2 or max(turns) > SAME_TURN or places.max() > SAME_PLACE * reach:
        return None
    return float(np.degrees(np.arccos(np.clip((np.trace(motions[0, :3, :3]) - 1) / 2, -1, 1))))
