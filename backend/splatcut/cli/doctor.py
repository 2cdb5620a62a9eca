# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""``splatcut doctor``: what is there, what is missing, and how to get it.

Imports everything but the standard library where it is used, so that it runs where packages are missing.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import shutil
import sys
import textwrap
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import splatcut
from splatcut.devices import cuda_problem

MINIMUM_PYTHON = (3, 11)
LOW_MEMORY_GB = 4.0
LOW_DISK_GB = 2.0
_SAME_NAME = (
    *("numpy", "scipy", "numba", "torch", "onnxruntime", "gsply", "pycolmap"),
    *("zstandard", "tqdm", "filelock", "platformdirs"),
)
#: What segmenting a scene cannot do without: name in an import -> distribution.
REQUIRED_PACKAGES = {**{name: name for name in _SAME_NAME}, "PIL": "pillow", "OpenEXR": "openexr"}


@dataclass(frozen=True)
class Check:
    """One line of the table.

    Attributes:
        name: what was looked for.
        group: "required", "optional" or "machine".
        ok: it is there and usable.
        detail: version, size or, if not ok, what is the matter.
        remedy: what to type or do; empty when nothing is to be done.
    """

    name: str
    group: str
    ok: bool
    detail: str
    remedy: str = ""


def add_parser(subparsers: Any) -> None:
    """Adds the command to the command line."""
    parser = subparsers.add_parser(
        "doctor",
        help="show what is installed, what is missing and how to get it",
        description="Shows what is installed, what is missing and how to get it. "
        "The exit code is 1 if something needed to segment a scene is missing.",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Prints the table; returns 0, or 1 when something required is missing."""
    checks = examine()
    ready = all(check.ok for check in checks if check.group == "required")
    if args.json:
        about = {"splatcut": splatcut.__version__, "platform": platform.platform(), "ready": ready}
        print(json.dumps({**about, "checks": [asdict(check) for check in checks]}, indent=2))
    else:
        print(as_text(checks))
    return 0 if ready else 1


def examine() -> list[Check]:
    """All checks, in the order of the table."""
    return [
        _python(),
        *(_package(module, distribution) for module, distribution in REQUIRED_PACKAGES.items()),
        _embedded_model(),
        *_accelerators(),
        _segment_anything(),
        *_machine(),
    ]


def as_text(checks: list[Check]) -> str:
    """The table, and a last sentence that says whether everything needed is there."""
    titles = {
        "required": "Needed to segment a scene",
        "optional": "Optional",
        "machine": "This machine",
    }
    width = max(len(check.name) for check in checks)
    lines = [f"SplatCut {splatcut.__version__} on {platform.platform()}"]
    for group, title in titles.items():
        lines += ["", title]
        for check in (check for check in checks if check.group == group):
            mark = "ok" if check.ok else ("MISSING" if group == "required" else "-")
            start = f"  {mark:<8}{check.name:<{width}}  "
            lines += textwrap.wrap(
                check.detail, 118, initial_indent=start, subsequent_indent=" " * len(start), break_long_words=False
            )
            if check.remedy:
                lines.append(f"{' ' * len(start)}-> {check.remedy}")
    missing = [check.name for check in checks if check.group == "required" and not check.ok]
    lines.append("")
    if missing:
        lines.append(f"SplatCut cannot segment yet. Missing: {', '.join(missing)}.")
    else:
        lines.append("Everything needed to segment a scene is installed.")
    return "\n".join(lines)


def _python() -> Check:
    wanted = ".".join(map(str, MINIMUM_PYTHON))
    ok = sys.version_info >= MINIMUM_PYTHON
    remedy = "" if ok else f"Install Python {wanted} or newer and install SplatCut with it."
    return Check("Python", "required", ok, f"{platform.python_version()} ({sys.executable})", remedy)


def _package(module: str, distribution: str) -> Check:
    """Imports the package: one that is there but broken is of no use."""
    try:
        importlib.import_module(module)
    except Exception as error:  # a broken native part fails in many ways
        if isinstance(error, ImportError) and error.name == module:
            return Check(distribution, "required", False, "not installed", f"pip install {distribution}")
        other = REQUIRED_PACKAGES.get(getattr(error, "name", None) or "")
        if other is not None:
            return Check(distribution, "required", False, f"cannot be imported without {other}")
        detail, remedy = f"cannot be imported: {_line(error)}", f"pip install --force-reinstall {distribution}"
        return Check(distribution, "required", False, detail, remedy)
    return Check(distribution, "required", True, _version(distribution))


def _embedded_model() -> Check:
    try:
        from splatcut.segmenter.onnx_sam import WEIGHTS, embedded_problem
    except ImportError as error:
        return Check("MobileSAM", "required", False, f"cannot be checked: {_line(error)}", "Install what is missing.")
    problem = embedded_problem()
    if problem:
        return Check("MobileSAM", "required", False, problem, "pip install --force-reinstall splatcut")
    size = sum(path.stat().st_size for path in WEIGHTS.glob("*.onnx"))
    return Check("MobileSAM", "required", True, f"embedded, {_gigabytes(size)}, files intact")


def _accelerators() -> list[Check]:
    problem = cuda_problem()
    checks = []
    if problem is None:
        import torch

        name = torch.cuda.get_device_name(0)
        memory = torch.cuda.get_device_properties(0).total_memory
        checks.append(Check("CUDA", "optional", True, f"{name}, {_gigabytes(memory)}, CUDA {torch.version.cuda}"))
    else:
        checks.append(Check("CUDA", "optional", False, f"Everything runs on the processor. {problem}"))
    purpose = "rasterises on the GPU"
    if importlib.util.find_spec("gsplat") is not None:
        checks.append(Check("gsplat", "optional", True, f"{_version('gsplat')}: {purpose}"))
    elif problem is None:
        checks.append(Check("gsplat", "optional", False, f"not installed: {purpose}", 'pip install "splatcut[cuda]"'))
    else:
        checks.append(Check("gsplat", "optional", False, f"not installed: {purpose}; it needs CUDA"))
    return checks


def _segment_anything() -> Check:
    purpose = "runs your own SAM ViT-B/L/H or MobileSAM checkpoint"
    try:
        from splatcut.segmenter.torch_sam import segment_anything_problem
    except ImportError as error:
        return Check("segment-anything", "optional", False, f"cannot be checked: {_line(error)}")
    problem = segment_anything_problem()
    if problem is None:
        return Check("segment-anything", "optional", True, f"{_version('segment-anything')}: {purpose}")
    detail, _, remedy = problem.partition(" Install them with: ")
    return Check("segment-anything", "optional", False, f"{purpose}. {detail}", remedy)


def _machine() -> list[Check]:
    total = os.cpu_count() or 1
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else total
    checks = [Check("cores", "machine", True, f"{usable} usable of {total}")]
    memory = _memory_bytes()
    if memory is None:
        checks.append(Check("memory", "machine", True, "unknown"))
    else:
        low = memory < LOW_MEMORY_GB * 1e9
        remedy = f"Large scenes need {LOW_MEMORY_GB:g} GB: close other programs or use smaller scenes." if low else ""
        checks.append(Check("memory", "machine", not low, _gigabytes(memory), remedy))
    folders = [("disk (here)", Path.cwd())]
    try:
        from splatcut.folders import embeddings_folder
        from splatcut.segmenter.cache import DEFAULT_MAX_BYTES, EmbeddingCache
    except ImportError as error:
        checks.append(Check("cache", "machine", False, f"cannot be checked: {_line(error)}"))
    else:
        cache = embeddings_folder()
        used = _gigabytes(EmbeddingCache(cache).size())
        checks.append(Check("cache", "machine", True, f"{cache}: {used} of {_gigabytes(DEFAULT_MAX_BYTES)}"))
        folders.append(("disk (cache)", cache))
    for name, folder in folders:
        existing = next((place for place in (folder, *folder.parents) if place.is_dir()), Path.cwd())
        free = shutil.disk_usage(existing).free
        low = free < LOW_DISK_GB * 1e9
        remedy = f"Free some space: results and cached images need up to {LOW_DISK_GB:g} GB." if low else ""
        checks.append(Check(name, "machine", not low, f"{_gigabytes(free)} free", remedy))
    return checks


def _memory_bytes() -> int | None:
    """Physical memory, or None where the system does not tell."""
    if sys.platform == "win32":

        class Status(ctypes.Structure):
            _fields_ = [
                *(("length", ctypes.c_ulong), ("load", ctypes.c_ulong)),
                *(("total", ctypes.c_ulonglong), ("others", ctypes.c_ulonglong * 6)),
            ]

        status = Status()
        status.length = ctypes.sizeof(Status)
        return int(status.total) if ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)) else None
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "version unknown"


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
