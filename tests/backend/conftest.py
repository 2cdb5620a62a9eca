# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The tiny data set, and running ``splatcut segment`` on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numba
import pytest
from blob_scene import BlobScene, ColourSegmenter, make_scene

import splatcut.pipeline.run
from splatcut.cameras import virtual
from splatcut.cli import main
from splatcut.masks import viewpoints


@pytest.fixture(scope="session")
def blobs(tmp_path_factory: pytest.TempPathFactory) -> BlobScene:
    """The tiny data set; tests only read it."""
    return make_scene(tmp_path_factory.mktemp("blobs") / "data")


@pytest.fixture
def colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs take the 2D model that sees colours."""
    monkeypatch.setattr(splatcut.pipeline.run, "load_segmenter", lambda *arguments: ColourSegmenter())


@pytest.fixture
def small_views(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few virtual views, as small as the data set's own."""
    monkeypatch.setattr(viewpoints, "COUNT", 10)
    monkeypatch.setattr(virtual, "PROBE_WIDTH", 64)
    monkeypatch.setattr(virtual, "WIDTH", 128)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """On pictures this small threads cost more than they give."""
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    yield
    numba.set_num_threads(threads)


@pytest.fixture
def segment(tmp_path: Path, colours: None, one_thread: None) -> Callable[..., int]:
    """``splatcut segment`` with these arguments; the exit code. Embeddings are kept in the test's folder.

    Without refinement and healing, which take a while and have tests of their own, unless ``refine`` or ``--heal``.
    """

    def run(*arguments: object, refine: bool = False) -> int:
        words = [*(str(argument) for argument in arguments), *([] if refine else ["--no-refine"])]
        words += [] if {"--heal", "--no-heal"} & set(words) else ["--no-heal"]
        try:
            return main(["segment", *words, "--cache", str(tmp_path / "cache")])
        except SystemExit as stopped:  # argparse
            return int(stopped.code or 0)

    return run
