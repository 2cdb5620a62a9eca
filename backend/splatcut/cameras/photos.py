# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Finding the photos of a data set, fitting lenses to their size, and reading them.

Orientation notes (EXIF) are obeyed only where they have to be: a photo whose stored size is the camera's is used as it
is stored, since COLMAP and the trainers read it so too; a photo whose size agrees only after turning it as its note
says is turned. A photo larger or smaller than the camera's size in both directions alike rescales the camera.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from splatcut.cameras.lens import Lens
from splatcut.errors import UserError
from splatcut.images import IMAGE_SUFFIXES, without_suffix
from splatcut.scene.camera import View

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

_ORIENTATION = 0x0112
#: What turns a photo with this orientation note upright, as numbers of ``PIL.Image.Transpose``.
_TURNS = {5: 5, 6: 4, 7: 6, 8: 2}
#: The turns that are not their own inverse.
_INVERSE = {4: 2, 2: 4}
#: An image with less than a part of this many of the photo's side says too little about it.
LEAST_SHARE = 16


class PhotoFolder:
    """A folder of photos, asked for them by the names that data sets use."""

    def __init__(self, root: Path, *, may_leave: bool) -> None:
        """``may_leave``: whether names that lead out of ``root`` (absolute, or with ``..``) are followed."""
        self.root, self._may_leave = root, may_leave
        self._listings: dict[Path, dict[str, list[Path]]] = {}

    def find(self, file_name: str) -> Path | None:
        """The photo of a data set's name (its folders and suffix may differ from those on disk), or None."""
        written = Path(file_name.replace("\\", "/"))
        exact = self.root / written
        leaves = written.is_absolute() or ".." in written.parts
        if (self._may_leave or not leaves) and written.suffix.lower() in IMAGE_SUFFIXES and exact.is_file():
            return exact
        parts = [part for part in written.parts if part not in (".", "..") and part != written.anchor]
        for first in range(len(parts)):
            tail = Path(*parts[first:])
            found = self._listing(self.root / tail.parent).get(without_suffix(tail.name).lower(), [])
            if found:
                same = [path for path in found if path.name == tail.name]
                return (same or found)[0]
        return self._cut(written)

    def _cut(self, written: Path) -> Path | None:
        """The only photo whose name up to its first dot is this one, as 3DGS notes names."""
        if not written.name or "." in written.name or written.is_absolute() or ".." in written.parts:
            return None
        listing = self._listing(self.root / written.parent)
        found = [stem for stem in listing if stem.split(".")[0] == written.name.lower()]
        return listing[found[0]][0] if len(found) == 1 else None

    def _listing(self, folder: Path) -> dict[str, list[Path]]:
        if folder not in self._listings:
            listing: dict[str, list[Path]] = {}
            try:
                files = [path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES]
            except (OSError, ValueError):  # a folder whose name has a NUL or a broken character in it
                files = []
            for path in sorted(files, key=lambda path: (IMAGE_SUFFIXES.index(path.suffix.lower()), path.name)):
                listing.setdefault(path.stem.lower(), []).append(path)
            self._listings[folder] = listing
        return self._listings[folder]


def find_photos(names: list[str], images: Path | None, guesses: list[Path]) -> list[Path | None]:
    """The photos of a data set's names, in order; None for those that are not there.

    With ``images`` given only that folder is looked into, and must have one of them; else the first of ``guesses``
    that has the most. Raises ``UserError``.
    """
    if images is not None and not images.is_dir():
        raise UserError(f"The folder of photos {images} does not exist. Give the folder that holds the photos.")
    found: list[Path | None] = [None] * len(names)
    for folder in [images] if images is not None else guesses:
        photos = PhotoFolder(folder, may_leave=images is None)
        here = [photos.find(name) for name in names]
        found = max(found, here, key=lambda paths: len(paths) - paths.count(None))
        if None not in found:
            break
    if images is not None and not any(found):
        raise UserError(
            f"None of the {len(names)} photos is in {images}; the first should be {names[0]}. Copy them there, or give "
            "the folder that holds them."
        )
    used: dict[Path, str] = {}
    for name, path in zip(names, found, strict=True):
        if path is not None and used.setdefault(path, name) != name:
            raise UserError(
                f"The cameras {used[path]} and {name} would both use the photo {path}. Put the photos in the same "
                "sub-folders as when the cameras were computed."
            )
    return found


def _open(path: Path) -> ImageFile:
    from PIL import Image

    try:
        return Image.open(path)
    except Image.UnidentifiedImageError as error:
        raise UserError(f"{path} is not a photo that can be read (JPEG, PNG, WebP, TIFF). Convert it first.") from error
    except Image.DecompressionBombError as error:
        raise UserError(f"{path} has too many pixels to be read. Scale the photos down.") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror or error}).") from error


