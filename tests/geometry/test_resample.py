"""Resized axes against the ONNX reference's arithmetic and PyTorch, and their intervals against their taps."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from onnx.reference.ops.op_resize import (
    _cubic_coeffs,
    _cubic_coeffs_antialias,
    _interpolate_nd,
    _linear_coeffs,
    _linear_coeffs_antialias,
    _nearest_coeffs,
)

from atrous import reference
from atrous.errors import ArgumentError
from atrous.geometry import (
    Aspect,
    Coordinates,
    Crop,
    Cubic,
    Filter,
    IndexSet,
    Linear,
    Nearest,
    Resample,
    Rounding,
    short_fraction,
)
from atrous.geometry.resample import Smooth

FILTERS: list[Filter] = [
    *(Nearest(rounding) for rounding in Rounding),
    *(Linear(antialias, exclude) for antialias in (False, True) for exclude in (False, True)),
    *(Cubic(Fraction(a), exclude) for a in (-0.75, -0.5) for exclude in (False, True)),
    *(Cubic(exclude_outside=exclude, antialias=True) for exclude in (False, True)),
]


def by_onnx(
    x: np.ndarray, outputs: int, coordinates: Coordinates | Crop, filter: Filter, scale: float | None = None, beyond: float = 0
) -> np.ndarray:
    """The ONNX reference's resize of one axis, to a size or by a scale."""
    if isinstance(filter, Nearest):
        mode = filter.rounding.value
        coefficients = lambda ratio, scale: _nearest_coeffs(ratio, mode=mode)  # noqa: E731
    elif isinstance(filter, Cubic):
        a = float(filter.coefficient)
        cubic = _cubic_coeffs_antialias if filter.antialias else _cubic_coeffs
        coefficients = lambda ratio, scale: cubic(ratio, scale, A=a)  # noqa: E731
    else:
        coefficients = _linear_coeffs_antialias if isinstance(filter, Linear) and filter.antialias else _linear_coeffs
    exclude = isinstance(filter, Smooth) and filter.exclude_outside
    crop = coordinates if isinstance(coordinates, Crop) else None
    goal = {"output_size": [outputs]} if scale is None else {"scale_factors": [scale]}
    return np.asarray(
        _interpolate_nd(
            x,
            coefficients,
            **goal,
            coordinate_transformation_mode="tf_crop_and_resize" if isinstance(coordinates, Crop) else coordinates.value,
            roi=crop and np.array([float(crop.start), float(crop.end)]),
            extrapolation_value=beyond,
            exclude_outside=exclude,
        )
    )


@pytest.mark.parametrize("filter", FILTERS, ids=str)
@pytest.mark.parametrize("coordinates", [Coordinates.half_pixel, Coordinates.align_corners, Coordinates.asymmetric])
def test_every_mode_is_the_onnx_references(coordinates: Coordinates, filter: Filter) -> None:
    rng = np.random.default_rng(0)
    for size in range(1, 7):
        x = rng.standard_normal(size)
        for outputs in (1, 2, 3, 4, 5, 8, 12):
            found = reference.resize(x, {0: Resample.between(size, outputs, coordinates, filter)})
            np.testing.assert_allclose(
                found, by_onnx(x, outputs, coordinates, filter), atol=1e-12, err_msg=f"{size} to {outputs}"
            )


@pytest.mark.parametrize("filter", FILTERS, ids=str)
@pytest.mark.parametrize("part", [("0", "1"), ("1/4", "3/4"), ("-1/2", "5/4"), ("1/2", "1/2")])
def test_crops_are_the_onnx_references(part: tuple[str, str], filter: Filter) -> None:
    rng = np.random.default_rng(0)
    crop = Crop(Fraction(part[0]), Fraction(part[1]))
    for size in (1, 2, 5, 9):
        x = rng.standard_normal(size)
        for outputs in (1, 2, 3, 5, 9):
            axis = Resample.between(size, outputs, crop, filter)
            wanted = by_onnx(x, outputs, crop, filter, beyond=0.0)
            np.testing.assert_allclose(reference.resize(x, {0: axis}), wanted, atol=1e-12, err_msg=f"{size} to {outputs}")
            beyond = (by_onnx(x, outputs, crop, filter, beyond=7.0) == 7).tolist()
            assert [not any(w for _, w in axis.taps(o)) for o in range(outputs)] == beyond
            assert not (crop.inside and any(beyond))


def test_a_crop_that_runs_backwards_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"^crop: got 1.0 to 0.5; it must not end before it starts$"):
        Crop(Fraction(1), Fraction(1, 2))


def test_the_aspect_is_kept_by_one_scale_for_all_axes() -> None:
    assert Aspect.stretch.goals((2, 4), (7, 8)) == ((7, Fraction(7, 2)), (8, Fraction(2)))
    assert Aspect.not_larger.goals((2, 4), (7, 8)) == ((4, Fraction(2)), (8, Fraction(2)))
    assert Aspect.not_smaller.goals((2, 4), (7, 8)) == ((7, Fraction(7, 2)), (14, Fraction(7, 2)))
    assert Aspect.not_larger.goals((3, 2), (2, 1)) == ((2, Fraction(1, 2)), (1, Fraction(1, 2)))  # 3/2 is rounded up


@pytest.mark.parametrize("filter", FILTERS, ids=str)
def test_corners_at_a_length_that_is_no_integer(filter: Filter) -> None:
    """ONNX puts the last corner at ``scale*size - 1``, where 4 elements by 3/5 make 2.4."""
    x = np.arange(1.0, 5.0)
    found = reference.resize(x, {0: Resample.between(4, 2, Coordinates.align_corners, filter, Fraction(3, 5))})
    np.testing.assert_allclose(found, by_onnx(x, 2, Coordinates.align_corners, filter, 0.6), atol=1e-9)


