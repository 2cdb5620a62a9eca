# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Matching colours to blending in linear light, as Blender does it (method: linear blending)."""

from splatcut.match.fit import Fitted, fit
from splatcut.match.scene import check_place, files_of, match, read, undo, write

__all__ = ["Fitted", "check_place", "files_of", "fit", "match", "read", "undo", "write"]
