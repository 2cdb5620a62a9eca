# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The job and prompt schema: what is read is what was written, and what is wrong is said."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from message_strategies import BASE, files, jobs, names, numbers, object_lists, views

from splatcut.errors import UserError
from splatcut.messages import (
    Job,
    MaskPrompt,
    ObjectPrompt,
    Points3DPrompt,
    ScribblePrompt,
    ViewPrompt,
    check_object_name,
    check_object_names,
    from_json,
    load_prompts,
    parse_at,
    parse_prompts,
    prompts_to_json,
    to_json,
)


def read_job(document: Any, base: Path = BASE) -> Job:
    return from_json(Job, document, "The job", base)


def read_prompts(document: Any) -> tuple[ObjectPrompt, ...]:
    return parse_prompts(json.dumps(document), BASE)


# --- round trips -----------------------------------------------------------------------------------------------------


@given(object_lists())
def test_prompts_survive_json(objects: tuple[ObjectPrompt, ...]) -> None:
    text = json.dumps(prompts_to_json(objects), allow_nan=False)
    assert parse_prompts(text, Path()) == objects


@given(jobs())
def test_jobs_survive_json(job: Job) -> None:
    text = json.dumps(to_json(job), allow_nan=False)
    assert read_job(json.loads(text), Path()) == job


@given(st.lists(files, min_size=1, max_size=3))
def test_relative_files_are_relative_to_the_document(paths: list[Path]) -> None:
    objects = (ObjectPrompt("vase", tuple(MaskPrompt("view", path) for path in paths)),)
    # ``files`` puts them under BASE.
    text = json.dumps(prompts_to_json(objects)).replace(f'"{BASE}/', '"')
    assert parse_prompts(text, BASE) == objects


def test_the_documents_of_the_design_are_read(tmp_path: Path) -> None:
    prompts = [
        {"view": "a", "points": [[1, 2.5, 1], [3, 4, 0]], "box": [0, 1, 2, 3]},
        {"points3d": [[1, 2, 3, 1]]},
        {"mask": {"view": "b", "file": "m/b.png"}},
        {"scribble": {"view": "c", "file": "c.png"}},
    ]
    text = json.dumps({"objects": [{"name": "vase", "prompts": prompts}]})
    (tmp_path / "prompts.json").write_text("\ufeff" + text, encoding="utf-8")
    (vase,) = load_prompts(tmp_path / "prompts.json")
    first = ViewPrompt("a", ((1.0, 2.5, 1), (3.0, 4.0, 0)), (0.0, 1.0, 2.0, 3.0))
    files = MaskPrompt("b", tmp_path / "m" / "b.png"), ScribblePrompt("c", tmp_path / "c.png")
    assert vase == ObjectPrompt("vase", (first, Points3DPrompt(((1.0, 2.0, 3.0, 1),)), *files))
    assert [type(value) for value in vase.prompts[0].points[0]] == [float, float, int]  # type: ignore[union-attr]


def test_a_job_needs_little() -> None:
    document = {"scene": "a.ply", "out": "o", "masks": "m"}
    assert read_job(document) == Job(BASE / "a.ply", BASE / "o", masks=BASE / "m")


# --- what is wrong is said -------------------------------------------------------------------------------------------


def prompt_document(prompt: Any) -> dict[str, Any]:
    return {"objects": [{"name": "vase", "prompts": [prompt]}]}


