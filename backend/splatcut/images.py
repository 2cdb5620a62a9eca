# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Image files: which files are images, and how one is opened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from splatcut.errors import UserError

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

#: Suffixes of images that are read, in lower case, likeliest first.
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp")


def is_image(path: Path) -> bool:
    """Whether a file is named as an image and not hidden."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".") and path.is_file()


def without_suffix(name: str) -> str:
    """A file name without the suffix of an image; other dots belong to the name (3DGS notes names without suffix)."""
    path = PurePosixPath(name)
    return path.stem if path.suffix.lower() in IMAGE_SUFFIXES else path.name


@contextmanager
def open_image(path: Path, what: str) -> Iterator[ImageFile]:
    """An image file, loaded. Raises ``UserError``, begun with ``what``, when it does not exist or cannot be read."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            image.load()
            yield image
    except FileNotFoundError as error:
        raise UserError(f"{what} does not exist: {path}.") from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UserError(f"{what} cannot be read as an image: {path} ({error}).") from error
