# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Sixteen-lane float32 vectors for numba kernels.

LLVM's own vectoriser gives up on the rasteriser's pixel loop (early ends, masked stores), and whether it does differs
between processors. Here the kernels say what they want: a value of type ``Vec`` is one LLVM ``<16 x float>``, which
LLVM maps to one AVX-512, two AVX2 or four NEON/SSE registers. Where such vectors do not compile, a value is an array of
sixteen numbers and every operation takes them one by one: slower, with the same results. Nothing is compiled ahead of
time, so it works wherever numba does. All functions below can only be called from inside ``numba.njit`` functions.
"""

from __future__ import annotations

import logging
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import extending, njit, types
from numba.core import cgutils
from numba.extending import models, overload, register_model

LANES = 16

_FLOAT, _INTEGER, _BIT = ir.FloatType(), ir.IntType(32), ir.IntType(1)


class Form:
    """How sixteen values are kept: as one LLVM vector or, ``scalar``, as an array."""

    def __init__(self, scalar: bool) -> None:
        self.scalar = scalar
        kind: Any = ir.ArrayType if scalar else ir.VectorType
        self.floats, self.bits = kind(_FLOAT, LANES), kind(_BIT, LANES)
        #: What an operation computes with at once.
        self.integer = _INTEGER if scalar else kind(_INTEGER, LANES)

    def each(self, builder: ir.IRBuilder, result: Any, operation: Callable[..., Any], *values: Any) -> Any:
        """What ``operation``, which takes numbers and vectors alike, makes of the values."""
        if not self.scalar:
            return operation(*values)
        made: Any = ir.Constant(result, ir.Undefined)
        for lane in range(LANES):
            lanes = (builder.extract_value(value, lane) for value in values)
            made = builder.insert_value(made, operation(*lanes), lane)
        return made


def intrinsic(function: Callable[..., Any]) -> Callable[..., Any]:
    """numba's ``intrinsic``, typed as what it makes: a function without the typing context."""
    return extending.intrinsic(function)


class VecType(types.Type):
    """Sixteen float32 values."""

    def __init__(self, form: Form) -> None:
        self.form = form
        super().__init__(name=f"splatcut.vec16{'.scalar' * form.scalar}")


class MaskType(types.Type):
    """Sixteen truth values."""

    def __init__(self, form: Form) -> None:
        self.form = form
        super().__init__(name=f"splatcut.mask16{'.scalar' * form.scalar}")


@register_model(VecType)
class _VecModel(models.PrimitiveModel):
    def __init__(self, manager: Any, fe_type: Any) -> None:
        super().__init__(manager, fe_type, fe_type.form.floats)


@register_model(MaskType)
class _MaskModel(models.PrimitiveModel):
    def __init__(self, manager: Any, fe_type: Any) -> None:
        super().__init__(manager, fe_type, fe_type.form.bits)


form: Form
vec: VecType
mask: MaskType
splat: Callable[..., Any]
lanes_x: Callable[..., Any]
lanes_y: Callable[..., Any]
load: Callable[..., Any]


def _choose(scalar: bool) -> None:
    """Decides what the functions below compile to from now on."""
    global form, vec, mask, splat, lanes_x, lanes_y, load
    form = Form(scalar)
    vec, mask = VecType(form), MaskType(form)
    # numba remembers what a function returns for the types of its arguments, and these take none of ours.
    splat, lanes_x, lanes_y, load = (intrinsic(function) for function in (_splat, _lanes_x, _lanes_y, _load))


def _like(kind: Any, value: float) -> ir.Constant:
    """The number, in every lane of a vector."""
    return ir.Constant(kind, [value] * LANES if hasattr(kind, "count") else value)


def _lanes(value: Callable[[int], float]) -> ir.Constant:
    return ir.Constant(form.floats, [ir.Constant(_FLOAT, value(lane)) for lane in range(LANES)])


def _place(context: Any, builder: ir.IRBuilder, array_type: Any, array: Any, index: Any) -> Any:
    return builder.gep(context.make_array(array_type)(context, builder, array).data, [index])


