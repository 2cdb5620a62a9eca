# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""SplatCut in Blender: cut clean, named objects out of 3D Gaussian Splatting scenes.

Importing this package imports nothing of Blender, so that ``core`` can be used and tested without it.
"""


def register() -> None:
    """Called by Blender when the extension is enabled."""
    from . import registry

    registry.register()


def unregister() -> None:
    """Called by Blender when the extension is disabled and when Blender quits."""
    from . import registry

    registry.unregister()
