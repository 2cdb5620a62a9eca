# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What an extension's .zip has to satisfy, and the listing that a static extension repository consists of.

The rules are those of Blender's manifest schema 1.0.0 and of its repository listing, version "v1", as its own
``blender_ext.py`` has them, so that a build without any Blender at hand is checked as well. Some are our own: no
compiled wheels, and nothing in the archive that is not meant to be there.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
import tomllib
import zipfile
from pathlib import Path
from typing import Any

SCHEMA = "1.0.0"
MANIFEST = "blender_manifest.toml"
REQUIRED = {
    "id": str,
    "schema_version": str,
    "name": str,
    "tagline": str,
    "version": str,
    "type": str,
    "maintainer": str,
    "license": list,
    "blender_version_min": str,
}
OPTIONAL = {
    "blender_version_max": str,
    "website": str,
    "copyright": list,
    "permissions": dict,
    "tags": list,
    "platforms": list,
    "wheels": list,
    "build": dict,
}
PERMISSIONS = {"files", "network", "clipboard", "camera", "microphone"}
TAGS = {
    "3D View", "Add Curve", "Add Mesh", "Animation", "Bake", "Camera", "Compositing", "Development", "Game Engine",
    "Geometry Nodes", "Grease Pencil", "Import-Export", "Lighting", "Material", "Mesh", "Modeling", "Node", "Object",
    "Paint", "Physics", "Pipeline", "Render", "Rigging", "Scene", "Sculpt", "Sequencer", "System", "Text Editor",
    "Tracking", "User Interface", "UV",
}  # fmt: skip
#: Longest tagline and permission, in characters.
TERSE = 64
#: Keys of the manifest that the listing leaves out.
NOT_LISTED = ("wheels", "build")


def manifest_problems(manifest: dict[str, Any]) -> list[str]:
    """What is wrong with a manifest, in sentences; empty when nothing is."""
    problems = []
    for key, kind in {**REQUIRED, **OPTIONAL}.items():
        if key in REQUIRED and key not in manifest:
            problems.append(f"The manifest lacks {key!r}.")
        elif key in manifest and not isinstance(manifest[key], kind):
            problems.append(f"The manifest's {key!r} must be of type {kind.__name__}.")
    problems += [f"The manifest's {key!r} is unknown." for key in manifest if key not in {**REQUIRED, **OPTIONAL}]
    if problems:
        return problems
    if manifest["schema_version"] != SCHEMA:
        problems.append(f"The schema version is {manifest['schema_version']}, not {SCHEMA}.")
    if not re.fullmatch(r"[A-Za-z]\w*[A-Za-z0-9]", manifest["id"]) or "__" in manifest["id"]:
        problems.append(f"The id {manifest['id']!r} is not a legal one.")
    if not re.fullmatch(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}(-[0-9A-Za-z.-]+)?", manifest["version"]):
        problems.append(f"The version {manifest['version']!r} is not a semantic version such as 1.2.3.")
    if manifest["type"] not in ("add-on", "theme"):
        problems.append(f"The type {manifest['type']!r} is neither add-on nor theme.")
    for key in ("blender_version_min", "blender_version_max"):
        if key in manifest and not re.fullmatch(r"\d+\.\d+\.\d+", manifest[key]):
            problems.append(f"{key} must be three numbers, found {manifest[key]!r}.")
    for key in ("license", "tags", "wheels", "copyright", "platforms"):
        values = manifest.get(key, [])
        if not all(isinstance(value, str) and value.strip() for value in values) or len(set(values)) < len(values):
            problems.append(f"{key} must be a list of different, non-empty strings.")
    problems += [f"{tag!r} is not one of Blender's tags." for tag in manifest.get("tags", ()) if tag not in TAGS]
    problems += [f"{x!r} is no SPDX licence." for x in manifest["license"] if not re.fullmatch(r"SPDX:[\w.+-]+", x)]
    for holder in manifest.get("copyright", ()):
        if not re.fullmatch(r"\d+(-\d+)? \S.*", holder):
            problems.append(f"The copyright {holder!r} must be a year and a name.")
    for key in ("name", "maintainer"):
        if not manifest[key].strip():
            problems.append(f"{key} is empty.")
    problems += _terse("tagline", manifest["tagline"])
    for key, reason in manifest.get("permissions", {}).items():
        if key not in PERMISSIONS:
            problems.append(f"There is no permission {key!r}.")
        problems += _terse(f"the permission {key!r}", reason)
    return problems


