# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""How much is done about masks for each quality."""

from __future__ import annotations

#: Passes of the mask loop after the first walk.
PASSES = {"draft": 1, "standard": 2, "fine": 3}
#: Radii of the rounds in which edges are drawn to the pictures' (``snap``).
SNAP_RADII = {"draft": (2.0,), "standard": (3.0, 2.0, 1.5), "fine": (3.0, 2.0, 1.5)}
