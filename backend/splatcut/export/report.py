# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""``report.json``: what a run did, with what, for how long, and what it did not trust."""

from __future__ import annotations

import dataclasses
import json
import math
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import splatcut
from splatcut.files import atomic_path
from splatcut.scene.masks import MaskSet
from splatcut.timing import StageRecord

if TYPE_CHECKING:
    from splatcut.lift.islands import Islands

#: Version of the report's layout.
REPORT_VERSION = 1

#: Islands listed one by one for each object; the others are summed up.
MAX_ISLANDS = 50

_PACKAGES = ("numpy", "scipy", "numba", "pillow", "gsply", "pycolmap", "onnxruntime", "segment-anything")
#: Named only when a run really loaded them.
_OPTIONAL_MODULES = ("torch", "gsplat")


@dataclass(frozen=True)
class ObjectEntry:
    """One object in the report.

    Attributes:
        name: of the object.
        gaussians: how many the object got.
        boundary: how many Gaussians straddled its edge, or None when not computed.
        enclosed: how many Gaussians it has only because it encloses them.
        file: PLY relative to the output folder, or None when the object got no Gaussians.
    """

    name: str
    gaussians: int
    boundary: int | None = None
    enclosed: int = 0
    file: str | None = None


@dataclass(frozen=True)
class Report:
    """Content of ``report.json``.

    Attributes:
        scene: path of the scene as the user gave it, and anything else known about it (format, counts, dropped rows).
        options: options of the run, seed included.
        objects: the objects, in order.
        background: number of Gaussians that belong to no object.
        stages: seconds and peak memory of each stage.
        masks: the final masks' confidence per view and object, and why it is low; None when there are none.
        islands: what the clean-up found; None when it did not run.
        offset: [3] world offset, which islands' centres are relative to; None for none.
        device: what computed: cpu, or the GPU's name.
        model: name of the 2D model, or None.
        holdout: views kept out of everything but the final masks.
        warnings: full sentences that the user should read.
        extra: further values, JSON-ready, at the top level.
    """

    scene: Mapping[str, Any]
    options: Mapping[str, Any]
    objects: Sequence[ObjectEntry]
    background: int
    stages: Sequence[StageRecord] = ()
    masks: MaskSet | None = None
    islands: Islands | None = None
    offset: NDArray[np.float64] | None = None
    device: str = "cpu"
    model: str | None = None
    holdout: Sequence[str] = ()
    warnings: Sequence[str] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


def versions() -> dict[str, str]:
    """Versions of SplatCut, Python, the platform and the packages a run uses; torch and the like only when loaded."""
    result = {"splatcut": splatcut.__version__, "python": platform.python_version(), "platform": platform.platform()}
    for package in _PACKAGES:
        try:
            result[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    for name in _OPTIONAL_MODULES:
        module = sys.modules.get(name)
        if module is not None:
            result[name] = str(getattr(module, "__version__", "unknown"))
    return result


def report_as_dict(report: Report) -> dict[str, Any]:
    """The report as JSON types; values that are not finite become null."""
    names = [entry.name for entry in report.objects]
    document: dict[str, Any] = {
        "report_version": REPORT_VERSION,
        "versions": versions(),
        "device": report.device,
        "model": report.model,
        "scene": dict(report.scene),
        "options": dict(report.options),
        "objects": [dataclasses.asdict(entry) for entry in report.objects],
        "background": {"gaussians": report.background},
        "islands": _islands(report.islands, names, report.offset),
        "views": _views(report.masks, report.holdout),
        "stages": [dataclasses.asdict(record) for record in report.stages],
        "warnings": list(report.warnings),
    }
    clash = sorted(set(document) & set(report.extra))
    if clash:
        raise ValueError(f"Further values of the report must not replace {clash}.")
    document.update(report.extra)
    return _plain(document)


def write_report(path: Path, report: Report) -> None:
    """Writes the report as indented JSON, UTF-8. Raises ``UserError`` when it cannot be written."""
    text = json.dumps(report_as_dict(report), indent=2, ensure_ascii=False, allow_nan=False)
    with atomic_path(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def _islands(islands: Islands | None, names: Sequence[str], offset: NDArray[np.float64] | None) -> list[dict[str, Any]]:
    if islands is None:
        return []
    result = []
    for k, name in enumerate(names, start=1):
        own = [island for island in islands.found if island.object == k]
        removed = [island for island in own if island.removed]
        if not own:
            continue
        result.append(
            {
                "object": name,
                "removed": len(removed),
                "removed_gaussians": sum(island.count for island in removed),
                "removed_share": sum(island.share for island in removed),
                "kept": len(own) - len(removed),
                "largest": [
                    {
                        "gaussians": island.count,
                        "share": island.share,
                        "centre": island.centre if offset is None else np.add(island.centre, offset),
                        "removed": island.removed,
                    }
                    for island in own[:MAX_ISLANDS]
                ],
            }
        )
    return result


def _views(masks: MaskSet | None, holdout: Sequence[str]) -> list[dict[str, Any]]:
    if masks is None:
        return []
    held = set(holdout)
    return [
        {
            "view": view,
            "held_out": view in held,
            "confidence": {name: masks.confidence[v, k] for k, name in enumerate(masks.objects)},
            "note": masks.notes.get(view),
        }
        for v, view in enumerate(masks.views)
    ]


def _plain(value: Any) -> Any:
    """JSON types of dataclasses, paths, numpy values and containers."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        # float32 prints as the short number it stands for, not as its expansion in float64.
        return _plain(float(str(value)) if isinstance(value, np.floating) else value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _plain(dataclasses.asdict(value))
    if isinstance(value, Path):
        return value.as_posix()
    return value
