# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What the pipeline's tests share."""

from __future__ import annotations

from collections.abc import Iterator

import numba
import pytest
from blob_scene import BlobScene
from refined_blobs import Lifted

from splatcut.cameras import load_views
from splatcut.lift import Problem, lift
from splatcut.masks.ready import from_folder
from splatcut.progress import Quiet


@pytest.fixture(scope="module")
def lifted(blobs: BlobScene) -> Iterator[Lifted]:
    """The tiny data set with masks that reach over the balls, so that there is something to refine."""
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    views = load_views(blobs.cameras, blobs.folder / "images")
    masks = from_folder(blobs.folder / "masks", views, views, Quiet())
    yield blobs.gaussians, views, masks, lift(Problem(blobs.gaussians, views, masks), 0.6, Quiet())
    numba.set_num_threads(threads)
