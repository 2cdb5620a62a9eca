# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""``splatcut info FILE``: what is in a splat file."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splatcut import raster
from splatcut.formats import SplatFile, read_splats
from splatcut.formats.findings import scene_findings
from splatcut.messages import from_json, to_json
from splatcut.messages.findings import Finding
from splatcut.scene.camera import View
from splatcut.scene.gaussians import Gaussians

_PERCENTILES = (0, 5, 50, 95, 100)
#: Opacity of a Gaussian below which it is faint, and alpha of a pixel below which one sees through it.
FAINT, OPAQUE = 0.5, 0.8
#: Views in which that is looked at, and the longer side of their pictures, pixels.
LOOKED_AT, SIDE = 8, 128


def add_parser(subparsers: Any) -> None:
    """Adds the command to the command line."""
    parser = subparsers.add_parser(
        "info",
        help="show what is in a splat file",
        description="Shows the format, the number of Gaussians, their extent and statistics of a splat file.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="splat file, or the folder of an unbundled SOG")
    parser.add_argument(
        "--cameras", type=Path, help="the scene's cameras, to show its scale and how much of it is translucent"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Prints the description; returns the exit code."""
    from splatcut.cameras import place_views
    from splatcut.pipeline.inputs import read_views

    splats = read_splats(args.file, drop_invalid=True)
    views = read_views(args.cameras, None)
    description = describe(args.file, splats, place_views(views, splats.gaussians, splats.offset))
    print(json.dumps(description, indent=2) if args.json else as_text(description))
    return 0


def describe(path: Path, splats: SplatFile, views: Sequence[View] = ()) -> dict[str, Any]:
    """All that the command tells, ready for JSON. Lengths are in the file's own units.

    Args:
        views: relative to the scene's world offset.
    """
    from splatcut.pipeline.applied import applied_findings

    gaussians, table = splats.gaussians, splats.table
    with np.errstate(over="ignore"):
        scales = gaussians.scales().max(axis=1)
    description: dict[str, Any] = {
        "file": str(path),
        "format": splats.source_format,
        "bytes": _size(path),
        "gaussians": len(splats) + splats.dropped,
        "invalid": splats.dropped,
        "sh_degree": gaussians.sh_degree,
        "world_offset": splats.offset.tolist(),
        "bounds": {
            "min": (gaussians.means.min(axis=0) + splats.offset).tolist(),
            "max": (gaussians.means.max(axis=0) + splats.offset).tolist(),
            "middle_98_percent": (np.percentile(gaussians.means, (1, 99), axis=0) + splats.offset).tolist(),
        },
        "antialiased": gaussians.antialiased,
        "pixel_filter": gaussians.pixel_filter.variance,
        "opacity": _statistics(gaussians.opacities()),
        "scale": _statistics(scales),
        "faint": float((gaussians.opacities() < FAINT).mean()) if len(gaussians) else 0.0,
        "findings": to_json([*scene_findings(splats), *applied_findings(gaussians)]),
    }
    if views and len(gaussians):
        description["cameras"] = _seen(gaussians, views)
    if splats.objects is not None:
        counts = np.bincount(splats.objects.labels, minlength=len(splats.objects.names) + 1).tolist()
        description["objects"] = dict(zip(("background", *splats.objects.names), counts, strict=True))
    if splats.source_format == "ply":
        order = {"<": "binary, little-endian", ">": "binary, big-endian", "=": "text"}
        names = table.rows.dtype
        description["encoding"] = order[table.header.byte_order]
        description["properties"] = {name: names[name].name for name in table.property_names}
        description["elements"] = {element.name: element.count for element in table.extra_elements}
        description["comments"] = list(table.header.comments)
        description["obj_info"] = list(table.header.obj_info)
    return description


def _seen(gaussians: Gaussians, views: Sequence[View]) -> dict[str, Any]:
    """The scene as its cameras have it."""
    low, high = np.percentile(gaussians.means, (1, 99), axis=0)
    middle = (low + high) / 2
    distance = float(np.median([np.linalg.norm(view.camera.position - middle) for view in views]))
    focal = float(np.median([view.camera.fx for view in views]))
    width = float(np.median(np.exp(gaussians.log_scales.astype(np.float64).max(axis=1))))
    covered, through = 0, 0
    for number in np.unique(np.linspace(0, len(views) - 1, min(LOOKED_AT, len(views))).round().astype(int)):
        alpha = raster.render(gaussians, views[number].camera.within(SIDE), colour=False).alpha
        covered += int((alpha > 1 - OPAQUE).sum())
        through += int(((alpha > 1 - OPAQUE) & (alpha < OPAQUE)).sum())
    return {
        "count": len(views),
        "distance": distance,
        "scene_size": float(np.linalg.norm(high - low)),
        "pixels": focal * width / max(distance, 1e-12),
        "translucent": through / max(1, covered),
    }


def _size(path: Path) -> int:
    if path.is_dir():
        return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return path.stat().st_size


def _statistics(values: NDArray[np.float32]) -> dict[str, float]:
    finite = values[np.isfinite(values)]
    names = ("min", "p5", "median", "p95", "max")
    numbers = np.percentile(finite, _PERCENTILES) if len(finite) else np.zeros(len(names))
    return {name: float(number) for name, number in zip(names, numbers, strict=True)}


def as_text(description: dict[str, Any]) -> str:
    """The description as lines of text."""
    bounds = description["bounds"]
    low, high = bounds["middle_98_percent"]
    digits = 10 if any(description["world_offset"]) else 4
    encoding = f" ({description['encoding']})" if "encoding" in description else ""
    lines = [
        f"file         {description['file']}",
        f"format       {description['format']}{encoding}, {description['bytes']:,} bytes",
        f"Gaussians    {description['gaussians']:,}",
    ]
    if description["invalid"]:
        lines.append(
            f"invalid      {description['invalid']:,} with values that are not finite, left out of what follows"
        )
    lines += [
        f"SH degree    {description['sh_degree']}",
        f"bounds       {_vector(bounds['min'], digits)} to {_vector(bounds['max'], digits)}",
        f"middle 98 %  {_vector(low, digits)} to {_vector(high, digits)}",
        f"opacity      {_row(description['opacity'])}",
        f"largest axis {_row(description['scale'])}",
        f"translucency {description['faint']:.0%} of the Gaussians have an opacity below {FAINT}",
    ]
    if "cameras" in description:
        seen = description["cameras"]
        lines[-1] += f"; {seen['translucent']:.0%} of what the cameras see of it is translucent, and stays so in cuts"
        lines.append(
            f"scale        {seen['scene_size']:.4g} units across; median distance to its {seen['count']} cameras "
            f"{seen['distance']:.4g}; a typical Gaussian is {seen['pixels']:.2g} pixels large from there"
        )
    lines += [f"object       {name}, {count:,}" for name, count in description.get("objects", {}).items()]
    if "properties" in description:
        lines.append(f"properties   {_properties(description['properties'])}")
        for name, count in description["elements"].items():
            lines.append(f"element      {name}, {count:,} rows")
        lines += [f"comment      {comment}" for comment in description["comments"]]
        lines += [f"obj_info     {info}" for info in description["obj_info"]]
    findings = from_json(tuple[Finding, ...], description["findings"], "The findings")
    lines += [f"{finding.severity:<12} {finding.text}" for finding in findings]
    return "\n".join(lines)


def _vector(values: list[float], digits: int) -> str:
    return "(" + ", ".join(f"{value:.{digits}g}" for value in values) + ")"


def _row(statistics: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in statistics.items())


def _properties(types: dict[str, str]) -> str:
    """Names in the file's order; runs of f_rest_* in short, types where they are not float32."""
    shown: list[str] = []
    rest = [name for name in types if name.startswith("f_rest_")]
    for name, kind in types.items():
        if name in rest[1:]:
            continue
        label = f"f_rest_* ({len(rest)})" if name in rest and len(rest) > 1 else name
        shown.append(label if kind == "float32" else f"{label}: {kind}")
    return " ".join(shown)
