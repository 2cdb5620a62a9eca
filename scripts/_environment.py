# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Makes or reuses the virtual environments that the scripts run in.

Standard library only, and plain enough for Python 3.9, because this runs under whatever Python the user typed. What a
set-up is made of stands in ``requirements/``; a stamp in the environment says for which of these files it was made, so
that a second run starts at once. Two runs at the same time wait for each other, and an environment whose making was
interrupted is made anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Dict, Iterator, List, NoReturn, Optional, Sequence, Tuple

REPOSITORY = Path(__file__).resolve().parents[1]
PYTHONS = ((3, 11), (3, 12), (3, 13))

#: Set-up -> (folder of its environment, its requirements, the modules that must import in the end).
ENGINE_MODULES = [
    "numpy",
    "scipy.spatial",
    "numba",
    "PIL.Image",
    "plyfile",
    "gsply",
    "pycolmap",
    "onnxruntime",
    "torch",
]
SETUPS: Dict[str, Tuple[str, str, List[str]]] = {
    "engine": (".venv", "requirements/engine.txt", [*ENGINE_MODULES, "splatcut"]),
    "dev": (".venv", "requirements/dev.txt", [*ENGINE_MODULES, "splatcut", "pytest", "hypothesis"]),
    "minimal": (".venv-minimal", "requirements/minimal.txt", ["numpy"]),
}

#: Shared libraries that Python packages take from the system -> Debian packages.
DEBIAN_PACKAGES = {
    "libgomp.so.1": "libgomp1",
    "libstdc++.so.6": "libstdc++6",
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libglib-2.0.so.0": "libglib2.0-0",
}

_STAMP = "splatcut-setup.json"
_UNFINISHED = "splatcut-unfinished"

# Runs in the environment: says which pins are not met and which modules do not import, as JSON.
_EXAMINE = """
import importlib, importlib.metadata, json, sys
pins, modules = json.loads(sys.argv[1])
unmet, broken = [], {}
for name, version in pins:
    try:
        found = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        found = "none"
    if found.split("+")[0] != version:
        unmet.append(f"{name} {version} (found: {found})")
if not unmet:
    for module in modules:
        try:
            importlib.import_module(module)
        except Exception as error:
            broken[module] = f"{type(error).__name__}: {error}"
origin = getattr(sys.modules.get("splatcut"), "__file__", None)
print(json.dumps({"unmet": unmet, "broken": broken, "origin": origin}))
"""


class SetupError(Exception):
    """The environment cannot be made; the message says in full sentences what to do."""


def run_in(setup: str, arguments: Sequence[str]) -> int:
    """Runs Python with ``arguments`` in an environment, in the repository's folder; returns the exit code.

    After Ctrl-C the child, which got the signal too, is waited for: it saves its state.
    """
    process = subprocess.Popen([str(python_of(setup)), *arguments], cwd=REPOSITORY, env=clean_variables())
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


def ensure(setup: str) -> None:
    """Makes the environment of ``setup`` ready, or ends the process with a sentence on why not."""
    try:
        with _locked(REPOSITORY / (SETUPS[setup][0] + ".lock")):
            _ensure(setup)
    except SetupError as error:
        _stop(str(error))
    except KeyboardInterrupt:
        _stop("Interrupted. The same command makes the environment anew.")


def python_of(setup: str) -> Path:
    """The environment's interpreter."""
    folder = REPOSITORY / SETUPS[setup][0]
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def clean_variables() -> Dict[str, str]:
    """This process's environment variables without those that lead Python to other packages than the environment's."""
    variables = {key: value for key, value in os.environ.items() if key not in ("PYTHONHOME", "PYTHONPATH")}
    variables.update(PYTHONNOUSERSITE="1", PYTHONUTF8="1", PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_INPUT="1")
    return variables


def _ensure(setup: str) -> None:
    folder = REPOSITORY / SETUPS[setup][0]
    if _stamped(setup):
        return
    if folder.exists() and not _usable(folder, setup):
        _say(f"{folder.name} is broken or was made only in part; it is made anew.")
        _remove(folder)
    if not folder.exists():
        _create(folder, setup)
    if _examine(setup) is not None:
        _install(setup)
        _examine_or_stop(setup)
    _write_stamp(setup)


# --- the stamp -------------------------------------------------------------------------------------------------------


