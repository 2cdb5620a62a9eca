# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""``splatcut evaluate``: what is printed and written."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image

from splatcut.cli import evaluate


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    evaluate.add_parser(parser.add_subparsers())
    args = parser.parse_args(["evaluate", *arguments])
    return args.func(args)


def save(path: Path, columns: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.zeros((20, 20), dtype=np.uint8)
    pixels[:, :columns] = 255
    Image.fromarray(pixels).save(path)


def test_the_table_and_the_json(tmp_path: Path, capsys) -> None:
    for name, columns in (("pot", 10), ("cup", 5)):
        save(tmp_path / "pred" / name / "a.png", columns)
        save(tmp_path / "true" / name / "a.png", 10)
    save(tmp_path / "pred" / "cup" / "b.png", 0)
    save(tmp_path / "true" / "cup" / "b.png", 0)
    scores = tmp_path / "scores.json"
    pred, true = str(tmp_path / "pred"), str(tmp_path / "true")
    assert run("--pred", pred, "--gt", true, "--json", str(scores), "--per-view") == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0][:3] == ["object", "views", "IoU"]
    assert lines[1][:4] == ["cup", "a", "0.5000", "0.7500"]
    assert lines[2][:4] == ["cup", "b", "-", "1.0000"]
    assert lines[3][:6] == ["cup", "mean", "of", "2", "0.5000", "0.8750"]
    assert lines[-1][:5] == ["mean", "2", "objects", "0.7500", "0.9375"]
    assert json.loads(scores.read_text())["views"]["cup"]["b"]["iou"] is None
