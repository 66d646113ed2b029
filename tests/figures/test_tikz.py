"""TikZ: one picture a step; words are never commands; pdflatex takes it where it is there."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pypdfium2
import pytest

from atrous.errors import ArgumentError
from atrous.figures.figure import Figure
from atrous.figures.tex import tex
from tests.figures.examples import deep, hostile, nine_steps, one_row


def _text(figure: Figure, folder: Path) -> str:
    (path,) = figure.save(folder / "a.tex")
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("figure", [nine_steps(), one_row(), deep(), hostile()], ids=lambda figure: figure.name)
def test_pictures_and_colours(figure: Figure, tmp_path: Path) -> None:
    text = _text(figure, tmp_path)
    assert text.count("\\begin{tikzpicture}") == text.count("\\end{tikzpicture}") == len(figure)
    defined = re.findall(r"\\definecolor\{(\w+)\}\{HTML\}\{([0-9A-F]{6})\}", text)
    assert [name for name, _ in defined] == [f"c{value.lower()}" for _, value in defined]
    assert {name for name, _ in defined} == set(re.findall(r"(?:fill|draw|text)=(c[0-9a-f]{6})", text))
    assert set(re.findall(r"\\usepackage(?:\[.*?\])?\{(\w+)\}", text)) == {"inputenc", "fontenc", "lmodern", "amssymb"}
    plain = text.replace("\\{", "").replace("\\}", "")
    assert plain.count("{") == plain.count("}")


def test_words_are_no_commands() -> None:
    assert tex("\\input{a_b} 50 % $x^2$ & #1 ~") == (
        r"$\backslash$input\{a\_b\} 50 \% \$x\textasciicircum{}2\$ \& \#1 \textasciitilde{}"
    )
    assert tex("a--b <<c>> ''") == r"a{-}{-}b {<}{<}c{>}{>} \textquotesingle{}\textquotesingle{}"
    assert tex("3·(−2), 10¹², Σ, x₁") == (
        r"3$\cdot$($-$2){,} 10\textsuperscript{1}\textsuperscript{2}{,} $\Sigma${,} x\textsubscript{1}"
    )


@pytest.mark.parametrize("text", ["卷", "a\nb", "a\x00", "a^^M\t"])
def test_other_letters_are_told(text: str, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"^text: .* holds .* \(U\+[0-9A-F]{4}\), which pdflatex lacks; leave it out"):
        _text(replace(nine_steps(), scenes=(replace(nine_steps().scenes[0], title=text),)), tmp_path)


@pytest.mark.parametrize("figure", [nine_steps(), hostile()], ids=lambda figure: figure.name)
def test_pdflatex_takes_it(figure: Figure, tmp_path: Path) -> None:
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed")
    if subprocess.run(["kpsewhich", "standalone.cls"], capture_output=True).returncode:
        pytest.skip("LaTeX's class standalone is not installed")
    (path,) = figure.save(tmp_path / "a.tex")
    told = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", path.name], cwd=tmp_path, capture_output=True, text=True
    )
    assert told.returncode == 0, told.stdout[-2000:]
    drawing = figure.drawings()[0]
    with pypdfium2.PdfDocument(tmp_path / "a.pdf") as document:
        assert len(document) == len(figure)
        assert document[0].get_size() == pytest.approx((0.75 * drawing.width, 0.75 * drawing.height), abs=0.5)
