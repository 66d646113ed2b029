"""Each scene of one convolution at fifty random settings: its numbers are those of ``geometry`` and ``reference``."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest

from atrous import reference
from atrous.geometry import Window, convolution_cost, coverage, visits

from .browsing import new_tab, page_file
from .lecture import Shown, show

SETTINGS = 50
LAST = 99999


@pytest.fixture(scope="module")
def tab(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with new_tab(browser) as tab:
        tab.open(page_file(tmp_path_factory.mktemp("page")))
        yield tab
        assert not tab.trouble()


def joined(numbers: list[Any]) -> str:
    return ",".join(f"{n[0]}+{n[1]}" if isinstance(n, tuple) else str(n) for n in numbers)


class Setting:
    """Random settings of a layer within a scene's sliders."""

    def __init__(
        self, draw: random.Random, axes: int, size: int, kernel: int, stride: int = 1, dilation: int = 1, pad: int = 0
    ) -> None:
        each = range(axes)
        self.size = [draw.randint(1, size) for _ in each]
        self.kernel = [draw.randint(1, kernel) for _ in each]
        self.stride = [draw.randint(1, stride) for _ in each]
        self.dilation = [draw.randint(1, dilation) for _ in each]
        self.pads = [(draw.randint(0, pad), draw.randint(0, pad)) for _ in each]

    @property
    def windows(self) -> list[Window]:
        rows = zip(self.kernel, self.stride, self.dilation, self.pads, strict=True)
        return [Window(k, s, d, *pad) for k, s, d, pad in rows]

    @property
    def outputs(self) -> list[int]:
        return [window.output_size(n) for window, n in zip(self.windows, self.size, strict=True)]

    @property
    def fits(self) -> bool:
        return min(self.outputs) >= 1

    @property
    def unread(self) -> int:
        pairs = zip(self.windows, self.size, self.outputs, strict=True)
        return int(np.prod(self.size)) - int(np.prod([coverage([w], [n, o]).read for w, n, o in pairs]))


def settings(seed: int, axes: int, **most: int) -> Iterator[tuple[random.Random, Setting]]:
    draw = random.Random(seed)
    for _ in range(SETTINGS):
        yield draw, Setting(draw, axes, **most)


def check(seen: Shown, setting: Setting, channels: int = 1, filters: int = 1, facts: bool = True) -> None:
    """The numbers of a scene of one layer, or its refusal where there is no output."""
    if not setting.fits:
        assert "so there is no output" in seen.refusal
        assert "The nearest settings that work" in seen.refusal
        assert not seen.cells
        return
    assert not seen.refusal
    x, w, y = seen.array("x"), seen.array("w"), seen.array("y")
    assert x.shape == (channels, *setting.size)
    assert w.shape == (filters, channels, *setting.kernel)
    np.testing.assert_array_equal(y, reference.conv(x[None], w, None, setting.windows)[0])
    never = {place for place in product(*map(range, setting.size)) if is_unread(place, setting)}
    assert seen.kinds("x", "unread") == {(c, *place) for c in range(channels) for place in never}
    if facts:
        check_facts(seen, setting, channels, filters)


def is_unread(place: tuple[int, ...], setting: Setting) -> bool:
    pairs = zip(setting.windows, setting.size, setting.outputs, place, strict=True)
    return any(at in coverage([w], [n, o]).unread for w, n, o, at in pairs)


def check_facts(seen: Shown, setting: Setting, channels: int, filters: int) -> None:
    cost = convolution_cost(channels, filters, setting.windows, setting.size)
    sizes = [int(text.rsplit(" = ", 1)[1]) for name, text in seen.facts.items() if name.startswith("output size")]
    assert sizes == setting.outputs
    assert seen.facts["multiply-adds"] == f"{cost.macs:,}"
    assert seen.facts.get("of them not on padding", f"{cost.macs:,}") == f"{cost.real_macs:,}"
    assert seen.facts.get("parameters", f"{cost.parameters:,}") == f"{cost.parameters:,}"
    total = int(np.prod(setting.size))
    assert seen.facts["inputs never read"] == (f"{setting.unread} of {total}" if setting.unread else "none")


