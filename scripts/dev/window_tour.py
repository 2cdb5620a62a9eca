# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Goes the whole way of a user in a real Blender window and takes a picture of each step.

    python3 scripts/dev/window_tour.py BLENDER --out FOLDER [--docs]

BLENDER is a Blender's executable or a folder made by scripts/dev/get_blender.sh. The window opens in a virtual screen
of its own (Xvfb) and is driven by simulated events. The extension is built and installed from its .zip. FOLDER gets a
picture per step, tour.json with what was checked and how long it took, and Blender's log; --docs also replaces the
pictures of docs/blender.md. Needs Xvfb and ImageMagick's "import" and "convert". Exit code 0 when every check held.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from dev import run_in_blender
from lib import environment

REPOSITORY = environment.REPOSITORY
PICTURES = REPOSITORY / "docs" / "images" / "blender"


def main(arguments: list[str]) -> int:
    """Runs the tour; returns 0 when every check held."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("blender", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="folder for pictures, log and tour.json")
    parser.add_argument("--docs", action="store_true", help="replace the pictures in docs/images/blender")
    parser.add_argument("--scene", type=Path, default=REPOSITORY / "demo", help="folder laid out as demo (default)")
    parser.add_argument("--quality", default="draft", choices=("draft", "standard", "fine"))
    parser.add_argument("--no-refine", action="store_true", help="for a quicker tour")
    parser.add_argument("--size", default="1280x800", help="of the screen, pixels")
    parser.add_argument("--extension", type=Path, help="a built .zip, instead of building one")
    parser.add_argument("--timeout", type=float, default=7200, help="seconds")
    options = parser.parse_args(arguments)
    for tool in ("Xvfb", "import", "convert"):
        if shutil.which(tool) is None:
            raise SystemExit(f"The tour needs {tool}: apt-get install xvfb imagemagick.")
    environment.ensure("engine")
    out = options.out.absolute()
    out.mkdir(parents=True, exist_ok=True)
    for old in [*out.glob("*.png"), out / "tour.json"]:
        old.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="splatcut-tour-") as scratch:
        extension = options.extension
        if extension is None:
            build = [str(environment.python_of("engine")), "scripts/build_extension.py", "--out", scratch]
            subprocess.run(build, cwd=REPOSITORY, check=True)
            extension = next(Path(scratch).glob("*.zip"))
        screen, display = start_screen(options.size)
        try:
            code = run(options, out, extension, display, Path(scratch))
        finally:
            screen.terminate()
            screen.wait()
    report = json.loads((out / "tour.json").read_text()) if (out / "tour.json").exists() else {"steps": []}
    for step in report["steps"]:
        print(f"{step['name']:<28}{step['seconds']:7.1f} s  {step.get('said', '')}")
    if code != 0 or not report.get("finished"):
        print(f"The tour did not come to its end ({report.get('problem', f'exit code {code}')}). {out / 'blender.log'}")
        return 1
    if options.docs:
        PICTURES.mkdir(parents=True, exist_ok=True)
        for picture in sorted(out.glob("*.png")):
            target = PICTURES / f"{picture.stem.partition('_')[2]}.jpg"
            subprocess.run(
                ["convert", picture, "-strip", "-quality", "82", "-sampling-factor", "4:4:4", target], check=True
            )
            print(f"{target.relative_to(REPOSITORY)}  ({target.stat().st_size / 1e3:.0f} kB)")
    return 0


def start_screen(size: str) -> tuple[subprocess.Popen[bytes], str]:
    """A virtual screen on a display of its own."""
    read, write = os.pipe()
    screen = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{size}x24", "+extension", "GLX", "-nolisten", "tcp"],
        pass_fds=[write], stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(write)
    with os.fdopen(read) as stream:
        display = stream.readline().strip()
    if not display:
        raise SystemExit("Xvfb did not start.")
    return screen, f":{display}"


def run(options: argparse.Namespace, out: Path, extension: Path, display: str, scratch: Path) -> int:
    """Blender with the steps; returns its exit code."""
    variables = run_in_blender.private_variables(scratch / "user")
    variables.pop("WAYLAND_DISPLAY", None)
    # The cache is the tour's own: nothing of an earlier tour shortens it.
    variables.update(DISPLAY=display, LIBGL_ALWAYS_SOFTWARE="1", SPLATCUT_CACHE=str(scratch / "cache"))
    plan = {
        "scene": str(options.scene.absolute()),
        "extension": str(extension.absolute()),
        "out": str(out),
        "work": str(scratch),
        "python": str(environment.python_of("engine")),
        "quality": options.quality,
        "refine": not options.no_refine,
    }
    (scratch / "plan.json").write_text(json.dumps(plan))
    width, height = options.size.split("x")
    command = [*run_in_blender.command_of(options.blender), "--factory-startup", "--enable-event-simulate"]
    command += ["--window-geometry", "0", "0", width, height, "--python-exit-code", "3"]
    command += ["--python", str(REPOSITORY / "scripts/dev/tour/steps.py"), "--", str(scratch / "plan.json")]
    began = time.monotonic()
    with (out / "blender.log").open("w") as log:
        process = subprocess.Popen(command, cwd=REPOSITORY, env=variables, stdout=log, stderr=subprocess.STDOUT)
        try:
            return process.wait(timeout=options.timeout)
        except subprocess.TimeoutExpired:
            print(f"Stopped after {time.monotonic() - began:.0f} s.")
            process.kill()
            return process.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
