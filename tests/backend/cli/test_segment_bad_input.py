# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Input that cannot be used: a sentence, exit code 2, and nothing left behind."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from blob_scene import BlobScene
from PIL import Image

from splatcut import cameras
from splatcut.devices import cuda_problem
from splatcut.formats import SplatFile, write_splats

Refused = Callable[..., str]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "results" / "out"


@pytest.fixture
def refused(segment: Callable[..., int], capsys: pytest.CaptureFixture[str], out: Path) -> Refused:
    """Runs the command, holds the refusal to the rules and returns the message."""

    def run(*arguments: object) -> str:
        capsys.readouterr()
        assert segment(*arguments, "--out", out) == 2
        message = capsys.readouterr().err.split("splatcut: ")[-1].strip()
        assert message
        assert "Traceback" not in message
        assert "\n" not in message
        assert message[-1] in ".)"
        assert not out.exists()
        assert not out.parent.exists()
        return message

    return run


@pytest.fixture
def with_masks(blobs: BlobScene) -> list[object]:
    """Everything but the scene."""
    return ["--cameras", blobs.cameras, "--masks", blobs.folder / "masks"]


def data(blobs: BlobScene) -> list[object]:
    """Scene and cameras."""
    return [blobs.scene, "--cameras", blobs.cameras]


def prompts(tmp_path: Path, *objects: dict[str, object]) -> Path:
    path = tmp_path / "prompts.json"
    path.write_text(json.dumps({"version": 1, "objects": list(objects)}), encoding="utf-8")
    return path


# ----------------------------------------------------------------------------------------------------------- scenes


def test_not_a_ply(tmp_path: Path, refused: Refused, with_masks: list[object]) -> None:
    scene = tmp_path / "scene.ply"
    scene.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(1000))
    assert "scene.ply" in refused(scene, *with_masks)
    assert "no.ply" in refused(tmp_path / "no.ply", *with_masks)


def test_values_that_are_not_finite(
    tmp_path: Path, blobs: BlobScene, refused: Refused, segment: Callable[..., int], with_masks: list[object]
) -> None:
    broken = replace(blobs.gaussians, means=blobs.gaussians.means.copy(), sh=blobs.gaussians.sh.copy())
    broken.means[[3, 50], 1] = np.nan, np.inf
    broken.sh[7, 2, 0] = -np.inf
    scene, out = tmp_path / "scene.ply", tmp_path / "dropped"
    write_splats(scene, SplatFile.from_gaussians(broken))
    message = refused(scene, *with_masks)
    assert "3 of the 400" in message
    assert "--drop-invalid" in message
    assert segment(scene, *with_masks, "--drop-invalid", "--no-refine", "--out", out) == 0
    report = json.loads((out / "report.json").read_text())
    assert report["scene"]["dropped"] == 3
    assert any("3 Gaussians" in warning for warning in report["warnings"])
    assert report["background"]["gaussians"] + sum(item["gaussians"] for item in report["objects"]) == 397


# ---------------------------------------------------------------------------------------------------------- cameras


def test_cameras_that_see_nothing(tmp_path: Path, blobs: BlobScene, refused: Refused) -> None:
    away = []
    for view in blobs.views:
        pose = view.camera.camera_from_world.copy()
        pose[:3] = np.diag([-1.0, 1.0, -1.0]) @ pose[:3]
        away.append(replace(view, camera=replace(view.camera, camera_from_world=pose)))
    cameras.save_cameras(tmp_path / "cameras.json", away)
    arguments = [blobs.scene, "--cameras", tmp_path / "cameras.json", "--masks", blobs.folder / "masks"]
    assert "None of the 6 cameras" in refused(*arguments)


def test_no_cameras_there(tmp_path: Path, blobs: BlobScene, refused: Refused) -> None:
    masks = blobs.folder / "masks"
    assert "nowhere" in refused(blobs.scene, "--cameras", tmp_path / "nowhere", "--masks", masks)
    assert "--cameras" in refused(blobs.scene, "--masks", masks)
    (tmp_path / "cameras.json").write_text("[{")
    assert "cameras.json" in refused(blobs.scene, "--cameras", tmp_path / "cameras.json", "--masks", masks)


def test_view_names_that_no_file_can_have(tmp_path: Path, blobs: BlobScene, refused: Refused) -> None:
    entries = json.loads(blobs.cameras.read_text(encoding="utf-8"))
    entries[2]["img_name"] = "view\0two"
    (tmp_path / "cameras.json").write_text(json.dumps(entries), encoding="utf-8")
    arguments = [blobs.scene, "--cameras", tmp_path / "cameras.json", "--at", "view_1:40,40"]
    assert "The view name 'view\\x00two' in " in refused(*arguments)


