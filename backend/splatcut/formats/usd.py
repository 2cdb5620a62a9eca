# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""USD's ``ParticleField3DGaussianSplat`` through usd-core: a prim for every object and one for the background.

Written are ``/SplatCut/objects/<name>`` and ``/SplatCut/background``, in the scene's own axes and units. Scales and
opacities are linear, harmonics raw with the constant one first (OpenUSD 26.03, UsdVol).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splatcut.errors import UserError
from splatcut.formats.packages import install, require
from splatcut.formats.parts import Part, linear, logarithmic, placed
from splatcut.messages.conversion import located
from splatcut.messages.findings import Finding
from splatcut.scene.gaussians import ANTIALIASED, CLASSIC, Gaussians

_TYPE = "ParticleField3DGaussianSplat"
_ROOT, _OBJECTS, _BACKGROUND = "/SplatCut", "/SplatCut/objects", "/SplatCut/background"
#: Keys of the custom data that hold an object's name, which a prim's cannot always be, and the antialiased mark.
_NAME, _ANTIALIASED = "splatcut:name", "splatcut:antialiased"


def _usd(purpose: str) -> Any:
    """The modules of usd-core that are used, if they know splats."""
    require("pxr", purpose)
    from pxr import Gf, Sdf, Tf, Usd, UsdGeom, UsdVol, Vt  # pyright: ignore[reportMissingImports]

    if not hasattr(UsdVol, _TYPE):
        raise UserError(f"{purpose} needs usd-core 26.3 or newer. Install it with: {install('-U usd-core')}")
    return {"Gf": Gf, "Sdf": Sdf, "Tf": Tf, "Usd": Usd, "UsdGeom": UsdGeom, "UsdVol": UsdVol, "Vt": Vt}


def read(path: Path) -> tuple[list[Part], NDArray[np.float64], tuple[Finding, ...]]:
    """The splats of a USD file, each prim where its transform puts it, in the file's own world axes.

    Prims that SplatCut wrote are objects and background; of others, each is an object where there are several.

    Returns:
        The parts, their world offset [3], and what is to say about them.

    Raises:
        UserError: usd-core is missing, no USD file, no splats in it, or splats with arrays that do not fit.
    """
    usd = _usd("Reading USD")
    try:
        stage = usd["Usd"].Stage.Open(str(path))
    except usd["Tf"].ErrorException as error:
        detail = " ".join(str(error).split())[:200]
        raise UserError(f"{path.name} is not a USD file, or it is damaged ({detail}). Export it again.") from error
    # What is instanced stands in the stage, too.
    there = [prim for prim in stage.Traverse(usd["Usd"].TraverseInstanceProxies()) if prim.GetTypeName() == _TYPE]
    if not there:
        raise UserError(
            f"{path.name} holds no splats: it has no prim of type {_TYPE}. Export the splats as prims of this type."
        )
    when, findings = usd["Usd"].TimeCode.EarliestTime(), []
    prims = [prim for prim in there if not _hidden(usd, prim, when)]
    if not prims:
        raise UserError(
            f"All splats in {path.name} are hidden (invisible, proxies or guides). Make them visible and export them "
            "again."
        )
    if len(prims) < len(there):
        names = ", ".join(str(prim.GetPath()) for prim in there if prim not in prims)
        what = f"Hidden splats (invisible, proxies or guides) are left out: {names}."
        findings.append(Finding("note", what, path.name))
    parts, matrices = [], []
    for prim in prims:
        with located(f"the prim {prim.GetPath()} of {path.name}"):
            parts.append(Part(_name(prim, len(prims) > 1), _gaussians(prim, when, findings)))
        # USD multiplies rows by matrices.
        matrices.append(np.array(usd["UsdGeom"].Xformable(prim).ComputeLocalToWorldTransform(when)).T)
    if len({part.gaussians.pixel_filter for part in parts}) > 1:
        raise UserError(
            f"Some splats of {path.name} are marked antialiased and some are not. Export them to separate files."
        )
    if any(prim.GetAttribute("positions").GetNumTimeSamples() > 1 for prim in prims):
        what = "The splats in the file are animated."
        findings.append(Finding("warning", what, path.name, "Only the first frame is read."))
    return *placed(parts, matrices), tuple(findings)


def _hidden(usd: Any, prim: Any, when: Any) -> bool:
    """Whether renderers leave the prim out, as they do by themselves what is invisible, and proxies and guides."""
    tokens, seen = usd["UsdGeom"].Tokens, usd["UsdGeom"].Imageable(prim)
    return seen.ComputeVisibility(when) == tokens.invisible or seen.ComputePurpose() in (tokens.proxy, tokens.guide)


def _name(prim: Any, several: bool) -> str:
    """The object that a prim stands for; "" for the background."""
    path = str(prim.GetPath())
    if path == _BACKGROUND:
        return ""
    if path.startswith(f"{_OBJECTS}/") or several:
        return prim.GetCustomDataByKey(_NAME) or prim.GetName()
    return ""


