"""Words as TeX writes them: nothing in them is a command, and every sign is one that pdflatex has."""

from __future__ import annotations

from atrous.errors import ArgumentError

# Each word below is a sign and the name of its command: in formulas, and in text.
_FORMULAS = r"""
ΓGamma ΔDelta ΘTheta ΛLambda ΞXi ΠPi ΣSigma ΥUpsilon ΦPhi ΨPsi ΩOmega αalpha βbeta γgamma δdelta εepsilon ζzeta ηeta θtheta
ιiota κkappa λlambda μmu νnu ξxi πpi ρrho ςvarsigma σsigma τtau υupsilon φphi χchi ψpsi ωomega ×times ·cdot ⋅cdot ±pm ÷div µmu
¬neg ∂partial ∈in ∏prod ∑sum ∘circ √surd ∞infty ≈approx ≠neq ≡equiv ≤leq ≥geq ⊕oplus ⊖ominus ⊗otimes ⊙odot ⌈lceil ⌉rceil ⌊lfloor
⌋rfloor ⟨langle ⟩rangle ′prime ←leftarrow ↑uparrow →rightarrow ↓downarrow ↔leftrightarrow ⇒Rightarrow \backslash |vert
"""
_WORDS = """
^textasciicircum ~textasciitilde "textquotedbl 'textquotesingle `textasciigrave –textendash —textemdash …ldots •textbullet
‘textquoteleft ’textquoteright “textquotedblleft ”textquotedblright „quotedblbase «guillemotleft »guillemotright °textdegree §S
©textcopyright ®textregistered
"""
#: Letters that the encoding T1 has, beside those of Latin-1.
_LETTERS = "ĂăĄąĆćČčĎďĐđĘęĚěĞğİıĹĺĽľŁłŃńŇňŐőŒœŔŕŘřŚśŞşŠšŢţŤťŮůŰűŸŹźŻżŽž"

_WRITTEN = {
    **{chr(code): chr(code) for code in (*range(0x20, 0x7F), *range(0xC0, 0x100))},
    **{letter: letter for letter in _LETTERS},
    **{letter: "\\" + letter for letter in "{}$&#%_"},
    # In braces, as TeX makes one sign of two of them.
    **{letter: f"{{{letter}}}" for letter in "-<>,!?"},
    **{word[0]: f"$\\{word[1:]}$" for word in _FORMULAS.split()},
    **{word[0]: f"\\{word[1:]}{{}}" for word in _WORDS.split()},
    **{letter: f"\\textsuperscript{{{digit}}}" for digit, letter in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
    **{letter: f"\\textsubscript{{{digit}}}" for digit, letter in enumerate("₀₁₂₃₄₅₆₇₈₉")},
    **dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΧο", "ABEZHIKMNOPTXo", strict=True)),
    **{letter: f"$^{raised}$" for letter, raised in zip("⁺⁻ⁿⁱ", "+-ni", strict=True)},
    "″": "$''$",
    "−": "$-$",
    "ℝ": "$\\mathbb{R}$",
    "\xa0": "~",
}


def tex(text: str) -> str:
    r"""A line of text for LaTeX with T1 and amssymb; ``ArgumentError`` names letters that those lack.

    >>> tex("3×3: 100 % of 10¹")
    '3$\\times$3: 100 \\% of 10\\textsuperscript{1}'
    """
    missing = sorted(set(text).difference(_WRITTEN))
    if missing:
        named = ", ".join(f"{letter!r} (U+{ord(letter):04X})" for letter in missing)
        raise ArgumentError(f"text: {text!r} holds {named}, which pdflatex lacks; leave it out, or write .svg or .html")
    return "".join(_WRITTEN[letter] for letter in text)
