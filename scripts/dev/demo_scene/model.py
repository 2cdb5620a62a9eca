# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo scene: a still life of five touching objects on a round table, built in code.

teapot (a hole between handle and body), bread (a ring, leaning on the teapot), book, pear (standing on the book),
plant (thin stems and leaves in a clay pot). Axes: z up, table top at z = 0; a unit is some 30 cm.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import bpy
import materials
import numpy as np
import shapes
from mathutils import Matrix, Vector, noise
from mathutils.bvhtree import BVHTree
from shapes import F64, Shape, rotation, translation

#: The objects' names; label k + 1 belongs to OBJECTS[k], label 0 to table and backdrop.
OBJECTS = ("teapot", "bread", "plant", "pear", "book")
TABLE_RADIUS = 1.75
DOME_RADIUS = 7.0


@dataclass
class Item:
    """A mesh in its place: ``shape`` in the object's frame, ``matrix`` [4, 4] world_from_object, label, materials."""

    name: str
    shape: Shape
    matrix: F64
    label: int
    materials: list[bpy.types.Material]
    smooth: bool = True

    def in_world(self) -> Shape:
        return self.shape.transformed(self.matrix)


def teapot() -> Shape:
    """Body, lid with knob, spout towards -x, handle towards +x (the hole)."""
    body = [
        (0.0, 0.0),
        (0.24, 0.0),
        (0.27, 0.025),
        (0.37, 0.12),
        (0.42, 0.27),
        (0.385, 0.42),
        (0.29, 0.53),
        (0.22, 0.575),
    ]
    lid = [
        (0.255, 0.565),
        (0.245, 0.595),
        (0.15, 0.645),
        (0.045, 0.67),
        (0.04, 0.695),
        (0.07, 0.73),
        (0.055, 0.77),
        (0.0, 0.785),
    ]
    handle = [
        (0.33, 0, 0.47),
        (0.46, 0, 0.545),
        (0.62, 0, 0.53),
        (0.70, 0, 0.40),
        (0.66, 0, 0.24),
        (0.53, 0, 0.13),
        (0.37, 0, 0.13),
    ]
    spout = [(-0.33, 0, 0.17), (-0.47, 0, 0.22), (-0.56, 0, 0.36), (-0.62, 0, 0.50), (-0.70, 0, 0.58)]
    return shapes.joined(
        [
            shapes.lathe(body, rows=64, columns=96),
            shapes.lathe(lid, rows=48, columns=72),
            shapes.tube(handle, [0.042, 0.038, 0.036, 0.036, 0.042], rows=56, columns=20, flatten=1.25),
            shapes.tube(spout, [0.115, 0.085, 0.06, 0.05, 0.052], rows=48, columns=24),
        ]
    )


def bread(rng: np.random.Generator) -> Shape:
    """A lumpy ring with sesame seeds on its outward side (+z); material 1 is the seeds'."""

    def lumps(point: F64) -> float:
        p = Vector(point.tolist())
        return 0.035 * noise.noise(p * 3.1) + 0.012 * noise.noise(p * 9.0)

    major, minor = 0.33, 0.135
    parts = [shapes.ring(major, minor, lumps)]
    for _ in range(70):
        u, v = rng.uniform(0, 2 * math.pi), rng.normal(math.pi / 2, 0.62)
        outward = np.array([math.cos(u) * math.cos(v), math.sin(u) * math.cos(v), math.sin(v)])
        surface = np.array([major * math.cos(u), major * math.sin(u), 0]) + minor * outward
        surface = surface + outward * lumps(surface)
        first = np.cross(outward, rng.normal(size=3))
        first /= np.linalg.norm(first)
        axes = np.stack([0.026 * first, 0.015 * np.cross(outward, first), 0.008 * outward], axis=1)
        parts.append(shapes.with_material(shapes.ellipsoid(surface, axes), 1))
    return shapes.joined(parts)


