"""Make the fonts that figures are drawn with: DejaVu Sans 2.37, cut to what figures write, and the widths of its letters.

    pip install fonttools
    pip download --no-deps matplotlib && unzip matplotlib-*.whl 'matplotlib/mpl-data/fonts/ttf/*'
    python docs/subset_font.py matplotlib/mpl-data/fonts/ttf

The results are part of the sources: nobody needs to run this to build, test or use atrous.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

FONTS = Path(__file__).parents[1] / "src" / "atrous" / "figures" / "fonts"
#: ASCII, Latin-1 and Latin Extended-A; Greek; super- and subscripts.
RANGES = ((0x20, 0x7E), (0xA0, 0x17F), (0x391, 0x3A1), (0x3A3, 0x3A9), (0x3B1, 0x3C9), (0x2070, 0x2071), (0x2074, 0x2094))
OTHERS = "–—‘’“”„•…′″←↑→↓↔⇒ℝ∂∈∏∑−∘√∞≈≠≡≤≥⊕⊖⊗⊙⋅⌈⌉⌊⌋⟨⟩"


def cut(source: Path, target: Path) -> dict[str, int]:
    """Write a font with those letters only; returns their widths in its units, 2048 to the size of the font."""
    font = TTFont(source, recalcTimestamp=False)
    options = Options()
    # Without kerning a line is as wide as its letters together, in every format alike.
    options.layout_features = []
    options.legacy_kern = False
    options.hinting = False
    options.notdef_outline = True
    options.name_IDs = ["*"]
    wanted = {code for lo, hi in RANGES for code in range(lo, hi + 1)} | set(map(ord, OTHERS))
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=wanted)
    subsetter.subset(font)
    font.save(target)
    return {chr(code): font["hmtx"][name][0] for code, name in sorted(font.getBestCmap().items())}


def main(source: Path) -> None:
    """Both weights, their widths, and their licence."""
    widths = {
        weight: cut(source / name, FONTS / name)
        for weight, name in (("regular", "DejaVuSans.ttf"), ("bold", "DejaVuSans-Bold.ttf"))
    }
    table = json.dumps(widths, ensure_ascii=False, indent=0)
    (FONTS / "widths.json").write_text(table + "\n", encoding="utf-8")
    (FONTS / "LICENSE_DEJAVU").write_bytes((source / "LICENSE_DEJAVU").read_bytes())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
