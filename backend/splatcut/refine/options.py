# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What the refinement does, how much and how fast."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, fields, replace
from dataclasses import field as made

#: Iterations of a round at least, passes over the views at least, and rounds, for each quality.
BUDGETS = {"draft": (150, 3, 1), "standard": (400, 12, 1), "fine": (1000, 30, 2)}
#: The weight of L_photo where nothing gives the picture back in the end (draft), and of the ablation "no-noise".
PHOTO_ALONE = 3.0
#: What can be left out to see what it is worth (``RefineOptions.of``).
ABLATIONS = (
    "no-rbf",
    "no-hash",
    "field-then-gaussians",
    "no-alone",
    "no-spill",
    "no-far",
    "no-between",
    "no-picture",
    "no-noise",
    "no-hidden",
)


@dataclass(frozen=True)
class Weights:
    """Factors of the losses' parts (method: joint optimisation); 0 switches a part off.

    Attributes:
        mask: cross-entropy of the label image with the masks (L_mask, the Gaussians' part).
        alone: cross-entropy of the objects' own coverage with the masks (L_alone).
        spill: how many times as heavy pixels outside of an object's mask count in it; far: how many times as heavy
            pixels do that are far from the mask's edge, on either side (``band.Band.far``).
        photo: L1 and structural similarity to the photo (L_photo).
        between: Huber distance to the input scene's render, from between the views (L_between).
        hold: cross-entropy of the label image from between the views with what it was when the shapes were settled
            (L_hold; ``Picture``).
        align: colour, alpha and local variance of the difference between Gaussians and field (L_align).
        field_mask: cross-entropy of the field's rendered probabilities with the masks (L_mask, the field's part).
        continuity: colour differences of neighbouring boundary Gaussians of one object (L_cont).
        smoothness: differences of the field over small steps (L_smth).
    """

    mask: float = 1.0
    alone: float = 1.0
    spill: float = 1.5
    far: float = 3.0
    photo: float = 1.75
    between: float = 3.0
    hold: float = 0.0
    align: float = 0.3
    field_mask: float = 1.0
    continuity: float = 0.01
    smoothness: float = 0.03

    def __post_init__(self) -> None:
        for item in fields(self):
            if not 0.0 <= getattr(self, item.name) < math.inf:
                raise ValueError(f"The weight {item.name} must be 0 or above, not {getattr(self, item.name)}.")


@dataclass(frozen=True)
class Rates:
    """Adam's step sizes at the start of a round; they fall exponentially to ``last`` of it.

    Attributes:
        means: pixels of the Gaussian's closest view; log_scales, quats, opacity_logits, sh_dc, sh_rest, label_logits:
            in the parameters' own units.
        field_network, field_table: of the field's network and of its hash tables.
        last: share of each that is left at the end, in (0, 1].
    """

    means: float = 0.03
    log_scales: float = 0.002
    quats: float = 0.001
    opacity_logits: float = 0.025
    sh_dc: float = 0.0025
    sh_rest: float = 0.000125
    label_logits: float = 0.05
    field_network: float = 0.005
    field_table: float = 0.02
    last: float = 0.1

    def __post_init__(self) -> None:
        for item in fields(self):
            if not 0.0 <= getattr(self, item.name) < math.inf:
                raise ValueError(f"The rate {item.name} must be 0 or above, not {getattr(self, item.name)}.")
        if not 0.0 < self.last <= 1.0:
            raise ValueError("The rates' share that is left at the end must be above 0 and at most 1.")


@dataclass(frozen=True)
class FieldUse:
    """How the continuous field takes part.

    Attributes:
        on: whether there is a field at all (off: measured to gain nothing).
        rbf: whether the interpolated Gaussians modulate it (FiLM); hash: hash encoding, else sines and cosines.
        joint: field and Gaussians together; otherwise the field first, then the Gaussians against the finished field.
        rays: per iteration; samples: per ray.
    """

    on: bool = False
    rbf: bool = True
    hash: bool = True
    joint: bool = True
    rays: int = 1024
    samples: int = 12

    def __post_init__(self) -> None:
        if self.rays < 1 or self.samples < 4:
            raise ValueError("The field needs at least 1 ray and 4 samples a ray.")