def plant(rng: np.random.Generator) -> Shape:
    """Clay pot (0), earth (1), thin stems (2) with leaves (3)."""
    wall = [
        (0.0, 0.0), (0.165, 0.0), (0.17, 0.004), (0.215, 0.24), (0.217, 0.25), (0.245, 0.252), (0.25, 0.258),
        (0.256, 0.33), (0.25, 0.338), (0.222, 0.338), (0.217, 0.33), (0.212, 0.29),
    ]  # fmt: skip
    parts = [
        shapes.lathe(wall, columns=80, smooth=False),
        shapes.with_material(shapes.lathe([(0.0, 0.312), (0.1, 0.308), (0.214, 0.295)], rows=8, columns=48), 1),
    ]
    for index in range(11):
        angle = 2 * math.pi * index / 11 + rng.uniform(-0.2, 0.2)
        lean = rng.uniform(0.10, 0.42) if index % 3 else rng.uniform(0.02, 0.1)
        height = rng.uniform(0.42, 0.82) - 0.25 * lean
        out = np.array([math.cos(angle), math.sin(angle), 0.0])
        root = out * rng.uniform(0.02, 0.13) + np.array([0, 0, 0.295])
        path = np.array(
            [root + out * lean * t**1.7 + np.array([0, 0, height * (t - 0.18 * t * t)]) for t in (0, 0.33, 0.66, 1)]
        )
        parts.append(shapes.with_material(shapes.tube(path, [0.0125, 0.0105, 0.0085], rows=20, columns=8), 2))
        curve = shapes.spline(path, 60)
        for place, turn in ((0.55, 2.4), (0.70, -2.0), (0.84, 1.2), (0.99, 0.0)):
            start = curve[int(place * 59)]
            azimuth = angle + turn + rng.uniform(-0.4, 0.4)
            aim = np.array([math.cos(azimuth), math.sin(azimuth), rng.uniform(0.1, 0.7)])
            length = rng.uniform(0.16, 0.25)
            blade = [
                start + aim * length * t - np.array([0, 0, 0.13 * t * t * length / 0.2]) for t in (0, 0.35, 0.7, 1)
            ]
            tint = float(rng.uniform(0, 1))
            parts.append(shapes.with_material(shapes.leaf(blade, rng.uniform(0.034, 0.052), tint), 3))
    return shapes.joined(parts)


def pear() -> Shape:
    """Flesh (0) and stalk (1); its long axis is z."""
    profile = [
        (0.0, 0.03),
        (0.05, 0.0),
        (0.14, 0.03),
        (0.20, 0.13),
        (0.185, 0.24),
        (0.125, 0.335),
        (0.085, 0.41),
        (0.05, 0.455),
        (0.0, 0.455),
    ]
    stalk = [(0, 0, 0.44), (0.008, 0, 0.50), (0.035, 0.01, 0.57)]
    return shapes.joined(
        [
            shapes.lathe(profile, rows=56, columns=64),
            shapes.with_material(shapes.tube(stalk, [0.013, 0.012, 0.017], rows=12, columns=10), 1),
        ]
    )


def book() -> Shape:
    """Two boards and a spine (0) around the pages (1); thickness along z."""
    board = shapes.box((0.80, 0.56, 0.022), 0.004)
    return shapes.joined(
        [
            board.transformed(translation(0, 0, 0.011)),
            board.transformed(translation(0, 0, 0.149)),
            shapes.box((0.022, 0.56, 0.14), 0.004).transformed(translation(-0.389, 0, 0.08)),
            shapes.with_material(shapes.box((0.75, 0.53, 0.116), 0.004).transformed(translation(-0.004, 0, 0.08)), 1),
        ]
    )


def _tree(shape: Shape) -> BVHTree:
    return BVHTree.FromPolygons(shape.vertices.tolist(), shape.faces)


def slid_until_touching(shape: Shape, matrix: F64, direction: F64, obstacles: list[Item], reach: float) -> F64:
    """The matrix after moving the shape along ``direction`` until its surface is within 0.2 mm-units of an obstacle.

    Raises ValueError when nothing is met within ``reach`` units.
    """
    unit = np.asarray(direction, dtype=np.float64) / np.linalg.norm(direction)
    trees = [_tree(item.in_world()) for item in obstacles]

    def meets(distance: float) -> bool:
        moved = _tree(shape.transformed(translation(*(unit * distance)) @ matrix))
        return any(moved.overlap(tree) for tree in trees)

    step, free = 0.02, 0.0
    while not meets(free + step):
        free += step
        if free > reach:
            raise ValueError("An object of the demo scene meets nothing on its way.")
    hit = free + step
    while hit - free > 2e-4:
        middle = (hit + free) / 2
        free, hit = (free, middle) if meets(middle) else (middle, hit)
    return translation(*(unit * free)) @ matrix


def standing(shape: Shape, matrix: F64) -> F64:
    """The matrix moved along z so that the lowest point lies on the table."""
    return translation(0, 0, -float(shape.transformed(matrix).vertices[:, 2].min())) @ matrix


