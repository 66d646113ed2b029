"""Stacks of layers on the page: the formulas in JavaScript against ``geometry``, and the scenes' numbers at random settings."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from fractions import Fraction
from math import prod
from typing import Any

import pytest

from atrous.explorer.link import linked
from atrous.explorer.page import _modules
from atrous.geometry import ReceptiveField, TransposedWindow, Window, convolution_cost, coverage, fully_connected_cost
from atrous.graph import layers as graph_layers
from atrous.graph.layer import Layer
from atrous.graph.layer_list import read_layers

from .browsing import Tab, new_tab, page_file

Stack = list[dict[str, Any]]
SETTINGS = 50


@pytest.fixture(scope="module")
def tab(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    with new_tab(browser) as tab:
        tab.open(page_file(tmp_path_factory.mktemp("page")))
        yield tab


@pytest.fixture(scope="module")
def formulas(browser: Any) -> Iterator[Callable[..., Any]]:
    """Calls a function of ``stack_geometry.js``; BigInts come back as text."""
    with new_tab(browser) as tab:
        tab.page.add_script_tag(content=linked(["stack_geometry.js"], _modules()))

        def call(name: str, *arguments: Any) -> Any:
            program = """([name, given]) => JSON.parse(JSON.stringify(stack_geometry_js[name](...given),
                (_, each) => typeof each === "bigint" ? String(each) : each))"""
            return tab.page.evaluate(program, [name, list(arguments)])

        yield call


def window_of(layer: dict[str, Any]) -> Window | TransposedWindow:
    kind = TransposedWindow if layer["transposed"] else Window
    return kind(layer["kernel"], layer["stride"], layer["dilation"], pad_lo=layer["before"], pad_hi=layer["after"])


def random_layer(draw: random.Random) -> dict[str, Any]:
    transposed = draw.random() < 0.3
    kernel = draw.randint(1, 5)
    pad = draw.randint(0, 3)
    numbers = {"kernel": kernel, "stride": draw.randint(1, 3), "dilation": draw.randint(1, 4), "before": pad, "after": pad}
    return {**numbers, "transposed": transposed, "kind": "transposed" if transposed else "conv", "filters": draw.randint(1, 9)}


def random_stack(draw: random.Random) -> tuple[Stack, list[int]]:
    """A stack whose every layer makes something of an input that is drawn too, and the sizes."""
    while True:
        stack = [random_layer(draw) for _ in range(draw.randint(1, 5))]
        sizes = [draw.randint(1, 40)]
        for layer in stack:
            sizes.append(window_of(layer).output_size(sizes[-1]))
            if not 1 <= sizes[-1] <= 100:
                break
        else:
            return stack, sizes


def test_stacks_are_those_of_geometry(formulas: Callable[..., Any]) -> None:
    draw = random.Random(0)
    for _ in range(150):
        stack, sizes = random_stack(draw)
        windows = [window_of(layer) for layer in stack]
        field = ReceptiveField.through(windows)
        assert formulas("sizesOf", stack, sizes[0]) == sizes
        found = formulas("fieldOf", stack)
        sets = [field.inputs(output) for output in range(field.period)]
        assert found["period"] == field.period
        assert found["size"] == field.size == max(each.extent for each in sets)
        assert found["holes"] == max(len(each.holes) for each in sets)
        assert Fraction(*found["jump"]) == field.jump
        assert found["start"] == (sets[0].span[0] if sets[0].runs else 0)
        for output in range(min(4, sizes[-1])):
            assert formulas("seenInputs", stack, output) == list(field.inputs(output))
        assert formulas("unseen", stack, sizes) == list(coverage(windows, sizes).unread)


def test_cones_end_at_inner_padding(formulas: Callable[..., Any]) -> None:
    draw = random.Random(1)
    for _ in range(60):
        stack, sizes = random_stack(draw)
        unit = draw.randrange(sizes[-1])
        levels = formulas("cone", stack, sizes, len(stack), unit)
        wanted = {unit}
        for level in range(len(stack), 0, -1):
            assert levels[level]["inside"] == sorted(wanted)
            read = {place for each in wanted for place in window_of(stack[level - 1]).inputs(each)}
            wanted = {place for place in read if 0 <= place < sizes[level - 1]}
            assert levels[level - 1]["beyond"] == sorted(read - wanted)
        assert levels[0]["inside"] == sorted(wanted)


def test_units_stand_above_the_middle_of_what_they_see(formulas: Callable[..., Any]) -> None:
    draw = random.Random(2)
    for _ in range(60):
        stack, _ = random_stack(draw)
        ((slope, offset),) = ReceptiveField.through([window_of(layer) for layer in stack]).centres
        assert formulas("middle", stack) == pytest.approx([float(slope), float(offset)])


def test_costs_are_those_of_geometry(formulas: Callable[..., Any]) -> None:
    draw = random.Random(3)
    for _ in range(80):
        stack, sizes = random_stack(draw)
        channels = draw.randint(1, 300)
        layer = stack[0]
        cost = convolution_cost(channels, layer["filters"], [window_of(layer)] * 2, sizes[:1] * 2, bias=True)
        found = formulas("layerCost", layer, channels, sizes[0])
        assert (int(found["parameters"]), int(found["macs"])) == (cost.parameters, cost.macs)
    assert formulas("layerCost", {**layer, "kind": "pool"}, 3, 9) == {"parameters": "0", "macs": "0"}


def test_remedies_of_layers_that_do_not_fit_work(formulas: Callable[..., Any]) -> None:
    draw = random.Random(4)
    seen = 0
    while seen < 60:
        layer, size = random_layer(draw), draw.randint(1, 12)
        trouble = formulas("misfit", layer, size)
        assert (trouble is None) == (window_of(layer).output_size(size) >= 1)
        for fix in trouble["fixes"] if trouble else []:
            seen += 1
            change = (
                {"before": fix["value"], "after": fix["value"]} if fix["name"] == "padding" else {fix["name"]: fix["value"]}
            )
            assert window_of({**layer, **change}).output_size(size) >= 1, (layer, size, fix)


def number(text: str) -> int:
    return int(text.replace(",", "").replace("−", "-"))


def random_typed_layers(draw: random.Random) -> list[tuple[str, dict[str, int]]]:
    found = []
    for _ in range(draw.randint(1, 6)):
        kind = draw.choice(["conv", "conv", "conv", "pool", "transposed"])
        kernel = draw.randint(1, 5)
        numbers = {"kernel": kernel, "stride": draw.randint(1, 3), "dilation": 1, "padding": 0, "filters": draw.randint(1, 40)}
        if kind == "conv":
            numbers |= {"dilation": draw.randint(1, 5), "padding": draw.randint(0, 5)}
        elif kind == "pool":
            numbers |= {"padding": draw.randint(0, kernel // 2)}
        found.append((kind, numbers))
    return found


def in_link(layers: list[tuple[str, dict[str, int]]]) -> str:
    names = {
        "conv": ("kernel", "stride", "dilation", "padding", "filters"),
        "pool": ("kernel", "stride", "padding"),
        "transposed": ("kernel", "stride", "padding", "filters"),
    }
    return ",".join(kind[0] + ".".join(str(numbers[name]) for name in names[kind]) for kind, numbers in layers)


def test_the_stack_builder_has_geometrys_numbers_at_random_settings(tab: Tab) -> None:
    draw = random.Random(5)
    shown = 0
    while shown < SETTINGS:
        layers, size, channels = random_typed_layers(draw), draw.randint(1, 80), draw.randint(1, 20)
        windows: list[Window | TransposedWindow] = [
            (TransposedWindow if kind == "transposed" else Window)(
                n["kernel"], n["stride"], n["dilation"], pad_lo=n["padding"], pad_hi=n["padding"]
            )
            for kind, n in layers
        ]
        sizes, maps, parameters, macs = [size], channels, 0, 0
        for (kind, numbers), window in zip(layers, windows, strict=True):
            sizes.append(window.output_size(sizes[-1]))
            if not 1 <= sizes[-1] <= 512:
                break
            if kind != "pool":
                cost = convolution_cost(maps, numbers["filters"], [window] * 2, [sizes[-2]] * 2, bias=True)
                maps, parameters, macs = numbers["filters"], parameters + cost.parameters, macs + cost.macs
        tab.go("stack", size=size, channels=channels, stack=in_link(layers))
        if not 1 <= sizes[-1] <= 512:
            assert tab.refusal("stack")
            continue
        shown += 1
        field = ReceptiveField.through(windows)
        facts = tab.facts("stack")
        assert facts["receptive field"].split(",")[0] == f"{field.size} × {field.size}"
        assert facts["output"] == f"{maps} × {sizes[-1]} × {sizes[-1]}"
        assert number(facts["parameters, one bias a map"]) == parameters
        assert number(facts["multiply-adds, all taps counted"]) == macs
        assert facts["from unit to unit it moves by"] == str(field.jump)
        unread = len(coverage(windows, sizes).unread)
        assert facts["inputs of a row never seen"] == (f"{unread} of {size}" if unread else f"none of {size}")


def test_the_copied_line_is_the_same_stack(tab: Tab) -> None:
    draw = random.Random(6)
    for _ in range(8):
        layers = random_typed_layers(draw)
        tab.go("stack", size=60, channels=3, stack=in_link(layers))
        if tab.refusal("stack"):
            continue
        code = tab.page.locator("#stack-python").text_content() or ""
        line = code.split('layers = "')[1].split('"')[0]
        report = read_layers(line, (1, 3, 60, 60)).inspect((1, 3, 60, 60))
        facts = tab.facts("stack")
        assert report.parameters == number(facts["parameters, one bias a map"])
        assert report.macs == number(facts["multiply-adds, all taps counted"])
        assert facts["output"] == " × ".join(map(str, report.rows[-1].output[1:]))


@pytest.mark.parametrize(
    ("scene", "state"),
    [
        ("explosion", {"size": "8,9", "channels": 2, "kernel": 3}),
        ("explosion", {"size": "8,9", "channels": 2, "kernel": 4}),
        ("stack", {"size": 30, "stack": "c3.2.1.1.8,p3.2.1,t3.2.1.4,c2.1.3.2.5"}),
        ("classifier", {"mode": "dilation"}),
        ("context", {"dilations": "1,2,9", "channels": 3}),
    ],
)
def test_the_copied_code_runs(tab: Tab, scene: str, state: dict[str, object], capsys: pytest.CaptureFixture[str]) -> None:
    tab.go(scene, **state)
    code = {name: tab.page.locator(f"#{scene}-{name}").text_content() or "" for name in ("python", "pytorch", "keras")}
    found: dict[str, dict[str, Any]] = {}
    for name in ("python", "pytorch"):
        found[name] = {}
        exec(compile(code[name], name, "exec"), found[name])
    compile(code["keras"], "keras", "exec")
    printed = capsys.readouterr().out.splitlines()
    if scene != "explosion":
        sizes = [int(size) for size in printed[-1].removeprefix("torch.Size([").rstrip("])").split(",")]
        net = found["python"]["net"]
        shape = {"stack": (1, 3, 30, 30), "classifier": (1, 3, 32, 32), "context": (1, 3, 64, 64)}[scene]
        assert list(net.inspect(shape).rows[-1].output) == sizes
        assert net.parameters == sum(each.numel() for each in found["pytorch"]["net"].parameters())


def test_layers_are_added_moved_changed_and_removed_by_hand(tab: Tab) -> None:
    tab.go("stack")
    stack = tab.page.locator("#stack")
    assert stack.locator(".layers > li").count() == 4
    stack.get_by_role("button", name="+ max pooling").click()
    assert stack.locator(".layers > li").count() == 5
    stack.get_by_role("button", name="Layer 5: one place earlier").click()
    assert "max pooling" in (stack.locator(".layers > li").nth(3).text_content() or "")
    stack.get_by_role("button", name="Layer 1: remove").click()
    assert stack.locator(".layers > li").count() == 4
    stack.get_by_role("spinbutton", name="Layer 1, dilation").fill("5")
    expected = ReceptiveField.through([Window(3, dilation=d) for d in (5, 4)] + [Window(2, stride=2), Window(3, dilation=8)])
    assert tab.facts("stack")["receptive field"].startswith(f"{expected.size} ×")
    stack.get_by_role("button", name="Reset").click()
    assert tab.facts("stack")["receptive field"] == "31 × 31"


def test_a_unit_that_is_pointed_at_says_what_it_sees(tab: Tab) -> None:
    tab.go("stack")
    tab.page.locator('#stack [data-key="unit:2.10"]').hover()
    assert "Unit 10 of 2 conv 3, d2 sees 7 inputs, from 7 to 13." in tab.said("stack")
    tab.page.locator('#stack [data-key="unit:4.0"]').focus()
    tab.page.locator("#stack h2").hover()
    assert tab.page.locator('#stack [data-key="unit:4.0"]').get_attribute("class") == "cell unit current"
    tab.page.keyboard.press("ArrowRight")
    assert tab.page.evaluate("document.activeElement.dataset.key") == "unit:4.1"


def test_a_stack_that_makes_nothing_is_explained_and_repaired(tab: Tab) -> None:
    tab.go("stack", size=4, stack="c3.1.1.0.8,c3.1.2.0.8")
    assert "Layer 2 (convolution) makes no output: its kernel spans 5, but only 2 inputs are left." in tab.refusal("stack")
    for at in range(tab.page.locator("#stack .fixes button").count()):
        tab.go("stack", size=4, stack="c3.1.1.0.8,c3.1.2.0.8")
        tab.page.locator("#stack .fixes button").nth(at).click()
        assert tab.refusal("stack") == ""
    tab.go("stack", size=200, stack="t4.4.0.8,t4.4.0.8")
    assert "Layer 1 makes maps of 800 × 800; up to 512 can be drawn here." in tab.refusal("stack")


def test_context_modules_at_random_dilations(tab: Tab) -> None:
    draw = random.Random(7)
    named = [[1, 1, 2, 4, 8, 16, 1], [1, 2, 9], [2, 2, 2]]
    for at in range(SETTINGS):
        dilations = named[at] if at < 3 else [draw.randint(1, 16) for _ in range(draw.randint(1, 8))]
        channels = draw.randint(1, 64)
        tab.go("context", dilations=",".join(map(str, dilations)), channels=channels)
        windows = [*(Window(3, dilation=d) for d in dilations), Window(1)]
        fields = [ReceptiveField.through(windows[: place + 1]) for place in range(len(windows))]
        seen = len(fields[-1].inputs(0)) ** 2
        facts = tab.facts("context")
        assert facts["receptive fields"] == ", ".join(str(field.size) for field in fields)
        assert facts["seen at the end"] == f"{seen:,} of {(fields[-1].size or 0) ** 2:,} pixels"
        weights = sum(convolution_cost(channels, channels, [window] * 2, (1, 1)).parameters for window in windows)
        assert facts["weights"] == f"{9 * len(dilations) + 1} · C² = {weights:,}"


def test_the_module_of_the_paper_and_two_that_grid(tab: Tab) -> None:
    tab.go("context")
    facts = tab.facts("context")
    assert facts["receptive fields"] == "3, 5, 9, 17, 33, 65, 67, 67"
    assert (facts["holes"], facts["weights"]) == ("none", "64 · C² = 28,224")
    for button, seen in (("1,2,9", "441 of 625 pixels"), ("2,2,2", "49 of 169 pixels")):
        tab.page.locator("#context").get_by_role("button", name=button, exact=True).click()
        assert tab.facts("context")["seen at the end"] == seen


def test_the_explosion_at_random_sizes(tab: Tab) -> None:
    draw = random.Random(8)
    for at in range(SETTINGS):
        height, width, channels, kernel = (
            (256, 256, 3, 3)
            if at == 0
            else (draw.randint(1, 4096), draw.randint(1, 4096), draw.randint(1, 512), draw.randint(1, 15))
        )
        tab.go("explosion", size=f"{height},{width}", channels=channels, kernel=kernel)
        shape = (channels, height, width)
        full = fully_connected_cost(shape, shape)
        pads = {"pad_lo": (kernel - 1) // 2, "pad_hi": kernel // 2}
        small = convolution_cost(channels, channels, [Window(kernel, **pads)] * 2, shape[1:])
        facts = tab.facts("explosion")
        assert (
            number(facts["fully connected: parameters"].split(" = ")[1].split(" ≈ ")[0]) == full.parameters == prod(shape) ** 2
        )
        assert number(facts["fully connected: multiply-adds"]) == full.macs
        assert number(facts["convolution: parameters"].split(" = ")[1]) == small.parameters
        assert number(facts["convolution: multiply-adds"]) == small.macs
    tab.go("explosion")
    facts = tab.facts("explosion")
    assert facts["fully connected: parameters"] == "(256 · 256 · 3)² = 38,654,705,664 ≈ 3.87·10¹⁰"
    assert facts["fully connected: memory"] == "154.6 GB"
    assert facts["convolution: memory"] == "324 bytes"


def classifier_layers(size: int, kernel: int, mode: str, factor: int) -> list[Window]:
    """Kernel after kernel until one place is left, at most 16 layers, the last one as large as what is left."""
    found: list[Window] = []
    left, dilation = size, 1
    while left > 1 and len(found) < 15:
        window = Window(kernel, factor if mode == "stride" else 1, dilation)
        if window.output_size(left) < 1:
            break
        found.append(window)
        left = window.output_size(left)
        dilation *= factor if mode == "dilation" else 1
    return [*found, Window(left)]


def test_classifiers_at_random_settings(tab: Tab) -> None:
    draw = random.Random(9)
    for _ in range(SETTINGS):
        size, kernel, factor = draw.randint(2, 128), draw.randint(2, 7), draw.randint(2, 4)
        mode, filters, classes = draw.choice(["stride", "dilation", "plain"]), draw.randint(1, 64), draw.randint(2, 20)
        tab.go("classifier", size=size, kernel=kernel, mode=mode, factor=factor, filters=filters, classes=classes)
        windows = classifier_layers(size, kernel, mode, factor)
        sizes, parameters, macs, channels = [size], 0, 0, 3
        for at, window in enumerate(windows):
            maps = classes if at == len(windows) - 1 else filters
            cost = convolution_cost(channels, maps, [window] * 2, [sizes[-1]] * 2, bias=True)
            parameters, macs, channels = parameters + cost.parameters, macs + cost.macs, maps
            sizes.append(window.output_size(sizes[-1]))
        facts = tab.facts("classifier")
        assert facts["maps shrink as"] == " → ".join(map(str, sizes))
        assert sizes[-1] == 1
        assert facts["the decision sees"].startswith(f"{ReceptiveField.through(windows).size} ×")
        assert (number(facts["parameters"]), number(facts["multiply-adds"])) == (parameters, macs)


def convolved(x: list[float], u: list[float], bias: float) -> list[float]:
    return [sum(x[i + t] * u[t] for t in range(3)) + bias for i in range(4)]


RULES: dict[str, Callable[[list[float], list[float], float], list[float]]] = {
    "conv": convolved,
    "both": lambda x, u, bias: [max(0, each) for each in convolved(x, u, bias)],
    "relu": lambda x, u, bias: [max(0, each) for each in x],
    "avgpool": lambda x, u, bias: [(x[i] + x[i + 1]) / 2 for i in (0, 2, 4)],
    "maxpool": lambda x, u, bias: [max(x[i], x[i + 1]) for i in (0, 2, 4)],
}


def written(number: float) -> str:
    return f"{round(number * 1000) / 1000:g}".replace("-", "−")


def test_linearity_at_random_numbers(tab: Tab) -> None:
    draw = random.Random(10)
    for _ in range(SETTINGS):
        layer, bias = draw.choice(list(RULES)), draw.randint(-5, 5)
        a, b, u = ([float(draw.randint(-9, 9)) for _ in range(n)] for n in (6, 6, 3))
        typed = {name: ",".join(f"0.{i}:{each:g}" for i, each in enumerate(x)) for name, x in (("a", a), ("b", b), ("u", u))}
        tab.go("linear", layer=layer, bias=bias, **typed)
        f = RULES[layer]
        before = [x + y for x, y in zip(f(a, u, bias), f(b, u, bias), strict=True)]
        behind = f([x + y for x, y in zip(a, b, strict=True)], u, bias)
        facts = tab.facts("linear")
        assert facts["f(a) + f(b)"] == ", ".join(map(written, before))
        assert facts["f(a + b)"] == ", ".join(map(written, behind))
        odd = sum(x != y for x, y in zip(before, behind, strict=True))
        assert facts["the same"] == (f"no, {odd} of {len(before)} differ" if odd else "yes")
        if layer == "avgpool" or (layer == "conv" and bias == 0):
            assert odd == 0


def test_the_table_of_linear_layers_is_that_of_the_layers(tab: Tab) -> None:
    rows = tab.page.locator("#linear .kinds tbody tr")
    said = {}
    for at in range(rows.count()):
        row = rows.nth(at)
        said[row.locator("th").inner_text()] = row.locator("td").nth(1).inner_text() == "yes"
    known: dict[str, tuple[type[Layer], ...]] = {
        "Convolution, dilated or strided too": (graph_layers.Conv,),
        "Transposed convolution": (graph_layers.ConvTranspose,),
        "Fully connected layer": (graph_layers.Linear,),
        "Average pooling, global too": (graph_layers.AveragePool,),
        "Addition of branches, concatenation": (graph_layers.Add, graph_layers.Concat),
        "Batch normalisation, once trained": (graph_layers.BatchNorm,),
        "Padding with zeros, cropping, flattening": (graph_layers.Pad, graph_layers.Slice, graph_layers.Flatten),
        "Upsampling by interpolation": (graph_layers.Resize,),
        "ReLU, tanh, sigmoid and other activations": (graph_layers.Relu, graph_layers.Tanh, graph_layers.Sigmoid),
        "Max pooling": (graph_layers.MaxPool,),
        "Softmax": (graph_layers.Softmax,),
    }
    assert said == {name: all(kind.linear for kind in kinds) for name, kinds in known.items()}


def test_nothing_was_asked_for_and_nothing_failed(tab: Tab) -> None:
    assert tab.trouble() == []
