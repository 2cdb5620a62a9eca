# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""glTF's ``KHR_gaussian_splatting``, as .glb and .gltf: a node for every object and one for the background.

glTF's axes are left-up-forward by their letters (y up, z to the front), so x and y of a PLY are negated; exactly, and
colours with them. Scales and opacities are linear, harmonics raw, up to degree 3.
"""

from __future__ import annotations

import base64
import json
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from splatcut.errors import UserError
from splatcut.formats.axes import matrix, reorient
from splatcut.formats.parts import Part, linear, logarithmic, placed
from splatcut.messages.findings import Finding
from splatcut.scene.gaussians import ANTIALIASED, CLASSIC, Gaussians
from splatcut.scene.rotations import rotation_matrices

_EXTENSION = "KHR_gaussian_splatting"
_AXES, _PLY = "LUF", "RDF"
_MAGIC, _JSON, _BINARY = b"glTF", 0x4E4F534A, 0x004E4942
#: Component type -> numpy's code and what a normalised number is divided by.
_COMPONENTS = {5120: ("i1", 127), 5121: ("u1", 255), 5122: ("<i2", 32767), 5123: ("<u2", 65535), 5126: ("<f4", 1)}
#: The same of a sparse accessor's indices.
_INDICES = {5121: "u1", 5123: "<u2", 5125: "<u4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}
#: Extras of SplatCut's own nodes ("object" or "background") and of antialiased primitives.
_KIND, _ANTIALIASED = "splatcut", "splatcut:antialiased"
_MOST_BYTES = 2**32 - 1


def read(path: Path) -> tuple[list[Part], NDArray[np.float64], tuple[Finding, ...]]:
    """The splats of a glTF file, each node where its transforms put it, in a PLY's axes.

    Nodes that SplatCut wrote are objects and background; of others, each is an object where there are several.

    Returns:
        The parts, their world offset [3], and what is to say about them.

    Raises:
        UserError: no glTF, no splats in it, compressed ones, or accessors that do not fit.
    """
    file = _File(path)
    found = [
        (node, primitive, world)
        for node, world in file.nodes()
        for primitive in file.primitives(node)
        if _EXTENSION in primitive.get("extensions", {})
    ]
    if not found:
        raise UserError(
            f"{path.name} holds no splats: no mesh in it has {_EXTENSION}. Export the splats with this extension."
        )
    turn = np.eye(4)
    turn[:3, :3] = matrix(_AXES, _PLY)
    findings: list[Finding] = []
    parts, matrices = [], []
    for number, (node, primitive, world) in enumerate(found, start=1):
        parts.append(Part(_name(node, number, len(found) > 1), file.gaussians(primitive, findings)))
        matrices.append(turn @ world @ turn)  # turning is its own inverse
    return *placed(parts, matrices), tuple(dict.fromkeys(findings))


def _name(node: dict[str, Any], number: int, several: bool) -> str:
    """The object that a node stands for; "" for the background."""
    extras = node.get("extras")
    kind = extras.get(_KIND) if isinstance(extras, dict) else None
    if kind == "background" or (kind is None and not several):
        return ""
    return node.get("name") or f"splats_{number}"


class _File:
    """A glTF file that is read; wrong indices and types end as a damaged file (``formats.door``)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        content = path.read_bytes()
        self._binary = b""
        if content[:4] == _MAGIC:
            content = self._chunks(content)
        try:
            self._json: dict[str, Any] = json.loads(content)
            self._buffers = [self._buffer(item) for item in self._json.get("buffers", [])]
        except (ValueError, AttributeError) as error:
            raise UserError(f"{path.name} is not a glTF file, or it is damaged ({error}). Export it again.") from error

    def _chunks(self, content: bytes) -> bytes:
        """The JSON of a .glb; keeps its binary chunk."""
        place, text = 12, b""
        while place + 8 <= len(content):
            length, kind = struct.unpack_from("<II", content, place)
            chunk = content[place + 8 : place + 8 + length]
            if len(chunk) < length:
                raise UserError(f"{self._path.name} is truncated. Copy or export it again.")
            if kind == _JSON:
                text = chunk
            elif kind == _BINARY and not self._binary:
                self._binary = chunk
            place += 8 + length
        return text

    def _buffer(self, item: dict[str, Any]) -> bytes:
        uri = item.get("uri")
        if uri is None:
            return self._binary
        if uri.startswith("data:"):
            return base64.b64decode(uri.partition(",")[2])
        name = unquote(uri)
        if Path(name).is_absolute() or ".." in Path(name).parts or ":" in name:
            raise UserError(f"{self._path.name} refers to {name!r}, which is not beside it. Export it as .glb.")
        return (self._path.parent / name).read_bytes()

    def nodes(self) -> list[tuple[dict[str, Any], NDArray[np.float64]]]:
        """All nodes of the scene with their world matrices [4, 4]."""
        nodes = self._json.get("nodes", [])
        scenes = self._json.get("scenes", [])
        children = {child for node in nodes for child in node.get("children", [])}
        roots = scenes[self._json.get("scene", 0)].get("nodes", []) if scenes else set(range(len(nodes))) - children
        found, open_nodes = [], [(place, np.eye(4)) for place in sorted(roots, reverse=True)]
        while open_nodes:
            place, above = open_nodes.pop()
            if len(found) > len(nodes):
                raise UserError(f"The nodes of {self._path.name} form a loop. Export it again.")
            world = above @ _local(nodes[place])
            found.append((nodes[place], world))
            open_nodes += [(child, world) for child in reversed(nodes[place].get("children", []))]
        return found

    def primitives(self, node: dict[str, Any]) -> list[dict[str, Any]]:
        """The primitives of a node's mesh."""
        return self._json["meshes"][node["mesh"]]["primitives"] if "mesh" in node else []

    def gaussians(self, primitive: dict[str, Any], findings: list[Finding]) -> Gaussians:
        """The splats of a primitive, in a PLY's axes; adds to ``findings``."""
        about = primitive["extensions"][_EXTENSION]
        if any("compression" in name or "spz" in name for name in about.get("extensions", {})):
            raise UserError(f"The splats of {self._path.name} are compressed. Export them without compression.")
        if about.get("kernel", "ellipse") != "ellipse":
            raise UserError(
                f"{self._path.name} has splats with the kernel {about['kernel']!r}; only ellipses are read."
            )
        if about.get("colorSpace") == "lin_rec709_display":
            what = "The splats were trained with linear colours, but SplatCut blends them as sRGB."
            findings.append(Finding("warning", what, self._path.name, "They will look too dark."))
        names = primitive["attributes"]
        means = self._values(names, "POSITION")
        log_scales, logits = logarithmic(self._splat(names, "SCALE"), self._splat(names, "OPACITY")[:, 0])
        bands = max(band for band in range(1, 5) if band == 1 or f"{_EXTENSION}:SH_DEGREE_{band - 1}_COEF_0" in names)
        sh = [self._splat(names, f"SH_DEGREE_{band}_COEF_{k}") for band in range(bands) for k in range(2 * band + 1)]
        extras = primitive.get("extras")
        return _half_turn(
            Gaussians(
                means=means,
                log_scales=log_scales,
                quats=np.roll(self._splat(names, "ROTATION"), 1, axis=1),  # xyzw in the file
                opacity_logits=logits,
                sh=np.stack(sh, axis=1),
                pixel_filter=ANTIALIASED if isinstance(extras, dict) and extras.get(_ANTIALIASED) else CLASSIC,
            )
        )

    def _splat(self, names: dict[str, int], name: str) -> NDArray[np.float32]:
        return self._values(names, f"{_EXTENSION}:{name}")

    def _values(self, names: dict[str, int], name: str) -> NDArray[np.float32]:
        """[N, width] values of an attribute."""
        if name not in names:
            raise UserError(f"The splats of {self._path.name} have no {name}. Export the file again.")
        accessor = self._json["accessors"][names[name]]
        code, full = _COMPONENTS[accessor["componentType"]]
        count, width, dtype = accessor["count"], _WIDTHS[accessor["type"]], np.dtype(code)
        values = np.zeros((count, width), dtype)
        if "bufferView" in accessor:
            values[:] = self._array(name, accessor, count, width, dtype)
        if "sparse" in accessor:
            sparse = accessor["sparse"]
            codes = np.dtype(_INDICES[sparse["indices"]["componentType"]])
            places = self._array(name, sparse["indices"], sparse["count"], 1, codes)[:, 0]
            values[places] = self._array(name, sparse["values"], sparse["count"], width, dtype)
        found = values.astype(np.float32)
        return found / np.float32(full) if accessor.get("normalized") else found

    def _array(self, name: str, place: dict[str, Any], count: int, width: int, dtype: np.dtype[Any]) -> NDArray[Any]:
        """[count, width] numbers of a buffer view, from where ``place`` says."""
        view = self._json["bufferViews"][place["bufferView"]]
        if "EXT_meshopt_compression" in view.get("extensions", {}):
            raise UserError(f"{self._path.name} is compressed (meshopt). Export it without compression.")
        stride = view.get("byteStride") or width * dtype.itemsize
        start = view.get("byteOffset", 0) + place.get("byteOffset", 0)
        data = self._buffers[view["buffer"]]
        if count and start + (count - 1) * stride + width * dtype.itemsize > len(data):
            raise UserError(f"{self._path.name} is truncated: {name} runs past its end. Copy or export it again.")
        return np.ndarray((count, width), dtype, data, start, (stride, dtype.itemsize))


