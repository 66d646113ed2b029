"""Styles: words are legible on every fill, and nothing rests on colours that some people cannot tell apart."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from atrous.errors import ArgumentError
from atrous.figures.scene import State
from atrous.figures.style import COLOUR_SAFE, STYLES, Ink, Style, as_style

#: Machado, Oliveira and Fernandes, "A physiologically-based model for simulation of color vision deficiency", IEEE TVCG 15
#: (2009), table 1: what a person without cones for long or for medium waves sees, in linear RGB.
SIGHT = {
    "normal": np.eye(3),
    "protanopia": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}
#: From linear sRGB (IEC 61966-2-1) to CIE XYZ.
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
#: States that one figure may show beside each other.
STEP = (State.SIGNAL, State.PADDING, State.READ, State.READ_PADDING, State.UNREAD, State.WEIGHT, State.ZERO, State.PENDING)
TOGETHER = {
    "step": (*STEP, State.DONE, State.CURRENT, State.CUT),
    "counts": (State.PADDING, State.UNREAD, State.ONCE, State.TWICE, State.OFTEN, State.MOST),
    "field": (State.SIGNAL, State.FIELD, State.HOLE, State.CURRENT),
}
CROSSED = (State.UNREAD, State.CUT, State.HOLE)


def _linear(colour: str) -> np.ndarray:
    values = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _contrast(one: str, other: str) -> float:
    """The ratio of WCAG 2.2 (1.4.3): 1 for equal colours, 21 for black on white."""
    lo, hi = sorted(float(XYZ[1] @ _linear(colour)) for colour in (one, other))
    return (hi + 0.05) / (lo + 0.05)


def _lab(linear: np.ndarray) -> np.ndarray:
    """CIE 1976 L*a*b* under D65."""
    t = XYZ @ np.clip(linear, 0, 1) / XYZ.sum(axis=1)
    f = np.where(t > 216 / 24389, np.cbrt(t), (24389 / 27 * t + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_the_measures() -> None:
    assert _contrast("#000000", "#ffffff") == pytest.approx(21)
    assert _contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)
    assert _lab(_linear("#ffffff")) == pytest.approx([100, 0, 0], abs=0.02)


@pytest.mark.parametrize("style", STYLES.values(), ids=lambda style: style.name)
def test_words_are_legible(style: Style) -> None:
    """4.5 to 1 for words on what is behind them, 3 to 1 for the lines that carry a meaning (WCAG 2.2, 1.4.3 and 1.4.11)."""
    on_cells = {
        state.name: _contrast(style.paint(state).text, style.paint(state).fill) for state in State if style.paint(state).fill
    }
    inks = (Ink.TEXT, Ink.FAINT, Ink.FIRST, Ink.SECOND, Ink.THIRD)
    on_paper = {ink.name: _contrast(style.paint(ink).letters, style.paper) for ink in inks}
    assert {name: ratio for name, ratio in (on_cells | on_paper).items() if ratio < 4.5} == {}
    lines = (Ink.FRAME, Ink.BEAM, Ink.STRONG, Ink.CROSS, Ink.AXIS, Ink.FIRST, Ink.SECOND, Ink.THIRD)
    seen = {ink.name: _contrast(style.paint(ink).stroke, style.paper) for ink in lines}
    assert {name: ratio for name, ratio in seen.items() if ratio < 3} == {}


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("states", TOGETHER.values(), ids=TOGETHER)
def test_colour_safe_states_stay_apart(states: tuple[State, ...], sight: str) -> None:
    """Told apart by dashes, the width of the outline or a cross, or by fills three just noticeable differences (2.3) apart."""
    alike = {}
    for one, other in combinations(states, 2):
        a, b = COLOUR_SAFE.paint(one), COLOUR_SAFE.paint(other)
        if (a.dash, a.width, one in CROSSED) == (b.dash, b.width, other in CROSSED):
            apart = np.linalg.norm(_lab(SIGHT[sight] @ _linear(a.fill)) - _lab(SIGHT[sight] @ _linear(b.fill)))
            if apart < 3 * 2.3:
                alike[one.name, other.name] = round(float(apart), 1)
    assert alike == {}


def test_every_style_paints_every_role() -> None:
    for style in STYLES.values():
        assert set(style.paints) == {*State, *Ink}


def test_unknown_styles() -> None:
    with pytest.raises(ArgumentError, match=r"^style: got 'pink'; there are light, dark, colour-safe, print$"):
        as_style("pink")