def _stamped(setup: str) -> bool:
    """Whether the environment was completed for the requirements as they are now."""
    folder = REPOSITORY / SETUPS[setup][0]
    try:
        stamp = json.loads((folder / _STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    fresh = isinstance(stamp, dict) and stamp.get("repository") == str(REPOSITORY) and stamp.get(setup) == _key(setup)
    return fresh and not (folder / _UNFINISHED).exists() and _answers(python_of(setup), "import encodings")


def _write_stamp(setup: str) -> None:
    path = REPOSITORY / SETUPS[setup][0] / _STAMP
    try:
        stamp = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        stamp = {}
    if not isinstance(stamp, dict) or stamp.get("repository") != str(REPOSITORY):
        stamp = {"repository": str(REPOSITORY)}
    stamp[setup] = _key(setup)
    if setup == "dev":
        stamp["engine"] = _key("engine")
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(stamp, indent=1), encoding="utf-8")
    os.replace(temporary, path)


def _key(setup: str) -> str:
    """Hash of everything that the set-up depends on."""
    digest = hashlib.sha256()
    for path in [*_requirement_files(setup), REPOSITORY / "pyproject.toml", Path(__file__)]:
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()


# --- requirements ----------------------------------------------------------------------------------------------------


def _requirement_files(setup: str) -> List[Path]:
    """The set-up's requirement file and those that it includes with ``-r``."""
    files = [REPOSITORY / SETUPS[setup][1]]
    for path in files:
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("-r "):
                files.append(path.parent / line[3:].strip())
    return files


def _pins(setup: str) -> List[Tuple[str, str]]:
    """(package, version) of every requirement that holds on this system."""
    pins = []
    for path in _requirement_files(setup):
        for line in path.read_text(encoding="utf-8").splitlines():
            match = re.match(r'([A-Za-z0-9._-]+)==([^\s;]+)\s*(?:;\s*sys_platform == "(\w+)")?$', line.strip())
            if match and match.group(3) in (None, sys.platform):
                pins.append((match.group(1), match.group(2)))
    return pins


# --- the environment -------------------------------------------------------------------------------------------------


def _usable(folder: Path, setup: str) -> bool:
    """Whether an existing environment can be completed rather than made anew."""
    if (folder / _UNFINISHED).exists() or not (folder / "pyvenv.cfg").is_file():
        return False
    python = python_of(setup)
    if _version(str(python)) not in PYTHONS:
        return False
    # Some tools make environments without pip.
    return _answers(python, "import pip") or _answers(python, "import ensurepip; ensurepip.bootstrap()")


def _create(folder: Path, setup: str) -> None:
    base = _find_python()
    _say(f"Making {folder.name} with {base}.")
    if not _answers(Path(base), "import ensurepip, venv"):
        # Debian and Ubuntu keep this part of Python in a package of its own.
        major, minor = _version(base) or PYTHONS[0]
        _apt_get([f"python{major}.{minor}-venv"], f"{base} cannot make virtual environments (it has no ensurepip).")
    result = subprocess.run(
        [base, "-m", "venv", str(folder)], env=clean_variables(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if result.returncode != 0:
        _remove(folder)
        raise SetupError(
            f"{base} could not make a virtual environment in {folder}. It said:\n"
            + result.stdout.decode("utf-8", "replace").strip()
        )


def _install(setup: str) -> None:
    """Installs the requirements and, where the set-up has it, the project itself."""
    folder = REPOSITORY / SETUPS[setup][0]
    requirements = SETUPS[setup][1]
    unfinished = folder / _UNFINISHED
    unfinished.touch()
    _say(f"Installing {requirements} into {folder.name}; the first time this takes some minutes.")
    _pip(setup, ["-r", str(REPOSITORY / requirements)], requirements)
    if "splatcut" in SETUPS[setup][2]:
        _pip(setup, ["--no-deps", "--no-build-isolation", "-e", str(REPOSITORY)], "the project itself")
    unfinished.unlink()


def _pip(setup: str, arguments: List[str], what: str) -> None:
    quiet = [] if sys.stdout.isatty() else ["-q"]
    command = [str(python_of(setup)), "-m", "pip", "install", *quiet, *arguments]
    if subprocess.run(command, env=clean_variables(), cwd=REPOSITORY).returncode != 0:
        raise SetupError(
            f"pip could not install {what}; its reason stands above. A package that cannot be found or reached is most "
            "often a matter of the internet connection or of a proxy; a missing version, of a Python or a system that "
            "the package has no wheel for. Run the same command again when it is mended."
        )


def _examine(setup: str) -> Optional[str]:
    """What is missing or broken in the environment, or None when all is well."""
    request = json.dumps([_pins(setup), SETUPS[setup][2]])
    result = subprocess.run(
        [str(python_of(setup)), "-c", _EXAMINE, request],
        env=clean_variables(), cwd=python_of(setup).parent, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    output = result.stdout.decode("utf-8", "replace").strip()
    try:
        report = json.loads(output.splitlines()[-1])
    except (ValueError, IndexError):
        return f"The environment's Python failed: {output}"
    if report["unmet"]:
        return "These packages are missing or have another version: " + ", ".join(report["unmet"]) + "."
    if report["broken"]:
        return "These modules do not import: " + "; ".join(f"{k} ({v})" for k, v in report["broken"].items()) + "."
    if "splatcut" in SETUPS[setup][2] and not _same(report["origin"], REPOSITORY / "backend/splatcut/__init__.py"):
        return "The environment holds another copy of SplatCut."
    return None


def _examine_or_stop(setup: str) -> None:
    """Examines after the installation; fetches system libraries from Debian where that is what is missing."""
    for _ in range(len(DEBIAN_PACKAGES) + 1):
        problem = _examine(setup)
        if problem is None:
            return
        missing = re.search(r"(lib[\w+.-]+\.so[.\d]*): cannot open shared object file", problem)
        package = DEBIAN_PACKAGES.get(missing.group(1)) if missing else None
        if package is None:
            break
        _apt_get([package], problem)
    raise SetupError(f"The environment is not complete. {problem}")


# --- the system ------------------------------------------------------------------------------------------------------


def _find_python() -> str:
    """An interpreter of a version that all pinned packages have wheels for."""
    wanted = ["{}.{}".format(*version) for version in PYTHONS]
    candidates = [os.environ.get("SPLATCUT_PYTHON") or "", sys.executable or ""]
    candidates += [shutil.which(f"python{version}") or "" for version in wanted]
    candidates += [shutil.which("python3") or "", shutil.which("python") or "", "/usr/bin/python3"]
    if os.name == "nt" and shutil.which("py"):
        candidates += [_answer(["py", f"-{version}"], "import sys; print(sys.executable)") for version in wanted]
    for version in wanted:
        candidates += sorted(map(str, Path.home().glob(f".pyenv/versions/{version}.*/bin/python")), reverse=True)
    for candidate in candidates:
        if candidate and _version(candidate) in PYTHONS:
            return candidate
    if _is_debian_root():
        with contextlib.suppress(SetupError):
            _apt_get(["python3", "python3-venv"], "")
        if _version("/usr/bin/python3") in PYTHONS:
            return "/usr/bin/python3"
    raise SetupError(
        f"SplatCut needs Python {', '.join(wanted[:-1])} or {wanted[-1]}, and this is Python "
        f"{platform.python_version()}. Install one of them (from python.org, or with your system's package manager) "
        "and run the same command again; if it is in an unusual place, set SPLATCUT_PYTHON to its path."
    )


def _apt_get(packages: List[str], reason: str) -> None:
    """Installs Debian packages when this is Debian and the user is root; says what to type otherwise."""
    if not _is_debian_root():
        how = (
            f'Type "sudo apt-get install {" ".join(packages)}"'
            if shutil.which("apt-get")
            else "Install what is missing"
        )
        raise SetupError(f"{reason} {how}, then run the same command again.")
    _say(f"Installing {' '.join(packages)} with apt-get.")
    variables = {**clean_variables(), "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages]
    # The list of packages is fetched only when the one that is there does not do.
    for command in (install, ["apt-get", "update", "-q"], install):
        result = subprocess.run(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if command is install and result.returncode == 0:
            return
    output = result.stdout.decode("utf-8", "replace").strip()
    raise SetupError(f"{reason} apt-get could not install {' '.join(packages)}. It said:\n{output}")


def _is_debian_root() -> bool:
    return bool(shutil.which("apt-get")) and hasattr(os, "geteuid") and os.geteuid() == 0


def _version(python: str) -> Optional[Tuple[int, int]]:
    """(3, 11), for example; None when the interpreter does not run."""
    answer = _answer([python], "import sys; print(*sys.version_info[:2])").split()
    return (int(answer[0]), int(answer[1])) if len(answer) == 2 else None


def _answers(python: Path, code: str) -> bool:
    return _answer([str(python)], f"{code}; print('yes')").endswith("yes")


def _answer(command: List[str], code: str) -> str:
    """What the interpreter prints, or nothing when it fails."""
    try:
        result = subprocess.run(
            [*command, "-c", code],
            env=clean_variables(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout.decode("utf-8", "replace").strip() if result.returncode == 0 else ""


def _same(first: Optional[str], second: Path) -> bool:
    try:
        return first is not None and os.path.samefile(first, second)
    except OSError:
        return False


def _remove(folder: Path) -> None:
    try:
        if folder.is_symlink() or folder.is_file():
            folder.unlink()
        else:
            shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise SetupError(
            f"{folder} could not be removed ({error}). Close what uses it and delete it by hand."
        ) from error


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Holds a lock that the system releases when this process ends, however it ends."""
    try:
        stream = path.open("a+b")
    except OSError as error:
        raise SetupError(f"{path} cannot be written ({error}). The checkout must be in a writable folder.") from error
    with stream:
        told = False
        while not _try_lock(stream.fileno()):
            if not told:
                _say("Another run is making the environment; waiting for it.")
                told = True
            time.sleep(0.5)
        yield


def _try_lock(descriptor: int) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            os.lseek(descriptor, 0, os.SEEK_SET)
            getattr(msvcrt, "locking")(descriptor, getattr(msvcrt, "LK_NBLCK"), 1)  # noqa: B009
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return True  # a file system without locks: better unguarded than not at all
    return True


def _say(message: str) -> None:
    print(f"[set-up] {message}", flush=True)


def _stop(message: str) -> NoReturn:
    print(f"[set-up] {message}", file=sys.stderr, flush=True)
    raise SystemExit(3)
