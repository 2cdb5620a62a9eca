# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The batch script's parts without Blender: command line, manifests, resume, summary."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import pytest

from lib.batch import manifest, summary
from lib.batch.manifest import Batch, InputError, Task
from lib.batch.summary import Result
from splatcut.messages import OPTIONS, SCENE_OPTIONS, JobOptions


def parse(*arguments: str | Path) -> Batch:
    return manifest.parse(manifest.parser("").parse_args([str(a) for a in arguments]))


def test_one_scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    batch = parse("a/garden.ply", "--prompts", "p.json", "--cameras", "c", "--out", "o", "--no-refine", "--tau", "0.5")
    (task,) = batch.tasks
    options = JobOptions(refine=False, tau=0.5)
    assert task == Task("garden", tmp_path / "a/garden.ply", tmp_path / "p.json", tmp_path / "c", options=options)
    assert batch.out == tmp_path / "o"


@pytest.mark.parametrize(
    ("scene", "name"),
    [
        ("x/garden.ply", "garden"),
        ("garden.compressed.ply", "garden"),
        ("garden/scene.ply", "garden"),
        ("out/point_cloud.ply", "out"),
        ("v1.2.spz", "v1.2"),
    ],
)
def test_names(scene: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert parse(scene, "--prompts", "p.json", "--out", "o").tasks[0].name == name


def test_json_manifest(tmp_path: Path) -> None:
    document = {
        "defaults": {"quality": "draft", "prompts": "all.json"},
        "scenes": [
            {"scene": "a.ply"},
            {"scene": "b.ply", "quality": "fine", "name": "second", "blend": "out/b.blend", "soft_edges": True},
        ],
    }
    (tmp_path / "m.json").write_text(json.dumps(document))
    first, second = parse("--manifest", tmp_path / "m.json", "--out", "o", "--quality", "standard", "--seed", "7").tasks
    assert (first.name, first.scene, first.prompts) == ("a", tmp_path / "a.ply", tmp_path / "all.json")
    assert first.options == JobOptions(quality="draft", seed=7)
    assert (second.name, second.blend) == ("second", tmp_path / "out/b.blend")
    assert second.options == JobOptions(quality="fine", seed=7, soft_edges=True)


def test_csv_manifest(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text(
        "\ufeffscene,prompts,refine,tau,axes,samples\na.ply,p.json,no,0.7,z_up,\nb.ply,p.json,,,,8\n\n",
        encoding="utf-8",
    )
    first, second = parse("--manifest", tmp_path / "m.csv", "--out", "o").tasks
    assert (first.options, first.axes, first.samples) == (JobOptions(refine=False, tau=0.7), "Z_UP", 32)
    assert (second.options, second.axes, second.samples) == (JobOptions(), "Y_DOWN", 8)


def other_value(name: str) -> Any:
    option = OPTIONS[name]
    return option.values[0] if option.choices else not option.default if option.type is bool else option.type(1)


@pytest.mark.parametrize("name", SCENE_OPTIONS)
def test_each_of_the_panels_options_is_one_of_a_batch(name: str, tmp_path: Path) -> None:
    other = other_value(name)
    wanted = JobOptions(**{name: other})
    assert wanted != JobOptions()
    (tmp_path / "m.csv").write_text(f"scene,prompts,{name}\na.ply,p.json,{other}\n", encoding="utf-8")
    assert parse("--manifest", tmp_path / "m.csv", "--out", "o").tasks[0].options == wanted
    (tmp_path / "m.json").write_text(json.dumps([entry(**{name: other})]), encoding="utf-8")
    assert parse("--manifest", tmp_path / "m.json", "--out", "o").tasks[0].options == wanted
    written = f"--{name.replace('_', '-')}" if other else f"--no-{name.replace('_', '-')}"
    words = [written] if isinstance(other, bool) else [written, str(other)]
    assert parse("a.ply", "--prompts", "p.json", "--out", "o", *words).tasks[0].options == wanted


def entry(**values: Any) -> dict[str, Any]:
    return {"scene": "a.ply", "prompts": "p.json", **values}


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ({"scenes": []}, "names no scenes"),
        ({"scenes": [{"scene": "a.ply"}]}, "Entry 1 of .* names no prompts"),
        ({"scenes": [entry(colour="red")]}, "'colour', which is no option"),
        ({"scenes": [entry(quality="best")]}, "Entry 1 .* quality must be draft, standard or fine"),
        ({"scenes": [entry(tau=2)]}, "Entry 1 .* tau must be above 0 and at most 1, not 2.0"),
        ({"scenes": [entry(tau="much")]}, "tau 'much'"),
        ({"scenes": [entry(seed=1.5)]}, "seed 1.5"),
        ({"scenes": [entry(field=True)]}, "'field', which is no option"),
        ({"scenes": [entry(samples=0)]}, "samples of 'a' must be at least 1"),
        ({"scenes": [entry(refine="perhaps")]}, "refine 'perhaps'"),
        ({"scenes": [entry(name="../up")]}, "no legal folder name"),
        ({"scenes": [entry(name="x"), entry(name="X")]}, "Entries 1 and 2 .* same name"),
        ({"scenes": [entry(blend="x.blend"), entry(name="b", blend="x.blend")]}, "same blend"),
        ({"scenes": "a.ply"}, "must hold"),
        ({"scenes": [entry(scene=3)]}, "scene 3"),
    ],
)
def test_faults_of_a_manifest(document: Any, complaint: str, tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match=complaint):
        parse("--manifest", tmp_path / "m.json", "--out", "o")


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("m.json", "{", "is no JSON"),
        ("m.txt", "", "must be a .json or a .csv"),
        ("m.csv", "scene,prompts\na,b,c\n", "more cells than the header"),
        (None, "", "cannot be read"),
    ],
)
def test_files_that_are_no_manifest(name: str | None, content: str, complaint: str, tmp_path: Path) -> None:
    if name:
        (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=complaint):
        parse("--manifest", tmp_path / (name or "absent.json"), "--out", "o")


