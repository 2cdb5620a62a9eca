# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What Blender's Python has to be able to do with numpy alone. Run by scripts/test.py in an environment of its own."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "backend"))


def main() -> None:
    """Raises when something does not work."""
    for name in ("scipy", "numba", "torch", "plyfile", "gsply", "tqdm", "PIL"):
        assert importlib.util.find_spec(name) is None, f"{name} is installed, so this check proves nothing"

    import numpy as np

    import splatcut.formats
    from splatcut.errors import UserError
    from splatcut.messages import Job, ObjectPrompt, ViewPrompt, from_json, to_json
    from splatcut.scene.gaussians import Gaussians

    gaussians = Gaussians(
        means=np.zeros((2, 3), np.float32),
        log_scales=np.zeros((2, 3), np.float32),
        quats=np.array([[1, 0, 0, 0], [1, 0, 0, 0]], np.float32),
        opacity_logits=np.zeros(2, np.float32),
        sh=np.zeros((2, 1, 3), np.float32),
    )
    splats = splatcut.formats.SplatFile.from_gaussians(gaussians)
    assert len(splats.take(np.array([1])).gaussians) == 1

    job = Job(Path("scene.ply"), Path("out"), objects=(ObjectPrompt("vase", (ViewPrompt("view", ((1.0, 2.0, 1),)),)),))
    assert from_json(Job, to_json(job), "The job") == job
    problem = ""
    try:
        ViewPrompt("view")
    except UserError as error:
        problem = str(error)
    assert "neither" in problem, "a prompt that says nothing was accepted"
    print(f"splatcut.formats and splatcut.messages work with numpy {np.__version__} alone.")


if __name__ == "__main__":
    main()
