# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Where things lie that belong to no project, for the engine and the Blender extension alike."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

_NAME = "splatcut"


def cache_folder() -> Path:
    """Things that can be made again: the folder named by SPLATCUT_CACHE, or else the system's place for caches."""
    if chosen := os.environ.get("SPLATCUT_CACHE"):
        return Path(chosen)
    return platformdirs.user_cache_path(_NAME, appauthor=False)


def embeddings_folder() -> Path:
    """The image embeddings of the 2D models."""
    return cache_folder() / "embeddings"


def data_folder() -> Path:
    """Things that take long to make and no cleaner of caches should remove: the system's place for programs' data."""
    return platformdirs.user_data_path(_NAME, appauthor=False)