def _call(builder: ir.IRBuilder, name: str, *arguments: Any) -> Any:
    kind = arguments[0].type
    suffix = f"v{LANES}f32" if hasattr(kind, "count") else "f32"
    declared = ir.FunctionType(kind, [kind] * len(arguments))
    return builder.call(cgutils.get_or_insert_function(builder.module, declared, f"llvm.{name}.{suffix}"), arguments)


def _splat(typingctx: Any, value: Any) -> Any:
    """Vec with every lane ``value`` (float32)."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        number = context.cast(builder, args[0], signature.args[0], types.float32)
        if form.scalar:
            return form.each(builder, form.floats, lambda: number)
        undefined = ir.Constant(form.floats, ir.Undefined)
        single = builder.insert_element(undefined, number, ir.Constant(_INTEGER, 0))
        return builder.shuffle_vector(single, undefined, ir.Constant(form.integer, None))

    return vec(value), build


def _lanes_x(typingctx: Any) -> Any:
    """Vec 0 1 2 3 0 1 2 3 ...: x within a 4x4 block."""
    return vec(), lambda context, builder, signature, args: _lanes(lambda lane: lane & 3)


def _lanes_y(typingctx: Any) -> Any:
    """Vec 0 0 0 0 1 1 1 1 ...: y within a 4x4 block."""
    return vec(), lambda context, builder, signature, args: _lanes(lambda lane: lane >> 2)


def _load(typingctx: Any, array: Any, index: Any) -> Any:
    """Vec of array[index : index + 16]; array is contiguous float32, the index is not checked."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = _place(context, builder, signature.args[0], args[0], args[1])
        return builder.load(builder.bitcast(place, form.floats.as_pointer()), align=4)

    return vec(array, types.intp), build


@intrinsic
def store(typingctx: Any, array: Any, index: Any, value: Any) -> Any:
    """array[index : index + 16] = value; the index is not checked."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = _place(context, builder, signature.args[0], args[0], args[1])
        builder.store(args[2], builder.bitcast(place, form.floats.as_pointer()), align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, value), build


def _lanewise(result: Callable[[], Any], operation: Callable[..., Any]) -> Callable[..., Any]:
    """How an intrinsic is built whose lanes have nothing to do with each other."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return form.each(builder, result(), lambda *values: operation(builder, *values), *args)

    return build


def _floats() -> Any:
    return form.floats


def _bits() -> Any:
    return form.bits


@intrinsic
def fma(typingctx: Any, a: Any, b: Any, c: Any) -> Any:
    """a * b + c, fused where the processor can."""
    return vec(a, b, c), _lanewise(_floats, lambda builder, a, b, c: _call(builder, "fmuladd", a, b, c))


@intrinsic
def vmin(typingctx: Any, a: Any, b: Any) -> Any:
    """Lane-wise smaller value."""
    return vec(a, b), _lanewise(_floats, lambda builder, a, b: builder.select(builder.fcmp_ordered("<", a, b), a, b))


@intrinsic
def vmax(typingctx: Any, a: Any, b: Any) -> Any:
    """Lane-wise larger value."""
    return vec(a, b), _lanewise(_floats, lambda builder, a, b: builder.select(builder.fcmp_ordered(">", a, b), a, b))


@intrinsic
def select(typingctx: Any, condition: Any, a: Any, b: Any) -> Any:
    """a where the condition holds, else b."""
    return vec(condition, a, b), _lanewise(_floats, lambda builder, condition, a, b: builder.select(condition, a, b))


@intrinsic
def any_lane(typingctx: Any, condition: Any) -> Any:
    """Whether the condition holds in any lane."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if form.scalar:
            found = builder.extract_value(args[0], 0)
            for lane in range(1, LANES):
                found = builder.or_(found, builder.extract_value(args[0], lane))
            return found
        bits = builder.bitcast(args[0], ir.IntType(LANES))
        return builder.icmp_unsigned("!=", bits, ir.Constant(ir.IntType(LANES), 0))

    return types.boolean(condition), build


@intrinsic
def lane_sum(typingctx: Any, a: Any) -> Any:
    """Sum of the sixteen lanes, float32, added pairwise (the same order on every processor)."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if form.scalar:
            lanes = [builder.extract_value(args[0], lane) for lane in range(LANES)]
            while len(lanes) > 1:
                half = len(lanes) // 2
                lanes = [builder.fadd(*pair) for pair in zip(lanes[:half], lanes[half:], strict=True)]
            return lanes[0]
        value, width = args[0], LANES
        while width > 1:
            half = width // 2
            halves = [
                builder.shuffle_vector(
                    value,
                    ir.Constant(value.type, ir.Undefined),
                    ir.Constant(ir.VectorType(_INTEGER, half), list(range(first, first + half))),
                )
                for first in (0, half)
            ]
            value, width = builder.fadd(*halves), half
        return builder.extract_element(value, ir.Constant(_INTEGER, 0))

    return types.float32(a), build


