"""Write the table of built-in networks in ``networks.md`` from the networks and what is published of them: ``make format``.

The published numbers are those that the tests check, in ``tests/graph/published.py``. With ``--check`` nothing is written, and
a page that is not up to date is an error.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from atrous.graph.networks import NETWORKS  # noqa: E402
from tests.graph.published import PUBLISHED  # noqa: E402

PAGE = Path(__file__).parent / "networks.md"
HEAD = """| network | input | parameters | multiply-adds | published | source |
| --- | --- | ---: | ---: | --- | --- |"""


def row(name: str) -> str:
    """One network, with the counts that its layers give on the input of the row."""
    published = PUBLISHED[name]
    network = NETWORKS[name]()
    shape = "×".join(map(str, published.shape))
    counts = f"{network.parameters:,} | {network.macs(published.shape):,}"
    return f"| `{name}` | {shape} | {counts} | {published.told} | {published.source} |"


def written(page: str) -> str:
    """The page with its table as it should be."""
    table = "\n".join((HEAD, *map(row, NETWORKS)))
    return re.sub(
        r"(<!-- networks -->\n).*?(<!-- end -->)", lambda found: f"{found[1]}{table}\n{found[2]}", page, flags=re.DOTALL
    )


def main() -> int:
    """Write the page, or with ``--check`` say whether it is up to date."""
    old = PAGE.read_text(encoding="utf-8")
    new = written(old)
    if "--check" in sys.argv[1:] and old != new:
        print(f"{PAGE.name} does not list the networks as they are: run make format", file=sys.stderr)
        return 1
    PAGE.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