def _terse(what: str, text: str) -> list[str]:
    problems = []
    if not text or text != text.strip() or len(text) > TERSE:
        problems.append(f"The text of {what} must have 1 to {TERSE} characters, found {len(text)}.")
    elif not (text[-1].isalnum() or text[-1] in ")]}"):
        problems.append(f"The text of {what} must not end with punctuation.")
    return problems


def archive_problems(path: Path) -> list[str]:
    """What is wrong with an extension's .zip, in sentences; empty when nothing is."""
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        return [f"{path} is no zip archive ({error})."]
    with archive:
        names = archive.namelist()
        if MANIFEST not in names:
            return [f"{path.name} has no {MANIFEST} at its root."]
        try:
            manifest = tomllib.loads(archive.read(MANIFEST).decode("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            return [f"The manifest in {path.name} cannot be read ({error})."]
        problems = manifest_problems(manifest)
        if problems:
            return problems
        problems += _wheel_problems(manifest.get("wheels", []), names)
        for name in names:
            if name.startswith("/") or ".." in name.split("/") or "\\" in name:
                problems.append(f"{name!r} would be unpacked elsewhere.")
            elif "__pycache__" in name or name.endswith((".pyc", ".so", ".pyd", ".dll", ".dylib")):
                problems.append(f"{name!r} does not belong in the archive.")
            elif name.endswith(".py"):
                problems += _python_problems(name, archive.read(name))
        problems += [f"The archive lacks {need}." for need in ("__init__.py", "LICENSES/") if not _has(names, need)]
        if len(set(names)) < len(names):
            problems.append("The archive holds a file twice.")
    return problems


def _has(names: list[str], start: str) -> bool:
    return any(name.startswith(start) for name in names)


def _wheel_problems(wheels: list[str], names: list[str]) -> list[str]:
    problems = []
    for wheel in wheels:
        if not wheel.startswith("./") or wheel[2:] not in names:
            problems.append(f"The manifest names the wheel {wheel}, which is not in the archive.")
        if not wheel.endswith("-py3-none-any.whl"):
            problems.append(f"{wheel} is a compiled wheel; those break with Blender's next Python.")
    there = {f"./{name}" for name in names if name.endswith(".whl")}
    problems += [f"The wheel {wheel} is not in the manifest." for wheel in sorted(there - set(wheels))]
    return problems


def _python_problems(name: str, source: bytes) -> list[str]:
    try:
        # Blender 4.3 to 4.5 run Python 3.11.
        ast.parse(source, filename=name, feature_version=(3, 11))
    except SyntaxError as error:
        return [f"{name}:{error.lineno} is no Python 3.11 ({error.msg})."]
    return []


def write_index(folder: Path) -> int:
    """Writes ``index.json``, the listing of a static extension repository, for the .zip files in ``folder``.

    Returns their number. Raises ValueError with a sentence when one of them is no extension.
    """
    entries = []
    for path in sorted(folder.glob("*.zip")):
        if path.name.startswith("."):
            continue
        problems = archive_problems(path)
        if problems:
            raise ValueError(f"{path.name} cannot be listed. {problems[0]}")
        with zipfile.ZipFile(path) as archive:
            manifest = tomllib.loads(archive.read(MANIFEST).decode("utf-8"))
        entry = {key: value for key, value in manifest.items() if key not in NOT_LISTED}
        if manifest.get("wheels"):
            entry["python_versions"] = ["3"]  # any: the wheels are tagged py3-none-any
        content = path.read_bytes()
        entry["archive_url"] = f"./{path.name}"
        entry["archive_size"] = len(content)
        entry["archive_hash"] = f"sha256:{hashlib.sha256(content).hexdigest()}"
        entries.append(entry)
    listing = {"version": "v1", "blocklist": [], "data": entries}
    temporary = folder / ".index.json.part"
    temporary.write_text(json.dumps(listing, indent=2) + "\n", encoding="utf-8")
    temporary.replace(folder / "index.json")
    return len(entries)
