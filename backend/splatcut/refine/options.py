# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What the refinement does, how much and how fast."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from splatcut.errors import UserError

#: What the continuous field does: nothing, or joins in, whole or without one of its parts.
FieldUse = Literal["off", "full", "no-rbf", "no-hash"]
FIELD_USES: tuple[FieldUse, ...] = ("off", "full", "no-rbf", "no-hash")


@dataclass(frozen=True)
class RefineOptions:
    """The refinement's options.

    Attributes:
        iterations, passes: one view is drawn in each iteration; there are ``iterations`` of them or ``passes`` over
            all views, whichever is more.
        tau: total mask variance above which a Gaussian is optimised, in [0, 1] (``refine.movers``).
        mask, alone, photo: weights of L_mask, L_alone and L_photo; 0 switches one off.
        average: share of the iterations, the last ones, over which the parameters are averaged, in [0, 1].
        parts: tiles away from the masks' edges are drawn in one of so many iterations on their view, and weigh so
            many times as much then; at least 1.
        field: what the continuous field does.
        seed: of all random numbers.
    """

    iterations: int = 650
    passes: int = 10
    tau: float = 0.1
    mask: float = 1.0
    alone: float = 1.0
    photo: float = 1.0
    average: float = 0.25
    parts: int = 4
    field: FieldUse = "off"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.iterations < 1 or self.parts < 1 or self.passes < 0:
            raise ValueError("iterations and parts must be at least 1, and passes at least 0.")
        for name in ("mask", "alone", "photo"):
            if not 0.0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be 0 or above, not {getattr(self, name)}.")
        for name in ("tau", "average"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} must lie in [0, 1], not {getattr(self, name)}.")
        if self.field not in FIELD_USES:
            raise ValueError(f"field must be one of {', '.join(FIELD_USES)}, not {self.field!r}.")

    def steps(self, views: int) -> int:
        """How many iterations there are for so many views."""
        return max(self.iterations, self.passes * views)

    @staticmethod
    def of(
        quality: str = "standard", tau: float = 0.1, seed: int = 0, experiment: Mapping[str, Any] | None = None
    ) -> RefineOptions:
        """The options of a job.

        Args:
            quality: one of ``BUDGETS``.
            experiment: other fields by name, for benchmarks.

        Raises:
            UserError: no such quality or field, or a value that it refuses.
        """
        if quality not in BUDGETS:
            raise UserError(f"There is no quality {quality!r}. There are {', '.join(BUDGETS)}.")
        iterations, passes = BUDGETS[quality]
        options = RefineOptions(iterations=iterations, passes=passes, tau=tau, seed=seed)
        known = {item.name: getattr(options, item.name) for item in fields(options)}
        for name, value in (experiment or {}).items():
            if name not in known:
                raise UserError(f"The refinement has no option {name!r}. It has {', '.join(known)}.")
            kind = type(known[name])
            if isinstance(value, bool) != (kind is bool) or not isinstance(
                value, (int, float) if kind is float else kind
            ):
                raise UserError(
                    f"The refinement's option {name} cannot be {value!r}; it is {known[name]!r} by default."
                )
            try:
                options = replace(options, **{name: kind(value)})
            except ValueError as error:
                raise UserError(f"The refinement's option {name} cannot be {value!r}: {error}") from error
        return options


#: ``iterations`` and ``passes`` of each quality.
BUDGETS = {"draft": (150, 3), "standard": (650, 10), "fine": (1300, 20)}

#: Adam's step sizes: of means in pixels of the Gaussian's closest view, of the others in their own units.
#: The means' and scales' are what plain optimisation of a whole scene takes late in its training; smaller ones leave a
#: scene of large, smooth surfaces far from its masks (method: learning rates).
RATES = {
    "means": 0.1,
    "log_scales": 0.005,
    "quats": 0.001,
    "opacity_logits": 0.025,
    "sh_dc": 0.0025,
    "sh_rest": 0.000125,
    "label_logits": 0.05,
}

#: Share of the iterations, the first ones, in which the continuous field learns from the Gaussians and gives nothing
#: back.
WARM_UP = 0.15