def test_row_3_signal(tab: Any) -> None:
    first = show(tab.page, "signal", step=LAST)
    assert first.array("y").tolist() == [[7, 12, 17]]
    for _, s in settings(3, 1, size=20, kernel=8):
        check(show(tab.page, "signal", size=s.size[0], kernel=s.kernel[0], step=LAST), s)


def test_row_4_channels(tab: Any) -> None:
    for draw, s in settings(4, 2, size=9, kernel=5):
        channels = draw.randint(1, 4)
        check(
            show(tab.page, "channels", channels=channels, size=joined(s.size), kernel=joined(s.kernel), step=LAST), s, channels
        )


def test_row_5_kernels(tab: Any) -> None:
    for draw, s in settings(5, 2, size=9, kernel=4):
        channels, filters = draw.randint(1, 3), draw.randint(1, 4)
        seen = show(
            tab.page, "kernels", filters=filters, channels=channels, size=joined(s.size), kernel=joined(s.kernel), step=LAST
        )
        check(seen, s, channels, filters)
        if s.fits:
            weights = convolution_cost(channels, filters, s.windows, s.size).parameters
            assert seen.facts["weights: D · C · h · w"].endswith(f" = {weights}")
            assert seen.facts["with D biases"] == f"{weights + filters}"


def test_row_7_film(tab: Any) -> None:
    draw = random.Random(7)
    for _ in range(SETTINGS):
        s = Setting(draw, 3, size=5, kernel=3)
        check(show(tab.page, "film", size=joined(s.size), kernel=joined(s.kernel), step=LAST), s)


def test_row_9_padding(tab: Any) -> None:
    first = show(tab.page, "padding", step=LAST)
    assert first.array("x").shape == (2, 3, 5)
    assert first.array("y").shape == (1, 3, 3)
    assert first.step == "step 13 of 13: position 9"
    for draw, s in settings(9, 2, size=9, kernel=5, stride=4, pad=4):
        channels = draw.randint(1, 3)
        numbers = {"size": joined(s.size), "kernel": joined(s.kernel), "stride": joined(s.stride), "pads": joined(s.pads)}
        check(show(tab.page, "padding", channels=channels, **numbers, step=LAST), s, channels)


def test_row_10_unread(tab: Any) -> None:
    for _, s in settings(10, 2, size=12, kernel=5, stride=5):
        seen = show(tab.page, "unread", size=joined(s.size), kernel=joined(s.kernel), stride=joined(s.stride), step=LAST)
        check(seen, s)
        for name, w, n in zip(("rows", "columns"), s.windows, s.size, strict=True):
            if s.fits:
                told = seen.facts[f"{name} never read"]
                lines = dict(visits(w, n)).get(0, 0)
                assert sum(int(word) for word in told.split() if word.isdigit()) == lines


def test_row_11_dilation(tab: Any) -> None:
    for _, s in settings(11, 2, size=11, kernel=4, dilation=4):
        seen = show(tab.page, "dilation", size=joined(s.size), kernel=joined(s.kernel), dilation=joined(s.dilation), step=LAST)
        check(seen, s)
        if s.fits:
            # the same step without dilation: what is shown of that map is right as well
            plain = [Window(k) for k in s.kernel]
            wanted = reference.conv(seen.array("xa")[None], seen.array("w"), None, plain)[0]
            above = seen.array("ya")
            known = ~np.isnan(above)
            np.testing.assert_array_equal(above[known], wanted[tuple(slice(n) for n in above.shape)][known])


