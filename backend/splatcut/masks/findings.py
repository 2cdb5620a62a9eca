# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What is found about ready masks: that they are inverted, or contradict each other in these cameras."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splatcut import raster
from splatcut.cameras import likeness
from splatcut.cameras.likeness import median_likeness
from splatcut.cameras.mistakes import Mistake, mirrored_worlds, turned_worlds, wrong_poses
from splatcut.mask_files import Masks
from splatcut.masks.agreeing import VIEWS, Agreements, agreements, compared_masks
from splatcut.masks.ready import from_folder
from splatcut.messages.findings import Finding, refuse, warnings
from splatcut.progress import Progress
from splatcut.scene.camera import View
from splatcut.scene.gaussians import Gaussians
from splatcut.scene.masks import MaskSet

#: Agreement below which a mask contradicts the others, and median above which they are right.
CONTRADICTS, RIGHT = 0.5, 0.75
#: Masks that must have been compared for a verdict.
FEWEST = 4
#: Median agreement by which a mistake is known; views, and pixels on the longer side, in which mistakes are tried.
KNOWN, TRIED, TRIED_SIDE = 0.85, 6, 128
#: Share of the pictures' borders that inverted masks cover at least.
BORDER = 0.75
#: A pixel of a mask that several objects share is above this.
SHARED = 25

_GO_ON = "To continue anyway, use --trust-masks (in Blender: Use masks as they are)."
_TRAINED = (
    "Use the cameras that the scene was trained with: a scene exported by nerfstudio needs its "
    "dataparser_transforms.json beside the transforms.json, and an .spz may need --spz-axes rdf."
)
_NAMES = "Check that each mask has the name of its photo, and that the object is white."


def mask_findings(
    gaussians: Gaussians,
    views: Sequence[View],
    masks: MaskSet,
    device: raster.Device = "cpu",
    step: Callable[[], None] = lambda: None,
    *,
    trusted: bool = False,
) -> list[Finding]:
    """What is found about ready masks in these views.

    Args:
        step: called twice for each of ``agreeing.VIEWS``, or fewer.
        trusted: the user says that the masks are right: a problem is only a warning.
    """
    return inverted_findings(masks, trusted=trusted) or contradiction_findings(
        gaussians, views, masks, device, step, trusted=trusted
    )


def read_checked(
    folder: Path,
    found: Masks,
    views: Sequence[View],
    gaussians: Gaussians,
    progress: Progress,
    device: raster.Device = "cpu",
    *,
    trusted: bool = False,
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The masks of ``ready.from_folder`` as ``MaskSet.arrays`` gives them, and with the notes what a run warns of.

    Raises ``UserError`` for masks that are wrong.
    """
    masks = from_folder(folder, found, views, progress)
    progress.stage("agreement", 2 * min(VIEWS, len(masks.views)))
    told = mask_findings(gaussians, views, masks, device, progress.step, trusted=trusted)
    refuse(told)
    arrays, notes = masks.arrays()
    return arrays, {**notes, "warnings": warnings(told)}


def inverted_findings(masks: MaskSet, *, trusted: bool = False) -> list[Finding]:
    """Objects that surround a hole as the background surrounds an object. If all do, their masks are inverted."""
    found = {}
    for k, name in enumerate(masks.objects):
        shown = [mask[k] > SHARED for n, mask in enumerate(masks.probability) if masks.confidence[n, k] > 0]
        inside = float(np.mean([mask.mean() for mask in shown]))
        rims = [np.concatenate([mask[[0, -1]].ravel(), mask[:, [0, -1]].ravel()]).mean() for mask in shown]
        border = float(np.mean(rims))
        # What is black lies in the pictures' middle, and seldom at their borders.
        if border > BORDER and 1 - border < (1 - inside) / 3:
            found[name] = f"The masks of {name!r} cover {inside:.0%} of the pictures and {border:.0%} of their borders."
    surely = len(found) == len(masks.objects) and not trusted
    remedy = f"The object must be white: if they are black on white, invert them. {_GO_ON if surely else ''}".strip()
    if surely:
        what = f"The masks seem to be inverted. {' '.join(found.values())}"
        return [Finding("problem", what, "masks", remedy)]
    return [Finding("warning", what, name, remedy) for name, what in found.items()]


def contradiction_findings(
    gaussians: Gaussians,
    views: Sequence[View],
    masks: MaskSet,
    device: raster.Device = "cpu",
    step: Callable[[], None] = lambda: None,
    *,
    trusted: bool = False,
) -> list[Finding]:
    """What comparing masks with the vote of the others says about them and the cameras; arguments as above."""
    some, small = compared_masks(masks, views)
    found = agreements(gaussians, some, small, device, step)
    if len(found.values) < FEWEST:
        return []
    contradicting = found.values < CONTRADICTS
    middle = float(np.median(found.values))
    measured = f"median agreement {middle:.2f}, where {RIGHT} or more is right and 1 is perfect"
    if 2 * int(contradicting.sum()) <= len(contradicting):
        if middle >= RIGHT:
            return []
        what = f"With these cameras, the masks agree only partly with each other ({measured})."
        return [Finding("warning", what, "masks", "Cameras or masks may be slightly off; check the contact sheet.")]
    names = [view for (view, _), wrong in zip(found.masks, contradicting, strict=True) if wrong]
    shown = {view for view, _ in found.masks}
    cause, remedy = _cause(gaussians, views, masks, found, device)
    what = (
        f"Cameras or masks are wrong: {len(names)} of the {len(contradicting)} masks that were compared, in "
        f"{len(set(names))} of {len(shown)} views, contradict the others ({measured}). {cause}"
    )
    severity = "warning" if trusted else "problem"
    return [Finding(severity, what, "masks", f"{remedy} {'' if trusted else _GO_ON}".strip())]


def _cause(
    gaussians: Gaussians, views: Sequence[View], masks: MaskSet, found: Agreements, device: raster.Device
) -> tuple[str, str]:
    """A sentence on why the masks contradict each other, and some on what to do."""
    photos = [view for view in views if view.photo is not None]
    if photos and median_likeness(gaussians, photos, device) >= likeness.RIGHT:
        return "The cameras fit the photos, so these are probably masks of other photos.", _NAMES
    known = _known_mistake(gaussians, views, masks, device)
    if known is not None:
        return f"The likely cause: {known.cause}", known.remedy
    nothing = float(np.median(found.empty))
    if nothing > 0.5:
        cause = f"{nothing:.0%} of what a mask shows lies where its camera sees nothing of the scene."
        return cause, f"{_TRAINED} Give the photos as well (--images), so that the cameras can be checked. {_NAMES}"
    return (
        "The cameras are of another world than the scene, or the masks of other photos.",
        f"{_TRAINED} Give the photos as well (--images), so that the cameras can be checked. {_NAMES}",
    )


def _known_mistake(
    gaussians: Gaussians, views: Sequence[View], masks: MaskSet, device: raster.Device
) -> Mistake | None:
    """The mistake with the cameras without which the masks agree best, if they agree then."""
    some, small = compared_masks(masks, views, TRIED, TRIED_SIDE)
    best, middle = None, KNOWN
    for mistakes in (wrong_poses(), turned_worlds(), mirrored_worlds()):
        for mistake in mistakes:
            values = agreements(gaussians, mistake.undone(some), small, device).values
            if len(values) >= FEWEST and float(np.median(values)) > middle:
                best, middle = mistake, float(np.median(values))
        if best is not None:
            break
    return best
