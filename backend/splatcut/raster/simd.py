# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Sixteen-lane float32 vectors for numba kernels.

LLVM's own vectoriser gives up on the rasteriser's pixel loop (early ends, masked stores), and whether it does differs
between processors. Here the kernels say what they want: a value of type ``Vec`` is one LLVM ``<16 x float>``, which
LLVM maps to one AVX-512, two AVX2 or four NEON/SSE registers. Nothing is compiled ahead of time, so it works wherever
numba does. All functions below can only be called from inside ``numba.njit`` functions.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import extending, types
from numba.core import cgutils
from numba.extending import models, overload, register_model

LANES = 16

_FLOAT = ir.FloatType()
_VECTOR = ir.VectorType(_FLOAT, LANES)
_INTEGERS = ir.VectorType(ir.IntType(32), LANES)
_BITS = ir.VectorType(ir.IntType(1), LANES)


def intrinsic(function: Callable[..., Any]) -> Callable[..., Any]:
    """numba's ``intrinsic``, typed as what it makes: a function without the typing context."""
    return extending.intrinsic(function)


class VecType(types.Type):
    """Sixteen float32 values."""

    def __init__(self) -> None:
        super().__init__(name="splatcut.vec16")


class MaskType(types.Type):
    """Sixteen truth values."""

    def __init__(self) -> None:
        super().__init__(name="splatcut.mask16")


vec = VecType()
mask = MaskType()


@register_model(VecType)
class _VecModel(models.PrimitiveModel):
    def __init__(self, manager: Any, fe_type: Any) -> None:
        super().__init__(manager, fe_type, _VECTOR)


@register_model(MaskType)
class _MaskModel(models.PrimitiveModel):
    def __init__(self, manager: Any, fe_type: Any) -> None:
        super().__init__(manager, fe_type, _BITS)


def _splat(builder: ir.IRBuilder, scalar: Any) -> Any:
    single = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), scalar, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(_INTEGERS, None)
    return builder.shuffle_vector(single, ir.Constant(_VECTOR, ir.Undefined), zeros)


def _constant(value: float) -> ir.Constant:
    return ir.Constant(_VECTOR, [value] * LANES)


def _pointer(context: Any, builder: ir.IRBuilder, array_type: Any, array: Any, index: Any) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), _VECTOR.as_pointer())


def _call(builder: ir.IRBuilder, name: str, result: Any, *arguments: Any) -> Any:
    module = builder.module
    suffix = f".v{LANES}f32"
    function = cgutils.get_or_insert_function(
        module, ir.FunctionType(result, [argument.type for argument in arguments]), f"llvm.{name}{suffix}"
    )
    return builder.call(function, arguments)


@intrinsic
def splat(typingctx: Any, value: Any) -> Any:
    """Vec with every lane ``value`` (float32)."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _splat(builder, context.cast(builder, args[0], signature.args[0], types.float32))

    return vec(value), build


@intrinsic
def lanes_x(typingctx: Any) -> Any:
    """Vec 0 1 2 3 0 1 2 3 ...: x within a 4x4 block."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return ir.Constant(_VECTOR, [float(lane & 3) for lane in range(LANES)])

    return vec(), build


@intrinsic
def lanes_y(typingctx: Any) -> Any:
    """Vec 0 0 0 0 1 1 1 1 ...: y within a 4x4 block."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return ir.Constant(_VECTOR, [float(lane >> 2) for lane in range(LANES)])

    return vec(), build


@intrinsic
def load(typingctx: Any, array: Any, index: Any) -> Any:
    """Vec of array[index : index + 16]; array is contiguous float32, the index is not checked."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(_pointer(context, builder, signature.args[0], args[0], args[1]), align=4)

    return vec(array, types.intp), build


@intrinsic
def store(typingctx: Any, array: Any, index: Any, value: Any) -> Any:
    """array[index : index + 16] = value; the index is not checked."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store(args[2], _pointer(context, builder, signature.args[0], args[0], args[1]), align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, value), build


@intrinsic
def fma(typingctx: Any, a: Any, b: Any, c: Any) -> Any:
    """a * b + c, fused where the processor can."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _call(builder, "fmuladd", _VECTOR, *args)

    return vec(a, b, c), build


@intrinsic
def vmin(typingctx: Any, a: Any, b: Any) -> Any:
    """Lane-wise smaller value."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.select(builder.fcmp_ordered("<", args[0], args[1]), args[0], args[1])

    return vec(a, b), build


@intrinsic
def vmax(typingctx: Any, a: Any, b: Any) -> Any:
    """Lane-wise larger value."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.select(builder.fcmp_ordered(">", args[0], args[1]), args[0], args[1])

    return vec(a, b), build


@intrinsic
def select(typingctx: Any, condition: Any, a: Any, b: Any) -> Any:
    """a where the condition holds, else b."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.select(*args)

    return vec(condition, a, b), build


@intrinsic
def any_lane(typingctx: Any, condition: Any) -> Any:
    """Whether the condition holds in any lane."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        bits = builder.bitcast(args[0], ir.IntType(LANES))
        return builder.icmp_unsigned("!=", bits, ir.Constant(ir.IntType(LANES), 0))

    return types.boolean(condition), build


@intrinsic
def lane_sum(typingctx: Any, a: Any) -> Any:
    """Sum of the sixteen lanes, float32, added pairwise (the same order on every processor)."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        value, width = args[0], LANES
        while width > 1:
            half = width // 2
            halves = [
                builder.shuffle_vector(
                    value,
                    ir.Constant(value.type, ir.Undefined),
                    ir.Constant(ir.VectorType(ir.IntType(32), half), list(range(first, first + half))),
                )
                for first in (0, half)
            ]
            value, width = builder.fadd(*halves), half
        return builder.extract_element(value, ir.Constant(ir.IntType(32), 0))

    return types.float32(a), build


@intrinsic
def exp2(typingctx: Any, a: Any) -> Any:
    """2^a for a in [-120, 120]; relative error below 3e-7 (degree-5 polynomial on the fractional part)."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        whole = _call(builder, "floor", _VECTOR, args[0])
        part = builder.fsub(args[0], whole)
        power = _constant(_EXP2[0])
        for coefficient in _EXP2[1:]:
            power = _call(builder, "fmuladd", _VECTOR, power, part, _constant(coefficient))
        bias = ir.Constant(_INTEGERS, [127] * LANES)
        shift = ir.Constant(_INTEGERS, [23] * LANES)
        exponent = builder.shl(builder.add(builder.fptosi(whole, _INTEGERS), bias), shift)
        return builder.fmul(power, builder.bitcast(exponent, _VECTOR))

    return vec(a), build


# Chebyshev fit of 2^f on [0, 1], highest power first.
_EXP2 = (1.8775767e-3, 8.9893397e-3, 5.5826318e-2, 2.4015361e-1, 6.9315308e-1, 9.9999994e-1)


def _binary(instruction: str) -> Any:
    @intrinsic
    def operation(typingctx: Any, a: Any, b: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return getattr(builder, instruction)(*args)

        return vec(a, b), build

    return operation


_add, _sub, _mul, _div = (_binary(name) for name in ("fadd", "fsub", "fmul", "fdiv"))


def _comparison(symbol: str) -> Any:
    @intrinsic
    def operation(typingctx: Any, a: Any, b: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.fcmp_ordered(symbol, *args)

        return mask(a, b), build

    return operation


_ge, _gt = _comparison(">="), _comparison(">")


@intrinsic
def _both(typingctx: Any, a: Any, b: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.and_(*args)

    return mask(a, b), build


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