@pytest.mark.parametrize(
    ("mode", "align", "coordinates", "filter"),
    [
        ("bilinear", False, Coordinates.pytorch_half_pixel, Linear()),
        ("bilinear", True, Coordinates.align_corners, Linear()),
        ("bicubic", False, Coordinates.half_pixel, Cubic()),
        ("bicubic", True, Coordinates.align_corners, Cubic()),
        ("nearest", None, Coordinates.asymmetric, Nearest(Rounding.floor)),
        ("nearest-exact", None, Coordinates.half_pixel, Nearest(Rounding.round_prefer_ceil)),
    ],
)
@pytest.mark.parametrize("outputs", [(7, 11), (3, 4), (10, 5)])
def test_two_axes_are_pytorchs_interpolate(
    mode: str, align: bool | None, coordinates: Coordinates, filter: Filter, outputs: tuple[int, int]
) -> None:
    x = np.random.default_rng(1).standard_normal((1, 2, 5, 6))
    wanted = torch.nn.functional.interpolate(torch.from_numpy(x), size=outputs, mode=mode, align_corners=align)
    axes = {2 + i: Resample.between(x.shape[2 + i], outputs[i], coordinates, filter) for i in range(2)}
    np.testing.assert_allclose(reference.resize(x, axes), wanted.numpy(), atol=1e-12)


RESAMPLES = st.builds(
    Resample.between, st.integers(1, 12), st.integers(1, 24), st.sampled_from(list(Coordinates)), st.sampled_from(FILTERS)
)


@given(RESAMPLES, st.data())
def test_intervals_hold_all_taps_and_stay_inside_the_signal(axis: Resample, data: st.DataObject) -> None:
    lo = data.draw(st.integers(0, axis.outputs - 1))
    hi = data.draw(st.integers(lo + 1, axis.outputs))
    inputs = [i for o in range(lo, hi) for i, _ in axis.taps(o)]
    assert axis.needs(lo, hi) == (min(inputs), max(inputs) + 1)
    assert 0 <= min(inputs) <= max(inputs) < axis.size
    assert axis.needs(lo, lo) == (0, 0)
    assert {len(axis.taps(o)) for o in range(lo, hi)} == {axis.filter.width}
    assert all(sum(w for _, w in axis.taps(o)) == 1 for o in range(lo, hi))


@given(RESAMPLES, st.integers(0, 5))
def test_far_from_the_border_the_pattern_repeats(axis: Resample, output: int) -> None:
    outputs, inputs = axis.period
    assert axis.inputs(output + outputs) == axis.inputs(output).shift(inputs)
    if isinstance(axis.filter, Nearest) or axis.filter == Linear():
        clamped = {min(max(i, 0), axis.size - 1) for i in axis.inputs(output)}
        assert clamped == set(axis.landing(output, axis.size))
    assert axis.reads(output, output + 2) == IndexSet.union(axis.inputs(output).runs, axis.inputs(output + 1).runs)


def test_a_point_far_outside_reads_the_border_even_where_outside_is_excluded() -> None:
    axis = Resample.between(2, 2, Coordinates.asymmetric, Cubic(exclude_outside=True), scale=Fraction(1, 9))
    assert {index for index, _ in axis.taps(1)} == {1}
    assert sum(weight for _, weight in axis.taps(1)) == 1


def test_one_output_lies_where_each_mode_says() -> None:
    wanted = {
        Coordinates.half_pixel: Fraction(3, 2),
        Coordinates.pytorch_half_pixel: 0,
        Coordinates.half_pixel_symmetric: Fraction(3, 2),
        Coordinates.align_corners: 0,
        Coordinates.asymmetric: 0,
        Coordinates.tf_half_pixel_for_nn: 2,
    }
    assert {mode: Resample.between(4, 1, mode, Linear()).offset for mode in Coordinates} == wanted


def test_a_scale_that_is_not_outputs_over_size_keeps_its_step() -> None:
    # 5 inputs at scale 0.6 give floor(3.0) outputs, 6 inputs floor(3.6): the step between outputs stays 1/0.6
    axis = Resample.between(6, 3, Coordinates.half_pixel, Linear(), scale=Fraction(3, 5))
    assert axis.slope == Fraction(5, 3)
    symmetric = Resample.between(6, 3, Coordinates.half_pixel_symmetric, Linear(), scale=Fraction(3, 5))
    assert symmetric.offset == axis.offset + Fraction(1, 2)


@pytest.mark.parametrize("text", ["2", "1/2", "2/3", "0.6", "1.3333333", "7/17", "0.1"])
def test_float32_scales_stand_for_short_fractions(text: str) -> None:
    exact = Fraction(text) if text != "1.3333333" else Fraction(4, 3)
    assert short_fraction(float(np.float32(float(exact)))) == exact


def test_a_scale_that_is_no_short_fraction_is_kept() -> None:
    scale = float(np.float32(np.pi * 1e-12))
    assert np.float32(float(short_fraction(scale))) == np.float32(scale)


def test_empty_axes_are_refused() -> None:
    with pytest.raises(ArgumentError, match=r"^size: got 0; it must be at least 1$"):
        Resample.between(0, 3, Coordinates.half_pixel, Linear())
    with pytest.raises(ArgumentError, match=r"^outputs: got 0; it must be at least 1$"):
        Resample.between(3, 0, Coordinates.half_pixel, Linear())