BAD_PROMPTS = {
    'Entry 1 of "prompts" must be a JSON object': 3,
    "exactly one of view, points3d, mask and scribble. .* has none": {"points": [[1, 2, 1]]},
    "has view and mask": {"view": "a", "mask": {}},
    "unknown key 'point'": {"view": "a", "point": [1, 2, 1]},
    '"view" must be a string, not 7': {"view": 7, "points": [[1, 2, 1]]},
    "neither": {"view": "a"},
    'Entry 2 of "points" must be \\[x, y, label\\], not a list of 2': {"view": "a", "points": [[1, 2, 1], [1, 2]]},
    'Entry 1 of "points" must be a list': {"view": "a", "points": [5]},
    "y of entry 1 of \"points\" must be a number, not 'b'": {"view": "a", "points": [[1, "b", 1]]},
    'x of entry 1 of "points" must be a number, not true': {"view": "a", "points": [[True, 2, 1]]},
    'x of entry 1 of "points" must be a finite number': {"view": "a", "points": [[10**400, 2, 1]]},
    "label 2. It must be 1": {"view": "a", "points": [[1, 2, 2]]},
    'label of entry 1 of "points" must be a number, not true': {"view": "a", "points": [[1, 2, True]]},
    "must be a number, not 'yes'": {"view": "a", "points": [[1, 2, "yes"]]},
    "must be a number, not a list of 1": {"view": "a", "points": [[1, 2, [1]]]},
    "empty or inverted": {"view": "a", "box": [5, 1, 2, 3]},
    "\\[1, 2, 3, 2\\] is empty": {"view": "a", "box": [1, 2, 3, 2]},
    '"box" must be \\[x0, y0, x1, y1\\], not a list of 3': {"view": "a", "box": [1, 2, 3]},
    'x1 of "box" must be a finite number': {"view": "a", "box": [1, 2, 10**400, 3]},
    '"box" must be a list': {"view": "a", "box": "1,2,3,4"},
    "at least one point": {"points3d": []},
    "must be \\[x, y, z, label\\]": {"points3d": [[1, 2, 1]]},
    '"mask" has no "file"': {"mask": {"view": "a"}},
    "unknown key 'photo'": {"mask": {"view": "a", "file": "b", "photo": "c"}},
    '"file" must be a string, not null': {"scribble": {"view": "a", "file": None}},
    '"mask" must be a JSON object': {"mask": "a.png"},
}


