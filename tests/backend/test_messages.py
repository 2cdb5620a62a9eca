# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The job and prompt schema: what is read is what was written, and what is wrong is said."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from splatcut.errors import UserError
from splatcut.messages import (
    ABLATIONS,
    FIELD_ABLATIONS,
    InlineView,
    Job,
    JobOptions,
    MaskPrompt,
    ObjectPrompt,
    Points3DPrompt,
    Prompt,
    ScribblePrompt,
    ViewPrompt,
    check_object_name,
    check_object_names,
    job_from_json,
    job_to_json,
    load_prompts,
    parse_at,
    parse_prompts,
    prompts_to_json,
)

BASE = Path("base")

# --- what hypothesis makes -------------------------------------------------------------------------------------------

numbers = st.floats(allow_nan=False, allow_infinity=False)
labels = st.sampled_from([0, 1])
views = st.text(st.characters(codec="utf-8"), min_size=1).filter(lambda text: bool(text.strip()))
files = st.builds(lambda stem: BASE / f"{stem}.png", st.from_regex(r"[a-z]{1,8}", fullmatch=True))


def usable(name: str) -> bool:
    try:
        check_object_name(name)
    except UserError:
        return False
    return True


names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20).filter(usable)
boxes = st.tuples(numbers, numbers, numbers, numbers).filter(lambda box: box[0] < box[2] and box[1] < box[3])


@st.composite
def view_prompts(draw: st.DrawFn) -> ViewPrompt:
    points = draw(st.lists(st.tuples(numbers, numbers, labels), max_size=4))
    box = draw(boxes if not points else st.none() | boxes)
    return ViewPrompt(draw(views), tuple(points), box)


prompts: st.SearchStrategy[Prompt] = st.one_of(
    view_prompts(),
    st.builds(
        Points3DPrompt, st.lists(st.tuples(numbers, numbers, numbers, labels), min_size=1, max_size=4).map(tuple)
    ),
    st.builds(MaskPrompt, views, files),
    st.builds(ScribblePrompt, views, files),
)


@st.composite
def object_lists(draw: st.DrawFn) -> tuple[ObjectPrompt, ...]:
    chosen = draw(st.lists(names, min_size=1, max_size=3, unique_by=lambda name: name.casefold()))
    try:
        check_object_names(chosen)
    except UserError:
        chosen = chosen[:1]
    positive = Points3DPrompt(((0.0, 0.0, 0.0, 1),))
    return tuple(ObjectPrompt(name, (positive, *draw(st.lists(prompts, max_size=3)))) for name in chosen)


@st.composite
def cameras(draw: st.DrawFn) -> InlineView:
    a, b = draw(st.floats(-math.pi, math.pi)), draw(st.floats(-math.pi, math.pi))
    ca, sa, cb, sb = math.cos(a), math.sin(a), math.cos(b), math.sin(b)
    tx, ty, tz = draw(st.tuples(numbers, numbers, numbers))
    matrix = ((ca, -sa * cb, sa * sb, tx), (sa, ca * cb, -ca * sb, ty), (0.0, sb, cb, tz), (0.0, 0.0, 0.0, 1.0))
    positive = st.floats(1e-3, 1e6)
    return InlineView(
        draw(views), draw(st.integers(1, 9999)), draw(st.integers(1, 9999)),
        draw(positive), draw(positive), draw(numbers), draw(numbers), matrix, draw(st.none() | files),
    )  # fmt: skip


WITHOUT_FIELD = [name for name in ABLATIONS if name not in FIELD_ABLATIONS]
#: Whether there is a refinement and a field in it, and what is left out.
refinements = (
    st.just((False, False, ()))
    | st.tuples(st.just(True), st.just(True), st.lists(st.sampled_from(ABLATIONS), unique=True).map(tuple))
    | st.tuples(st.just(True), st.just(False), st.lists(st.sampled_from(WITHOUT_FIELD), unique=True).map(tuple))
)
options = st.builds(
    lambda refinement, **others: JobOptions(refine=refinement[0], field=refinement[1], ablate=refinement[2], **others),
    device=st.sampled_from(["auto", "cuda", "cpu"]),
    quality=st.sampled_from(["draft", "standard", "fine"]),
    tau=st.floats(0.0, 1.0, exclude_min=True),
    seed=st.integers(0, 2**32 - 1),
    refinement=refinements,
    split=st.none() | st.booleans(),
    soft_edges=st.booleans(),
    holdout=st.just(0) | st.integers(2, 100),
    model=st.none() | views,
    drop_invalid=st.booleans(),
)


