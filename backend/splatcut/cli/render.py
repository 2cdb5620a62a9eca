# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""``splatcut render``: scenes or cut objects as pictures and mattes."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from splatcut.devices import resolve_device
from splatcut.errors import UserError
from splatcut.messages.arguments import add_arguments
from splatcut.messages.findings import Finding, warnings
from splatcut.progress import Terminal
from splatcut.scene.camera import View
from splatcut.scene.gaussians import Gaussians, concatenate

if TYPE_CHECKING:
    from splatcut.export.matte import Layers

_DESCRIPTION = """Renders one or several splat files, combined into one scene, from the views of a camera file.
Without further options, DIR/<view>.png is the render on black. With --rgba it has straight alpha instead, as
display-referred sRGB. --matte writes DIR/matte/<name>/<view>.png, the coverage of each file with occlusion by the
others. --exr writes DIR/exr/<view>.exr, scene-linear with premultiplied alpha; --matte and --depth add channels to it.
--depth writes DIR/depth/<view>.tif, camera z in scene units as 32-bit float; where there is no splat, depth is 0 in
the TIFF and 1e10 in the EXR."""


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
        "--images", type=Path, metavar="DIR", help="folder of the photos; needed only if the cameras do not give a size"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="output folder")
    parser.add_argument("--views", nargs="+", default=[], metavar="VIEW", help="render only these views")
    parser.add_argument("--rgba", action="store_true", help="PNG with straight alpha")
    parser.add_argument("--matte", action="store_true", help="one matte per scene file, occlusion included")
    parser.add_argument("--exr", action="store_true", help="EXR, scene-linear, premultiplied alpha")
    parser.add_argument("--depth", action="store_true", help="depth as 32-bit float TIFF, and as channel Z of the EXR")
    add_arguments(parser, ["device", "antialiased", "spz_axes"])
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Runs the command. Raises ``UserError``."""
    from splatcut import cameras, formats
    from splatcut.cameras.spz_axes import with_fitting_axes
    from splatcut.formats.findings import matched_findings, place_findings

    if args.exr:
        from splatcut.export.matte import require_exr

        require_exr()
    told: list[Finding] = []
    views = choose(cameras.load_views(args.cameras, args.images, told), args.views)
    for sentence in warnings(told):
        print(f"note: {sentence}", file=sys.stderr)
    names = layer_names(args.scenes)
    scenes = []
    for path in args.scenes:
        splats = formats.read_splats(path, antialiased=args.antialiased, spz_axes=args.spz_axes)
        splats = with_fitting_axes(splats, path, views)
        found = [finding.text for finding in matched_findings(splats)]
        for sentence in (*found, *warnings([*place_findings(splats), *splats.findings])):
            print(f"note: {sentence}", file=sys.stderr)
        scenes.append(splats.with_offset(scenes[0].offset) if scenes else splats)
    offset = scenes[0].offset
    gaussians, layer = join([splats.gaussians for splats in scenes])
    views = cameras.place_views(views, gaussians, offset)
    from splatcut.export.matte import render_layers

    device = resolve_device(args.device)
    cameras.check_views_see_scene(gaussians, views, offset)
    with contextlib.closing(Terminal()) as progress:
        progress.stage("render", len(views))
        for view in views:
            layers = render_layers(gaussians, layer, len(names) if args.matte else 0, view.camera, device=device)
            _write(args, view.name, names, layers)
            progress.step()
    count = len(views) * (1 + len(names) * args.matte + args.depth + args.exr)
    print(f"{count} files are in {args.out}.")
    return 0


def _write(args: argparse.Namespace, view: str, names: Sequence[str], layers: Layers) -> None:
    """Writes one view's files."""
    from splatcut.export import matte

    if args.rgba:
        matte.write_rgba(args.out / f"{view}.png", layers.image, layers.alpha)
    else:
        matte.write_rgb(args.out / f"{view}.png", layers.image)
    if args.matte:
        matte.write_masks(args.out / "matte", names, view, layers.coverage)
    if args.depth:
        matte.write_depth(args.out / "depth" / f"{view}.tif", layers.depth)
    if args.exr:
        matte.write_exr(
            args.out / "exr" / f"{view}.exr",
            layers.image,
            layers.alpha,
            depth=layers.depth if args.depth else None,
            mattes=dict(zip(names, layers.coverage, strict=True)) if args.matte else None,
        )


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
    stems = [path.stem.removesuffix(".compressed") for path in paths]
    names = [
        stem if stems.count(stem) == 1 else f"{path.absolute().parent.name}_{stem}"
        for stem, path in zip(stems, paths, strict=True)
    ]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UserError(f"Two of the scenes would both be named {twice!r}. Rename one of the files.")
    return names


def join(scenes: Sequence[Gaussians]) -> tuple[Gaussians, NDArray[np.int64]]:
    """All scenes as one, spherical harmonics padded with zeros to the highest degree, and each Gaussian's scene [N]."""
    most = max(scene.sh.shape[1] for scene in scenes)
    padded = []
    for scene in scenes:
        sh = np.zeros((len(scene), most, 3), dtype=np.float32)
        sh[:, : scene.sh.shape[1]] = scene.sh
        padded.append(replace(scene, sh=sh))
    if len({scene.antialiased for scene in scenes}) > 1:
        raise UserError(
            "Some of the scenes were trained antialiased and some were not, so they cannot be rendered as one. Say how "
            "to draw all of them with --antialiased on or off."
        )
    layer = np.repeat(np.arange(len(scenes), dtype=np.int64), [len(scene) for scene in scenes])
    return concatenate(padded), layer
