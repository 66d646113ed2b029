"""Write the lists of modules in ``architecture.md`` from the modules' own first sentences: ``make format`` runs it.

A list stands between ``<!-- modules ROOM -->`` and ``<!-- end -->``; with ``--check`` nothing is written, and a page that is
not up to date is an error.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

PAGE = Path(__file__).parent / "architecture.md"
SOURCE = Path(__file__).parents[1] / "src" / "atrous"


def first_sentence(module: Path) -> str:
    """The first sentence of a module's docstring, in Markdown."""
    text = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or "(says nothing of itself)"
    paragraph = " ".join(text.split("\n\n")[0].split())
    sentence = re.split(r"(?<=[a-z0-9`)])\.(?= [A-Z])", paragraph)[0]
    return sentence.rstrip(".").replace("``", "`")


def listing(room: str) -> str:
    """One line for each module of a room (a folder, or a module itself), the folder's own line left to the page."""
    path = SOURCE / room
    modules = sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
    own = path / "__init__.py"
    lines = [f"- `{module.relative_to(SOURCE)}`: {first_sentence(module)}" for module in modules if module != own]
    return "\n".join(line.replace("/__init__.py`", "/`") for line in lines)


def written(page: str) -> str:
    """The page with all its lists as they should be."""
    block = re.compile(r"(<!-- modules (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)
    return block.sub(lambda found: f"{found[1]}{listing(found[2])}\n{found[3]}", page)


def main() -> int:
    """Write the page, or with ``--check`` say whether it is up to date."""
    old = PAGE.read_text(encoding="utf-8")
    new = written(old)
    if "--check" in sys.argv[1:] and old != new:
        print(f"{PAGE.name} does not list the modules as they are: run make format", file=sys.stderr)
        return 1
    PAGE.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
