# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Builds the Blender extension: ``python3 scripts/build_extension.py``.

Writes ``dist/splatcut-VERSION.zip``, which Blender installs by drag and drop or from disk. In it are the add-on, the
engine as a pure-Python wheel, the wheel of what its part for Blender needs besides, the exact versions of what the
engine's own environment is made of, and the licences.
The same sources give the same bytes. The result is checked with rules of our own and, where a Blender module is at hand
(``.venv-bpy45``, ``.venv-bpy52``, ``.venv-bpy53``), with Blender's own tool.

``--index DIR`` copies the archive into DIR and writes the ``index.json`` of a static extension repository there: served
by any web server, its address is what users enter in Blender under Get Extensions > Repositories > Add Remote.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from lib import environment

REPOSITORY = environment.REPOSITORY
ADDON = REPOSITORY / "blender_addon"
LICENCES = ("Apache-2.0.txt", "GPL-3.0-or-later.txt")
#: 1980-01-01, the earliest time that a zip archive can hold.
EPOCH = "315532800"
TIMESTAMP = (1980, 1, 1, 0, 0, 0)
#: In requirements/engine.txt for building the project; the environment inside Blender gets the wheel that is built.
NOT_SHIPPED = ("setuptools",)
#: Pure-Python packages that the engine's part for Blender imports and Blender does not bring.
BESIDES = ("platformdirs",)


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=REPOSITORY / "dist", help="folder for the .zip (default: dist)")
    parser.add_argument("--index", type=Path, metavar="DIR", help="folder of a static extension repository to update")
    return parser.parse_args(arguments)


def main(options: argparse.Namespace) -> int:
    """Builds and checks; returns 0 when the extension is good, 1 when a check found something."""
    from lib import extension_checks as checks

    target = build(options.out)
    problems = checks.archive_problems(target)
    problems += version_problems(target)
    tool = find_blenders_tool()
    if tool is not None:
        problems += validate_with_blender(tool, target)
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        return 1
    how = f"our checks and {tool.name} of {tool.parents[6].name}" if tool else "our checks; no Blender module at hand"
    print(f"{target}  ({target.stat().st_size / 1e6:.1f} MB; passed {how})")
    if options.index:
        options.index.mkdir(parents=True, exist_ok=True)
        copy = options.index / target.name
        if copy.resolve() != target.resolve():
            shutil.copyfile(target, copy)
        count = checks.write_index(options.index)
        print(f"{options.index / 'index.json'}  ({count} extension{'s' if count > 1 else ''})")
    return 0


def build(out: Path) -> Path:
    """Builds the .zip in ``out`` and returns its path."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        wheels = [*(installed_wheel(name, Path(scratch)) for name in BESIDES), build_wheel(Path(scratch))]
        names = [wheel.name for wheel in wheels]
        manifest = filled_manifest((ADDON / "blender_manifest.toml").read_text(encoding="utf-8"), names)
        files = {path.relative_to(ADDON).as_posix(): path.read_bytes() for path in addon_files()}
        files["blender_manifest.toml"] = manifest.encode("utf-8")
        files |= {f"wheels/{wheel.name}": wheel.read_bytes() for wheel in wheels}
        files["engine-requirements.txt"] = engine_requirements().encode("utf-8")
        for name in LICENCES:
            files[f"LICENSES/{name}"] = (REPOSITORY / "LICENSES" / name).read_bytes()
        files["NOTICE"] = (REPOSITORY / "NOTICE").read_bytes()
    target = out / f"splatcut-{manifest_version(manifest)}.zip"
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    write_zip(temporary, files)
    temporary.replace(target)
    return target


def write_zip(path: Path, files: dict[str, bytes]) -> None:
    """Writes a zip archive whose bytes depend on the files' names and contents alone."""
    with zipfile.ZipFile(path, "w") as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, TIMESTAMP)
            info.create_system, info.external_attr = 3, 0o100644 << 16
            # A wheel is compressed already.
            info.compress_type = zipfile.ZIP_STORED if name.endswith(".whl") else zipfile.ZIP_DEFLATED
            archive.writestr(info, files[name])


def addon_files() -> list[Path]:
    """The add-on's files, without caches and the like."""
    return sorted(
        path
        for path in ADDON.rglob("*")
        if path.is_file()
        and "__pycache__" not in path.parts
        and path.suffix not in (".pyc", ".zip", ".whl")
        and not path.name.startswith(".")
    )


