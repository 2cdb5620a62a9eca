# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Folders of masks, paired and scored.

A folder of masks holds ``<object>/<view>.png`` or, for one object, ``<view>.png``; an output folder of ``splatcut
segment`` is taken by its ``masks``. A mask's pixel belongs to the object when its 8-bit value is above 127 (above 0.5).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from splatcut.errors import UserError
from splatcut.evaluation.scores import Mask, MaskScore, mean_score, score_masks
from splatcut.files import atomic_path
from splatcut.mask_files import UNNAMED, MaskFile, Masks, find_masks, mask_values, pick


@dataclass(frozen=True)
class Pair:
    """One comparison.

    Attributes:
        object, view: what is compared.
        predicted, truth: mask files.
        valid: file of the pixels that count, or None when all do.
    """

    object: str
    view: str
    predicted: MaskFile
    truth: MaskFile
    valid: MaskFile | None = None


@dataclass(frozen=True)
class Evaluation:
    """Scores of every comparison.

    Attributes:
        scores: object -> view -> score.
    """

    scores: Mapping[str, Mapping[str, MaskScore]]

    @property
    def objects(self) -> dict[str, MaskScore]:
        """Mean over the views of each object."""
        return {name: mean_score(views.values()) for name, views in self.scores.items()}

    @property
    def mean(self) -> MaskScore:
        """mIoU and its companions: the mean over objects of each object's mean over its views."""
        return mean_score(self.objects.values())

    def as_dict(self) -> dict[str, object]:
        """JSON types: mean, objects, views."""
        return {
            "mean": self.mean.as_dict(),
            "objects": {name: score.as_dict() for name, score in self.objects.items()},
            "views": {
                name: {view: score.as_dict() for view, score in views.items()} for name, views in self.scores.items()
            },
        }

    def write(self, path: Path) -> None:
        """Writes ``as_dict`` as JSON."""
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps(self.as_dict(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_mask(mask: Path | MaskFile) -> Mask:
    """[H, W] bool: an image file's pixels above 127 of 255 (``mask_values``). Raises ``UserError``."""
    return mask_values(mask) > 127


def masks_in(folder: Path) -> Masks:
    """``find_masks``, in an output folder of ``splatcut segment`` as well."""
    return find_masks(folder / "masks" if (folder / "masks").is_dir() else folder)


def pair_masks(
    predicted: Path,
    truth: Path,
    *,
    views: Sequence[str] = (),
    objects: Sequence[str] = (),
    holdout: int = 0,
    valid: Path | None = None,
) -> list[Pair]:
    """What has to be compared: every mask of the ground truth, less what the arguments leave out.

    Args:
        views, objects: only these; empty for all of the ground truth.
        holdout: only every N-th view by name, from the first of those that either folder has, as ``splatcut segment
            --holdout N`` keeps out; 0 for all.
        valid: folder of masks of the pixels that count.

    Predictions without ground truth are ignored; ground truth without a prediction is an error, since leaving it out
    would make the score better than it is.

    Raises:
        UserError: see ``splatcut.mask_files.find_masks``; no object in common; a view or object that is missing, by
            name; a negative holdout.
    """
    if holdout < 0:
        raise UserError(f"The option holdout must be 0 (all views) or a number of views, not {holdout}.")
    truths = masks_in(truth)
    predictions = _match_objects(masks_in(predicted), truths, predicted, truth)
    valids = None if valid is None else _match_objects(masks_in(valid), truths, valid, truth)
    names = _chosen(objects, list(truths), "object", truth)
    chosen = _chosen(views, sorted({view for name in names for view in truths[name]}), "view", truth)
    if holdout:
        # Counted over all views that either side knows: the ground truth may hold masks of the held-out views only.
        known = {view for name in names for view in predictions.get(name, {})}.union(*(truths[name] for name in names))
        held = set(sorted(known)[::holdout])
        chosen = [view for view in chosen if view in held]
    pairs: list[Pair] = []
    for name in names:
        if name not in predictions:
            raise UserError(
                f"There are no predicted masks of the object {name!r} in {predicted}. It has: {_some(predictions)}."
            )
        wanted = [view for view in chosen if view in truths[name]]
        given = {view: pick(predictions[name], truths[name][view]) for view in wanted}
        missing = [view for view, mask in given.items() if mask is None]
        if missing and len(missing) == len(wanted):
            raise UserError(
                f"Predictions and ground truth of the object {name!r} have no view in common. {predicted} has "
                f"{_some(predictions[name])}; {truth} has {_some(wanted)}. The file stems must be the views' names."
            )
        if missing:
            raise UserError(
                f"{len(missing)} views of the object {name!r} have no predicted mask in {predicted}: {_some(missing)}. "
                "To score only some of the views, name them with --views or use --holdout."
            )
        for view, mask in given.items():
            if mask is not None:
                valid_mask = None if valids is None else pick(valids.get(name, {}), truths[name][view])
                pairs.append(Pair(name, view, mask, truths[name][view], valid_mask))
    if not pairs:
        raise UserError(f"There is nothing to compare between {predicted} and {truth}.")
    return pairs


def _match_objects(found: Masks, truths: Masks, folder: Path, truth: Path) -> Masks:
    """The found masks by the ground truth's object names: a single unnamed object matches a single named one."""
    if len(found) == 1 and len(truths) == 1 and (UNNAMED in found or UNNAMED in truths):
        return {next(iter(truths)): next(iter(found.values()))}
    if not set(found) & set(truths):
        raise UserError(
            f"{folder} and {truth} have no object in common: the first has {_some(found)}, the second {_some(truths)}."
        )
    return found


def _chosen(wanted: Sequence[str], existing: list[str], what: str, folder: Path) -> list[str]:
    unknown = [name for name in wanted if name not in existing]
    if unknown:
        raise UserError(f"{folder} has no {what} {unknown[0]!r}. It has: {_some(existing)}.")
    return [name for name in existing if name in set(wanted)] if wanted else existing


def _some(names: object, most: int = 6) -> str:
    listed = [str(name) for name in names]  # type: ignore[attr-defined]
    return ", ".join(listed[:most]) + (f" and {len(listed) - most} more" if len(listed) > most else "")


def load_pair(pair: Pair, *, resize: bool = False) -> tuple[Mask, Mask, Mask | None]:
    """Prediction, truth and valid pixels [H, W] of a comparison.

    With ``resize`` a prediction of another size takes, at each of the ground truth's pixels, its nearest pixel.

    Raises:
        UserError: sizes that disagree (both are told), files that are no images.
    """
    predicted, truth = read_mask(pair.predicted), read_mask(pair.truth)
    if predicted.shape != truth.shape:
        if not resize:
            raise UserError(
                f"The predicted mask {pair.predicted.path} has {predicted.shape[1]}x{predicted.shape[0]} pixels, but "
                f"its ground truth {pair.truth.path} has {truth.shape[1]}x{truth.shape[0]}. Use masks of one size, or "
                "resize the predictions with --resize."
            )
        size = (truth.shape[1], truth.shape[0])
        predicted = np.asarray(Image.fromarray(predicted.astype(np.uint8)).resize(size, Image.Resampling.NEAREST)) > 0
    valid = None if pair.valid is None else read_mask(pair.valid)
    if pair.valid is not None and valid is not None and valid.shape != truth.shape:
        raise UserError(
            f"{pair.valid.path} has {valid.shape[1]}x{valid.shape[0]} pixels, but the ground truth {pair.truth.path} "
            f"has {truth.shape[1]}x{truth.shape[0]}. Use masks of the same size."
        )
    return predicted, truth, valid


def evaluate_pairs(pairs: Sequence[Pair], *, resize: bool = False) -> Evaluation:
    """Scores every comparison. Raises as ``load_pair`` does."""
    scores: dict[str, dict[str, MaskScore]] = {}
    for pair in pairs:
        scores.setdefault(pair.object, {})[pair.view] = score_masks(*load_pair(pair, resize=resize))
    return Evaluation(scores)
