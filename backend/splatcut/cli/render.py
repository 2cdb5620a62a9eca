# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""``splatcut render``: scenes or cut objects as pictures and mattes."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splatcut.devices import resolve_device
from splatcut.errors import UserError
from splatcut.messages.arguments import add_arguments
from splatcut.progress import Progress, Terminal
from splatcut.scene.camera import View
from splatcut.scene.gaussians import Gaussians, concatenate

_DESCRIPTION = """Renders one or several splat files, combined into one scene, from the views of a camera file.
Without further options DIR/<view>.png is the picture on black. With --rgba it has alpha (straight, display-referred
sRGB) where no splat is. --matte writes DIR/matte/<name>/<view>.png, the coverage of every file with occlusion by the
others. --exr writes DIR/exr/<view>.exr: scene-linear, premultiplied alpha, with mattes and depth as additional
channels on request. --depth writes DIR/depth/<view>.tif, camera z in scene units as 32-bit float."""


@dataclass(frozen=True)
class RenderOptions:
    """What is written of each view.

    Attributes:
        rgba: straight alpha in the PNG.
        matte: one matte per scene.
        exr: scene-linear EXR.
        depth: camera z.
        device: auto, cpu or cuda.
    """

    rgba: bool = False
    matte: bool = False
    exr: bool = False
    depth: bool = False
    device: str = "auto"


def add_parser(subparsers: Any) -> None:
    """Adds the command to the program's commands."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "render", help="render scenes or cut objects", description=_DESCRIPTION
    )
    parser.add_argument("scenes", nargs="+", type=Path, metavar="SCENE", help="splat files; each is a layer")
    parser.add_argument(
        "--cameras", type=Path, required=True, metavar="PATH", help="COLMAP model, transforms.json or cameras.json"
    )
    parser.add_argument(
        "--images", type=Path, metavar="DIR", help="folder of the cameras' photos; needed when only they tell the size"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="output folder")
    parser.add_argument("--views", nargs="+", default=[], metavar="VIEW", help="render only these views")
    parser.add_argument("--rgba", action="store_true", help="PNG with straight alpha")
    parser.add_argument("--matte", action="store_true", help="one matte per scene file, occlusion included")
    parser.add_argument("--exr", action="store_true", help="EXR, scene-linear, premultiplied alpha")
    parser.add_argument("--depth", action="store_true", help="depth as 32-bit float TIFF, and as channel Z of the EXR")
    add_arguments(parser, ["device"])
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Runs the command. Raises ``UserError``."""
    from splatcut import cameras, formats

    options = RenderOptions(args.rgba, args.matte, args.exr, args.depth, args.device)
    if options.exr:
        from splatcut.export.matte import require_exr

        require_exr()
    views = choose(cameras.load_views(args.cameras, args.images), args.views)
    names = layer_names(args.scenes)
    scenes = {name: formats.read_splats(path).gaussians for name, path in zip(names, args.scenes, strict=True)}
    progress = Terminal()
    try:
        count = render_views(scenes, views, args.out, options, progress=progress)
    finally:
        progress.close()
    print(f"{count} files are in {args.out}.")
    return 0


def choose(views: Sequence[View], wanted: Sequence[str]) -> list[View]:
    """The views with the wanted names, or all. Raises ``UserError`` for a name that no view has."""
    existing = {view.name for view in views}
    for name in wanted:
        if name not in existing:
            raise UserError(
                f"There is no view {name!r} among the cameras. The first ones are: {', '.join(sorted(existing)[:6])}."
            )
    return [view for view in views if not wanted or view.name in wanted]


def layer_names(paths: Sequence[Path]) -> list[str]:
    """A distinct name for each file: its own without the ending, its folder's in front where two are equal."""
    stems = [_stem(path) for path in paths]
    names = [
        stem if stems.count(stem) == 1 else f"{path.absolute().parent.name}_{stem}"
        for stem, path in zip(stems, paths, strict=True)
    ]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UserError(f"Two of the scenes would both be named {twice!r}. Rename one of the files.")
    return names


def _stem(path: Path) -> str:
    return path.stem.removesuffix(".compressed")


def join(scenes: Sequence[Gaussians]) -> tuple[Gaussians, NDArray[np.int64]]:
    """All scenes as one, spherical harmonics padded with zeros to the highest degree, and each Gaussian's scene [N]."""
    most = max(scene.sh.shape[1] for scene in scenes)
    padded = []
    for scene in scenes:
        sh = np.zeros((len(scene), most, 3), dtype=np.float32)
        sh[:, : scene.sh.shape[1]] = scene.sh
        padded.append(Gaussians(scene.means, scene.log_scales, scene.quats, scene.opacity_logits, sh))
    layer = np.repeat(np.arange(len(scenes), dtype=np.int64), [len(scene) for scene in scenes])
    return concatenate(padded), layer


def render_views(
    scenes: dict[str, Gaussians], views: Sequence[View], out: Path, options: RenderOptions, *, progress: Progress
) -> int:
    """Writes every view's files; returns how many. Raises ``UserError`` when the views see nothing of the scenes."""
    from splatcut import cameras
    from splatcut.export import matte

    device = resolve_device(options.device)
    gaussians, layer = join(list(scenes.values()))
    cameras.check_views_see_scene(gaussians, list(views))
    names = list(scenes)
    count = 0
    progress.stage("render", len(views))
    for view in views:
        layers = matte.render_layers(gaussians, layer, len(names) if options.matte else 0, view.camera, device=device)
        if options.rgba:
            matte.write_rgba(out / f"{view.name}.png", layers.image, layers.alpha)
        else:
            matte.write_rgb(out / f"{view.name}.png", layers.image)
        count += 1
        if options.matte:
            count += len(matte.write_masks(out / "matte", names, view.name, layers.coverage))
        if options.depth:
            matte.write_depth(out / "depth" / f"{view.name}.tif", layers.depth)
            count += 1
        if options.exr:
            matte.write_exr(
                out / "exr" / f"{view.name}.exr",
                layers.image,
                layers.alpha,
                depth=layers.depth if options.depth else None,
                mattes=dict(zip(names, layers.coverage, strict=True)) if options.matte else None,
            )
            count += 1
        progress.step()
    return count
