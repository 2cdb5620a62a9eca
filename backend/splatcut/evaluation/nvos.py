# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The layout of the NVOS benchmark (Ren et al., "Neural Volumetric Object Selection", CVPR 2022).

    <root>/reference_image/<scene>/<view>.JPG           the view in which the user scribbles
    <root>/scribbles/<scene>/pos_*.png, neg_*.png       strokes on the object and beside it
    <root>/masks/<scene>/<view>_mask.png                true mask of one other view, the target

``<root>`` may also be a folder above with ``labels/llff``. Scored is the target view alone; a prediction of another
size is resized to the true mask (nearest pixel), as published figures are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from splatcut.errors import UserError
from splatcut.evaluation.folders import Pair, masks_in
from splatcut.images import is_image
from splatcut.mask_files import MaskFile


@dataclass(frozen=True)
class NvosScene:
    """One scene of NVOS.

    Attributes:
        name: of the scene, which is its object's name, too.
        target_view: stem of the target photo.
        mask: true mask of the target view.
        root: folder of ``masks`` and of the scribbles.
    """

    name: str
    target_view: str
    mask: Path
    root: Path


def nvos_scenes(root: Path, scenes: Sequence[str] = ()) -> list[NvosScene]:
    """The scenes under ``root``, or those named. Raises ``UserError`` where the layout is another."""
    base = next(
        (place for place in (root, root / "llff", root / "labels" / "llff") if (place / "masks").is_dir()), None
    )
    if base is None:
        raise UserError(f"{root} is not laid out as NVOS: there is no folder 'masks' in it (nor in its labels/llff).")
    existing = [folder.name for folder in sorted((base / "masks").iterdir()) if folder.is_dir()]
    unknown = [name for name in scenes if name not in existing]
    if unknown or not existing:
        raise UserError(
            f"{base / 'masks'} has no scene {unknown[0] if unknown else 'at all'}. It has: {', '.join(existing)}."
        )
    return [_scene(base, name) for name in existing if not scenes or name in scenes]


def _scene(base: Path, name: str) -> NvosScene:
    images = list(filter(is_image, sorted((base / "masks" / name).iterdir())))
    masks = [path for path in images if path.stem.endswith("_mask")] or [
        p for p in images if p.suffix.lower() == ".png"
    ]
    if len(masks) != 1:
        raise UserError(f"{base / 'masks' / name} must hold one file <view>_mask.png, and it holds {len(masks)} masks.")
    return NvosScene(name, masks[0].stem.removesuffix("_mask"), masks[0], base)


def nvos_pairs(predicted: Path, root: Path, scenes: Sequence[str] = ()) -> list[Pair]:
    """One comparison for each scene: ``predicted/<scene>`` is an output folder of ``splatcut segment`` or holds the
    target view's mask; ``predicted/<scene>.png`` will do as well.

    Raises:
        UserError: a scene without a prediction, or whose prediction of the target view is not to be told.
    """
    return [
        Pair(scene.name, scene.target_view, _prediction(predicted, scene), MaskFile(scene.mask, (scene.target_view,)))
        for scene in nvos_scenes(root, scenes)
    ]


def _prediction(predicted: Path, scene: NvosScene) -> MaskFile:
    single = predicted / f"{scene.name}.png"
    if single.is_file():
        return MaskFile(single, (scene.target_view,))
    folder = predicted / scene.name
    if not folder.is_dir():
        raise UserError(
            f"There is no prediction of the scene {scene.name!r} in {predicted}. To score only some scenes, name them "
            "with --objects."
        )
    objects = masks_in(folder)
    if len(objects) > 1 and scene.name not in objects:
        raise UserError(
            f"{folder} holds masks of several objects ({', '.join(objects)}); one of them must be {scene.name!r}."
        )
    views = objects.get(scene.name) or next(iter(objects.values()))
    exact = [path for view, path in views.items() if view.casefold() == scene.target_view.casefold()]
    if exact:
        return exact[0]
    if len(views) == 1:
        return next(iter(views.values()))
    raise UserError(
        f"{folder} has no mask of the target view {scene.target_view!r} of the scene {scene.name!r}. It has: "
        f"{', '.join(sorted(views)[:6])}."
    )
