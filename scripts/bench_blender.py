# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""How long import, show, label and export of many Gaussians take in Blender, and how much memory.

    python scripts/bench_blender.py
    python scripts/bench_blender.py --gaussians 3000000 --degree 0 --blender .venv-bpy52

Each Blender is an environment with the bpy module (``python3 scripts/set_up.py bpy45 bpy52``). The file is written,
imported, evaluated, copied to numpy as the viewport does, labelled, and exported in a process of its own; the exported
file must be the imported one, bit by bit. Memory is the process's largest resident size so far, Blender itself and the
imported file's mapped pages included.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from _bench import REPOSITORY, machine, table

STEPS = {"start": "Start", "import": "Import", "show": "Show", "label": "Label", "export": "Export"}
LIMIT_SECONDS = {"import": 5.0, "export": 5.0}
LIMIT_BYTES = 1.5e9

#: Runs inside bpy: source, target, result file, the repository.
MEASURED = """
import json, os, sys, time
start, used = time.perf_counter(), time.process_time()
source, target, result, repository = sys.argv[1:]
sys.path[:0] = [repository, os.path.join(repository, "backend")]
import bpy
import numpy as np
from blender_addon.bridge import properties, splats
from blender_addon.ops import convert, import_export

for module in (properties, splats, import_export, convert):
    for cls in getattr(module, "CLASSES", ()):
        bpy.utils.register_class(cls)
    module.register()

def memory(name):
    with open("/proc/self/status") as stream:
        return next(int(line.split()[1]) * 1024 for line in stream if line.startswith(name))

found = {"version": bpy.app.version_string, "numpy": np.__version__, "steps": {}}

def done(step):
    global start, used
    wall, cpu = time.perf_counter() - start, time.process_time() - used
    found["steps"][step] = {"wall": wall, "cpu": cpu, "peak": memory("VmHWM:"), "after": memory("VmRSS:")}
    start, used = time.perf_counter(), time.process_time()

done("start")
bpy.ops.splatcut.import_splats(filepath=source)
done("import")
obj = bpy.context.view_layer.objects.active
bpy.context.view_layer.update()
arrays = splats.arrays(obj)
done("show")
splats.set_labels(obj, np.arange(len(arrays), dtype=np.int32) % 3, np.ones(len(arrays), dtype=np.float32))
bpy.context.view_layer.update()
splats.arrays(obj), splats.labels(obj)
done("label")
bpy.ops.splatcut.export_splats(filepath=target)
done("export")
with open(result, "w") as stream:
    json.dump(found, stream)
sys.stdout.flush()
os._exit(0)
"""


def write_scene(path: Path, count: int, degree: int, seed: int = 0) -> None:
    """A PLY in the reference layout, written in blocks: its bytes depend on the arguments alone."""
    rest = 3 * ((degree + 1) ** 2 - 1)
    names = ["x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2", *(f"f_rest_{i}" for i in range(rest))]
    names += ["opacity", "scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3"]
    lines = ["ply", "format binary_little_endian 1.0", f"element vertex {count}"]
    lines += [*(f"property float {name}" for name in names), "end_header", ""]
    rng = np.random.default_rng(seed)
    with path.open("wb") as stream:
        stream.write("\n".join(lines).encode())
        for start in range(0, count, 1 << 16):
            rows = rng.normal(size=(min(1 << 16, count - start), len(names))).astype("<f4")
            rows[:, 3:6] = 0
            rows[:, -7:-4] -= 5
            stream.write(rows.tobytes())


def same(a: Path, b: Path) -> bool:
    """Whether two files have the same bytes."""
    if a.stat().st_size != b.stat().st_size:
        return False
    with a.open("rb") as one, b.open("rb") as other:
        while block := one.read(1 << 24):
            if block != other.read(1 << 24):
                return False
    return True


def measure(python: Path, source: Path, folder: Path) -> dict[str, Any]:
    """Figures of one Blender. Raises ``RuntimeError`` with its last words when it fails."""
    target, result = folder / "exported.ply", folder / "result.json"
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "BLENDER"))}
    environment["BLENDER_USER_RESOURCES"] = str(folder / "user")
    command = [str(python), "-c", MEASURED, str(source), str(target), str(result), str(REPOSITORY)]
    process = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if process.returncode != 0 or not result.is_file():
        raise RuntimeError(f"{python} failed:\n{(process.stdout + process.stderr)[-2000:]}")
    found = json.loads(result.read_text(encoding="utf-8"))
    found["equal"] = same(source, target)
    target.unlink()
    result.unlink()
    return found


def interpreter(place: Path) -> Path | None:
    """The interpreter of an environment's folder, or ``place`` itself when it is one."""
    if place.is_file():
        return place
    return next((path for path in (place / "bin/python", place / "Scripts/python.exe") if path.is_file()), None)


def report(found: list[dict[str, Any]]) -> str:
    """A table with a row for each step of each Blender."""
    rows = []
    for run in found:
        for step, title in STEPS.items():
            took = run["steps"][step]
            seconds = [f"{took['wall']:.2f}", f"{took['cpu']:.2f}"]
            rows.append([run["version"], title, *seconds, f"{took['peak'] / 1e6:.0f}", f"{took['after'] / 1e6:.0f}"])
        rows.append([run["version"], "Bit-equal", "yes" if run["equal"] else "NO", "", "", ""])
    return table(["Blender", "Step", "Seconds", "CPU seconds", "Peak MB", "MB after"], rows)


def too_much(run: dict[str, Any], count: int) -> list[str]:
    """What is wrong: files that are not equal and, up to a million Gaussians, limits that are not kept."""
    found = [] if run["equal"] else [f"Blender {run['version']}: the exported file is not the imported one."]
    if count > 1_000_000:
        return found
    for step, limit in LIMIT_SECONDS.items():
        seconds = run["steps"][step]["wall"]
        if seconds > limit:
            found.append(f"Blender {run['version']}: {step} took {seconds:.1f} s, more than {limit:g} s.")
    peak = run["steps"]["export"]["peak"]
    if peak > LIMIT_BYTES:
        found.append(f"Blender {run['version']}: {peak / 1e6:.0f} MB, more than {LIMIT_BYTES / 1e6:.0f} MB.")
    return found


def main() -> int:
    """Measures and prints; 1 when a limit is not kept or a file is not equal."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blender", nargs="+", type=Path, metavar="ENVIRONMENT")
    parser.add_argument("--gaussians", type=int, default=1_000_000)
    parser.add_argument("--degree", type=int, default=3, choices=range(5))
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()
    if not Path("/proc/self/status").is_file():
        parser.error("Memory is read from /proc, which only Linux has.")
    places = arguments.blender or [REPOSITORY / f".venv-{name}" for name in ("bpy45", "bpy52")]
    pythons = [python for place in places if (python := interpreter(place)) is not None]
    if not pythons:
        parser.error("There is no environment with bpy. Make one with python3 scripts/set_up.py bpy45.")
    found = []
    with tempfile.TemporaryDirectory(prefix="splatcut-bench-") as scratch:
        source = Path(scratch) / "scene.ply"
        write_scene(source, arguments.gaussians, arguments.degree)
        for python in pythons:
            found.append(measure(python, source, Path(scratch)))
    print(f"{arguments.gaussians:,} Gaussians of SH degree {arguments.degree}. {machine()}\n")
    print(report(found))
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
    problems = [line for run in found for line in too_much(run, arguments.gaussians)]
    for line in problems:
        print(line, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
