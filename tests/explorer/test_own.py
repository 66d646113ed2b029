"""One's own network and image on the page that the local server gives out, in a real browser."""

from __future__ import annotations

import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from atrous.explorer import workbench
from atrous.explorer.page import page
from atrous.geometry import ReceptiveField, Window
from atrous.importers import load
from tests.importers.models import model, node

from .asking import Asker, running, small_model
from .browsing import Tab, new_tab


@pytest.fixture(scope="module")
def asker() -> Iterator[Asker]:
    with running(page) as asker:
        yield asker


@pytest.fixture
def tab(browser: Any, asker: Asker) -> Iterator[Tab]:
    """The page, with nothing chosen."""
    with new_tab(browser) as tab:
        tab.open(asker.server.address)
        tab.page.wait_for_selector("#own-model")
        yield tab


def upload(tab: Tab, field: str, name: str, content: bytes) -> None:
    tab.page.locator(f"#{field}").set_input_files({"name": name, "mimeType": "application/octet-stream", "buffer": content})


def settled(tab: Tab) -> None:
    """Wait until nothing is under way."""
    from playwright.sync_api import expect

    expect(tab.page.locator("#own-busy")).to_have_text("")


def png(rows: int, columns: int) -> bytes:
    file = BytesIO()
    pixels = np.random.default_rng(5).integers(0, 256, (rows, columns, 3), np.uint8)
    Image.fromarray(pixels).save(file, format="PNG")
    return file.getvalue()


def chosen(tab: Tab, network: bytes, rows: int = 40, columns: int = 61) -> None:
    """Upload a network and an image."""
    upload(tab, "own-model", "mine.onnx", network)
    tab.page.wait_for_selector("#own-network")
    settled(tab)
    upload(tab, "own-image", "cup.png", png(rows, columns))
    tab.page.wait_for_selector("#own-layers tbody button")
    settled(tab)


def show_layer(tab: Tab, name: str) -> None:
    tab.page.locator("#own-layers").get_by_role("button", name=name, exact=True).click()


def cells(tab: Tab) -> list[list[str]]:
    program = (
        "() => [...document.querySelectorAll('#own-layers tbody tr')].map((r) => [...r.children].map((c) => c.textContent))"
    )
    return [list(row) for row in tab.page.evaluate(program)]


def test_an_uploaded_network_has_the_numbers_of_inspect(tab: Tab) -> None:
    chosen(tab, small_model())
    report = load(small_model()).inspect((1, 3, 40, 61))
    for row, shown in zip(report.rows, cells(tab), strict=True):
        assert shown[:3] == [row.name, row.operator, "×".join(map(str, row.output))]
        assert shown[3] == (f"{row.parameters:,}" if row.parameters else "")
        assert shown[4] == (f"{row.macs:,}" if row.macs else "")
        assert shown[5] == "×".join(map(str, row.fields))
    assert [row[7] for row in cells(tab)] == ["", "not linear", ""]
    assert tab.trouble() == []


def test_a_clicked_unit_sees_what_geometry_says(tab: Tab) -> None:
    chosen(tab, small_model())
    show_layer(tab, "second")
    tab.page.wait_for_selector("#own-map")
    settled(tab)
    field = ReceptiveField.through([Window(3, stride=2, pad_lo=1, pad_hi=1), Window(3, dilation=2)])
    box = tab.page.locator("#own-map img").bounding_box()
    rows, columns = 16, 27
    for row, column in ((0, 0), (7, 11), (15, 26)):
        at = {"x": (column + 0.5) / columns * box["width"], "y": (row + 0.5) / rows * box["height"]}
        tab.page.locator("#own-map").click(position=at)
        words = tab.page.locator("#own-words")
        words.get_by_text(f"Unit (row {row}, column {column}) of map 0 of second").wait_for()
        settled(tab)
        hull = tab.page.locator(".own-hull")
        for axis, place, size in (("rows", row, 40), ("columns", column, 61)):
            inside = field.inputs(place).clip(0, size)
            shown = [tuple(map(int, run.split("-"))) for run in (hull.get_attribute(f"data-{axis}") or "").split()]
            assert shown == list(inside.runs)
        lo = [field.inputs(place).clip(0, size).span for place, size in ((row, 40), (column, 61))]
        drawn = [float(hull.get_attribute(name) or -1) for name in ("y", "x", "height", "width")]
        assert drawn == [lo[0][0], lo[1][0], lo[0][1] - lo[0][0], lo[1][1] - lo[1][0]]
    assert tab.trouble() == []


