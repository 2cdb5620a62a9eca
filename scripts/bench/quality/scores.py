# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Scores of a cut: its masks, its pictures, its Gaussians' labels, and the 2D masks that it came from."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.quality.cut import Cut, partners
from bench.quality.scenes import Masks, Scene
from bench.renders import edge_band, extracted_mask, label_mask, psnr, visible_region
from splatcut import formats, raster
from splatcut.cameras import load_photo
from splatcut.evaluation.folders import read_mask
from splatcut.evaluation.scores import MaskScore, band_width, mean_score, score_masks
from splatcut.messages import load_prompts
from splatcut.scene.camera import View
from splatcut.scene.gaussians import Gaussians

#: PSNR at which two 8-bit pictures are taken for the same, dB.
SAME = 100.0


def score_cut(cut: Cut, scene: Scene, test: Sequence[View], masks: Path) -> dict[str, Any]:
    """Scores by object: mean over the test views, and each view's. ``masks``: folder of the run's final masks."""
    if scene.masks is None:
        return {}
    result: dict[str, Any] = {}
    for name, other in partners(cut.names, scene.masks).items():
        selected = cut.labels == cut.names.index(name) + 1
        scores: dict[str, dict[str, MaskScore]] = {"visible": {}, "extracted": {}}
        final = {view.name: masks / name / f"{view.name}.png" for view in test}
        if all(path.is_file() for path in final.values()):
            scores["final"] = {}
        for view in test:
            if view.name not in scene.masks[other]:
                continue
            truth = read_mask(scene.masks[other][view.name])
            alone = extracted_mask(cut.gaussians, selected, view.camera)
            label = label_mask(cut.gaussians, selected, view.camera)
            scores["visible"][view.name] = score_masks(label, truth)
            if "final" in scores:
                scores["final"][view.name] = score_masks(read_mask(final[view.name]), truth)
            if scene.alone is not None and view.name in scene.alone[other]:
                whole = read_mask(scene.alone[other][view.name])
                scores.setdefault("silhouette", {})[view.name] = score_masks(alone, whole)
            scores["extracted"][view.name] = score_masks(alone, truth, known_region(scene, other, view, truth))
        result[name] = {
            kind: {
                "mean": mean_score(views.values()).as_dict(),
                "views": {view: score.as_dict() for view, score in views.items()},
            }
            for kind, views in scores.items()
        }
    return result


def known_region(scene: Scene, name: str, view: View, truth: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """[H, W] bool: where the object's visible mask ``truth`` [H, W] tells what it covers alone; None: everywhere.

    That is where nothing lies in front of its silhouette, if that is known, otherwise where no other object is seen.
    """
    if scene.alone is not None and view.name in scene.alone[name]:
        return visible_region(read_mask(scene.alone[name][view.name]), truth)
    return _elsewhere(scene.masks or {}, name, view.name)


def _elsewhere(masks: Masks, name: str, view: str) -> NDArray[np.bool_] | None:
    """[H, W] bool: where no other object is seen in a view, as the object may go on behind it; None without others."""
    others = [read_mask(files[view]) for other, files in masks.items() if other != name and view in files]
    return ~np.logical_or.reduce(others) if others else None


def _picture(gaussians: Gaussians, view: View) -> NDArray[np.uint8]:
    image = raster.render(gaussians, view.camera).image
    return np.rint(np.clip(image, 0.0, 1.0) * 255.0).astype(np.uint8)


def render_psnr(gaussians: Gaussians, scene: Scene, test: Sequence[View]) -> dict[str, float | None]:
    """Mean PSNR of the renders of the test views against their photos, overall and along the objects' edges.

    Without photos the input scene's own renders are what is compared with. A view counts for ``SAME`` dB at the most.
    """
    original = None if scene.images is not None else formats.read_splats(scene.folder / "scene.ply").gaussians
    overall, edge = [], []
    for view in test:
        photo = load_photo(view) if original is None else _picture(original, view)
        image = _picture(gaussians, view)
        overall.append(min(SAME, psnr(image, photo)))
        band = np.zeros(photo.shape[:2], bool)
        for files in (scene.masks or {}).values():
            if view.name in files:
                band |= edge_band(read_mask(files[view.name]), band_width(*photo.shape[:2]))
        if band.any():
            edge.append(min(SAME, psnr(image, photo, band)))
    return {"overall": _mean(np.array(overall)), "edge": _mean(np.array(edge))}


def score_2d_masks(out: Path, scene: Scene) -> dict[str, Any]:
    """IoU of the 2D model's masks in the training views, by object: over all of them, over the trusted ones, and how
    good the trusted ones are along the edge (boundary IoU with bands of 2% of the diagonal and 2 px)."""
    if scene.masks is None:
        return {}
    with np.load(out / ".splatcut" / "masks.npz", allow_pickle=False) as stored:
        notes = json.loads(str(stored["__notes__"]))
        confidence, masks = stored["confidence"], [stored[f"view_{n:05d}"] for n in range(len(notes["views"]))]
    result: dict[str, Any] = {}
    for name, other in partners(notes["objects"], scene.masks).items():
        k = notes["objects"].index(name)
        scores, edges = np.full(len(masks), math.nan), np.full((len(masks), 2), math.nan)
        for number, view in enumerate(notes["views"]):
            if view in scene.masks[other]:
                truth = read_mask(scene.masks[other][view])
                mask = masks[number][k] > 127
                if mask.shape == truth.shape:
                    score = score_masks(mask, truth)
                    scores[number], edges[number] = score.iou, (score.boundary, score.boundary_2px)
        trusted = confidence[:, k] > 0
        result[name] = {
            "all": _mean(scores),
            "trusted": _mean(scores[trusted]),
            "boundary": _mean(edges[trusted, 0]),
            "boundary_2px": _mean(edges[trusted, 1]),
            "views": len(masks),
            "left_out": int((~trusted).sum()),
            "lowest": {view: round(float(s), 3) for s, view in sorted(zip(scores, notes["views"], strict=True))[:3]},
        }
    return result


def _mean(values: NDArray[np.floating]) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else None


def true_labels(scene: Scene) -> tuple[NDArray[np.int32], list[str]]:
    """Every Gaussian's true label [N] and the objects' names in their order (labels count from 1)."""
    assert scene.labels is not None
    with np.load(scene.labels, allow_pickle=False) as stored:
        labels = stored["labels"].astype(np.int32)
        if "names" in stored:
            return labels, [str(name) for name in stored["names"]]
    return labels, [item.name for item in load_prompts(scene.folder / "prompts.json")]


def score_labels(cut: Cut, scene: Scene) -> dict[str, Any]:
    """Precision and recall of the Gaussians' labels by object, each row judged by the Gaussian that it came from."""
    if scene.labels is None:
        return {}
    truth, names = true_labels(scene)
    result: dict[str, Any] = {}
    for name, other in partners(cut.names, names).items():
        mine = cut.rows.labels == cut.names.index(name) + 1
        true = truth[cut.rows.parent] == names.index(other) + 1
        both = int((mine & true).sum())
        result[name] = {
            "precision": both / max(1, int(mine.sum())),
            "recall": both / max(1, int(true.sum())),
            "gaussians": int(mine.sum()),
            "true_gaussians": int(true.sum()),
        }
    return result
