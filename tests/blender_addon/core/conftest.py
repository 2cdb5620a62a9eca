# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""These tests run with the engine installed and with numpy alone, as in Blender's Python."""

from __future__ import annotations

import importlib.util

# It holds picking to the engine's rasteriser, which is not there with numpy alone.
collect_ignore = [] if importlib.util.find_spec("scipy") else ["test_picking.py"]
