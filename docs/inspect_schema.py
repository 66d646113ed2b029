"""Write ``inspect.schema.json``, the schema of what ``atrous inspect --json`` writes; ``make format`` runs it."""

from __future__ import annotations

import json
from pathlib import Path

from atrous.report.schema import report_schema

PAGE = Path(__file__).parent / "inspect.schema.json"


def text() -> str:
    """The schema as the file holds it."""
    return json.dumps(report_schema(), indent=2) + "\n"


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