def _exp2(builder: ir.IRBuilder, a: Any) -> Any:
    whole = _call(builder, "floor", a)
    part = builder.fsub(a, whole)
    power = _like(a.type, _EXP2[0])
    for coefficient in _EXP2[1:]:
        power = _call(builder, "fmuladd", power, part, _like(a.type, coefficient))
    exponent = builder.add(builder.fptosi(whole, form.integer), _like(form.integer, 127))
    return builder.fmul(power, builder.bitcast(builder.shl(exponent, _like(form.integer, 23)), a.type))


@intrinsic
def exp2(typingctx: Any, a: Any) -> Any:
    """2^a for a in [-120, 120]; relative error below 3e-7 (degree-5 polynomial on the fractional part)."""
    return vec(a), _lanewise(_floats, _exp2)


# Chebyshev fit of 2^f on [0, 1], highest power first.
_EXP2 = (1.8775767e-3, 8.9893397e-3, 5.5826318e-2, 2.4015361e-1, 6.9315308e-1, 9.9999994e-1)


def _binary(instruction: str) -> Any:
    @intrinsic
    def operation(typingctx: Any, a: Any, b: Any) -> Any:
        return vec(a, b), _lanewise(_floats, lambda builder, a, b: getattr(builder, instruction)(a, b))

    return operation


_add, _sub, _mul, _div = (_binary(name) for name in ("fadd", "fsub", "fmul", "fdiv"))


def _comparison(symbol: str) -> Any:
    @intrinsic
    def operation(typingctx: Any, a: Any, b: Any) -> Any:
        return mask(a, b), _lanewise(_bits, lambda builder, a, b: builder.fcmp_ordered(symbol, a, b))

    return operation


_ge, _gt = _comparison(">="), _comparison(">")


@intrinsic
def _both(typingctx: Any, a: Any, b: Any) -> Any:
    return mask(a, b), _lanewise(_bits, lambda builder, a, b: builder.and_(a, b))


def _operator(function: Callable[..., Any], kind: type, implementation: Any) -> None:
    @overload(function)
    def choose(a, b):  # numba compares this signature with the lambda's, annotations included
        if isinstance(a, kind) and isinstance(b, kind):
            return lambda a, b: implementation(a, b)
        return None


_operator(operator.add, VecType, _add)
_operator(operator.sub, VecType, _sub)
_operator(operator.mul, VecType, _mul)
_operator(operator.truediv, VecType, _div)
_operator(operator.ge, VecType, _ge)
_operator(operator.gt, VecType, _gt)
_operator(operator.and_, MaskType, _both)


@njit(cache=True)
def _try_out(values: Any) -> Any:
    """Every function above, on the sixteen values."""
    a = load(values, 0)
    b = fma(vmax(a, lanes_x()), vmin(a, lanes_y()), exp2(a / splat(np.float32(16))))
    store(values, 0, select((a >= b - a) & (a > splat(np.float32(0))), a * b, a + b))
    return lane_sum(load(values, 0)), any_lane(a > b)


def _vectors_work() -> bool:
    """Whether this numba and LLVM compile vectors; says so where they do not."""
    try:
        _choose(scalar=False)
        _try_out(np.arange(LANES, dtype=np.float32))
    except Exception as error:  # numba, llvmlite and LLVM fail in many ways
        logging.getLogger(__name__).warning(
            "Vector code does not compile with this numba (%s: %s). The rasteriser uses scalar code instead, which is "
            "slower; the results are the same.",
            type(error).__name__,
            " ".join(str(error).split())[:200],
        )
        return False
    return True


if not _vectors_work():
    _choose(scalar=True)