def _gaussians(prim: Any, when: Any, findings: list[Finding]) -> Gaussians:
    def array(name: str, width: int, count: int | None = None, default: Any = None) -> NDArray[np.floating]:
        """The values of an attribute [N, width], of its half-precision variant where it has none itself."""
        for attribute in (prim.GetAttribute(name), prim.GetAttribute(f"{name}h")):
            values = attribute.Get(when) if attribute.IsValid() else None
            if values is not None and (len(values) or count == 0):
                found = np.asarray(values).reshape(len(values), -1)
                if found.shape[1] != width or count not in (None, len(found)):
                    wanted = f"({'N' if count is None else count}, {width})"
                    raise UserError(f"{name} has the shape {found.shape}, not {wanted}. Export the file again.")
                return found
        if default is None:
            raise UserError(f"It has no {name}. Export the file again.")
        return np.tile(np.float32(default), (count or 0, 1))

    means = array("positions", 3)
    count = len(means)
    if len(quats := array("orientations", 4, count, [0, 0, 0, 1])) != count:
        raise UserError(f"It has {count} positions but {len(quats)} orientations. Export the file again.")
    log_scales, logits = logarithmic(array("scales", 3, count), array("opacities", 1, count, [1])[:, 0])
    degree = int(prim.GetAttribute("radiance:sphericalHarmonicsDegree").Get(when))  # 3 where it is not set
    coefficients = (degree + 1) ** 2
    sh = array("radiance:sphericalHarmonicsCoefficients", 3, count * coefficients).reshape(count, coefficients, 3)
    if degree > 4:
        findings.append(
            Finding(
                "warning", f"The prim {prim.GetPath()} has SH degree {degree}.", remedy="It is read up to degree 4."
            )
        )
    drawn = ANTIALIASED if prim.GetCustomDataByKey(_ANTIALIASED) else CLASSIC
    return Gaussians(
        means=np.ascontiguousarray(means, np.float32),
        log_scales=log_scales,
        quats=np.roll(quats, 1, axis=1).astype(np.float32),  # numpy sees a USD quaternion as xyzw
        opacity_logits=logits,
        sh=np.ascontiguousarray(sh[:, :25], np.float32),
        pixel_filter=drawn,
    )


def write(path: Path, parts: list[Part], offset: NDArray[np.float64]) -> None:
    """Writes a USD file (.usda as text). A scene without objects is ``/SplatCut/background`` alone.

    Args:
        offset: [3] world offset of the parts; becomes a translation, in double precision, of ``/SplatCut``.
    """
    usd = _usd("Writing USD")
    stage = usd["Usd"].Stage.CreateNew(str(path)) if not path.exists() else _replaced(usd, path)
    usd["UsdGeom"].SetStageUpAxis(stage, usd["UsdGeom"].Tokens.y)
    usd["UsdGeom"].SetStageMetersPerUnit(stage, 1.0)
    root = usd["UsdGeom"].Xform.Define(stage, _ROOT)
    stage.SetDefaultPrim(root.GetPrim())
    if offset.any():
        root.AddTranslateOp().Set(usd["Gf"].Vec3d(*offset.tolist()))
    taken: set[str] = set()
    for part in parts:
        place = _BACKGROUND
        if part.name:
            if not taken:
                usd["UsdGeom"].Scope.Define(stage, _OBJECTS)
            stem = name = _identifier(part.name)
            while name in taken:
                name = f"{stem}_{len(taken)}"
            taken.add(name)
            place = f"{_OBJECTS}/{name}"
        _write_part(usd, stage, place, part)
    stage.GetRootLayer().Save()


def _identifier(name: str) -> str:
    """A prim's name that is like an object's: letters of any language, digits and underscores (as in Python)."""
    made = "".join(letter if f"_{letter}".isidentifier() else "_" for letter in name)
    return made if made.isidentifier() else f"_{made}"


def _replaced(usd: Any, path: Path) -> Any:
    """A stage in an empty file that is there already."""
    layer = usd["Sdf"].Layer.CreateAnonymous(path.suffix)
    if not layer.Export(str(path)):
        raise UserError(f"{path} cannot be written. Choose another folder or name.")
    return usd["Usd"].Stage.Open(str(path))


def _write_part(usd: Any, stage: Any, place: str, part: Part) -> None:
    vt, g = usd["Vt"], part.gaussians
    scales, opacities, quats = linear(g)
    splat = usd["UsdVol"].ParticleField3DGaussianSplat.Define(stage, place)
    prim = splat.GetPrim()
    if part.name:
        prim.SetCustomDataByKey(_NAME, part.name)
        prim.SetDisplayName(part.name)
    if g.antialiased:
        prim.SetCustomDataByKey(_ANTIALIASED, True)
    reach = 3 * scales.max(axis=1, keepdims=True)
    ends = [(g.means - reach).min(axis=0), (g.means + reach).max(axis=0)]
    splat.CreateExtentAttr(vt.Vec3fArray.FromNumpy(np.array(ends, np.float32)))
    splat.CreatePositionsAttr(vt.Vec3fArray.FromNumpy(g.means))
    splat.CreateOrientationsAttr(vt.QuatfArray.FromNumpy(np.ascontiguousarray(np.roll(quats, -1, axis=1))))
    splat.CreateScalesAttr(vt.Vec3fArray.FromNumpy(scales))
    splat.CreateOpacitiesAttr(vt.FloatArray.FromNumpy(opacities))
    splat.CreateRadianceSphericalHarmonicsDegreeAttr(g.sh_degree)
    splat.CreateRadianceSphericalHarmonicsCoefficientsAttr(vt.Vec3fArray.FromNumpy(g.sh.reshape(-1, 3)))
    splat.CreateProjectionModeHintAttr("perspective")
    splat.CreateSortingModeHintAttr("zDepth")
