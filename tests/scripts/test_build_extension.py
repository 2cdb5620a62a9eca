# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The extension's .zip: what is in it, that the same sources give the same bytes, what the checks find."""

from __future__ import annotations

import hashlib
import importlib.metadata
import io
import json
import re
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

import build_extension
from lib import extension_checks as checks

MANIFEST = (build_extension.ADDON / "blender_manifest.toml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def extension(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_extension.build(tmp_path_factory.mktemp("dist"))


def test_the_same_sources_give_the_same_bytes(extension: Path, tmp_path: Path) -> None:
    assert build_extension.build(tmp_path).read_bytes() == extension.read_bytes()


def test_it_passes_our_checks(extension: Path) -> None:
    assert checks.archive_problems(extension) == []
    assert build_extension.version_problems(extension) == []


def test_it_passes_blenders_check(extension: Path) -> None:
    tool = build_extension.find_blenders_tool()
    if tool is None:
        pytest.skip("no Blender module is installed in .venv-bpy45, .venv-bpy52 or .venv-bpy53")
    assert build_extension.validate_with_blender(tool, extension) == []


def test_what_is_in_it(extension: Path) -> None:
    with zipfile.ZipFile(extension) as archive:
        names = set(archive.namelist())
        manifest = tomllib.loads(archive.read("blender_manifest.toml").decode())
        requirements = archive.read("engine-requirements.txt").decode()
        wheel, other = (
            zipfile.ZipFile(io.BytesIO(archive.read(path[2:]))) for path in sorted(manifest["wheels"], reverse=True)
        )
    assert {"__init__.py", "registry.py", "core/__init__.py", "LICENSES/GPL-3.0-or-later.txt", "NOTICE"} <= names
    assert not [name for name in names if "test" in name or "__pycache__" in name]
    assert "torch==" in requirements
    assert "setuptools" not in requirements
    inside = wheel.namelist()
    assert "splatcut/formats/__init__.py" in inside
    assert [name for name in inside if name.endswith(".onnx")], "the embedded model is missing"
    assert not [name for name in inside if name.endswith((".so", ".pyd", ".nbi"))]
    version = importlib.metadata.version("platformdirs")
    assert {"platformdirs/__init__.py", f"platformdirs-{version}.dist-info/METADATA"} <= set(other.namelist())
    record = other.read(f"platformdirs-{version}.dist-info/RECORD").decode()
    assert {line.split(",")[0] for line in record.splitlines()} == set(other.namelist())


def test_every_module_that_registers_is_there() -> None:
    source = (build_extension.ADDON / "registry.py").read_text(encoding="utf-8")
    listed = source[source.index("MODULES = (") : source.index(")", source.index("MODULES = ("))]
    for name in re.findall(r'"([\w.]+)"', listed):
        path = build_extension.ADDON / name.replace(".", "/")
        assert path.with_suffix(".py").is_file() or (path / "__init__.py").is_file(), name


def manifest_with(**changes: Any) -> dict[str, Any]:
    manifest = {**tomllib.loads(MANIFEST), **changes}
    return {key: value for key, value in manifest.items() if value is not None}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"id": None}, "lacks 'id'"),
        ({"surprise": 1}, "'surprise' is unknown"),
        ({"id": "a__b"}, "not a legal"),
        ({"version": "1.0"}, "semantic version"),
        ({"type": "game"}, "neither add-on nor theme"),
        ({"blender_version_min": "4.3"}, "three numbers"),
        ({"tagline": "Ends with a dot."}, "punctuation"),
        ({"tagline": "x" * 65}, "65"),
        ({"tags": ["Splats"]}, "not one of Blender's tags"),
        ({"license": ["GPL"]}, "no SPDX licence"),
        ({"copyright": ["somebody"]}, "a year and a name"),
        ({"permissions": {"tele": "x"}}, "no permission 'tele'"),
        ({"schema_version": "2.0.0"}, "schema version"),
        ({"wheels": "a.whl"}, "of type list"),
    ],
)
def test_faults_of_the_manifest(changes: dict[str, Any], complaint: str) -> None:
    problems = checks.manifest_problems(manifest_with(**changes))
    assert any(complaint in problem for problem in problems), problems


def test_the_manifest_itself() -> None:
    assert checks.manifest_problems(manifest_with()) == []


GOOD = {"blender_manifest.toml": MANIFEST.encode(), "__init__.py": b"", "LICENSES/x.txt": b""}


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        ({"blender_manifest.toml": b"= nonsense"}, "cannot be read"),
        ({"a/../../b.py": b""}, "unpacked elsewhere"),
        ({"native.so": b""}, "does not belong"),
        ({"x.py": b"type X = int"}, "no Python 3.11"),
        ({"wheels/a-1-py3-none-any.whl": b""}, "not in the manifest"),
        ({"blender_manifest.toml": MANIFEST.replace("[]", '["./w/a-1-cp311-x.whl"]', 1).encode()}, "not in the arch"),
        ({"blender_manifest.toml": MANIFEST.replace("[]", '["./w/a-1-cp311-x.whl"]', 1).encode()}, "compiled wheel"),
    ],
)
def test_faults_of_the_archive(files: dict[str, bytes], complaint: str, tmp_path: Path) -> None:
    build_extension.write_zip(tmp_path / "x.zip", {**GOOD, **files})
    problems = checks.archive_problems(tmp_path / "x.zip")
    assert any(complaint in problem for problem in problems), problems


def test_what_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"PK")
    assert "no zip archive" in checks.archive_problems(tmp_path / "x.zip")[0]
    build_extension.write_zip(tmp_path / "y.zip", {"__init__.py": b""})
    assert "at its root" in checks.archive_problems(tmp_path / "y.zip")[0]


def test_the_index_of_a_repository(extension: Path, tmp_path: Path) -> None:
    (tmp_path / extension.name).write_bytes(extension.read_bytes())
    assert checks.write_index(tmp_path) == 1
    listing = json.loads((tmp_path / "index.json").read_text())
    assert (listing["version"], listing["blocklist"]) == ("v1", [])
    entry = listing["data"][0]
    assert entry["archive_url"] == f"./{extension.name}"
    assert entry["archive_size"] == extension.stat().st_size
    assert entry["archive_hash"] == "sha256:" + hashlib.sha256(extension.read_bytes()).hexdigest()
    assert entry["python_versions"] == ["3"]
    assert not {"wheels", "build"} & set(entry)


def test_the_index_refuses_what_is_no_extension(tmp_path: Path) -> None:
    build_extension.write_zip(tmp_path / "x.zip", {"readme.txt": b""})
    with pytest.raises(ValueError, match=r"x\.zip cannot be listed"):
        checks.write_index(tmp_path)
    assert not (tmp_path / "index.json").exists()
