# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What Blender and the worker say to each other: what is read is what was written, and what is wrong is said."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import typing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from message_strategies import files, jobs, names, numbers, object_lists, option_values, view_lists

import splatcut
from splatcut.errors import UserError
from splatcut.messages import OPTIONS, lines, worker
from splatcut.messages.findings import Finding, Severity

integers = st.integers(-(2**53), 2**53)
texts = st.text(st.characters(codec="utf-8"))
numbers_or_none = st.none() | numbers
#: By annotation, what a field may hold.
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "bool": st.booleans(),
    "int": integers,
    "int | None": st.none() | integers,
    "float": numbers,
    "float | None": numbers_or_none,
    "str": texts,
    "str | None": st.none() | texts,
    "ErrorKind": st.sampled_from(typing.get_args(worker.ErrorKind)),
    "tuple[str, ...]": st.lists(texts, max_size=3).map(tuple),
    "Path": files,
    "Path | None": st.none() | files,
    "Mapping[str, int]": st.dictionaries(names, integers, max_size=3),
    "Mapping[str, Path]": st.dictionaries(names, files, max_size=3),
    "tuple[InlineView, ...]": view_lists(),
    "Path | tuple[InlineView, ...] | None": st.none() | files | view_lists(),
    "tuple[ObjectPrompt, ...]": object_lists(),
    "Job": jobs(),
    "tuple[Finding, ...]": st.lists(
        st.builds(Finding, st.sampled_from(typing.get_args(Severity)), texts, texts, texts), max_size=3
    ).map(tuple),
}


def made(kind: type[Any]) -> st.SearchStrategy[Any]:
    return st.builds(kind, **{item.name: held(kind, item.name, str(item.type)) for item in dataclasses.fields(kind)})


def held(kind: type[Any], name: str, annotation: str) -> st.SearchStrategy[Any]:
    if kind in (worker.Heal, worker.Match) and name in OPTIONS:
        return option_values(OPTIONS[name])
    return st.sampled_from(worker.BLENDS) if name == "blend" else FIELDS[annotation]


requests = st.one_of([made(kind) for kind in typing.get_args(worker.Request)])
events = st.one_of([made(kind) for kind in typing.get_args(worker.Event)])


def checked(line: str) -> str:
    assert "\n" not in line
    assert line.isascii()
    return line


@given(integers, requests)
def test_requests_survive_the_pipe(number: int, request: worker.Request) -> None:
    line = checked(lines.request_line(number, request))
    assert lines.parse_request(line) == (number, request)
    assert lines.request_id(line) == number


@given(events)
def test_events_survive_the_pipe(event: worker.Event) -> None:
    assert lines.parse_answer(checked(lines.event_line(event))) == event


@given(st.data(), integers, requests)
def test_results_survive_the_pipe(data: st.DataObject, number: int, request: worker.Request) -> None:
    result = data.draw(made(request.result))
    reply = lines.parse_answer(checked(lines.reply_line(number, result)))
    assert isinstance(reply, worker.Reply)
    assert (reply.id, lines.parse_result(request, reply.outcome)) == (number, result)


@given(st.none() | integers, made(worker.Failure))
def test_failures_survive_the_pipe(number: int | None, failure: worker.Failure) -> None:
    assert lines.parse_answer(checked(lines.reply_line(number, failure))) == worker.Reply(number, failure)


BAD_REQUESTS = {
    "not valid JSON": "nonsense",
    "must be a JSON object": "[1, 2]",
    'has no "id"': '{"op": "cancel", "target": 1}',
    'has no "op"': '{"id": 1}',
    "There is no operation 'dance'. Known operations are hello, load_scene": '{"id": 1, "op": "dance"}',
    '"id" must be a number': '{"id": "x", "op": "shutdown"}',
    'The request cancel has no "target"': '{"id": 1, "op": "cancel"}',
    "The request cancel has the unknown key 'who'": '{"id": 1, "op": "cancel", "target": 1, "who": 2}',
    'In the request cancel: "target" must be an integer': '{"id": 1, "op": "cancel", "target": 1.5}',
    'In the request encode: "views" must be a list': '{"id": 1, "op": "encode", "views": "a"}',
    "In the request preview, .*has no prompts": (
        '{"id": 1, "op": "preview", "out": "o", "objects": [{"name": "a", "prompts": []}]}'
    ),
    "In the request run, .*needs either objects": '{"id": 1, "op": "run", "job": {"scene": "a.ply", "out": "o"}}',
    "In the request heal: The option device must be auto, cuda or cpu, not 'abacus'": (
        '{"id": 1, "op": "heal", "cut": "c", "device": "abacus"}'
    ),
    "In the request set_views, .*not a rigid transform": (
        '{"id": 1, "op": "set_views", "cameras": [{"name": "a", "width": 1, "height": 1, "fx": 1, "fy": 1, "cx": 0, '
        '"cy": 0, "camera_from_world": [[2, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]}]}'
    ),
}


@pytest.mark.parametrize("message", BAD_REQUESTS)
def test_bad_requests_are_named(message: str) -> None:
    with pytest.raises(UserError, match=message.replace("(", "\\(")) as caught:
        lines.parse_request(BAD_REQUESTS[message])
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(("line", "number"), [('{"id": 3}', 3), ('{"id": true}', None), ("[]", None), ("x", None)])
def test_whose_reply_a_bad_line_gets(line: str, number: int | None) -> None:
    assert lines.request_id(line) == number


@pytest.mark.parametrize("line", ['{"event": "party"}', '{"id": 1}', '{"id": 1, "ok": true}', '{"id": 1, "ok": false}'])
def test_bad_answers_are_named(line: str) -> None:
    with pytest.raises(UserError):
        lines.parse_answer(line)


def test_numbers_that_json_has_not_are_not_written() -> None:
    with pytest.raises(ValueError):
        lines.event_line(worker.ProgressEvent(1, "masks", 1, 1, 0, 1, float("nan")))


def test_the_messages_need_the_standard_library_alone() -> None:
    """Blender imports them."""
    code = (
        "import sys; import splatcut.messages.lines; "
        "sys.exit(any(name.split('.')[0] in ('numpy', 'torch', 'scipy', 'PIL') for name in sys.modules))"
    )
    folder = str(Path(splatcut.__file__).parents[1])
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": folder}, check=False)
    assert done.returncode == 0
