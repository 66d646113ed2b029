"""The LaTeX form of a report: a ``tabular`` with the rules of the booktabs package."""

from __future__ import annotations

from collections.abc import Sequence

from atrous.report.columns import BASE, BY_NAME, COLUMNS, named
from atrous.report.report import Report
from atrous.report.totals import notes, totals

#: What LaTeX reads as commands, and the signs that a report uses beyond ASCII.
SIGNS = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "&": r"\&",
        "%": r"\%",
        "$": r"\$",
        "#": r"\#",
        "_": r"\_",
        "{": r"\{",
        "}": r"\}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "×": r"$\times$",
        "…": r"\dots{}",
        "·": r"$\cdot$",
        "σ": r"$\sigma$",
        **{sign: f"$^{power}$" for power, sign in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
    }
)


def escape(text: str) -> str:
    r"""Text that LaTeX prints as it stands.

    >>> escape("conv_1: 3×3 & 50 %")
    'conv\\_1: 3$\\times$3 \\& 50 \\%'
    """
    return text.translate(SIGNS)


def table(report: Report, columns: Sequence[str] | None = None) -> str:
    """The layers as a ``tabular``, the base columns unless others are named; the totals stand above it as comments."""
    if columns is None:
        picked = tuple(BY_NAME[name] for name in BASE)
    else:
        picked = COLUMNS if list(columns) == ["all"] else named(columns)
    layout = "".join("l" if column.text else "r" for column in picked)
    body = [_line([column.cell(row) for column in picked]) for row in report.rows]
    return "\n".join(
        [
            f"% {report.network}, by atrous inspect; needs \\usepackage{{booktabs}}",
            *(f"% {line.title}: {line.text}" for line in totals(report)),
            *(f"% {note}" for note in notes(report)),
            f"\\begin{{tabular}}{{{layout}}}",
            "\\toprule",
            _line([column.heading for column in picked]),
            "\\midrule",
            *body,
            "\\bottomrule",
            "\\end{tabular}",
            "",
        ]
    )


def _line(cells: Sequence[str]) -> str:
    return " & ".join(map(escape, cells)) + r" \\"