def build_wheel(scratch: Path) -> Path:
    """Builds the engine's wheel from a copy of its sources, so that nothing left over from older builds gets in."""
    source, out = scratch / "source", scratch / "wheel"
    source.mkdir()
    ignore = shutil.ignore_patterns("__pycache__", "*.pyc", "*.nbi", "*.nbc", "*.egg-info")
    shutil.copytree(REPOSITORY / "backend" / "splatcut", source / "backend" / "splatcut", ignore=ignore)
    shutil.copytree(REPOSITORY / "LICENSES", source / "LICENSES")
    for name in ("pyproject.toml", "README.md", "NOTICE"):
        shutil.copyfile(REPOSITORY / name, source / name)
    for path in source.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    command = [str(environment.python_of("engine")), "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    result = subprocess.run(
        [*command, "--disable-pip-version-check", "--no-index", "--wheel-dir", str(out), str(source)],
        env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH, "PYTHONNOUSERSITE": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    wheels = list(out.glob("*.whl")) if out.is_dir() else []
    if result.returncode != 0 or len(wheels) != 1:
        raise SystemExit(f"The engine's wheel could not be built. pip said:\n{result.stdout}{result.stderr}")
    return wheels[0]


def installed_wheel(name: str, scratch: Path) -> Path:
    """The wheel from which a pure-Python package was installed in the engine's environment, put together again."""
    code = (
        "import importlib.metadata as m, json, sys; d = m.distribution(sys.argv[1]); "
        "print(json.dumps([d.version, {str(f): str(f.locate()) for f in d.files}]))"
    )
    command = [str(environment.python_of("engine")), "-c", code, name]
    version, files = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    kept = {
        inside: Path(place).read_bytes()
        for inside, place in files.items()
        if not inside.startswith("..") and Path(inside).suffix != ".pyc"
        and Path(inside).name not in ("INSTALLER", "REQUESTED", "direct_url.json", "RECORD")
    }  # fmt: skip
    record = f"{name}-{version}.dist-info/RECORD"
    digests = {inside: hashlib.sha256(content).digest() for inside, content in sorted(kept.items())}
    lines = [
        f"{inside},sha256={base64.urlsafe_b64encode(digest).decode().rstrip('=')},{len(kept[inside])}\n"
        for inside, digest in digests.items()
    ]
    kept[record] = "".join([*lines, f"{record},,\n"]).encode()
    path = scratch / f"{name}-{version}-py3-none-any.whl"
    write_zip(path, kept)
    return path


def filled_manifest(text: str, wheels: list[str]) -> str:
    """The manifest with the wheels' names in it."""
    listed = ", ".join(f'"./wheels/{wheel}"' for wheel in wheels)
    filled, count = re.subn(r"^(?:#[^\n]*\n)?wheels = \[\]$", f"wheels = [{listed}]", text, flags=re.M)
    if count != 1:
        raise SystemExit("blender_addon/blender_manifest.toml must have one line 'wheels = []' to fill in.")
    return filled


def manifest_version(manifest: str) -> str:
    """The extension's version."""
    match = re.search(r'^version = "([^"]+)"$', manifest, re.M)
    if match is None:
        raise SystemExit("blender_addon/blender_manifest.toml names no version.")
    return match.group(1)


def version_problems(target: Path) -> list[str]:
    """The add-on and the engine in its wheel carry one version."""
    source = (REPOSITORY / "backend/splatcut/__init__.py").read_text(encoding="utf-8")
    match = re.search(r'^__version__ = "([^"]+)"$', source, re.M)
    engine = match.group(1) if match else "none"
    if target.name != f"splatcut-{engine}.zip":
        return [f"The extension is {target.stem}, the engine in it {engine}; both must have the same version."]
    return []


def engine_requirements() -> str:
    """The exact versions of what the engine needs, for the environment that is made from inside Blender."""
    lines = ["# The engine's exact versions, from which the add-on makes its environment."]
    for line in (REPOSITORY / "requirements/engine.txt").read_text(encoding="utf-8").splitlines():
        if re.match(r"[A-Za-z0-9]", line) and not line.startswith(NOT_SHIPPED):
            lines.append(line.strip())
    return "\n".join(lines) + "\n"


def find_blenders_tool() -> Path | None:
    """``blender_ext.py`` of a Blender module that is installed in one of our environments."""
    for setup in ("bpy53", "bpy52", "bpy45"):
        folder = REPOSITORY / environment.SETUPS[setup].folder
        for path in sorted(folder.glob("[Ll]ib/**/site-packages/bpy/*/scripts/addons_core/bl_pkg/cli/blender_ext.py")):
            return path
    return None


def validate_with_blender(tool: Path, target: Path) -> list[str]:
    """What Blender's own check finds; it runs with plain Python."""
    result = subprocess.run(
        [sys.executable, "-I", str(tool), "validate", str(target)], capture_output=True, text=True, check=False
    )
    if result.returncode == 0 and "Success" in result.stdout:
        return []
    return [f"Blender's own check found: {(result.stdout + result.stderr).strip()}"]


if __name__ == "__main__":
    asked = parse(sys.argv[1:])
    environment.ensure("engine")
    if Path(sys.executable).parent != environment.python_of("engine").parent:
        sys.exit(environment.run_in("engine", [str(Path(__file__).resolve()), *sys.argv[1:]]))
    sys.exit(main(asked))
