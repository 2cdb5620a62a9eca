# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""These tests run with the engine installed and with numpy alone, as in Blender's Python."""

from __future__ import annotations

import importlib.util

# They hold the add-on's mathematics to the engine's, which is not there with numpy alone.
HELD_TO_THE_ENGINE = ["test_camera.py", "test_picking.py"]
collect_ignore = [] if importlib.util.find_spec("scipy") else HELD_TO_THE_ENGINE
