# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""``splatcut check``: every problem of an input at once, and none where there is none."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blob_scene import BlobScene
from PIL import Image
from placed_scene import UTM, placed

from splatcut.cameras import save_cameras
from splatcut.cli import main
from splatcut.formats import SplatFile, write_splats

Check = Callable[..., tuple[int, list[dict[str, Any]]]]


@pytest.fixture
def data(blobs: BlobScene, tmp_path: Path) -> Path:
    """A copy of the data set that a test may spoil."""
    return Path(shutil.copytree(blobs.folder, tmp_path / "data"))


@pytest.fixture
def check(data: Path, capsys: pytest.CaptureFixture[str]) -> Check:
    """The exit code and the findings."""

    def run(*more: object) -> tuple[int, list[dict[str, Any]]]:
        given = [data / "scene.ply", "--cameras", data / "cameras.json", "--json", *more]
        capsys.readouterr()
        code = main(["check", *map(str, given)])
        told = json.loads(capsys.readouterr().out)
        assert told["problems"] == sum(item["severity"] == "problem" for item in told["findings"])
        return code, told["findings"]

    return run


def test_a_good_input_has_no_findings(check: Check, data: Path) -> None:
    assert check("--masks", data / "masks", "--images", data / "images") == (0, [])


def test_all_problems_are_told_at_once(check: Check, data: Path, blobs: BlobScene) -> None:
    gaussians = replace(blobs.gaussians, means=blobs.gaussians.means.copy())
    gaussians.means[3] = np.nan
    write_splats(data / "scene.ply", SplatFile.from_gaussians(gaussians))
    (data / "images" / "view_4.png").unlink()
    poses = [np.linalg.inv(view.camera.camera_from_world) for view in blobs.views]
    turned = [
        replace(view, camera=replace(view.camera, camera_from_world=np.diag([1.0, -1, -1, 1]) @ np.linalg.inv(pose)))
        for view, pose in zip(blobs.views, poses, strict=True)
    ]
    save_cameras(data / "cameras.json", turned)
    (data / "masks" / "red" / "other.png").write_bytes((data / "masks" / "red" / "view_1.png").read_bytes())
    code, found = check("--masks", data / "masks")
    assert code == 2
    text = " ".join(f"{item['what']} {item.get('remedy', '')}" for item in found)
    assert "1 of the 400 Gaussians" in text
    assert "--drop-invalid" in text
    assert "1 of 6 views have no photo; the first is 'view_4'" in text
    assert "look away" in text or "do not show what the cameras see" in text
    assert "belong to no view; the first is 'other.png'" in text
    assert sum(item["severity"] == "problem" for item in found) == 3


def test_cameras_that_the_photos_contradict(check: Check, data: Path, blobs: BlobScene, capsys: Any) -> None:
    shifted = [f"view_{(number + 2) % 6}.png" for number in range(6)]
    photos = [(data / "images" / name).read_bytes() for name in shifted]
    for number, content in enumerate(photos):
        (data / "images" / f"view_{number}.png").write_bytes(content)
    code, (found,) = check()
    assert code == 2
    assert "They fit photos of other views: the camera of view_" in found["what"]
    code, (trusted,) = check("--trust-cameras")
    assert (code, trusted["severity"]) == (0, "warning")
    # A run refuses it in the same words, and leaves nothing.
    command = [data / "scene.ply", "--cameras", data / "cameras.json", "--masks", data / "masks", "--out", data / "out"]
    assert main(["segment", *map(str, command), "--no-refine"]) == 2
    assert found["what"] in capsys.readouterr().err
    assert not (data / "out").exists()
    assert main(["segment", *map(str, command), "--no-refine", "--trust-cameras"]) == 0
    report = json.loads((data / "out" / "report.json").read_text())
    assert any(text.startswith(found["what"]) for text in report["warnings"])


def test_masks_that_no_run_could_use(check: Check, data: Path) -> None:
    Image.new("L", (50, 80)).save(data / "masks" / "red" / "view_2.png")
    code, (found,) = check("--masks", data / "masks")
    assert (code, found["where"]) == (2, str(data / "masks"))
    assert "50 x 80 pixels, which does not fit view 'view_2': its photo view_2.png has 96 x 80" in found["what"]


def invert(folder: Path) -> None:
    for path in folder.iterdir():
        with Image.open(path) as image:
            inverted = 255 - np.asarray(image)
        Image.fromarray(inverted).save(path)


def test_inverted_masks_are_told(check: Check, data: Path) -> None:
    invert(data / "masks" / "red")
    code, (found,) = check("--masks", data / "masks")
    assert code == 2
    assert "All of the object 'blue'" in found["what"]
    assert "invert masks that are black on white" in found["what"]
    invert(data / "masks" / "blue")
    code, (found,) = check("--masks", data / "masks")
    assert code == 2
    assert found["what"].startswith("The masks seem to be inverted. The masks of 'blue' cover ")
    code, found = check("--masks", data / "masks", "--trust-masks")
    assert code == 0
    assert [item["severity"] for item in found] == ["warning", "warning"]


