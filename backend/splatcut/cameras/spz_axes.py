# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The axes of an .spz that does not name them: those in which its renders look like the photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from splatcut.cameras.check import check_views_see_scene
from splatcut.cameras.likeness import likeness
from splatcut.errors import UserError
from splatcut.formats import SplatFile
from splatcut.formats.axes import reorient
from splatcut.formats.spz import tells_axes
from splatcut.messages.findings import Finding
from splatcut.scene.camera import View
from splatcut.scene.gaussians import Gaussians

#: By how much renders must look more like the photos in the PLY's axes than in the specification's.
_CLEARLY = 0.1


def with_fitting_axes(splats: SplatFile, path: Path, views: Sequence[View]) -> SplatFile:
    """The scene in the axes that the cameras fit, where it is an .spz whose file does not say which those are.

    Many programs write a PLY's axes, RDF, where the specification says RUB, as which ``splats`` were read. A finding
    says so where RDF was taken.
    """
    if splats.source_format != "spz" or splats.findings or not views or tells_axes(path):
        return splats
    other = reorient(splats.gaussians, "RDF", "RUB")  # undoes what reading did
    with_photos = [view for view in views if view.photo is not None]
    if with_photos:
        better = likeness(other, with_photos) > likeness(splats.gaussians, with_photos) + _CLEARLY
        reason = "in which its renders look like the photos"
    else:
        better = _seen(other, views) and not _seen(splats.gaussians, views)
        reason = "in which the cameras see it"
    if not better:
        return splats
    finding = Finding(
        "warning",
        f"{path.name} does not say which axes it is in. It was read as RDF, a PLY's axes, {reason}, not as RUB, the "
        "specification's.",
        str(path),
        "--spz-axes rub or rdf decides it.",
    )
    made = SplatFile.from_gaussians(other, splats.source_format)
    return replace(made, dropped=splats.dropped, findings=(finding,))


def _seen(gaussians: Gaussians, views: Sequence[View]) -> bool:
    """Whether any view sees something of the scene."""
    try:
        check_views_see_scene(gaussians, list(views))
    except UserError:
        return False
    return True
