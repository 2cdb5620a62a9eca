# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Prompts, views and jobs as hypothesis makes them."""

from __future__ import annotations

import math
from pathlib import Path

from hypothesis import strategies as st

from splatcut.errors import UserError
from splatcut.messages import (
    OPTIONS,
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
    check_view_name,
)
from splatcut.messages.options import Option

#: Folder that all files are in.
BASE = Path("base")

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


def usable_view(name: str) -> bool:
    try:
        check_view_name(name)
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
    grow = st.just(0.0) | st.floats(-1.0, 1.0)
    return tuple(ObjectPrompt(name, (positive, *draw(st.lists(prompts, max_size=3))), draw(grow)) for name in chosen)


@st.composite
def cameras(draw: st.DrawFn) -> InlineView:
    a, b = draw(st.floats(-math.pi, math.pi)), draw(st.floats(-math.pi, math.pi))
    ca, sa, cb, sb = math.cos(a), math.sin(a), math.cos(b), math.sin(b)
    tx, ty, tz = draw(st.tuples(numbers, numbers, numbers))
    matrix = ((ca, -sa * cb, sa * sb, tx), (sa, ca * cb, -ca * sb, ty), (0.0, sb, cb, tz), (0.0, 0.0, 0.0, 1.0))
    positive = st.floats(1e-3, 1e6)
    return InlineView(
        draw(views.filter(usable_view)), draw(st.integers(1, 9999)), draw(st.integers(1, 9999)),
        draw(positive), draw(positive), draw(numbers), draw(numbers), matrix, draw(st.none() | files),
    )  # fmt: skip


def view_lists(max_size: int = 3) -> st.SearchStrategy[tuple[InlineView, ...]]:
    return st.lists(cameras(), max_size=max_size, unique_by=lambda view: view.name).map(tuple)


settings = st.booleans() | st.integers(-9, 9) | numbers | st.text(max_size=5)


@st.composite
def options(draw: st.DrawFn) -> JobOptions:
    values = {name: draw(option_values(option)) for name, option in OPTIONS.items()}
    experiments = st.dictionaries(st.sampled_from(["edge", "weights.alone"]), settings)
    return JobOptions(**values, experiment=draw(experiments) if values["refine"] else {})


def option_values(option: Option) -> st.SearchStrategy[object]:
    """All that an option may be."""
    if option.choices:
        return st.sampled_from(option.values)
    if option.type is bool:
        return st.booleans()
    if option.type is str:
        return views if option.default is not None else st.none() | views
    if option.type is float:
        return st.floats(option.low, option.high, exclude_min=option.above)
    inside = st.integers(int(option.low), 2**40 if option.high == math.inf else int(option.high))
    return inside if option.off is None else inside | st.just(int(option.off))


@st.composite
def jobs(draw: st.DrawFn) -> Job:
    with_masks = draw(st.booleans())
    inline = draw(view_lists(max_size=4))
    count = draw(st.integers(0, len(inline)))
    return Job(
        scene=draw(files),
        out=draw(files),
        cameras=draw(st.none() | files) if count == 0 else inline[:count],
        images=draw(st.none() | files),
        objects=() if with_masks else draw(object_lists()),
        masks=draw(files) if with_masks else None,
        options=draw(options()),
        prompt_views=() if with_masks else inline[count:],
    )
