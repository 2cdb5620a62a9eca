# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The axes of an .spz that does not name them: those in which its renders look like the photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from splatcut.cameras.check import check_views_see_scene
from splatcut.cameras.likeness import median_likeness
from splatcut.cameras.placing import place_views
from splatcut.errors import UserError
from splatcut.formats import SplatFile
from splatcut.formats.axes import reorient
from splatcut.formats.spz import tells_axes
from splatcut.formats.world import no_offset
from splatcut.messages.findings import Finding
from splatcut.scene.camera import View

#: By how much renders must look more like the photos in the PLY's axes than in the specification's.
_CLEARLY = 0.1


def with_fitting_axes(splats: SplatFile, path: Path, views: Sequence[View]) -> SplatFile:
    """The scene in the axes that the cameras fit, where it is an .spz whose file does not say which those are.

    Many programs write a PLY's axes, RDF, where the specification says RUB, as which ``splats`` were read. A finding
    says so where RDF was taken.
    """
    if splats.source_format != "spz" or splats.findings or not views or tells_axes(path):
        return splats
    # Undoes what reading did.
    own = reorient(splats.with_offset(no_offset()).gaussians, "RDF", "RUB")
    other = SplatFile.from_gaussians(own, splats.source_format)
    with_photos = [view for view in views if view.photo is not None]
    if with_photos:
        better = _likeness(other, with_photos) > _likeness(splats, with_photos) + _CLEARLY
        reason = "in which its renders look like the photos"
    else:
        better = _seen(other, views) and not _seen(splats, views)
        reason = "in which the cameras see the scene"
    if not better:
        return splats
    finding = Finding(
        "warning",
        f"{path.name} does not say which axes it uses. It was read in a PLY's axes (RDF), {reason}, and not in the "
        "specification's (RUB).",
        str(path),
        "To choose yourself, use --spz-axes rub or rdf.",
    )
    return replace(other, dropped=splats.dropped, findings=(finding,))


def _likeness(splats: SplatFile, views: Sequence[View]) -> float:
    return median_likeness(splats.gaussians, place_views(views, splats.gaussians, splats.offset))


def _seen(splats: SplatFile, views: Sequence[View]) -> bool:
    """Whether any view sees something of the scene."""
    try:
        check_views_see_scene(splats.gaussians, place_views(views, splats.gaussians, splats.offset))
    except UserError:
        return False
    return True