@pytest.mark.parametrize("ready", [True, False])
def test_photos_of_another_size(tmp_path: Path, blobs: BlobScene, refused: Refused, ready: bool) -> None:
    shutil.copytree(blobs.folder / "images", tmp_path / "images")
    Image.new("RGB", (100, 50)).save(tmp_path / "images" / "view_3.png")
    what = ["--masks", blobs.folder / "masks"] if ready else ["--at", blobs.at("red")]
    message = refused(*data(blobs), "--images", tmp_path / "images", *what)
    assert "100x50" in message
    assert "96x80" in message
    assert "view_3" in message


def test_photos_missing(tmp_path: Path, blobs: BlobScene, refused: Refused) -> None:
    shutil.copytree(blobs.folder / "images", tmp_path / "images")
    (tmp_path / "images" / "view_4.png").unlink()
    message = refused(*data(blobs), "--images", tmp_path / "images", "--at", blobs.at("red"))
    assert "1 of 6" in message
    assert "view_4" in message


def test_photo_that_is_damaged(tmp_path: Path, blobs: BlobScene, refused: Refused) -> None:
    shutil.copytree(blobs.folder / "images", tmp_path / "images")
    photo = tmp_path / "images" / "view_2.png"
    photo.write_bytes(photo.read_bytes()[:-2000])
    assert "view_2.png" in refused(*data(blobs), "--images", photo.parent, "--at", blobs.at("red"))


def test_holding_out_everything(blobs: BlobScene, refused: Refused, with_masks: list[object]) -> None:
    assert "holdout" in refused(blobs.scene, *with_masks, "--holdout", 1)
    assert "holdout" in refused(blobs.scene, *with_masks, "--holdout", -3)


# ---------------------------------------------------------------------------------------------------------- prompts


def test_prompt_outside_its_image(tmp_path: Path, blobs: BlobScene, refused: Refused) -> None:
    message = refused(*data(blobs), "--at", "view_2:97,10")
    assert "(97, 10)" in message
    assert "96 x 80" in message
    assert "-1" in refused(*data(blobs), "--at", "view_2:-1,10")
    box = prompts(tmp_path, {"name": "red", "prompts": [{"view": "view_1", "box": [100, 10, 120, 30]}]})
    assert "box" in refused(*data(blobs), "--prompts", box)


def test_prompt_in_no_view(blobs: BlobScene, refused: Refused) -> None:
    message = refused(*data(blobs), "--at", "view_9:10,10")
    assert "view_9" in message
    assert "view_0, view_1" in message


def test_prompt_in_a_held_out_view(blobs: BlobScene, refused: Refused) -> None:
    message = refused(*data(blobs), "--at", blobs.at("red", 2), "--holdout", 2)
    assert "held out" in message
    assert "view_1, view_3, view_5" in message


def test_prompt_on_background(tmp_path: Path, blobs: BlobScene, refused: Refused) -> None:
    assert "background" in refused(*data(blobs), "--at", "view_2:2,2")
    box = prompts(tmp_path, {"name": "red", "prompts": [{"view": "view_1", "box": [1, 1, 6, 6]}]})
    assert "background" in refused(*data(blobs), "--prompts", box)


def test_only_points_that_are_not_on_it(tmp_path: Path, blobs: BlobScene, refused: Refused) -> None:
    file = prompts(tmp_path, {"name": "red", "prompts": [{"view": "view_1", "points": [[40, 40, 0]]}]})
    assert "'red'" in refused(*data(blobs), "--prompts", file)


def test_points_in_space_that_nobody_sees(tmp_path: Path, blobs: BlobScene, refused: Refused) -> None:
    file = prompts(tmp_path, {"name": "red", "prompts": [{"points3d": [[50, 50, 50, 1]]}]})
    assert "space" in refused(*data(blobs), "--prompts", file)


def test_prompts_without_cameras(tmp_path: Path, blobs: BlobScene, refused: Refused) -> None:
    assert "--cameras" in refused(blobs.scene, "--at", "view_2:40,40")
    far = prompts(tmp_path, {"name": "red", "prompts": [{"points3d": [[50, 50, 50, 1]]}]})
    assert "coordinates" in refused(blobs.scene, "--prompts", far)


def test_two_objects_with_one_name(tmp_path: Path, blobs: BlobScene, refused: Refused) -> None:
    point = [{"view": "view_2", "points": [[*blobs.click("red"), 1]]}]
    file = prompts(tmp_path, {"name": "pot", "prompts": point}, {"name": "pot", "prompts": point})
    assert "'pot'" in refused(*data(blobs), "--prompts", file)
    file = prompts(tmp_path, {"name": "pot", "prompts": point}, {"name": "Pot", "prompts": point})
    assert "'Pot'" in refused(*data(blobs), "--prompts", file)


@pytest.mark.parametrize("name", ["con", "COM1", "a/b", "..", "", " ", "x" * 300, "tab\tbed", "what?", "background"])
def test_names_that_are_no_file_names(blobs: BlobScene, refused: Refused, name: str) -> None:
    assert "name" in refused(*data(blobs), "--at", blobs.at("red"), "--name", name)