@st.composite
def jobs(draw: st.DrawFn) -> Job:
    with_masks = draw(st.booleans())
    inline = st.lists(cameras(), min_size=1, max_size=3, unique_by=lambda view: view.name).map(tuple)
    return Job(
        scene=draw(files),
        out=draw(files),
        cameras=draw(st.none() | files | inline),
        images=draw(st.none() | files),
        objects=() if with_masks else draw(object_lists()),
        masks=draw(files) if with_masks else None,
        options=draw(options),
    )


def inside_base(document: Any) -> Any:
    """The document with its paths, which ``files`` puts under BASE, relative to BASE, as a file in BASE has them."""
    text = json.dumps(document, allow_nan=False)
    return json.loads(text.replace(f'"{BASE}/', '"'))


# --- round trips -----------------------------------------------------------------------------------------------------


@given(object_lists())
def test_prompts_survive_json(objects: tuple[ObjectPrompt, ...]) -> None:
    text = json.dumps(prompts_to_json(objects), allow_nan=False)
    assert parse_prompts(text, Path()) == objects


@given(jobs())
def test_jobs_survive_json(job: Job) -> None:
    text = json.dumps(job_to_json(job), allow_nan=False)
    assert job_from_json(text, Path()) == job


@given(st.lists(files, min_size=1, max_size=3))
def test_relative_files_are_relative_to_the_document(paths: list[Path]) -> None:
    objects = (ObjectPrompt("vase", tuple(MaskPrompt("view", path) for path in paths)),)
    assert parse_prompts(inside_base(prompts_to_json(objects)), BASE) == objects


def test_the_documents_of_the_design_are_read(tmp_path: Path) -> None:
    path = tmp_path / "prompts.json"
    path.write_text(
        '\ufeff{"objects": [{"name": "vase", "prompts": ['
        '{"view": "a", "points": [[1, 2.5, 1], [3, 4, 0]], "box": [0, 1, 2, 3]},'
        '{"points3d": [[1, 2, 3, 1]]}, {"mask": {"view": "b", "file": "m/b.png"}},'
        '{"scribble": {"view": "c", "file": "c.png"}}]}]}',
        encoding="utf-8",
    )
    (vase,) = load_prompts(path)
    assert vase == ObjectPrompt(
        "vase",
        (
            ViewPrompt("a", ((1.0, 2.5, 1), (3.0, 4.0, 0)), (0.0, 1.0, 2.0, 3.0)),
            Points3DPrompt(((1.0, 2.0, 3.0, 1),)),
            MaskPrompt("b", tmp_path / "m" / "b.png"),
            ScribblePrompt("c", tmp_path / "c.png"),
        ),
    )
    first = vase.prompts[0]
    assert isinstance(first, ViewPrompt)
    assert [type(value) for value in first.points[0]] == [float, float, int]


def test_the_real_scenes_prompts_are_read(shared: Path) -> None:
    objects = load_prompts(shared / "scenes/horns/prompts.json")
    assert [item.name for item in objects] == ["triceratops", "skull_left", "skull_right"]


def test_a_job_needs_little() -> None:
    document = {"scene": "a.ply", "out": "o", "masks": "m"}
    assert job_from_json(document, BASE) == Job(BASE / "a.ply", BASE / "o", masks=BASE / "m")


# --- what is wrong is said -------------------------------------------------------------------------------------------


def prompt_document(prompt: Any) -> dict[str, Any]:
    return {"objects": [{"name": "vase", "prompts": [prompt]}]}