def test_the_keyboard_moves_the_unit(tab: Tab) -> None:
    chosen(tab, small_model())
    show_layer(tab, "first")
    tab.page.wait_for_selector("#own-map")
    settled(tab)
    tab.page.locator("#own-map").focus()
    tab.page.keyboard.press("ArrowDown")
    tab.page.locator("#own-words").get_by_text("Unit (row 11, column 15) of map 0 of first").wait_for()
    settled(tab)
    tab.page.locator("#own-row").fill("3")
    tab.page.locator("#own-row").press("Enter")
    tab.page.locator("#own-words").get_by_text("Unit (row 3, column 15)").wait_for()
    settled(tab)
    tab.page.locator("#own-maps li button").nth(2).click()
    tab.page.locator("#own-words").get_by_text("of map 2 of first").wait_for()


def test_the_demo_shows_maps_and_a_unit_at_once(tab: Tab) -> None:
    tab.page.locator("#own-demo").click()
    tab.page.wait_for_selector("#own-words")
    settled(tab)
    assert tab.page.locator("#own-maps li").count() == 32
    assert (
        "It reads rows 169 to 171 and columns 255 to 257 of the image: 3 × 3 pixels"
        in tab.page.locator("#own-words").inner_text()
    )
    assert "The network is given the image at 512 × 341 pixels." in tab.page.locator("#own-told").inner_text()
    assert tab.page.locator("#own-built-in").input_value() == "denoiser"
    assert tab.trouble() == []


def test_a_built_in_classifier_ends_in_its_largest_scores(tab: Tab) -> None:
    tab.page.locator("#own-built-in").select_option("lenet")
    tab.page.wait_for_selector("#own-network")
    settled(tab)
    assert tab.page.locator("#own-layers tbody button").count() == 0
    tab.page.locator("#own-sample").click()
    tab.page.wait_for_selector("#own-layers tbody button")
    settled(tab)
    show_layer(tab, "logits")
    tab.page.wait_for_selector("#own-vector")
    assert tab.page.locator("#own-vector tbody tr").count() == 10


def test_settings_change_what_the_network_is_given(tab: Tab) -> None:
    chosen(tab, small_model())
    tab.page.locator("#own-scaling").select_option("imagenet")
    tab.page.locator("#own-told").get_by_text("ImageNet").wait_for()
    tab.page.locator("#own-side").fill("32")
    tab.page.locator("#own-side").press("Enter")
    tab.page.locator("#own-told").get_by_text("The network is given the image at 32 × 21 pixels.").wait_for()
    settled(tab)
    assert cells(tab)[0][2] == "1×4×11×16"


def test_errors_are_shown_in_the_engines_words(tab: Tab) -> None:
    odd = model([node("Conv", "x", "w"), node("Wavelet", "y", outputs=("z",))], constants={"w": np.ones((1, 4, 3, 3))})
    upload(tab, "own-model", "odd.onnx", odd.SerializeToString())
    alert = tab.page.locator("#own-error")
    alert.get_by_text("opset 21 operators that atrous does not have: Wavelet (nodes wavelet)").wait_for()
    upload(tab, "own-model", "broken.onnx", b"nonsense")
    alert.get_by_text("is damaged, cut short, or not an ONNX model (8 bytes)").wait_for()
    upload(tab, "own-image", "broken.png", b"\x89PNG\r\n\x1a\nnonsense")
    alert.get_by_text("broken.png: a damaged or truncated image file").wait_for()
    tab.page.locator("#own-built-in").select_option("wavenet")
    tab.page.locator("#own-told").get_by_text("a 1-d signal; its numbers are in the table").wait_for()
    assert tab.page.locator("#own-error").count() == 0
    # the browser itself notes each answer that is an error
    assert all("422" in problem for problem in tab.trouble())