def test_faults_of_the_command_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="either a scene or --manifest"):
        parse("--out", "o")
    with pytest.raises(InputError, match="either a scene or --manifest"):
        parse("a.ply", "--manifest", "m.json", "--out", "o")
    with pytest.raises(InputError, match="--blend belongs into the manifest"):
        parse("--manifest", tmp_path / "m.json", "--blend", "x.blend", "--out", "o")
    with pytest.raises(InputError, match="names no prompts"):
        parse("a.ply", "--out", "o")


def task_of(folder: Path) -> Task:
    for name in ("a.ply", "p.json"):
        (folder / name).write_text("1")
    return Task("a", folder / "a.ply", folder / "p.json")


def test_what_is_missing(tmp_path: Path) -> None:
    task = task_of(tmp_path)
    assert task.missing() is None
    assert "The cameras " in (dataclasses.replace(task, cameras=tmp_path / "none").missing() or "")


def test_the_key_follows_inputs_and_options(tmp_path: Path) -> None:
    task = task_of(tmp_path)
    key = task.key()
    assert task.key() == key
    assert dataclasses.replace(task, options=JobOptions(seed=1)).key() != key
    (tmp_path / "p.json").write_text("other")
    assert task.key() != key
    os.utime(tmp_path / "a.ply", (1, 1))
    assert task.key() != key


def test_resume(tmp_path: Path) -> None:
    (tmp_path / "x.ply").write_text("")
    result = Result("a", "done", "key", 10, {"cup": 4}, 6, 1.5, (str(tmp_path / "x.ply"),), ("Careful.",))
    assert summary.finished(tmp_path, "key") is None
    summary.keep(tmp_path, result)
    assert summary.finished(tmp_path, "key") == dataclasses.replace(result, status="kept")
    assert summary.finished(tmp_path, "another key") is None
    (tmp_path / "x.ply").unlink()
    assert summary.finished(tmp_path, "key") is None
    (tmp_path / "batch.json").write_text("{}")
    assert summary.finished(tmp_path, "key") is None


def test_exit_codes() -> None:
    done, kept, failed, left = (Result("a", status) for status in ("done", "kept", "failed", "left"))
    assert summary.exit_code([done, kept]) == 0
    assert summary.exit_code([done, failed]) == 1
    assert summary.exit_code([done, left]) == 1
    assert summary.exit_code([done, left], interrupted=True) == 130


def test_the_summary(tmp_path: Path) -> None:
    results = [
        Result("gar|den", "done", "k", 1000, {"cup": 400}, 600, 61.4, (), ("One view was left out.",)),
        Result("yard", "failed", problem="The scene is not there."),
    ]
    summary.write(tmp_path, results)
    text = (tmp_path / "summary.md").read_text()
    assert "| gar\\|den | done | 1,000 | cup (400) | 600 | 61 |" in text
    assert "**yard failed.** The scene is not there." in text
    assert "One view was left out." in text
    document = json.loads((tmp_path / "summary.json").read_text())
    assert document["counts"] == {"done": 1, "kept": 0, "failed": 1, "left": 0}
    assert document["scenes"][0]["objects"] == {"cup": 400}
    assert not list(tmp_path.glob(".*"))
