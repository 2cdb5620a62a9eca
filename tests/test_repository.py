# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Rules that hold for the repository as a whole."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import splatcut

REPOSITORY = Path(__file__).resolve().parents[1]
SOURCE_FOLDERS = ("backend", "blender_addon", "scripts", "tests", ".ci")
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MAX_LINES = 400
ALLOWED_IN_CORE = {"numpy", "splatcut", "__future__", *sys.stdlib_module_names}
BLENDER_MODULES = {"bpy", "bmesh", "mathutils", "gpu", "gpu_extras", "bpy_extras", "bl_math", "bl_ext"}
TEXT_SUFFIXES = {".py", ".md", ".toml", ".txt", ".json", ".cfg", ".ini", ".yml", ".yaml", ".sh", ""}

# Machine paths and package hosts do not belong in a repository. The patterns are put together here so that they do not
# match themselves.
FORBIDDEN = {
    "an absolute path of one machine": re.compile(
        r"(?:^|[\"'\s=(])/" + r"(?:work|root|home/\w+|tmp/\w+)(?:/|\b)", re.M
    ),
    "a Windows user's folder": re.compile(r"[A-Z]:\\" + r"Users\\", re.I),
    "a package host": re.compile(r"://" + r"(?:registry\.|pypi\.|files\.pythonhosted)|/" + r"simple/", re.I),
    "something left undone": re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b|raise NotImplemented" + r"Error"),
}


def repository_files() -> list[Path]:
    """Files that git tracks or would track; without git, everything outside of environments and caches."""
    if shutil.which("git") and (REPOSITORY / ".git").exists():
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=True, text=True).stdout.split("\0")
        paths = [REPOSITORY / name for name in names if name]
    else:
        hidden = re.compile(r"(^|/)(\.(?!ci|gitignore)|__pycache__|build/|demo_out/|out/|.*\.egg-info)")
        paths = [p for p in REPOSITORY.rglob("*") if not hidden.search(p.relative_to(REPOSITORY).as_posix())]
    return sorted(path for path in paths if path.is_file() and not path.is_symlink())


def source_files() -> list[Path]:
    """Python files and shell scripts of the product, its tests and its scripts."""
    return [
        path
        for path in repository_files()
        if path.relative_to(REPOSITORY).parts[0] in SOURCE_FOLDERS
        and (path.suffix in (".py", ".sh") or path.parent.name == ".ci")
    ]


def imported_modules(path: Path) -> set[str]:
    """Top-level names of everything that a Python file imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
    return names


def expected_licence(path: Path) -> str:
    """What imports Blender's modules is under the GPL, everything else under the Apache licence."""
    parts = path.relative_to(REPOSITORY).parts
    if parts[0] == "blender_addon" or parts[:2] in (("tests", "blender_addon"), ("tests", "blender")):
        return "GPL-3.0-or-later"
    if path.suffix == ".py" and imported_modules(path) & BLENDER_MODULES:
        return "GPL-3.0-or-later"
    return "Apache-2.0"


def test_there_are_source_files() -> None:
    names = {path.relative_to(REPOSITORY).as_posix() for path in source_files()}
    assert {"backend/splatcut/__init__.py", "scripts/demo.py", "scripts/test.py", ".ci/run"} <= names


def test_every_source_file_names_its_licence() -> None:
    wrong = []
    for path in source_files():
        head = path.read_text(encoding="utf-8")[:400]
        licences = re.findall(r"^# SPDX-License-Identifier: (\S+)$", head, re.M)
        if licences != [expected_licence(path)] or "# SPDX-FileCopyrightText: " not in head:
            wrong.append(f"{path.relative_to(REPOSITORY)}: {licences}, not {expected_licence(path)}")
    assert not wrong, "\n".join(wrong)


def test_the_backend_never_imports_blender() -> None:
    wrong = [path.name for path in (REPOSITORY / "backend").rglob("*.py") if imported_modules(path) & BLENDER_MODULES]
    assert not wrong


def test_the_add_ons_decisions_never_import_blender() -> None:
    folder = REPOSITORY / "blender_addon" / "core"
    wrong = [path.name for path in folder.rglob("*.py") if imported_modules(path) - ALLOWED_IN_CORE]
    assert not wrong


def test_blenders_properties_are_no_strings() -> None:
    """Blender reads properties from annotations; a __future__ import would make strings of them."""
    wrong = []
    for path in (REPOSITORY / "blender_addon").rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        if re.search(r"^    \w+: (?:bpy\.props\.)?\w+Property\(", source, re.M) and "import annotations" in source:
            wrong.append(path.relative_to(REPOSITORY).as_posix())
    assert not wrong


def test_modules_hold_one_idea() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in source_files()}
    long = [f"{path.relative_to(REPOSITORY)}: {count} lines" for path, count in lengths.items() if count > MAX_LINES]
    assert not long, "\n".join(long)


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_forbidden_words(what: str) -> None:
    found = []
    for path in repository_files():
        if path.suffix not in TEXT_SUFFIXES or path.parent.name == "LICENSES" or path.stat().st_size > 1_000_000:
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for match in FORBIDDEN[what].finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            found.append(f"{path.relative_to(REPOSITORY)}:{line}: {match.group().strip()!r} is {what}")
    assert not found, "\n".join(found)