def still_life() -> list[Item]:
    """All meshes in their places: the five objects, then table and backdrop."""
    rng = np.random.default_rng(11)
    pot_shape, ring_shape, plant_shape, pear_shape, book_shape = teapot(), bread(rng), plant(rng), pear(), book()

    pot = Item("teapot", pot_shape, translation(-0.28, 0.16, 0) @ rotation("z", -14), 1, [materials.ceramic()])
    # the ring stands on its rim, tilted back, and slides towards the pot until it leans on it
    place = standing(
        ring_shape, translation(-0.52, -1.1, 0) @ rotation("z", -16) @ rotation("x", 62) @ rotation("z", 40)
    )
    place = slid_until_touching(ring_shape, place, np.array([0.16, 1.0, 0]), [pot], 2.0)
    ring = Item("bread", ring_shape, place, 2, [materials.crust(), materials.seed()])
    # the book slides in from the right until its corner meets ring or pot
    place = translation(1.6, -0.36, 0) @ rotation("z", 24)
    place = slid_until_touching(book_shape, place, np.array([-1.0, 0.05, 0]), [pot, ring], 2.0)
    volume = Item("book", book_shape, place, 5, [materials.cloth_cover(), materials.paper()], smooth=False)
    # the pear stands on the book, a little tilted
    centre = place[:3, 3]
    place = translation(centre[0] + 0.05, centre[1] - 0.02, 0.6) @ rotation("z", 35) @ rotation("x", 9)
    place = slid_until_touching(pear_shape, place, np.array([0, 0, -1.0]), [volume], 1.0)
    fruit = Item("pear", pear_shape, place, 4, [materials.pear_skin(), materials.wood_dark()])
    # the plant slides in from behind until its pot meets the book or the teapot's handle
    place = slid_until_touching(plant_shape, translation(0.80, 1.3, 0), np.array([-0.22, -1.0, 0]), [pot, volume], 2.0)
    green = Item(
        "plant",
        plant_shape,
        place,
        3,
        [materials.terracotta(), materials.soil(), materials.stem(), materials.foliage()],
    )
    edge = [
        (0.0, 0.0),
        (TABLE_RADIUS - 0.02, 0.0),
        (TABLE_RADIUS, -0.02),
        (TABLE_RADIUS, -0.10),
        (TABLE_RADIUS - 0.05, -0.12),
        (0.0, -0.12),
    ]
    table = Item(
        "table", shapes.lathe(edge[::-1], columns=128, smooth=False), np.eye(4), 0, [materials.planks()], smooth=False
    )
    dome = Item(
        "backdrop",
        shapes.ellipsoid((0, 0, 0), DOME_RADIUS * np.eye(3), rows=48, columns=96),
        np.eye(4),
        0,
        [materials.backdrop()],
    )
    return [pot, ring, green, fruit, volume, table, dome]


def build() -> list[Item]:
    """Empties the running Blender, builds the scene with its lights, and returns the items (pass index = label)."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    scene = bpy.context.scene
    items = still_life()
    for item in items:
        mesh = bpy.data.meshes.new(item.name)
        mesh.from_pydata(item.shape.vertices.tolist(), [], item.shape.faces)
        for material in item.materials:
            mesh.materials.append(material)
        mesh.polygons.foreach_set("material_index", item.shape.materials.astype(np.int32))
        mesh.polygons.foreach_set("use_smooth", np.full(len(item.shape.faces), item.smooth))
        mesh.attributes.new("param", "FLOAT_VECTOR", "POINT").data.foreach_set(
            "vector", item.shape.param.astype(np.float32).ravel()
        )
        mesh.validate()
        thing = bpy.data.objects.new(item.name, mesh)
        thing.matrix_world = Matrix(item.matrix.tolist())
        thing.pass_index = item.label
        scene.collection.objects.link(thing)
    dome = bpy.data.objects["backdrop"]
    dome.visible_diffuse = dome.visible_glossy = dome.visible_shadow = False

    world = bpy.data.worlds.new("world")
    scene.world = world
    world.use_nodes = True
    sky = world.node_tree.nodes["Background"]
    sky.inputs[0].default_value, sky.inputs[1].default_value = (0.80, 0.88, 1.0, 1.0), 0.55
    for name, position, size, power, colour in (
        ("key", (-2.6, -2.4, 3.6), 1.6, 195.0, (1.0, 0.91, 0.78)),
        ("rim", (2.8, 2.6, 2.6), 2.0, 70.0, (0.85, 0.92, 1.0)),
    ):
        light = bpy.data.lights.new(name, "AREA")
        light.size, light.energy, light.color = size, power, colour
        lamp = bpy.data.objects.new(name, light)
        lamp.location = position
        lamp.rotation_euler = (-Vector(position)).to_track_quat("-Z", "Y").to_euler()
        lamp.visible_camera = False
        scene.collection.objects.link(lamp)
    return items