@dataclass(frozen=True)
class Picture:
    """The end of the refinement, when the objects' shapes are settled: what does not show in their coverage, which is
    colours and the background's Gaussians, is fitted to the picture once more. L_alone has no part in it.

    Attributes:
        share: its iterations, in terms of the round's before it; 0 leaves it out.
        photo, between: the weights of L_photo and L_between in it, if they have one at all.
        mask: how many times as heavy L_mask is in it; hold: the weight of L_hold: nothing but the label image tells
            what the background's Gaussians hide of an object.
        colour: by how much the rates of colours are higher in it; background: those of the background's Gaussians'
            means, scales, rotations and opacities.
        sure: the probability in the lift above which a Gaussian is the background's in this sense. What was less sure
            keeps its shape, lest it grow back before the objects' edges.
        average: share of its iterations, the last ones, over which the parameters are averaged.
    """

    share: float = 1.0
    photo: float = 12.0
    between: float = 8.0
    mask: float = 8.0
    hold: float = 8.0
    colour: float = 24.0
    background: float = 6.0
    sure: float = 0.9
    average: float = 0.5

    def __post_init__(self) -> None:
        for item in fields(self):
            if not 0.0 <= getattr(self, item.name) < math.inf:
                raise ValueError(f"The picture's {item.name} must be 0 or above, not {getattr(self, item.name)}.")
        for name in ("sure", "average"):
            if getattr(self, name) > 1.0:
                raise ValueError(f"The picture's {name} must lie in [0, 1], not {getattr(self, name)}.")