def test_what_takes_long_tells_how_far_it_is(tab: Tab, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen(tab, small_model())
    quick = workbench.activations

    def slow(*arguments: Any, **options: Any) -> Any:
        time.sleep(2)
        return quick(*arguments, **options)

    monkeypatch.setattr(workbench, "activations", slow)
    show_layer(tab, "first")
    tab.page.locator("#own-busy").get_by_text("compiling and running the network up to first, 1.").wait_for()
    assert tab.page.locator("#own-busy progress").count() == 1
    tab.page.wait_for_selector("#own-words")
    settled(tab)


def test_files_that_are_too_large_are_not_sent(tab: Tab, asker: Asker) -> None:
    tab.page.evaluate(
        """() => {
            const file = new File(["x"], "huge.png");
            Object.defineProperty(file, "size", { value: 65 * 2 ** 20 });
            const drop = new Event("drop", { bubbles: true, cancelable: true });
            Object.defineProperty(drop, "dataTransfer", { value: { files: [file] } });
            document.querySelector(".own-choose").dispatchEvent(drop);
        }"""
    )
    tab.page.locator("#own-error").get_by_text("the image: huge.png has 68.2 MB; the page takes at most 67.1 MB").wait_for()
    assert tab.trouble() == []


def test_files_can_be_dropped(tab: Tab) -> None:
    data = list(small_model())
    tab.page.evaluate(
        """(bytes) => {
            const drop = new Event("drop", { bubbles: true, cancelable: true });
            const file = new File([new Uint8Array(bytes)], "dropped.onnx");
            Object.defineProperty(drop, "dataTransfer", { value: { files: [file] } });
            document.querySelector(".own-choose").dispatchEvent(drop);
        }""",
        data,
    )
    tab.page.locator("#own-network").get_by_text("3 layers, 184 parameters").wait_for()


def test_a_large_image_is_downscaled_and_said_so(tab: Tab) -> None:
    file = BytesIO()
    Image.new("L", (8660, 5774), 90).save(file, format="PNG")
    upload(tab, "own-image", "large.png", file.getvalue())
    tab.page.locator(".chosen-file").get_by_text("large.png, 8660 × 5774 pixels").wait_for()
    tab.page.locator("#own-built-in").select_option("denoiser")
    told = tab.page.locator("#own-told")
    told.get_by_text("The image has 8660 × 5774 pixels (50.0 megapixels); it was downscaled to 1024 × 683").wait_for()
    told.get_by_text("The network is given the image at 512 × 341 pixels.").wait_for()


def test_the_page_fits_a_phone(browser: Any, asker: Asker) -> None:
    with new_tab(browser, width=360) as tab:
        tab.open(asker.server.address)
        tab.page.wait_for_selector("#own-demo")
        tab.page.locator("#own-demo").click()
        tab.page.wait_for_selector("#own-words")
        assert tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert tab.trouble() == []


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_axe_finds_nothing_wrong(browser: Any, asker: Asker, colours: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    # the policy of the page forbids what axe injects, so here it is not asked
    with new_tab(browser, bypass_csp=True, color_scheme=colours) as tab:
        tab.open(asker.server.address)
        tab.page.wait_for_selector("#own-demo")
        tab.page.locator("#own-demo").click()
        tab.page.wait_for_selector("#own-words")
        settled(tab)
        scenes = ("own", "stack", "explosion", "classifier", "linear", "context")
        found = axe.Axe().run(tab.page, context={"include": [[f"#{scene}"] for scene in scenes]}).response["violations"]
    assert [(each["id"], [node["target"] for node in each["nodes"]]) for each in found] == []


def test_the_exported_page_has_no_such_section(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(page(), encoding="utf-8")
    with new_tab(browser) as tab:
        tab.open(path.as_uri())
        assert tab.page.locator("#own").count() == 0
        assert "connect-src" not in path.read_text(encoding="utf-8")