def _orientation(photo: Image) -> int:
    """A photo's orientation note (EXIF), 1 where there is none: 5 to 8 swap width and height."""
    try:
        return photo.getexif().get(_ORIENTATION, 1)
    except (OSError, SyntaxError, ValueError):
        return 1


def photo_sizes(path: Path) -> tuple[tuple[int, int], tuple[int, int]]:
    """Width and height of a photo as stored, and after turning it as its orientation note (EXIF) says."""
    with _open(path) as photo:
        turned = _orientation(photo) in _TURNS
        width, height = photo.size
    return (width, height), ((height, width) if turned else (width, height))


def _same_aspect(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether two sizes have one aspect ratio within a pixel of the first."""
    (width, height), (w, h) = one, other
    return abs(height - h * width / w) <= 1 or abs(width - w * height / h) <= 1


def fit_to_photo(image: NDArray[np.uint8], view: View, *, smooth: bool = True) -> NDArray[np.uint8] | None:
    """An image [h, w] or [h, w, C] that was made of a view's photo, at the photo's size; None for another aspect.

    Where the photo is turned by its orientation note (EXIF), the image may be as the photo is stored, and where it is
    not, as a viewer shows it: it is turned as far as its size says so.

    Args:
        smooth: interpolate; else each pixel takes the nearest.
    """
    from PIL import Image

    size, found = view.photo_size, (image.shape[1], image.shape[0])
    if found == size:
        return image
    picture = Image.fromarray(image)
    if not _same_aspect(found, size):
        if view.photo is None or not _same_aspect(found, (size[1], size[0])):
            return None
        with _open(view.photo) as photo:
            turn, stored = _TURNS.get(_orientation(photo)), photo.size
        if turn is None:
            return None
        picture = picture.transpose(Image.Transpose(turn if stored != size else _INVERSE.get(turn, turn)))
    if max(found) * LEAST_SHARE <= max(size):
        return None
    return np.asarray(picture.resize(size, Image.Resampling.BILINEAR if smooth else Image.Resampling.NEAREST))


def fit_lens(lens: Lens, path: Path, camera: str) -> Lens:
    """The lens for the photo at ``path``: scaled to its size when the aspect ratio agrees within a pixel.

    The stored size is tried before the turned one. Raises ``UserError`` naming both sizes.
    """
    stored, turned = photo_sizes(path)
    for width, height in (stored, turned):
        if (width, height) == (lens.width, lens.height):
            return lens
    for width, height in (stored, turned):
        if _same_aspect((width, height), (lens.width, lens.height)):
            return lens.resized(width, height)
    raise UserError(
        f"The photo {path} has {stored[0]}x{stored[1]} pixels, but {camera} has {lens.width}x{lens.height}, which "
        "has a different aspect ratio. "
        "Use the photos from which the cameras were computed, not cropped ones."
    )


def check_photo(path: Path) -> None:
    """Raises ``UserError`` when the photo cannot be read to its end, in less time than reading it takes."""
    from PIL import Image

    with _open(path) as photo:
        try:
            photo.draft("RGB", (1, 1))
            photo.load()
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> UserError:
    return UserError(f"The photo {path} is damaged: {error}. Copy it again.")


def load_photo(view: View) -> NDArray[np.uint8]:
    """[H, W, 3] uint8 sRGB photo of a view, undistorted to ``view.camera``.

    It is turned by its orientation note (EXIF) only when its size agrees with the camera's only then. Transparent
    photos are put on black. Raises ``UserError`` when the photo cannot be read, or naming both sizes when it does not
    fit the camera.
    """
    if view.photo is None:
        raise UserError(f"The view {view.name} has no photo.")
    from PIL import Image, ImageOps

    width, height = view.photo_size
    with _open(view.photo) as photo:
        stored = photo.size
        try:
            if photo.size != (width, height):
                photo = ImageOps.exif_transpose(photo)
            if photo.mode.startswith("I"):  # 16-bit grey, which PIL would clip to its lowest 8 bits
                pixels = np.repeat(
                    (np.asarray(photo).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)[:, :, None], 3, axis=2
                )
            elif "A" in photo.getbands() or "transparency" in photo.info:
                rgba = photo.convert("RGBA")
                pixels = np.array(
                    Image.alpha_composite(Image.new("RGBA", rgba.size, (0, 0, 0, 255)), rgba).convert("RGB")
                )
            else:
                pixels = np.array(photo.convert("RGB"))
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise _damaged(view.photo, error) from error
    if pixels.shape[:2] != (height, width):
        raise UserError(
            f"The photo {view.photo} has {stored[0]}x{stored[1]} pixels, but the camera of view {view.name} belongs "
            "to photos of "
            f"{width}x{height}. Give the photos from which the cameras were computed."
        )
    return pixels if view.undistortion is None else view.undistortion.image(pixels)
