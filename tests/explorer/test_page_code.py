"""The code that the page offers to copy runs, and gives the very numbers of the page."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from .browsing import new_tab, page_file
from .lecture import Shown, show

LAST = 99999
#: Scenes and settings: one axis and three, channels, kernels, strides, dilations, uneven padding.
CASES: list[tuple[str, dict[str, str]]] = [
    ("signal", {}),
    ("signal", {"size": "9", "kernel": "4", "x": "0.0:-2.5"}),
    ("channels", {}),
    ("kernels", {"filters": "3", "channels": "2"}),
    ("film", {}),
    ("padding", {}),
    ("padding", {"pads": "2+1,0+3", "stride": "1,3", "channels": "3"}),
    ("padding", {"pads": "0,0", "kernel": "1,5"}),
    ("unread", {}),
    ("dilation", {}),
    ("dilation", {"dilation": "1,3"}),
    ("sparse", {}),
    ("words", {"word": "full", "filters": "3"}),
    ("structure", {"axes": "1"}),
]


@pytest.fixture(scope="module")
def shown(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Shown]]:
    """All cases as they stand on the page, all outputs computed."""
    with new_tab(browser) as tab:
        tab.open(page_file(tmp_path_factory.mktemp("page")))
        yield [show(tab.page, scene, **state, step=LAST) for scene, state in CASES]
        assert not tab.trouble()


@pytest.mark.parametrize("language", [0, 1], ids=["python", "pytorch"])
def test_the_code_gives_the_numbers_of_the_page(shown: list[Shown], language: int, capsys: pytest.CaptureFixture[str]) -> None:
    for seen in shown:
        names: dict[str, Any] = {}
        exec(seen.code[language], names)
        np.testing.assert_allclose(np.asarray(names["y"])[0], seen.array("y"), rtol=1e-6)
    assert capsys.readouterr().out


_KERAS = """
import contextlib, io, json, os, sys
os.environ["KERAS_BACKEND"] = "torch"
results = []
for code in json.load(sys.stdin):
    names = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(code, names)
    results.append(names["keras"].ops.convert_to_numpy(names["y"]).tolist())
print(json.dumps(results))
"""


@pytest.mark.skipif(find_spec("keras") is None, reason="Keras code is run where Keras is: pip install keras (with PyTorch)")
def test_the_keras_code_gives_the_numbers_of_the_page(shown: list[Shown]) -> None:
    codes = json.dumps([seen.code[2] for seen in shown])
    # in a process of its own, as Keras chooses its backend once
    done = subprocess.run([sys.executable, "-c", _KERAS], input=codes, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    for seen, result in zip(shown, json.loads(done.stdout.splitlines()[-1]), strict=True):
        np.testing.assert_allclose(np.moveaxis(np.array(result)[0], -1, 0), seen.array("y"), rtol=1e-5)


def test_keras_pads_with_a_layer_of_its_own_as_tensorflow_knows_valid_and_same_only(shown: list[Shown]) -> None:
    for (scene, _), seen in zip(CASES, shown, strict=True):
        code = seen.code[2]
        assert code.count('padding="valid"') == 1
        assert ("ZeroPadding" in code) == any("padding=" in each for each in seen.code[:1]), scene
    assert "ZeroPadding2D(((2, 1), (0, 3))" in shown[6].code[2]


def test_keras_writes_the_zeros_where_it_refuses_stride_with_dilation(
    browser: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """No scene has both sliders, so the module is asked directly."""
    from atrous.explorer.link import linked
    from atrous.explorer.page import _modules

    draw = random.Random(1)
    with new_tab(browser) as tab:
        tab.page.add_script_tag(content=linked(["code.js", "layer.js"], _modules()))
        x, w = ([draw.randint(-5, 5) for _ in range(n)] for n in (12, 3))
        program = """([x, w]) => {
          const numbers = { x: ([, at]) => x[at], w: ([, , tap]) => w[tap] };
          const layer = layer_js.layerOf({ size: [12], kernel: [3], stride: [2], dilation: [3], pads: [[1, 2]], ...numbers });
          return [code_js.codeOf(layer), layer_js.outputsOf(layer).map((output) => layer_js.outputAt(layer, output).value)];
        }"""
        code, values = tab.page.evaluate(program, [x, w])
    assert "strides=2" in code["keras"]
    assert "dilation_rate" not in code["keras"]
    assert "written with its zeros" in code["keras"]
    for language in ("python", "pytorch"):
        names: dict[str, Any] = {}
        exec(code[language], names)
        np.testing.assert_allclose(np.asarray(names["y"])[0, 0], values, rtol=1e-6)
    if find_spec("keras") is not None:
        done = subprocess.run(
            [sys.executable, "-c", _KERAS],
            input=json.dumps([code["keras"]]),
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        np.testing.assert_allclose(np.array(json.loads(done.stdout.splitlines()[-1]))[0, 0, :, 0], values, rtol=1e-5)
