"""The results of a run as plain data for JSON: every number with its unit in its name."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from atrous.bench.race import Measured, Outcome, Settings
from atrous.bench.rows import Row, means

#: Raised when a field changes its meaning.
SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Run:
    """Everything that a run found out."""

    suite: str
    dtype: str
    threads: int
    settings: Settings
    machine: Mapping[str, Any]
    versions: Mapping[str, str]
    absent: Sequence[str]
    #: Bytes a second that a copy reads and writes in each level of the memory.
    bandwidth: Mapping[str, float]
    rows: Sequence[Row]
    notes: Sequence[str]

    def peak(self) -> float | None:
        """The median FLOP a second of the loop of multiply-adds over all cases."""
        found = sorted(row.peak for row in self.rows if row.peak)
        return found[len(found) // 2] if found else None


def document(run: Run) -> dict[str, Any]:
    """A run as nested dictionaries."""
    return {
        "schema": SCHEMA,
        "suite": run.suite,
        "dtype": run.dtype,
        "threads": run.threads,
        "settings": {
            "rounds": run.settings.rounds,
            "slice_seconds": run.settings.slice,
            "limit_seconds": run.settings.limit,
        },
        "machine": dict(run.machine),
        "versions": dict(run.versions),
        "absent": list(run.absent),
        "peak_flop_per_second": run.peak(),
        "copy_bytes_per_second": dict(run.bandwidth),
        "means": [asdict(line) for line in means(run.rows)],
        "rows": [_row(row) for row in run.rows],
        "notes": list(run.notes),
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "family": row.family,
        "problem": row.text,
        "pass": row.direction,
        "flop": row.flop,
        "flop_on_real_elements": row.real_flop,
        "bytes": row.bytes,
        "level": row.level,
        "peak_flop_per_second": row.peak,
        "best_peer": row.best_peer(),
        "ratio_to_best": row.to_best(),
        "ratio_to_torch": row.to_default(),
        "ratio_of_unpacked_to_torch": row.to_default("atrous.conv"),
        "share_of_peak": row.of_peak(),
        "share_of_roof": row.of_roof(),
        "peers": {name: _outcome(outcome) for name, outcome in row.outcomes.items()},
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    if not isinstance(outcome, Measured):
        return {outcome.kind: outcome.reason}
    times, error = outcome.times, outcome.error
    return {
        "median_seconds": times.median,
        "lower_quartile_seconds": times.lower,
        "upper_quartile_seconds": times.upper,
        "least_seconds": times.least,
        "calls": times.calls,
        "error": error if error is None or math.isfinite(error) else str(error),
        "memory_bytes": outcome.memory,
    }


def write_json(run: Run, path: Path) -> None:
    """Write a run; an existing file is replaced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document(run), indent=1) + "\n", encoding="utf-8")
