# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run gave, as objects in Blender: one splat object for each object, the background, and that healed."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from splatcut.errors import UserError
from splatcut.formats import read_splats
from splatcut.messages.worker import RunResult

from ..core.objects import labels_in_list
from . import healed, labelled, scenes, splats
from .labelled import Labelled


def deliver(
    context: bpy.types.Context, uid: str, result: RunResult, names: tuple[str, ...], uids: tuple[str, ...]
) -> bpy.types.Collection:
    """Makes the collection of a run's splat objects, sets the source's labels and hides it.

    Everything is read before anything is made, so that nothing is left behind where reading fails. The caller pushes
    the undo step.

    Args:
        uid: of the splat object that was cut.
        names: of the objects, in the order of the labels; uids: theirs in the list, which may have changed since.

    Raises:
        UserError: the splat object is gone, or a file of the run cannot be read.
    """
    source: Any = scenes.find(uid)
    files = [(name, result.objects[name]) for name in names if name in result.objects]
    if result.background is not None:
        files.append(("", result.background))
    if result.healed is not None:
        files.append((healed.BACKGROUND, result.healed))
    offset = splats.world_offset(source)
    parts = [(name, read_splats(path, offset=offset)) for name, path in files]
    found = read_labels(result.out / "labels.npz", len(splats.arrays(source).positions), len(names))

    earlier = [obj for obj in bpy.data.objects if splats.is_splat(obj) and obj.splatcut.result_of == uid]  # type: ignore[attr-defined]
    collection = bpy.data.collections.new(f"{source.name} cut")
    parent = next((c for c in source.users_collection if c.library is None), context.scene.collection)
    parent.children.link(collection)
    by_uid = {item.uid: tuple(item.colour) for item in source.splatcut.objects}
    colours = {name: by_uid[own] for name, own in zip(names, uids, strict=True) if own in by_uid}
    run = splats.new_uid()
    for name, part in parts:
        made: Any = splats.create(
            context,
            part,
            healed.title(source.name, name),
            collection=collection,
            matrix=np.array(source.matrix_world),
            source=None,
        )
        made.splatcut.result_of, made.splatcut.result_name = uid, name
        made.splatcut.result_run, made.splatcut.result_folder = run, str(result.out)
        made.splatcut.display = source.splatcut.display
        if name in colours:
            made.color = (*colours[name], 1.0)
    if found is not None:
        listed = [item.uid for item in source.splatcut.objects]
        island = None if found.island is None else labels_in_list(found.island, uids, listed)
        labelled.write(source, found._replace(labels=labels_in_list(found.labels, uids, listed), island=island))
        source.splatcut.show_islands = False  # of an earlier cut
    for obj in (source, *earlier):
        healed.hide(context, obj)
    if result.healed is not None:
        healed.show(context, source, healed.BACKGROUND)
    return collection


def read_labels(path: Path, count: int, objects: int) -> Labelled | None:
    """What the run left with the input's Gaussians; variance and island are None in older files.

    None when the file belongs to other data. A Gaussian that was split has the label of the largest number of its
    parts, of equal ones the surer one, and the largest of their variances; one of the background is an island's if any
    of its parts is.

    Raises:
        UserError: the file cannot be read.
    """
    try:
        with np.load(path, allow_pickle=False) as content:
            labels, parent = content["labels"].astype(np.int64), content["parent"]
            probability = content["probability"].astype(np.float32)
            spread = content["variance"].astype(np.float32) if "variance" in content else None
            sent = content["island"].astype(np.int32) if "island" in content else None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(
            f"The label file of the run, {path}, cannot be read ({error}). Cut the objects again."
        ) from error
    if probability.shape != (len(labels), objects) or (len(parent) and int(parent.max()) >= count):
        return None
    # The background's share is what no object has.
    shares = np.concatenate([1 - probability.sum(axis=1, keepdims=True), probability], axis=1).clip(0, 1)
    rows = np.arange(len(parent))
    votes = np.zeros((count, objects + 1), dtype=np.float32)
    np.add.at(votes, (parent, labels), 1 + 0.01 * shares[rows, labels])
    own = votes.argmax(axis=1).astype(np.int32)
    certain = np.zeros(count, dtype=np.float32)
    certain[parent] = shares[rows, own[parent]]
    variance = None
    if spread is not None:
        variance = np.zeros(count, dtype=np.float32)
        np.maximum.at(variance, parent, spread)
    island = None
    if sent is not None:
        island = np.zeros(count, dtype=np.int32)
        of_island = np.flatnonzero(sent)
        of_island = of_island[own[parent[of_island]] == 0]
        island[parent[of_island]] = sent[of_island]
        certain[parent[of_island]] = shares[of_island, sent[of_island]]
    return Labelled(own, certain, variance, island)
