"""The JSON schema of a report's data (draft 2020-12): what ``data`` writes, for those who read it."""

from __future__ import annotations

from typing import Any

from atrous.report.data import VERSION
from atrous.report.figure import Status

Schema = dict[str, Any]
INTEGER: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
STRING: Schema = {"type": "string"}
BOOLEAN: Schema = {"type": "boolean"}
#: A fraction as text, such as ``"1/2"``.
FRACTION: Schema = {"type": "string", "pattern": "^-?[0-9]+(/[0-9]+)?$"}
#: The figures of ``costs``; all are counts but the intensity, FLOP for each byte moved.
COUNTS = (
    "parameters",
    "weight_bytes",
    "activation_bytes",
    "moved_bytes",
    "macs",
    "real_macs",
    "flops",
    "fully_connected_parameters",
)


def _object(**properties: Schema) -> Schema:
    """An object with exactly these properties."""
    return {"type": "object", "properties": properties, "required": sorted(properties), "additionalProperties": False}


def _list(of: Schema) -> Schema:
    return {"type": "array", "items": of}


def _pair(of: Schema) -> Schema:
    return {"type": "array", "items": of, "minItems": 2, "maxItems": 2}


def _or_null(of: Schema) -> Schema:
    return {"anyOf": [of, {"type": "null"}]}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _figure(value: Schema) -> Schema:
    """A status, with a value unless it is unavailable, and a reason unless it is complete."""
    properties = {"status": {"enum": [status.value for status in Status]}, "value": value, "reason": STRING}
    return {"type": "object", "properties": properties, "required": ["status"], "additionalProperties": False}


def report_schema() -> Schema:
    """The schema; ``docs/inspect.schema.json`` is this, and a test keeps it so."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The report of atrous inspect",
        **_object(
            version={"const": VERSION},
            network=STRING,
            conventions=_object(macs=STRING, real_macs=STRING, moved_bytes=STRING, peak_bytes=STRING),
            assumed=_list(STRING),
            symbols=_list(STRING),
            exact_for=STRING,
            inputs=_list(_ref("signal")),
            outputs=_list(_ref("signal")),
            costs=_ref("costs"),
            formulas=_or_null(_ref("formulas")),
            peak_bytes=_figure(INTEGER),
            receptive_field=_figure(_list(_ref("field"))),
            effective_field=_figure(_ref("effective_field")),
            estimated_effective_field=_figure(_ref("effective_field")),
            reach=_figure(_list(_ref("reach"))),
            legal_sizes=_list(_figure(_ref("legal_sizes"))),
            layers=_list(_ref("layer")),
        ),
        "$defs": _definitions(),
    }


def _definitions() -> dict[str, Schema]:
    size = {"type": ["integer", "string"]}
    costs = {name: _figure(INTEGER) for name in COUNTS} | {"intensity": _figure(NUMBER)}
    return {
        "signal": _object(name=STRING, dtype=STRING, shape=_list(size)),
        "costs": _object(**costs),
        "formulas": _object(**{name: _figure(STRING) for name in (*COUNTS[2:6], "flops", COUNTS[-1])}),
        "set": _list(_pair(INTEGER)),
        "field": _object(
            size=_or_null(INTEGER),
            jump=_or_null(FRACTION),
            whole=BOOLEAN,
            aligned=BOOLEAN,
            holes=_or_null(INTEGER),
            halo=_or_null(_pair(INTEGER)),
            starts=_list(FRACTION),
            phases=_list(_ref("set")),
        ),
        "spot": _object(centre=NUMBER, deviation=NUMBER, variance=FRACTION),
        "effective_field": _object(
            value=STRING,
            input=STRING,
            method=STRING,
            samples=INTEGER,
            axes=_list(_ref("effective_axis")),
        ),
        "effective_axis": _object(
            axis=INTEGER,
            centre=NUMBER,
            deviation=NUMBER,
            within_deviation=NUMBER,
            core=_pair(INTEGER),
            receptive_field=_or_null(INTEGER),
            first=INTEGER,
            shares=_list(NUMBER),
        ),
        "branch": _object(value=STRING, receptive_field=_list(_ref("field"))),
        "coverage": _object(
            axis=INTEGER,
            size=INTEGER,
            unread=_object(stride=INTEGER, floor=INTEGER, gridding=INTEGER, cropped=INTEGER),
            visits=_list(_pair(INTEGER)),
            overlap=_or_null(_pair(INTEGER)),
        ),
        "reach": _object(input=STRING, axis=INTEGER, size=INTEGER, read=INTEGER, unread=_ref("set")),
        "legal_sizes": _object(
            input=STRING,
            axis=INTEGER,
            size=INTEGER,
            legal=BOOLEAN,
            dropping=_list(STRING),
            sizes=_ref("set"),
            below=_or_null(INTEGER),
            above=_or_null(INTEGER),
            step=_or_null(INTEGER),
        ),
        "layer": _object(
            name=STRING,
            operator=STRING,
            output=_list(size),
            dtype=STRING,
            costs=_ref("costs"),
            formulas=_or_null(_ref("formulas")),
            receptive_field=_figure(_list(_ref("field"))),
            effective_field=_figure(_list(_ref("spot"))),
            branches=_list(_ref("branch")),
            coverage=_figure(_list(_ref("coverage"))),
            linear=BOOLEAN,
            local=BOOLEAN,
        ),
    }
