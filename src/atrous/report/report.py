"""What an inspection found: a frozen value that prints as a table and converts to plain data for JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from atrous.report.receptive import Field
from atrous.report.table import render

#: How multiply-adds are counted, said wherever they are printed.
CONVENTION = "multiply-adds of convolutions and linear layers, every tap counted, also those on padding; 1 MAC = 2 FLOP"


@dataclass(frozen=True, slots=True)
class Row:
    """One layer of a report; ``fields`` has an entry for each spatial axis of the input, and is empty where none is known."""

    name: str
    operator: str
    output: tuple[int, ...]
    dtype: str
    parameters: int
    macs: int
    bytes: int
    fields: tuple[Field, ...]
    linear: bool
    local: bool


@dataclass(frozen=True, slots=True)
class Report:
    """What ``inspect`` found of a network on given input sizes. ``str`` is the table, ``to_dict`` the data."""

    network: str
    inputs: tuple[tuple[str, str, tuple[int, ...]], ...]
    outputs: tuple[tuple[str, str, tuple[int, ...]], ...]
    rows: tuple[Row, ...]
    parameters: int
    weight_bytes: int
    macs: int
    fields: tuple[Field, ...]
    assumed: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<Report {self.network}: {len(self.rows)} layers, {self.parameters:,} parameters, {self.macs:,} MACs>"

    def __str__(self) -> str:
        return self.text()

    def text(self, width: int = 120) -> str:
        """The report as a table of at most ``width`` columns, in plain text."""
        return render(self, width)

    def to_dict(self) -> dict[str, Any]:
        """The report as numbers, strings, lists and dictionaries, ready for ``json.dump``."""
        return {
            "network": self.network,
            "convention": CONVENTION,
            "assumed": list(self.assumed),
            "inputs": [_signal(*signal) for signal in self.inputs],
            "outputs": [_signal(*signal) for signal in self.outputs],
            "parameters": self.parameters,
            "weight_bytes": self.weight_bytes,
            "macs": self.macs,
            "receptive_field": [_field(field) for field in self.fields],
            "layers": [_row(row) for row in self.rows],
        }


def _signal(name: str, dtype: str, shape: tuple[int, ...]) -> dict[str, Any]:
    return {"name": name, "dtype": dtype, "shape": list(shape)}


def _field(field: Field) -> dict[str, Any]:
    jump = None if field.jump is None else str(field.jump)
    return {"size": field.size, "jump": jump, "whole": field.whole, "aligned": field.aligned}


def _row(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "operator": row.operator,
        "output": list(row.output),
        "dtype": row.dtype,
        "parameters": row.parameters,
        "macs": row.macs,
        "bytes": row.bytes,
        "receptive_field": [_field(field) for field in row.fields],
        "linear": row.linear,
        "local": row.local,
    }