def _half_turn(gaussians: Gaussians) -> Gaussians:
    """The Gaussians in glTF's axes, or back in a PLY's: half a turn about z, exact (quaternions change their sign)."""
    w, x, y, z = gaussians.quats.T
    return replace(reorient(gaussians, _PLY, _AXES), quats=np.stack([-z, -y, x, w], axis=1))


def _local(node: dict[str, Any]) -> NDArray[np.float64]:
    """[4, 4] parent_from_node."""
    if "matrix" in node:
        return np.array(node["matrix"], np.float64).reshape(4, 4).T
    made = np.eye(4)
    x, y, z, w = node.get("rotation", (0, 0, 0, 1))
    made[:3, :3] = rotation_matrices(np.array([[w, x, y, z]], np.float64))[0] * np.array(node.get("scale", (1, 1, 1)))
    made[:3, 3] = node.get("translation", (0, 0, 0))
    return made


def write(path: Path, parts: list[Part], offset: NDArray[np.float64]) -> None:
    """Writes a .glb, or a .gltf that holds its data itself.

    Args:
        parts: SH of at most degree 3.
        offset: [3] world offset of the parts; becomes a translation of the root node, in double precision.
    """
    document: dict[str, Any] = {
        "asset": {"version": "2.0", "generator": "SplatCut"},
        "extensionsUsed": [_EXTENSION],
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"name": "SplatCut", "children": list(range(1, len(parts) + 1))}],
        "meshes": [],
        "accessors": [],
        "bufferViews": [],
    }
    if offset.any():
        document["nodes"][0]["translation"] = (matrix(_PLY, _AXES) @ offset).tolist()
    blocks: list[bytes] = []
    for number, part in enumerate(parts):
        kind = "object" if part.name else "background"
        node: dict[str, Any] = {"name": part.name or "background", "mesh": number, "extras": {_KIND: kind}}
        document["nodes"].append(node)
        document["meshes"].append({"name": node["name"], "primitives": [_primitive(document, blocks, part.gaussians)]})
    data = b"".join(blocks)
    buffer: dict[str, Any] = {"byteLength": len(data)}
    document["buffers"] = [buffer]
    if path.suffix.lower() == ".gltf":
        buffer["uri"] = "data:application/octet-stream;base64," + base64.b64encode(data).decode("ascii")
        path.write_text(json.dumps(document), encoding="utf-8")
        return
    text = json.dumps(document).encode("utf-8")
    text += b" " * (-len(text) % 4)
    length = 12 + 8 + len(text) + 8 + len(data)
    if length > _MOST_BYTES:
        raise UserError("The scene is too large for a .glb, which can hold 4 GiB. Write a .usdc or .ply instead.")
    with path.open("wb") as stream:
        stream.write(struct.pack("<4sII", _MAGIC, 2, length))
        stream.write(struct.pack("<II", len(text), _JSON) + text)
        stream.write(struct.pack("<II", len(data), _BINARY) + data)


