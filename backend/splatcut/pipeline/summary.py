# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What a check has looked at, in lines of text: "Views: 16, of 160 x 120 pixels." """

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from splatcut.cameras.likeness import RIGHT, Likeness
from splatcut.cameras.virtual import MIN_CAMERAS
from splatcut.scene.camera import View
from splatcut.scene.gaussians import Gaussians
from splatcut.scene.masks import MaskSet

#: Objects and sizes that are listed.
LISTED = 8


def scene_line(gaussians: Gaussians, kind: str = "") -> str:
    """Of the scene; ``kind``: its format."""
    told = [f"{len(gaussians):,} Gaussians", *([kind] if kind else []), f"SH degree {gaussians.sh_degree}"]
    return f"Scene: {', '.join(told)}{', antialiased' if gaussians.antialiased else ''}."


def view_lines(views: Sequence[View], compared: Likeness | None) -> list[str]:
    """Of views and photos; ``compared``: how much renders look like them, where that was looked at."""
    if len(views) < MIN_CAMERAS:
        few = f"{len(views) or 'none'}. A run from prompts adds virtual views around what you click on."
        return [f"Views: {few}"]
    sizes = Counter(f"{view.camera.width} x {view.camera.height}" for view in views)
    lines = [f"Views: {len(views)}, of {_counted(sizes)} pixels."]
    there = sum(view.photo is not None for view in views)
    photos = {len(views): f"all {there} found", 0: "none, so renders of the scene stand in for them"}
    lines.append(f"Photos: {photos.get(there, f'{there} of {len(views)} found')}.")
    if compared is not None:
        worst = int(np.argmin(compared.own))
        lines.append(
            f"Likeness of renders to photos: median {compared.median:.2f} over {len(compared.own)} views, lowest "
            f"{compared.own[worst]:.2f} ({compared.views[worst]}); {RIGHT} or more is right."
        )
    return lines


def mask_lines(masks: MaskSet) -> list[str]:
    """Of ready masks: objects, and in how many views each is shown."""
    shown = {
        name: sum(bool((mask[k] > 127).any()) for mask in masks.probability) for k, name in enumerate(masks.objects)
    }
    masked = int((masks.confidence > 0).any(axis=1).sum())
    objects = "1 object" if len(shown) == 1 else f"{len(shown)} objects"
    views = "1 view" if masked == 1 else f"{masked} views"
    listed = _listed(f"{name} shown in {count}" for name, count in shown.items())
    return [f"Masks of {objects} in {views}: {listed}."]


def _counted(counts: Counter[str]) -> str:
    if len(counts) == 1:
        return next(iter(counts))
    return _listed(f"{what} ({count})" for what, count in counts.most_common())


def _listed(items: Iterable[str]) -> str:
    told = list(items)
    return ", ".join(told[:LISTED]) + (f" and {len(told) - LISTED} more" if len(told) > LISTED else "")
