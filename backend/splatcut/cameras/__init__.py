# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Cameras: data sets and virtual cameras become the views in which everything is computed."""

from __future__ import annotations

from splatcut.cameras.causes import camera_findings, compare_with_photos
from splatcut.cameras.check import check_views_see_scene
from splatcut.cameras.floaters import without_floaters
from splatcut.cameras.likeness import compared
from splatcut.cameras.load import holdout, load_views
from splatcut.cameras.photos import load_photo
from splatcut.cameras.placing import place_views
from splatcut.cameras.threedgs import save_cameras
from splatcut.cameras.undistort import Undistortion
from splatcut.cameras.virtual import candidate_quality, look_at, spiral_cone

__all__ = [
    "Undistortion",
    "camera_findings",
    "candidate_quality",
    "check_views_see_scene",
    "compare_with_photos",
    "compared",
    "holdout",
    "load_photo",
    "load_views",
    "look_at",
    "place_views",
    "save_cameras",
    "spiral_cone",
    "without_floaters",
]