def test_masks_that_the_cameras_contradict(check: Check, data: Path, capsys: Any) -> None:
    for path in (data / "masks").glob("*/*.png"):
        with Image.open(path) as image:
            moved = np.roll(np.asarray(image), 37 * int(path.stem[-1]), axis=1)
        Image.fromarray(moved).save(path)
    code, (found,) = check("--masks", data / "masks")
    assert code == 2
    assert "Cameras or masks are wrong: " in found["what"]
    assert "The cameras fit the photos, so these are probably masks of other photos." in found["what"]
    # A run refuses them in the same words, and leaves no results.
    command = [data / "scene.ply", "--cameras", data / "cameras.json", "--masks", data / "masks", "--out", data / "out"]
    assert main(["segment", *map(str, command), "--no-refine"]) == 2
    assert found["what"] in capsys.readouterr().err
    assert not list((data / "out").glob("*.*"))
    assert main(["segment", *map(str, command), "--no-refine", "--trust-masks"]) == 0
    report = json.loads((data / "out" / "report.json").read_text())
    assert any(text.startswith(found["what"]) for text in report["warnings"])


@pytest.mark.parametrize("far", ["scene", "cameras"])
def test_only_one_of_scene_and_cameras_is_georeferenced(check: Check, data: Path, blobs: BlobScene, far: str) -> None:
    other = placed(blobs, data / "far", UTM)
    name = {"scene": "scene.ply", "cameras": "cameras.json"}[far]
    shutil.copy(other / name, data / name)
    code, found = check("--masks", data / "masks")
    assert code == 2
    (problem,) = [item["what"] for item in found if item["severity"] == "problem"]
    first, last = ("scene is", "cameras are") if far == "scene" else ("cameras are", "scene is")
    assert f"The {first} georeferenced and the {last} not: " in problem
    assert "44826" in problem


def test_masks_without_cameras(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(data / "scene.ply"), "--masks", str(data / "masks")]) == 2
    assert "Ready masks need the cameras of their views. Give them with --cameras." in capsys.readouterr().out


SCENE = "Scene: 400 Gaussians, ply, SH degree 1.\n"


def test_findings_as_text(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was looked at, then the findings."""

    def told(*more: object) -> str:
        capsys.readouterr()
        main(["check", str(data / "scene.ply"), *map(str, more)])
        return capsys.readouterr().out

    lines = told("--cameras", data / "cameras.json", "--masks", data / "masks", "--holdout", 3).splitlines()
    assert lines[0] == SCENE.strip()
    assert lines[1:3] == ["Views: 6, of 96 x 80 pixels.", "Photos: all 6 found."]
    assert re.fullmatch(
        r"Likeness of renders to photos: median (0\.9\d|1\.00) over 6 views, lowest (0\.9\d|1\.00) "
        r"\(view_\d\); 0\.35 or more is right\.",
        lines[3],
    )
    assert lines[4:] == [
        "A run would use 4 of these views and hold out 2.",
        "Masks of 2 objects in 4 views: blue shown in 4, red shown in 4.",
        "No problems were found.",
    ]
    none = "Views: none. A run from prompts adds virtual views around what you click on.\n"
    assert told() == f"{SCENE}{none}No problems were found.\n"
    (data / "images" / "view_2.png").unlink()
    assert "Photos: 5 of 6 found.\n" in told("--cameras", data / "cameras.json")
    shutil.rmtree(data / "images")
    assert told("--cameras", data / "cameras.json") == (
        f"{SCENE}Views: 6, of 96 x 80 pixels.\nPhotos: none, so renders of the scene stand in for them.\n"
        "note: There are no photos, so nothing tells whether these are the scene's cameras.\n"
        "  Give the photos' folder with --images.\nNo problems were found.\n"
    )
    assert told("--cameras", data / "none.json").startswith(
        f"{SCENE}PROBLEM: The cameras {data / 'none.json'} do not exist."
    )


def test_masks_are_looked_at_where_photos_do_not_fit(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Image.open(data / "images" / "view_1.png") as photo:
        photo.crop((0, 0, 40, 80)).save(data / "images" / "view_1.png")
    arguments = ["--cameras", data / "cameras.json", "--images", data / "images", "--masks", data / "masks"]
    assert main(["check", str(data / "scene.ply"), *map(str, arguments)]) == 2
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:3] == [
        "Views: 6, of 96 x 80 pixels.",
        "Masks of 2 objects in 6 views: blue shown in 6, red shown in 6.",
    ]
    assert "view_1.png has 40x80 pixels" in lines[3]
    assert "aspect ratio" in lines[3]


def test_damaged_photos_are_told(check: Check, data: Path) -> None:
    """Without masks, the 2D model would have to read them."""
    photo = data / "images" / "view_3.png"
    photo.write_bytes(photo.read_bytes()[:-1500])
    for more, severity, code in ((["--masks", data / "masks"], "warning", 0), ([], "problem", 2)):
        found = check("--images", data / "images", *more)
        assert found[0] == code
        (finding,) = found[1]
        assert (finding["severity"], finding["where"]) == (severity, str(photo))
        assert "is damaged" in finding["what"]