BAD_PROMPTS = {
    "A prompt must be a JSON object": 3,
    "exactly one of view, points3d, mask and scribble. This one has none": {"points": [[1, 2, 1]]},
    "has view and mask": {"view": "a", "mask": {}},
    "unknown key 'point'": {"view": "a", "point": [1, 2, 1]},
    '"view" must be a text, not 7': {"view": 7, "points": [[1, 2, 1]]},
    '"view" is empty': {"view": " ", "points": [[1, 2, 1]]},
    "neither": {"view": "a"},
    "Point 2 must be \\[x, y, label\\]": {"view": "a", "points": [[1, 2, 1], [1, 2]]},
    "Point 1 must be a list": {"view": "a", "points": [5]},
    "Point 1: y must be a number, not 'b'": {"view": "a", "points": [[1, "b", 1]]},
    "Point 1: x must be a number, not true": {"view": "a", "points": [[True, 2, 1]]},
    "Point 1: x must be a finite number": {"view": "a", "points": [[10**400, 2, 1]]},
    "Point 1: y must be a finite number, not inf": {"view": "a", "points": [[1, math.inf, 1]]},
    "label 2. It must be 1": {"view": "a", "points": [[1, 2, 2]]},
    "label true": {"view": "a", "points": [[1, 2, True]]},
    "label 'yes'": {"view": "a", "points": [[1, 2, "yes"]]},
    "label a list of 1": {"view": "a", "points": [[1, 2, [1]]]},
    "empty or turned around": {"view": "a", "box": [5, 1, 2, 3]},
    "\\[1, 2, 3, 2\\] is empty": {"view": "a", "box": [1, 2, 3, 2]},
    "four numbers x0, y0, x1, y1, not 3": {"view": "a", "box": [1, 2, 3]},
    "side of the box must be a finite number, not nan": {"view": "a", "box": [1, 2, math.nan, 3]},
    "The box must be a list": {"view": "a", "box": "1,2,3,4"},
    "at least one point": {"points3d": []},
    "must be \\[x, y, z, label\\]": {"points3d": [[1, 2, 1]]},
    '"mask" has no "file"': {"mask": {"view": "a"}},
    "unknown key 'photo'": {"mask": {"view": "a", "file": "b", "photo": "c"}},
    '"file" must be a text, not null': {"scribble": {"view": "a", "file": None}},
    '"mask" must be a JSON object': {"mask": "a.png"},
}


@pytest.mark.parametrize("message", BAD_PROMPTS)
def test_bad_prompts_are_named(message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        parse_prompts(prompt_document(BAD_PROMPTS[message]), BASE)
    assert str(caught.value).startswith("In prompt 1 of the object 'vase': ")
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
    "NaN is no finite number": '{"objects": [{"name": "a", "prompts": [{"points3d": [[1, 2, NaN, 1]]}]}]}',
    "key 'name' stands twice": '{"objects": [{"name": "a", "name": "b", "prompts": []}]}',
    "Object 2 must be a JSON object": {"objects": [{"name": "a", "prompts": [GOOD]}, 1]},
    'Object 1 has no "prompts"': {"objects": [{"name": "a"}]},
    "name of object 1 must be a text, not 3": {"objects": [{"name": 3, "prompts": [GOOD]}]},
    "'a' has no prompts": {"objects": [{"name": "a", "prompts": []}]},
    "only points that are not on it": prompt_document({"view": "a", "points": [[1, 2, 0]]}),
    "Two objects have the name 'a'": {"objects": [{"name": "a", "prompts": [GOOD]}] * 2},
    "'a/b' cannot be used": {"objects": [{"name": "a/b", "prompts": [GOOD]}]},
    "cannot be used": "[" * 100_000,
}