def test_prompt_files_that_cannot_be_read(tmp_path: Path, blobs: BlobScene, refused: Refused) -> None:
    assert "none.json" in refused(*data(blobs), "--prompts", tmp_path / "none.json")
    (tmp_path / "prompts.json").write_text("{")
    assert "prompts.json" in refused(*data(blobs), "--prompts", tmp_path / "prompts.json")
    (tmp_path / "prompts.json").write_bytes(bytes(range(256)))
    assert "prompts.json" in refused(*data(blobs), "--prompts", tmp_path / "prompts.json")
    file = prompts(tmp_path, {"name": "red", "prompts": [{"mask": {"view": "view_2", "file": "none.png"}}]})
    assert "none.png" in refused(*data(blobs), "--prompts", file)
    Image.new("L", (10, 10), 255).save(tmp_path / "none.png")
    message = refused(*data(blobs), "--prompts", file)
    assert "10 x 10" in message
    assert "96 x 80" in message


# ------------------------------------------------------------------------------------------------------------ masks


def test_masks_of_another_size(tmp_path: Path, blobs: BlobScene, refused: Refused) -> None:
    shutil.copytree(blobs.folder / "masks", tmp_path / "masks")
    Image.new("L", (48, 40), 255).save(tmp_path / "masks" / "red" / "view_3.png")
    message = refused(*data(blobs), "--masks", tmp_path / "masks")
    assert "48 x 40" in message
    assert "96 x 80" in message
    assert "view_3" in message


def test_masks_of_other_views(tmp_path: Path, blobs: BlobScene, refused: Refused) -> None:
    shutil.copytree(blobs.folder / "masks", tmp_path / "masks")
    (tmp_path / "masks" / "red" / "view_3.png").rename(tmp_path / "masks" / "red" / "view_33.png")
    message = refused(*data(blobs), "--masks", tmp_path / "masks")
    assert "view_33.png" in message
    assert "view_0.png" in message


def test_masks_that_are_none(tmp_path: Path, blobs: BlobScene, refused: Refused) -> None:
    assert "does not exist" in refused(*data(blobs), "--masks", tmp_path / "masks")
    (tmp_path / "masks" / "red").mkdir(parents=True)
    assert "no masks" in refused(*data(blobs), "--masks", tmp_path / "masks")
    (tmp_path / "masks" / "red" / "view_1.png").write_text("not a picture")
    assert "view_1.png" in refused(*data(blobs), "--masks", tmp_path / "masks")
    Image.new("L", (96, 80), 0).save(tmp_path / "masks" / "red" / "view_1.png")
    assert "black" in refused(*data(blobs), "--masks", tmp_path / "masks")


def test_mask_folders_that_are_no_names(tmp_path: Path, blobs: BlobScene, refused: Refused) -> None:
    shutil.copytree(blobs.folder / "masks" / "red", tmp_path / "masks" / "nul")
    assert "nul" in refused(*data(blobs), "--masks", tmp_path / "masks")


# ---------------------------------------------------------------------------------------------------------- options


@pytest.mark.skipif(cuda_problem() is None, reason="this machine has CUDA")
def test_cuda_without_cuda(blobs: BlobScene, refused: Refused, with_masks: list[object]) -> None:
    message = refused(blobs.scene, *with_masks, "--device", "cuda")
    assert "CUDA" in message
    assert "--device cpu" in message


@pytest.mark.parametrize("value", ["0", "1.5", "-1", "nan"])
def test_tau_out_of_range(blobs: BlobScene, refused: Refused, with_masks: list[object], value: str) -> None:
    assert "tau" in refused(blobs.scene, *with_masks, f"--tau={value}")


def test_damaged_model(tmp_path: Path, blobs: BlobScene, refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    import splatcut.pipeline.run
    from splatcut.segmenter import load_segmenter

    monkeypatch.setattr(splatcut.pipeline.run, "load_segmenter", load_segmenter)
    garbage = tmp_path / "garbage.pth"
    for content in (b"", bytes(5000), b"PK\x03\x04" + bytes(5000), b"\x80\x02" + bytes(range(256))):
        garbage.write_bytes(content)
        assert "garbage.pth" in refused(*data(blobs), "--at", blobs.at("red"), "--model", garbage)
    assert "none.pth" in refused(*data(blobs), "--at", blobs.at("red"), "--model", tmp_path / "none.pth")
    (tmp_path / "sam_encoder.onnx").write_bytes(bytes(100))
    (tmp_path / "sam_decoder.onnx").write_bytes(bytes(100))
    assert "onnx" in refused(*data(blobs), "--at", blobs.at("red"), "--model", tmp_path / "sam_encoder.onnx")
