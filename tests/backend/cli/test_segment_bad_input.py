# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Input that cannot be used: a sentence, exit code 2, and nothing left behind."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blob_scene import BlobScene
from PIL import Image

import splatcut.pipeline.run
from splatcut import cameras
from splatcut.devices import cuda_problem
from splatcut.formats import SplatFile, write_splats
from splatcut.segmenter import load_segmenter

Refused = Callable[..., str]


@pytest.fixture
def refused(segment: Callable[..., int], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Refused:
    """Runs the command, holds the refusal to the rules and to the words in it, and returns the message."""
    out = tmp_path / "results" / "out"

    def run(command: list[object], *words: str) -> str:
        capsys.readouterr()
        assert segment(*command, "--out", out) == 2
        message = capsys.readouterr().err.split("splatcut: ")[-1].strip()
        assert "Traceback" not in message
        assert "\n" not in message
        assert message[-1] in ".)"
        assert not out.parent.exists()
        for word in words:
            assert word in message, message
        return message

    return run


@pytest.fixture
def copy(blobs: BlobScene, tmp_path: Path) -> Path:
    """A copy of the data set that a test may spoil."""
    return Path(shutil.copytree(blobs.folder, tmp_path / "data"))


def command(folder: Path, words: str, blobs: BlobScene) -> list[object]:
    """Scene, cameras and ``words``, with {folder}, {masks} and {red}, a click on the red ball."""
    given = {"folder": folder, "masks": folder / "masks", "red": blobs.at("red")}
    return [
        folder / "scene.ply",
        "--cameras",
        folder / "cameras.json",
        *(word.format(**given) for word in words.split()),
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--at view_2:97,10", ["(97, 10)", "96 x 80"]),
        ("--at view_2:-1,10", ["-1"]),
        ("--at view_9:10,10", ["view_9", "view_0, view_1"]),
        ("--at view_2:2,2", ["background"]),
        ("--at {red} --holdout 2", ["held out", "view_1, view_3, view_5"]),
        ("--masks {masks} --holdout 1", ["holdout"]),
        ("--masks {masks} --holdout -3", ["holdout"]),
        *((f"--masks {{masks}} --tau={value}", ["tau"]) for value in ("0", "1.5", "-1", "nan")),
        ("--masks {folder}/none", ["does not exist"]),
        ("--prompts {folder}/none.json", ["none.json"]),
    ],
)
def test_words_that_cannot_be(blobs: BlobScene, refused: Refused, words: str, said: list[str]) -> None:
    refused(command(blobs.folder, words, blobs), *said)


@pytest.mark.parametrize("name", ["con", "COM1", "a/b", "..", "", " ", "x" * 300, "tab\tbed", "what?", "background"])
def test_names_that_are_no_file_names(blobs: BlobScene, refused: Refused, name: str) -> None:
    refused([*command(blobs.folder, "--at {red}", blobs), "--name", name], "name")


@pytest.mark.skipif(cuda_problem() is None, reason="this machine has CUDA")
def test_cuda_without_cuda(blobs: BlobScene, refused: Refused) -> None:
    refused(command(blobs.folder, "--masks {masks} --device cuda", blobs), "CUDA", "--device cpu")


POINT = [{"view": "view_2", "points": [[30, 40, 1]]}]


@pytest.mark.parametrize(
    ("objects", "said"),
    [
        ({"red": [{"view": "view_1", "box": [100, 10, 120, 30]}]}, ["box"]),
        ({"red": [{"view": "view_1", "box": [1, 1, 6, 6]}]}, ["background"]),
        ({"red": [{"view": "view_1", "points": [[40, 40, 0]]}]}, ["'red'"]),
        ({"red": [{"points3d": [[50, 50, 50, 1]]}]}, ["space"]),
        ({"pot": POINT, "Pot": POINT}, ["'Pot'"]),
        ({"red": [{"mask": {"view": "view_2", "file": "none.png"}}]}, ["none.png"]),
        ({"red": [{"mask": {"view": "view_2", "file": "small.png"}}]}, ["10 x 10", "96 x 80"]),
        ("{", ["prompts.json"]),
        (bytes(range(256)), ["prompts.json"]),
    ],
)
def test_prompts_that_cannot_be(
    tmp_path: Path, blobs: BlobScene, refused: Refused, objects: Any, said: list[str]
) -> None:
    Image.new("L", (10, 10), 255).save(tmp_path / "small.png")
    if isinstance(objects, dict):
        objects = json.dumps({"version": 1, "objects": [{"name": n, "prompts": p} for n, p in objects.items()]})
    (tmp_path / "prompts.json").write_bytes(objects if isinstance(objects, bytes) else objects.encode())
    refused([*command(blobs.folder, "--prompts", blobs), tmp_path / "prompts.json"], *said)


def test_prompts_and_masks_without_cameras(tmp_path: Path, blobs: BlobScene, refused: Refused) -> None:
    refused([blobs.scene, "--masks", blobs.folder / "masks"], "--cameras")
    refused([blobs.scene, "--at", "view_2:40,40"], "--cameras")
    far = {"objects": [{"name": "red", "prompts": [{"points3d": [[50, 50, 50, 1]]}]}]}
    (tmp_path / "prompts.json").write_text(json.dumps(far), encoding="utf-8")
    refused([blobs.scene, "--prompts", tmp_path / "prompts.json"], "coordinates")