@pytest.mark.parametrize("message", BAD_DOCUMENTS)
def test_bad_documents_are_named(message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse_prompts(BAD_DOCUMENTS[message], BASE)  # type: ignore[arg-type]


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_any_json_is_read_or_refused_with_a_sentence(value: Any) -> None:
    for document in (
        value,
        {"objects": value},
        prompt_document(value),
        prompt_document({"view": "a", "points": value}),
    ):
        with pytest.raises(UserError) as caught:
            parse_prompts(json.dumps(document), BASE)
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


def test_at_refuses_what_is_not_finite() -> None:
    with pytest.raises(UserError, match="Point 1: y must be a finite number"):
        parse_at("view:1,nan")


# --- jobs ------------------------------------------------------------------------------------------------------------

JOB = {"scene": "a.ply", "out": "o", "masks": "m"}
IDENTITY = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
CAMERA = {"name": "v", "width": 4, "height": 3, "fx": 5, "fy": 5, "cx": 2, "cy": 1.5, "camera_from_world": IDENTITY}
MIRRORED = [[-1, 0, 0, 0], *IDENTITY[1:]]
SCALED = [[2, 0, 0, 0], [0, 2, 0, 0], [0, 0, 2, 0], [0, 0, 0, 1]]
BAD_JOBS: dict[str, dict[str, Any]] = {
    'has no "scene"': {"scene": ...},
    'has no "out"': {"out": ...},
    '"scene" must be a text, not 1': {"scene": 1},
    "NUL character": {"scene": "a\0b"},
    "This one has neither": {"masks": ...},
    "This one has both": {"objects": [{"name": "a", "prompts": [GOOD]}]},
    "unknown key 'mask'": {"mask": "m"},
    "unknown key 'speed'": {"options": {"speed": 3}},
    "device must be auto or cuda or cpu, not 'gpu'": {"options": {"device": "gpu"}},
    "quality must be draft": {"options": {"quality": None}},
    "tau must be above 0 and at most 1, not 1.5": {"options": {"tau": 1.5}},
    "tau must be a number, not 'x'": {"options": {"tau": "x"}},
    "seed must be from 0": {"options": {"seed": -1}},
    "seed must be an integer": {"options": {"seed": 1.5}},
    "refine must be true or false, not 1": {"options": {"refine": 1}},
    "split must be true or false, not 'yes'": {"options": {"split": "yes"}},
    "ablate must be a list of names, not 'no-rbf'": {"options": {"ablate": "no-rbf"}},
    "ablate knows no-rbf, .* and no-hidden, not 'no-mask'": {"options": {"ablate": ["no-rbf", "no-mask"]}},
    "ablate names 'no-rbf' twice": {"options": {"ablate": ["no-rbf", "no-rbf"]}},
    "refinement itself is off": {"options": {"ablate": ["no-rbf"], "refine": False}},
    "field asks for a part of the refinement": {"options": {"field": True, "refine": False}},
    "leaves out no-hash, a part of the field, but": {"options": {"ablate": ["no-alone", "no-hash"]}},
    "holdout must be 0 .* not 1": {"options": {"holdout": 1}},
    "model is empty": {"options": {"model": ""}},
    "list of cameras is empty": {"cameras": []},
    "Two views have the name 'v'": {"cameras": [CAMERA, CAMERA]},
    "In camera 1 of the job: .*no rigid transform": {"cameras": [{**CAMERA, "camera_from_world": MIRRORED}]},
    "camera 1 .*no rigid": {"cameras": [{**CAMERA, "camera_from_world": SCALED}]},
    "'v' is no rigid": {"cameras": [{**CAMERA, "camera_from_world": IDENTITY[:3]}]},
    "focal lengths of the view 'v' must be positive": {"cameras": [{**CAMERA, "fx": 0}]},
    "width of the view 'v' must be at least 1": {"cameras": [{**CAMERA, "width": 0}]},
    '"height" must be an integer': {"cameras": [{**CAMERA, "height": 2.5}]},
    "unknown key 'k1'": {"cameras": [{**CAMERA, "k1": 0.1}]},
}


@pytest.mark.parametrize("message", BAD_JOBS)
def test_bad_jobs_are_named(message: str) -> None:
    document = {key: value for key, value in {**JOB, **BAD_JOBS[message]}.items() if value is not ...}
    with pytest.raises(UserError, match=message):
        job_from_json(document, BASE)


def test_numbers_keep_their_kind() -> None:
    job = job_from_json({**JOB, "options": {"tau": 1, "seed": 3.0, "holdout": 8.0}, "cameras": [CAMERA]}, BASE)
    assert [type(value) for value in (job.options.tau, job.options.seed, job.options.holdout)] == [float, int, int]
    assert dataclasses.asdict(job.options)["holdout"] == 8
    assert isinstance(job.cameras, tuple)
    assert job.cameras[0].fx == 5.0
