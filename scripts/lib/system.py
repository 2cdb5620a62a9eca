# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What the set-up needs from the system: a suitable Python and, on Debian and Ubuntu, a few packages.

Standard library only, and plain enough for Python 3.9, as ``environment.py``, whose part it is.
"""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, Optional, Tuple

#: The versions that every pinned package has wheels for.
PYTHONS = ((3, 11), (3, 12), (3, 13))

#: Shared libraries that Python packages take from the system -> Debian packages.
DEBIAN_PACKAGES = {
    "libgomp.so.1": "libgomp1",
    "libstdc++.so.6": "libstdc++6",
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libX11.so.6": "libx11-6",
    "libXrender.so.1": "libxrender1",
    "libXfixes.so.3": "libxfixes3",
    "libXi.so.6": "libxi6",
    "libXxf86vm.so.1": "libxxf86vm1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libSM.so.6": "libsm6",
    "libICE.so.6": "libice6",
}
#: What Blender needs of them.
BLENDER_LIBRARIES = (
    "libX11.so.6",
    "libXrender.so.1",
    "libXfixes.so.3",
    "libXi.so.6",
    "libxkbcommon.so.0",
    "libSM.so.6",
    "libICE.so.6",
    "libGL.so.1",
    "libEGL.so.1",
)


class SetupError(Exception):
    """The environment cannot be made; the message says in full sentences what to do."""


def clean_variables() -> Dict[str, str]:
    """This process's environment variables without those that lead Python to other packages than the environment's."""
    variables = {key: value for key, value in os.environ.items() if key not in ("PYTHONHOME", "PYTHONPATH")}
    variables.update(PYTHONNOUSERSITE="1", PYTHONUTF8="1", PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_INPUT="1")
    return variables


def say(message: str) -> None:
    """Tells the user what the set-up is doing."""
    print(f"[set-up] {message}", flush=True)


def find_python(versions: Tuple[Tuple[int, int], ...] = PYTHONS) -> str:
    """An interpreter of one of the ``versions``; by default those that the engine's pinned packages have wheels for."""
    wanted = ["{}.{}".format(*version) for version in versions]
    candidates = [os.environ.get("SPLATCUT_PYTHON") or "", sys.executable or ""]
    candidates += [shutil.which(f"python{version}") or "" for version in wanted]
    candidates += [shutil.which("python3") or "", shutil.which("python") or "", "/usr/bin/python3"]
    if os.name == "nt" and shutil.which("py"):
        candidates += [answer(["py", f"-{version}"], "import sys; print(sys.executable)") for version in wanted]
    for version in wanted:
        candidates += sorted(map(str, Path.home().glob(f".pyenv/versions/{version}.*/bin/python")), reverse=True)
    for candidate in candidates:
        if candidate and version_of(candidate) in versions:
            return candidate
    if _is_debian_root() and not os.path.exists("/usr/bin/python3"):
        with contextlib.suppress(SetupError):
            apt_get(["python3", "python3-venv"], "")
        if version_of("/usr/bin/python3") in versions:
            return "/usr/bin/python3"
    named = ", ".join(wanted[:-1]) + (" or " if len(wanted) > 1 else "") + wanted[-1]
    raise SetupError(
        f"This needs Python {named}, and the one that runs is Python "
        f"{platform.python_version()}. Install one of them (from python.org, or with your system's package manager) "
        "and run the same command again; if it is in an unusual place, set SPLATCUT_PYTHON to its path."
    )


def apt_get(packages: List[str], reason: str) -> None:
    """Installs Debian packages when this is Debian and the user is root; says what to type otherwise."""
    if not _is_debian_root():
        how = (
            f'Type "sudo apt-get install {" ".join(packages)}"'
            if shutil.which("apt-get")
            else "Install what is missing"
        )
        raise SetupError(f"{reason} {how}, then run the same command again.")
    say(f"Installing {' '.join(packages)} with apt-get.")
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


def version_of(python: str) -> Optional[Tuple[int, int]]:
    """(3, 11), for example; None when the interpreter does not run."""
    words = answer([python], "import sys; print(*sys.version_info[:2])").split()
    return (int(words[0]), int(words[1])) if len(words) == 2 else None


def answers(python: Path, code: str) -> bool:
    """Whether the interpreter runs ``code`` without an error."""
    return answer([str(python)], f"{code}; print('yes')").endswith("yes")


def answer(command: List[str], code: str) -> str:
    """What the interpreter prints, or nothing when it fails."""
    try:
        result = subprocess.run(
            [*command, "-c", code],
            env=clean_variables(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout.decode("utf-8", "replace").strip() if result.returncode == 0 else ""