def turn_away(cameras_file: Path) -> None:
    views = []
    for view in cameras.load_views(cameras_file):
        pose = view.camera.camera_from_world.copy()
        pose[:3] = np.diag([-1.0, 1.0, -1.0]) @ pose[:3]
        views.append(replace(view, camera=replace(view.camera, camera_from_world=pose)))
    cameras.save_cameras(cameras_file, views)


def cut(file: Path, last: int) -> None:
    file.write_bytes(file.read_bytes()[:-last])


def save(size: tuple[int, int], kind: str, value: int, file: Path) -> None:
    Image.new(kind, size, value).save(file)


def name_of_no_file(file: Path) -> None:
    file.write_text(file.read_text(encoding="utf-8").replace('"view_2"', '"view\\u0000two"'), encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "spoil", "words", "said"),
    [
        ("scene.ply", lambda f: f.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(1000)), "--masks {masks}", ["scene.ply"]),
        ("scene.ply", lambda f: f.unlink(), "--masks {masks}", ["scene.ply"]),
        ("cameras.json", turn_away, "--masks {masks}", ["None of the 6 cameras"]),
        ("cameras.json", lambda f: f.unlink(), "--masks {masks}", ["cameras.json"]),
        ("cameras.json", lambda f: f.write_text("[{"), "--masks {masks}", ["cameras.json"]),
        ("cameras.json", name_of_no_file, "--at view_1:40,40", ["The view name 'view\\x00two' in "]),
        ("images/view_3.png", lambda f: save((100, 50), "RGB", 0, f), "--at {red}", ["100x50", "96x80", "view_3"]),
        ("images/view_3.png", lambda f: save((100, 50), "RGB", 0, f), "--masks {masks}", ["100x50", "96x80", "view_3"]),
        ("images/view_2.png", lambda f: cut(f, 2000), "--at {red}", ["view_2.png"]),
        (
            "masks/red/view_3.png",
            lambda f: save((48, 48), "L", 255, f),
            "--masks {masks}",
            ["48 x 48", "96 x 80", "view_3"],
        ),
        (
            "masks/red/view_3.png",
            lambda f: f.rename(f.with_stem("view_33")),
            "--masks {masks}",
            ["view_33.png", "view_0.png"],
        ),
        ("masks/red/view_1.png", lambda f: f.write_text("no picture"), "--masks {masks}", ["view_1.png"]),
        ("masks/red", lambda f: f.rename(f.with_name("nul")), "--masks {masks}", ["nul"]),
    ],
)
def test_files_that_cannot_be_used(
    copy: Path, blobs: BlobScene, refused: Refused, file: str, spoil: Callable[[Path], Any], words: str, said: list[str]
) -> None:
    spoil(copy / file)
    refused(command(copy, words, blobs), *said)


def test_masks_that_are_none(copy: Path, blobs: BlobScene, refused: Refused) -> None:
    shutil.rmtree(copy / "masks")
    (copy / "masks" / "red").mkdir(parents=True)
    refused(command(copy, "--masks {masks}", blobs), "no masks")
    save((96, 80), "L", 0, copy / "masks" / "red" / "view_1.png")
    refused(command(copy, "--masks {masks}", blobs), "black")


def test_values_that_are_not_finite(
    copy: Path, blobs: BlobScene, refused: Refused, segment: Callable[..., int], tmp_path: Path
) -> None:
    broken = replace(blobs.gaussians, means=blobs.gaussians.means.copy(), sh=blobs.gaussians.sh.copy())
    broken.means[[3, 50], 1] = np.nan, np.inf
    broken.sh[7, 2, 0] = -np.inf
    write_splats(copy / "scene.ply", SplatFile.from_gaussians(broken))
    job, out = command(copy, "--masks {masks}", blobs), tmp_path / "dropped"
    refused(job, "3 of the 400", "--drop-invalid")
    assert segment(*job, "--drop-invalid", "--no-refine", "--out", out) == 0
    report = json.loads((out / "report.json").read_text())
    assert report["scene"]["dropped"] == 3
    assert any("3 Gaussians" in warning for warning in report["warnings"])
    assert report["background"]["gaussians"] + sum(item["gaussians"] for item in report["objects"]) == 397


def test_damaged_model(tmp_path: Path, blobs: BlobScene, refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splatcut.pipeline.run, "load_segmenter", load_segmenter)
    job = command(blobs.folder, "--at {red} --model", blobs)
    (tmp_path / "garbage.pth").write_bytes(b"PK\x03\x04" + bytes(5000))
    for name in ("garbage.pth", "none.pth"):
        refused([*job, tmp_path / name], name)
    for half in ("encoder", "decoder"):
        (tmp_path / f"sam_{half}.onnx").write_bytes(bytes(100))
    refused([*job, tmp_path / "sam_encoder.onnx"], "onnx")
