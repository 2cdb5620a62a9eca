# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""From a path to the views of a scene."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from splatcut.cameras.colmap import find_model, half_a_model, read_model
from splatcut.cameras.lens import Lens
from splatcut.cameras.photos import find_photos, fit_lens, photo_sizes
from splatcut.cameras.source import DataSet, read_json
from splatcut.cameras.threedgs import is_cameras_json, read_cameras_json
from splatcut.cameras.transforms import is_transforms, read_transforms
from splatcut.cameras.undistort import Undistortion
from splatcut.errors import UserError
from splatcut.images import without_suffix
from splatcut.messages.findings import Finding
from splatcut.messages.names import check_view_name
from splatcut.scene.camera import View

_EXPECTED = (
    "Give a COLMAP model folder (or the folder above its sparse/0), a transforms.json of nerfstudio or instant-ngp, "
    "or the cameras.json of a 3DGS trainer."
)
#: Files looked for in a folder without a COLMAP model, likeliest first; what they hold is told from their content.
_FILES = ("transforms.json", "cameras.json", "transforms_train.json")


def load_views(
    path: Path, images: Path | None = None, findings: list[Finding] | None = None, *, photos_too: bool = True
) -> list[View]:
    """The views of a data set, sorted by name.

    Args:
        path: a COLMAP model folder (binary or text; the folder itself, or one with ``sparse/0`` or ``sparse`` in it), a
            ``transforms.json`` (nerfstudio, instant-ngp), a 3DGS ``cameras.json``, or a folder with one of those.
            Told apart by content; a COLMAP model is preferred where a folder holds several.
        images: the folder with the photos. They may have another resolution than the cameras, which are then scaled.
            None looks where the photos of such a data set usually lie (``images`` beside it, paths named in the file).
        findings: gets what was decided on the way that is worth saying.
        photos_too: whether photos are looked for; without them, cameras are of the size that the file says.

    Returns:
        Views with pinhole cameras of the photos' size. Names are the photos' stems; where stems collide, the path
        in the data set without suffix, with ``/`` as ``_``. ``photo`` is None where there is none; with ``images``
        given there must be one at least.

    Raises:
        UserError: nothing usable at ``path``; damaged files; no photo in ``images``; photos that do not fit their
            cameras; names that no file can have; two views of one name.
    """
    data = read_data_set(path)
    names = _names([view.file_name for view in data.views], data)
    wanted = [view.file_name if view.has_photo else "" for view in data.views]
    if images is not None and not any(wanted):
        raise UserError(data.findings[0].text)
    photos = find_photos(wanted if photos_too else [""] * len(wanted), images, data.photo_folders)
    if findings is not None:
        findings += data.findings
    lenses = _lenses(data, photos)
    undistortions: dict[Lens, Undistortion] = {}
    views = []
    for name, source, photo, lens in zip(names, data.views, photos, lenses, strict=True):
        if not lens.distorts:
            camera = replace(lens.pinhole(source.camera_from_world), near=data.near)
            views.append(View(name, camera, photo))
            continue
        if lens not in undistortions:
            undistortions[lens] = Undistortion.of(lens, f"The camera of {name} in {data.path}")
        undistortion = undistortions[lens]
        camera = replace(undistortion.camera, camera_from_world=source.camera_from_world, near=data.near)
        views.append(View(name, camera, photo, undistortion))
    return sorted(views, key=lambda view: view.name)


def _lenses(data: DataSet, photos: list[Path | None]) -> list[Lens]:
    """The lenses at their photos' sizes. A view whose photo is missing has the size that the others have."""
    fitted: list[Lens | None] = []
    sizes: dict[tuple[int, int] | None, tuple[int, int]] = {}
    for source, photo in zip(data.views, photos, strict=True):
        lens = source.lens
        if photo is None:
            fitted.append(None)
            continue
        wanted = (lens.width, lens.height) if isinstance(lens, Lens) else None
        lens = lens if isinstance(lens, Lens) else lens(*photo_sizes(photo)[0])
        lens = fit_lens(lens, photo, f"its camera in {data.path}")
        sizes.setdefault(wanted, (lens.width, lens.height))
        fitted.append(lens)
    return [
        _without_photo(data, source.lens, sizes) if lens is None else lens
        for source, lens in zip(data.views, fitted, strict=True)
    ]