@pytest.mark.parametrize("message", BAD_PROMPTS)
def test_bad_prompts_are_named(message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        read_prompts(prompt_document(BAD_PROMPTS[message]))
    assert str(caught.value).startswith("In entry 1 of \"objects\" ('vase')")
    assert str(caught.value).endswith(".")


GOOD = {"view": "a", "points": [[1, 2, 1]]}
BAD_DOCUMENTS = {
    "not valid JSON: .* at line 1, column 2": "{objects",
    "must be a JSON object": "[]",
    '"objects" must be a list': {"objects": {}},
    '"objects" is empty': {"objects": []},
    'has no "objects"': {},
    "unknown key 'object'": {"objects": [], "object": []},
    "version of this document is 2": {"version": 2, "objects": []},
    "version of this document is '1'": {"version": "1", "objects": []},
    "version of this document is true": {"version": True, "objects": []},
    "NaN is not a finite number": '{"objects": [{"name": "a", "prompts": [{"points3d": [[1, 2, NaN, 1]]}]}]}',
    "key 'name' appears twice": '{"objects": [{"name": "a", "name": "b", "prompts": []}]}',
    'Entry 2 of "objects" must be a JSON object': {"objects": [{"name": "a", "prompts": [GOOD]}, 1]},
    'Entry 1 of "objects" \\(\'a\'\\) has no "prompts"': {"objects": [{"name": "a"}]},
    'In entry 1 of "objects": "name" must be a string, not 3': {"objects": [{"name": 3, "prompts": [GOOD]}]},
    "'a' has no prompts": {"objects": [{"name": "a", "prompts": []}]},
    "only points beside it": prompt_document({"view": "a", "points": [[1, 2, 0]]}),
    "Two objects have the name 'a'": {"objects": [{"name": "a", "prompts": [GOOD]}] * 2},
    "'a/b' cannot be used": {"objects": [{"name": "a/b", "prompts": [GOOD]}]},
    "cannot be used": "[" * 100_000,
}


@pytest.mark.parametrize("message", BAD_DOCUMENTS)
def test_bad_documents_are_named(message: str) -> None:
    document = BAD_DOCUMENTS[message]
    with pytest.raises(UserError, match=message):
        parse_prompts(document if isinstance(document, str) else json.dumps(document), BASE)


LEAVES = st.none() | st.booleans() | st.floats() | st.text()


@given(st.recursive(LEAVES, lambda x: st.lists(x) | st.dictionaries(st.text(), x)))
def test_any_json_is_read_or_refused_with_a_sentence(value: Any) -> None:
    points = prompt_document({"view": "a", "points": value})
    for document in (value, {"objects": value}, prompt_document(value), points):
        with pytest.raises(UserError) as caught:
            read_prompts(document)
        assert str(caught.value).endswith(".")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        load_prompts(tmp_path / "missing.json")
    (tmp_path / "a.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="UTF-8"):
        load_prompts(tmp_path / "a.json")
    (tmp_path / "b.json").write_text("{}")
    with pytest.raises(UserError, match="b.json: .*objects"):
        load_prompts(tmp_path / "b.json")


# --- names -----------------------------------------------------------------------------------------------------------

BAD_NAMES = [
    "", " ", ".", "..", ".hidden", "a/b", "a\\b", "/a", "C:", "a*", "what?", '"a"', "a|b", "<a>", "a\nb", "a\0", "\x7f",
    "\u2028a", "\ud800", " a", "a ", "a.", "con", "NUL", "Com1", "lpt9.txt", "aux .x", "a" * 121, "\u00e9" * 61,
    "background", "Background",
]  # fmt: skip


@pytest.mark.parametrize("name", BAD_NAMES, ids=ascii)
def test_names_that_are_no_file_names(name: str) -> None:
    with pytest.raises(UserError, match="cannot be used, because"):
        check_object_name(name)


@pytest.mark.parametrize(
    "name", ["vase", "two words", "Vase.001", "a" * 120, "\u58f6", "com10", "console", "-x", "50%"]
)
def test_names_that_are(name: str) -> None:
    check_object_name(name)


BAD_VIEWS = [
    "", " ", ".", "..", "../../evil", "a/b", "a\\b", "a\nb", "a\0", "\x7f", "\ud800", "a" * 251, "\u00e9" * 126,
]  # fmt: skip


@pytest.mark.parametrize("name", [*BAD_VIEWS, *(["C:x", "a*"] if os.name == "nt" else [])], ids=ascii)
def test_view_names_that_are_no_file_names(name: str) -> None:
    with pytest.raises(UserError, match="cannot be used, because"):
        read_job({**JOB, "cameras": [{**CAMERA, "name": name}]})


@pytest.mark.parametrize("name", ["IMG_0042", ".hidden", "two words ", "nul", "background", "a" * 250, "\u58f6"])
def test_view_names_that_are(name: str) -> None:
    (view,) = read_job({**JOB, "cameras": [{**CAMERA, "name": name}]}).cameras  # type: ignore[misc, union-attr]
    assert view.name == name


@pytest.mark.parametrize(("first", "second"), [("a", "A"), ("stra\u00dfe", "STRASSE"), ("\u00e9", "e\u0301")])
def test_names_that_are_one_file_on_some_systems(first: str, second: str) -> None:
    with pytest.raises(UserError, match="the same file name on some systems"):
        check_object_names([first, second])


@given(names)
def test_accepted_names_are_files_here(name: str) -> None:
    assert Path(name).name == name
    assert name.encode(sys.getfilesystemencoding(), "strict")


# --- --at ------------------------------------------------------------------------------------------------------------


@given(views, st.lists(st.tuples(numbers, numbers), min_size=1, max_size=5))
def test_at_reads_what_it_describes(view: str, points: list[tuple[float, float]]) -> None:
    text = f"{view}:" + ",".join(f"{x!r},{y!r}" for x, y in points)
    assert parse_at(text) == ViewPrompt(view, tuple((x, y, 1) for x, y in points))


@pytest.mark.parametrize(
    "text", ["", "view", "view:", ":1,2", "view:1", "view:1,2,3", "view:1;2", "view:1,x", "view:1,"]
)
def test_at_says_what_is_wrong(text: str) -> None:
    with pytest.raises(UserError, match="VIEW:X,Y"):
        parse_at(text)
    with pytest.raises(UserError, match="Point 1: y must be a finite number"):
        parse_at("view:1,nan")


# --- jobs ------------------------------------------------------------------------------------------------------------

JOB = {"scene": "a.ply", "out": "o", "masks": "m"}
IDENTITY = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
CAMERA = {"name": "v", "width": 4, "height": 3, "fx": 5, "fy": 5, "cx": 2, "cy": 1.5, "camera_from_world": IDENTITY}
VASE = {"name": "vase", "prompts": [{"points3d": [[1, 2, 3, 1]]}]}
MIRRORED = [[-1, 0, 0, 0], *IDENTITY[1:]]
SCALED = [[2, 0, 0, 0], [0, 2, 0, 0], [0, 0, 2, 0], [0, 0, 0, 1]]
BAD_JOBS: dict[str, dict[str, Any]] = {
    'has no "scene"': {"scene": ...},
    'has no "out"': {"out": ...},
    '"scene" must be a string, not 1': {"scene": 1},
    "NUL character": {"scene": "a\0b"},
    "This one has neither": {"masks": ...},
    "This one has both": {"objects": [{"name": "a", "prompts": [GOOD]}]},
    "unknown key 'mask'": {"mask": "m"},
    "unknown key 'speed'": {"options": {"speed": 3}},
    "device must be auto, cuda or cpu, not 'gpu'": {"options": {"device": "gpu"}},
    "quality must be draft, standard or fine, not 'best'": {"options": {"quality": "best"}},
    '"quality" must be a string, not null': {"options": {"quality": None}},
    "tau must be above 0 and at most 1, not 1.5": {"options": {"tau": 1.5}},
    '"tau" must be a number, not .x': {"options": {"tau": "x"}},
    "tau must be above 0 and at most 1, not 0": {"options": {"tau": 0}},
    "seed must be at least 0 and at most 4294967295, not -1": {"options": {"seed": -1}},
    "at most 4294967295, not 4294967296": {"options": {"seed": 2**32}},
    '"seed" must be an integer': {"options": {"seed": 1.5}},
    '"refine" must be true or false, not 1': {"options": {"refine": 1}},
    "unknown key 'split'": {"options": {"split": True}},
    '"experiment" must be a JSON object': {"options": {"experiment": ["edge"]}},
    "experiment's edge must be a number": {"options": {"experiment": {"edge": None}}},
    "but the refinement is off": {"options": {"experiment": {"edge": 1}, "refine": False}},
    r"holdout must be 0 \(off\) or at least 2, not 1": {"options": {"holdout": 1}},
    "model is empty": {"options": {"model": ""}},
    "list of cameras is empty": {"cameras": []},
    "Two views have the name 'v'": {"cameras": [CAMERA, CAMERA]},
    'In the job, entry 1 of "cameras" .*not a rigid t': {"cameras": [{**CAMERA, "camera_from_world": MIRRORED}]},
    'entry 1 of "cameras" .*not a rigid': {"cameras": [{**CAMERA, "camera_from_world": SCALED}]},
    "'v' is not a rigid": {"cameras": [{**CAMERA, "camera_from_world": IDENTITY[:3]}]},
    "focal lengths of the view 'v' must be positive": {"cameras": [{**CAMERA, "fx": 0}]},
    "width of the view 'v' must be at least 1": {"cameras": [{**CAMERA, "width": 0}]},
    '"height" must be an integer': {"cameras": [{**CAMERA, "height": 2.5}]},
    "unknown key 'k1'": {"cameras": [{**CAMERA, "k1": 0.1}]},
}


@pytest.mark.parametrize("message", BAD_JOBS)
def test_bad_jobs_are_named(message: str) -> None:
    document = {key: value for key, value in {**JOB, **BAD_JOBS[message]}.items() if value is not ...}
    with pytest.raises(UserError, match=message):
        read_job(document)


def test_numbers_keep_their_kind() -> None:
    job = read_job({**JOB, "options": {"tau": 1, "seed": 3.0, "holdout": 8.0}, "cameras": [CAMERA]})
    assert [type(value) for value in (job.options.tau, job.options.seed, job.options.holdout)] == [float, int, int]
    assert dataclasses.asdict(job.options)["holdout"] == 8
    assert isinstance(job.cameras, tuple)
    assert job.cameras[0].fx == 5.0


def test_an_object_grows_only_so_far() -> None:
    document = {"objects": [VASE | {"grow": -0.25}]}
    (vase,) = read_prompts(document)
    assert vase.grow == -0.25
    assert prompts_to_json((vase,))["objects"][0]["grow"] == -0.25
    assert "grow" not in prompts_to_json((dataclasses.replace(vase, grow=0.0),))["objects"][0]
    for bad, message in ((1.5, "must lie in"), (10**400, "finite"), ("a lot", "must be a number")):
        with pytest.raises(UserError, match=message):
            read_prompts({"objects": [{**document["objects"][0], "grow": bad}]})


def test_views_to_prompt_in_stand_beside_the_cameras() -> None:
    document = {"scene": "a.ply", "out": "o", "objects": [VASE], "prompt_views": [CAMERA]}
    job = read_job(document)
    assert [view.name for view in job.prompt_views] == [CAMERA["name"]]
    assert to_json(job)["prompt_views"][0]["name"] == CAMERA["name"]
    with pytest.raises(UserError, match="Two views have the name"):
        read_job({**document, "cameras": [CAMERA]})
    with pytest.raises(UserError, match="ready masks, which take no prompts"):
        read_job({**JOB, "prompt_views": [CAMERA]})