@pytest.mark.parametrize("example", ['open("/' + 'work/x")', "cd /" + "tmp/build", "see /" + "home/ann/scene"])
def test_machine_paths_are_recognised(example: str) -> None:
    assert FORBIDDEN["an absolute path of one machine"].search(example)


def test_licence_texts_are_complete() -> None:
    apache = (REPOSITORY / "LICENSES/Apache-2.0.txt").read_text(encoding="utf-8")
    gpl = (REPOSITORY / "LICENSES/GPL-3.0-or-later.txt").read_text(encoding="utf-8")
    assert "END OF TERMS AND CONDITIONS" in apache
    assert "END OF TERMS AND CONDITIONS" in gpl
    assert "Version 3, 29 June 2007" in gpl


def test_links_between_documents_lead_somewhere() -> None:
    broken = []
    for path in repository_files():
        if path.suffix != ".md":
            continue
        for target in re.findall(r"\]\(([^)#\s]+)", path.read_text(encoding="utf-8")):
            if "://" not in target and not (path.parent / target).exists():
                broken.append(f"{path.relative_to(REPOSITORY)}: {target}")
    assert not broken, "\n".join(broken)


def test_every_dependency_is_pinned_within_its_bounds() -> None:
    pins = dict(re.findall(r"^([\w.-]+)==([^\s;]+)", (REPOSITORY / "requirements/engine.txt").read_text(), re.M))
    for dependency in PROJECT["dependencies"]:
        name, lowest, beyond = _bounds(dependency)
        assert name in pins, f"requirements/engine.txt does not pin {name}"
        assert lowest <= _numbers(pins[name]), f"{name} is pinned below its lowest version"
        assert beyond is None or _numbers(pins[name]) < beyond, f"{name} is pinned above its bound"


def test_the_installed_numba_is_one_that_the_project_declares() -> None:
    """Fails last on a newer numba: when everything else passes, the bound in pyproject.toml may rise."""
    version = importlib.metadata.version("numba")
    _, lowest, beyond = next(_bounds(dependency) for dependency in PROJECT["dependencies"] if "numba" in dependency)
    assert lowest <= _numbers(version), f"numba {version} is older than what pyproject.toml declares"
    assert beyond is not None
    assert _numbers(version) < beyond, f"numba {version} is newer than what was tested: raise its bound if all passes"


def test_what_is_declared_is_what_is_imported() -> None:
    """Both ways, what only an extra brings among it."""
    imported: set[str] = set()
    for path in (REPOSITORY / "backend").rglob("*.py"):
        imported |= imported_modules(path)
        imported |= set(re.findall(r"\b(?:require|import_module)\(\"(\w+)", path.read_text(encoding="utf-8")))
    declared = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["cuda"]]
    declared += [*PROJECT["optional-dependencies"]["sam"], *PROJECT["optional-dependencies"]["usd"]]
    names = {_bounds(dependency)[0].replace("-", "_") for dependency in declared}
    other = {"pillow": "PIL", "openexr": "OpenEXR", "usd_core": "pxr"}
    imported -= {*sys.stdlib_module_names, "splatcut"}
    names.remove("torchvision")  # segment-anything takes it without declaring it
    assert imported == {other.get(name, name) for name in names}


def test_the_package_has_a_version() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", splatcut.__version__)


@pytest.mark.parametrize(
    ("module", "allowed"),
    [("splatcut.formats", {"numpy"}), ("splatcut.messages", set()), ("splatcut.folders", {"platformdirs"})],
)
def test_blenders_part_imports_little(module: str, allowed: set[str]) -> None:
    """In a process that refuses every import that is neither splatcut, the standard library nor ``allowed``."""
    code = f"""
import sys
sys.path.insert(0, {str(REPOSITORY / "backend")!r})
allowed = {{"splatcut", *{sorted(allowed)!r}}} | set(sys.stdlib_module_names)

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] not in allowed:
            raise ImportError(f"{{name}} is not allowed here")
        return None

sys.meta_path.insert(0, Blocker())
import {module}
try:
    import tqdm
except ImportError:
    print("blocked as intended")
"""
    # -S and -I: no site packages' .pth files run first, and numpy is reached through its folder alone.
    numpy_folder = str(Path(__import__("numpy").__file__).parents[1])
    code = f"import sys; sys.path.append({numpy_folder!r})\n{code}"
    result = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "blocked as intended"


def _bounds(dependency: str) -> tuple[str, tuple[int, ...], tuple[int, ...] | None]:
    """A dependency's name, its lowest version, and the one that is too new."""
    match = re.fullmatch(r"([\w-]+)>=([\d.]+)(?:,<([\d.]+))?", dependency)
    assert match, f"{dependency} has no lowest version"
    return match[1], _numbers(match[2]), _numbers(match[3]) if match[3] else None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))