@dataclass(frozen=True)
class RefineOptions:
    """The refinement's options.

    Attributes:
        iterations: of a round, one view each; passes: over all views in a round; whichever is more, and as many again
            for the views in between (``for_views``).
        rounds: of detecting, splitting and optimising.
        split: whether boundary Gaussians are split before each round (off: measured to gain nothing); tau: total mask
            variance above which they are, in [0, 1] (method: boundary Gaussians).
        tau_move: total mask variance above which a Gaussian may move.
        outside: share of an object's Gaussian, rendered alone, outside the masks above which it may move, too.
        edge: share of what the views show of a Gaussian that lies along the masks' edges above which it may move, too:
            on a round object seen from all sides nearly every Gaussian is on the outline of some view.
        hidden: whether what no view supports of the objects is cut off before each round (method: hidden extents).
        parts: the tiles away from the edges and the errors take turns: one of so many parts of them in an iteration.
        patience: a round ends early when the loss on the masks has not fallen by 0.5% within this many iterations
            (whole turns through the views); 0 never.
        average: share of a round's iterations, its last ones, over which the parameters are averaged in the end.
        photo_error: how far the input's render has to be from a view's photo, root mean square in (0, 1], for the photo
            alone to be what the render is held to. Nearer, the rest is the input's render, in proportion: it has less
            noise than any one photo.
        noise: how far the input's renders are from the photos, all taken together, for L_between to weigh what
            ``weights`` says; photo_noise: the same for L_photo. Farther, they weigh less, in inverse proportion
            (``for_error``). 0: they never do.
        between: with how many of its nearest views each view is paired; from half-way between two the render is held
            to the input scene's, in an iteration after each one on a view. 0: from the views alone.
        weights, rates, field, picture: see there.
        seed: of every random number.
    """

    iterations: int = 400
    passes: int = 12
    rounds: int = 1
    split: bool = False
    tau: float = 0.6
    tau_move: float = 0.1
    outside: float = 0.05
    edge: float = 0.002
    hidden: bool = True
    parts: int = 4
    patience: int = 0
    average: float = 0.25
    photo_error: float = 0.04
    noise: float = 0.03
    photo_noise: float = 0.05
    between: int = 3
    weights: Weights = made(default_factory=Weights)
    rates: Rates = made(default_factory=Rates)
    field: FieldUse = made(default_factory=FieldUse)
    picture: Picture = made(default_factory=Picture)
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.iterations, self.rounds, self.parts) < 1 or min(self.patience, self.passes, self.between) < 0:
            raise ValueError(
                "Iterations, rounds and parts must be at least 1; patience, passes and between not negative."
            )
        for name in ("tau", "tau_move", "outside", "edge", "average"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} must lie in [0, 1], not {getattr(self, name)}.")
        if not 0.0 < self.photo_error <= 1.0:
            raise ValueError(f"photo_error must lie in (0, 1], not {self.photo_error}.")
        for name in ("noise", "photo_noise"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} must lie in [0, 1], not {getattr(self, name)}.")

    def for_views(self, count: int, turns: int = 1) -> RefineOptions:
        """These options with as many iterations as ``count`` views take; ``turns`` times that if others go between."""
        return replace(self, iterations=turns * max(self.iterations, self.passes * count), passes=0)

    def for_error(self, error: float) -> RefineOptions:
        """These options for a scene whose renders are ``error`` away from the photos, root mean square in [0, 1].

        A scene that explains its photos badly is no measure of what its picture should be along an edge: an absolute
        difference of a given size says the less the larger differences are in any case (the logarithm of a Laplace
        distribution's density falls with the distance in terms of its scale).
        """
        between, photo = (limit / error if 0.0 < limit < error else 1.0 for limit in (self.noise, self.photo_noise))
        w = self.weights
        return replace(
            self,
            weights=replace(w, photo=photo * w.photo, between=between * w.between),
            # With the shapes settled small changes are left, which count by their squares.
            picture=replace(self.picture, between=between**2 * self.picture.between),
        )

    def for_picture(self) -> RefineOptions | None:
        """The options of the refinement's end (``Picture``), of these, which have been ``for_views``; None without it.

        The rates of means, scales, rotations and opacities are those for the background's Gaussians.
        """
        picture, rates = self.picture, self.rates
        iterations = round(picture.share * self.iterations)
        if iterations == 0:
            return None
        shape = {name: picture.background * getattr(rates, name) for name in ("means", "log_scales", "quats")}
        return replace(
            self,
            iterations=iterations,
            patience=0,
            average=picture.average,
            weights=replace(
                self.weights,
                mask=picture.mask * self.weights.mask,
                alone=0.0,
                hold=picture.hold,
                photo=picture.photo if self.weights.photo > 0 else 0.0,
                between=picture.between if self.weights.between > 0 else 0.0,
            ),
            rates=replace(
                rates,
                **shape,
                opacity_logits=picture.background * rates.opacity_logits,
                sh_dc=picture.colour * rates.sh_dc,
                sh_rest=picture.colour * rates.sh_rest,
                label_logits=0.0,
            ),
            field=replace(self.field, on=False),
        )

    @staticmethod
    def of(
        quality: str = "standard",
        tau: float = 0.6,
        seed: int = 0,
        ablate: Collection[str] = (),
        split: bool | None = None,
        field: bool = False,
    ) -> RefineOptions:
        """The options of a job.

        Args:
            quality: among ``BUDGETS``; ablate: among ``ABLATIONS``; split: None takes what has been measured best;
                field: whether the continuous field takes part.

        Raises:
            ValueError: an unknown quality or ablation.
        """
        if quality not in BUDGETS:
            raise ValueError(f"There is no quality {quality!r}. There are {', '.join(BUDGETS)}.")
        unknown = [name for name in ablate if name not in ABLATIONS]
        if unknown:
            raise ValueError(f"There is nothing called {unknown[0]!r} to leave out. There are {', '.join(ABLATIONS)}.")
        iterations, passes, rounds = BUDGETS[quality]
        plain = RefineOptions()
        # Without views in between the picture gains nothing from iterations of its own.
        brief = quality == "draft"
        weights = plain.weights
        if "no-alone" in ablate:
            weights = replace(weights, alone=0.0)
        if "no-spill" in ablate:
            weights = replace(weights, spill=1.0)
        if brief or "no-noise" in ablate:
            weights = replace(weights, photo=PHOTO_ALONE)
        if "no-far" in ablate:
            weights = replace(weights, far=1.0)
        return replace(
            plain,
            iterations=iterations,
            passes=passes,
            rounds=rounds,
            tau=tau,
            seed=seed,
            split=plain.split if split is None else split,
            hidden=plain.hidden and "no-hidden" not in ablate,
            noise=0.0 if "no-noise" in ablate else plain.noise,
            photo_noise=0.0 if "no-noise" in ablate else plain.noise if brief else plain.photo_noise,
            between=0 if brief or "no-between" in ablate else plain.between,
            weights=weights,
            picture=replace(plain.picture, share=0.0) if brief or "no-picture" in ablate else plain.picture,
            field=replace(
                plain.field,
                on=field,
                rbf=plain.field.rbf and "no-rbf" not in ablate,
                hash=plain.field.hash and "no-hash" not in ablate,
                joint=plain.field.joint and "field-then-gaussians" not in ablate,
            ),
        )