def test_row_12_sparse(tab: Any) -> None:
    first = show(tab.page, "sparse", step=LAST)
    assert first.facts["size of the filter"] == "1 + (3 − 1) · 4 = 9"
    assert first.facts["maps differ in size by"] == "8"
    for _, s in settings(12, 1, size=24, kernel=6, dilation=6):
        seen = show(tab.page, "sparse", size=s.size[0], kernel=s.kernel[0], dilation=s.dilation[0], step=LAST)
        check(seen, s, facts=False)
        if s.fits:
            np.testing.assert_array_equal(seen.array("yb"), seen.array("y"))
            assert len(seen.kinds("wb", "kernel")) == s.kernel[0]
            assert len(seen.kinds("wb", "zero")) == s.windows[0].extent - s.kernel[0]
            assert seen.facts["equal outputs"] == f"{s.outputs[0]} of {s.outputs[0]}"


def test_row_6_structure(tab: Any) -> None:
    draw = random.Random(6)
    for _ in range(SETTINGS):
        axes, size, kernel = draw.choice((1, 2)), draw.randint(1, 10), draw.randint(1, 5)
        s = Setting(draw, axes, 1, 1)
        s.size, s.kernel = [size] * axes, [kernel] * axes
        place = [draw.randrange(size) for _ in range(axes)]
        step = int(np.ravel_multi_index(place, s.size))
        seen = show(tab.page, "structure", axes=axes, size=size, kernel=kernel, step=step)
        check(seen, s)
        if s.fits:
            reached = {
                (0, *o)
                for o in product(*map(range, s.outputs))
                if all(p in w.inputs(at) for p, w, at in zip(place, s.windows, o, strict=True))
            }
            assert seen.kinds("y", "reached") == reached
            assert f"goes to {len(reached)} output" in seen.said or (not reached and "is never read" in seen.said)


def test_row_8_words(tab: Any) -> None:
    draw = random.Random(8)
    for _ in range(SETTINGS):
        word, filters, size, kernel = (
            draw.choice(("map", "field", "full")),
            draw.randint(1, 4),
            draw.randint(1, 8),
            draw.randint(1, 5),
        )
        s = Setting(draw, 2, 1, 1)
        s.size, s.kernel = [size] * 2, [size if word == "full" else kernel] * 2
        seen = show(tab.page, "words", word=word, filters=filters, size=size, kernel=kernel, step=LAST)
        check(seen, s, filters=filters)
        if s.fits and word == "field":
            # the last output's field ends where the input ends
            assert f"rows {size - kernel + 1} to {size}" in seen.said
        if word == "full":
            assert seen.kinds("x", "read") == set(np.ndindex(1, size, size))


def test_row_2_shift(tab: Any) -> None:
    draw = random.Random(2)
    for _ in range(SETTINGS):
        s, shift = Setting(draw, 1, size=20, kernel=5, stride=4), draw.randint(0, 8)
        seen = show(tab.page, "shift", size=s.size[0], kernel=s.kernel[0], stride=s.stride[0], step=shift)
        if not s.fits:
            assert "so there is no output" in seen.refusal
            continue
        (n,), (stride,) = s.size, s.stride
        x, w = seen.array("x"), seen.array("w")
        moved = np.concatenate([np.zeros((1, shift)), x], axis=1)[:, :n]
        np.testing.assert_array_equal(seen.array("xb"), moved)
        y, after = (reference.conv(signal[None], w, None, s.windows)[0] for signal in (x, moved))
        np.testing.assert_array_equal(seen.array("y"), y)
        np.testing.assert_array_equal(seen.array("yb"), after)
        if shift % stride:
            assert "no whole number of places" in seen.facts["the outputs shift by"]
            assert f"{shift} is no multiple of the stride {stride}" in seen.said
        else:
            by = shift // stride
            pairs = max(0, s.outputs[0] - by)
            np.testing.assert_array_equal(after[:, by:], y[:, : max(0, s.outputs[0] - by)])
            assert seen.facts["outputs that are the old ones, shifted"] == f"{pairs} of {pairs}"