def _without_photo(
    data: DataSet, lens: Lens | Callable[[int, int], Lens], sizes: Mapping[tuple[int, int] | None, tuple[int, int]]
) -> Lens:
    if isinstance(lens, Lens):
        return lens.resized(*sizes.get((lens.width, lens.height), (lens.width, lens.height)))
    if None not in sizes:
        raise UserError(
            f"{data.path} does not give the size of its photos ('w' and 'h'), and the photos were not found. Give "
            "the folder that holds them."
        )
    return lens(*sizes[None])


def read_data_set(path: Path) -> DataSet:
    """The data set at ``path`` as it describes itself; see ``load_views``."""
    if not path.exists():
        raise UserError(f"The cameras {path} do not exist. {_EXPECTED}")
    if path.is_dir():
        model = find_model(path)
        if model is not None:
            return read_model(model, path)
        for name in _FILES:
            if (path / name).is_file():
                return _read_file(path / name)
        raise UserError(half_a_model(path) or f"There are no cameras in the folder {path}. {_EXPECTED}")
    if path.suffix.lower() in (".bin", ".txt") and path.stem in ("cameras", "images", "points3D", "rigs", "frames"):
        model = find_model(path.parent)
        if model is None or model != path.parent:
            raise UserError(half_a_model(path.parent) or f"There is no COLMAP model beside {path}. {_EXPECTED}")
        return read_model(model, path.parent)
    return _read_file(path)


def _read_file(path: Path) -> DataSet:
    content = read_json(path)
    if is_cameras_json(content):
        data = read_cameras_json(path, content)
    elif is_transforms(content):
        data = read_transforms(path, content)
    else:
        raise UserError(
            f"{path} is JSON, but neither a transforms.json (with 'frames') nor a 3DGS cameras.json. {_EXPECTED}"
        )
    if not data.views:
        raise UserError(f"{path} holds no cameras.")
    return data


def _names(file_names: list[str], data: DataSet) -> list[str]:
    paths = [
        [part for part in PurePosixPath(name.replace("\\", "/")).parts if part not in (".", "..", "/")]
        for name in file_names
    ]
    for file_name, parts in zip(file_names, paths, strict=True):
        if not parts:
            raise UserError(f"{data.path} has a view named {file_name!r}, which is not a valid file name.")
    stems = [without_suffix(parts[-1]) for parts in paths]
    count = Counter(stems)
    names = [
        stem if count[stem] == 1 else "_".join([*parts[:-1], stem]) for stem, parts in zip(stems, paths, strict=True)
    ]
    for name in names:
        check_view_name(name, f" in {data.path}")
    twice = [name for name, uses in Counter(names).items() if uses > 1]
    if twice:
        culprits = [file_name for file_name, name in zip(file_names, names, strict=True) if name == twice[0]]
        raise UserError(
            f"{data.path} has {len(culprits)} views that would all be named {twice[0]} ({', '.join(culprits[:3])}). "
            "View names must be unique; remove or rename the duplicates."
        )
    return names


def holdout(views: list[View], every: int) -> tuple[list[View], list[View]]:
    """(kept, held out): every ``every``-th view by name is held out, counted from the first (0, n, 2n, ...).

    Raises ``UserError`` for ``every`` below 2 or when nothing would be kept.
    """
    if every < 2:
        raise UserError(
            f"Every {every}-th view cannot be held out: the number must be 2 or larger, so that some views are kept."
        )
    ordered = sorted(views, key=lambda view: view.name)
    kept = [view for index, view in enumerate(ordered) if index % every]
    if not kept:
        raise UserError(
            f"Holding out every {every}-th of {len(views)} views keeps none. Use more views, or hold none out."
        )
    return kept, ordered[::every]