def _primitive(document: dict[str, Any], blocks: list[bytes], gaussians: Gaussians) -> dict[str, Any]:
    """A mesh's primitive; adds to the document's accessors and to the blocks of data."""
    g = _half_turn(gaussians)
    scales, opacities, quats = linear(g)
    attributes: dict[str, int] = {}

    def add(name: str, values: NDArray[np.float32], **more: Any) -> None:
        kind = next(kind for kind, width in _WIDTHS.items() if width == values.shape[1])
        attributes[name] = len(document["accessors"])
        about = {"bufferView": len(blocks), "componentType": 5126, "count": len(values), "type": kind, **more}
        document["accessors"].append(about)
        start = document["bufferViews"][-1] if document["bufferViews"] else {"byteOffset": 0, "byteLength": 0}
        place = start["byteOffset"] + start["byteLength"]
        blocks.append(values.astype("<f4").tobytes())
        document["bufferViews"].append({"buffer": 0, "byteOffset": place, "byteLength": len(blocks[-1])})

    add("POSITION", g.means, min=g.means.min(axis=0).tolist(), max=g.means.max(axis=0).tolist())
    add(f"{_EXTENSION}:ROTATION", np.roll(quats, -1, axis=1))
    add(f"{_EXTENSION}:SCALE", scales)
    add(f"{_EXTENSION}:OPACITY", opacities[:, None])
    for band in range(g.sh_degree + 1):
        for k in range(2 * band + 1):
            add(f"{_EXTENSION}:SH_DEGREE_{band}_COEF_{k}", g.sh[:, band * band + k])
    made: dict[str, Any] = {
        "attributes": attributes,
        "mode": 0,
        "extensions": {_EXTENSION: {"kernel": "ellipse", "colorSpace": "srgb_rec709_display"}},
    }
    return {**made, "extras": {_ANTIALIASED: True}} if gaussians.antialiased else made
