"""As much of JSON schema (draft 2020-12) as the report's schema uses; a keyword that is not known here is an error."""

from __future__ import annotations

import re
from typing import Any

TYPES = {
    "integer": int,
    "number": (int, float),
    "string": str,
    "boolean": bool,
    "array": list,
    "object": dict,
    "null": type(None),
}
KNOWN = {
    *("type", "properties", "required", "additionalProperties", "items", "minItems", "maxItems", "anyOf", "enum", "const"),
    *("pattern", "$ref", "$schema", "$defs", "title"),
}


def complaints(value: Any, schema: dict[str, Any], root: dict[str, Any], at: str = "$") -> list[str]:
    """Where a value is not what a schema says; empty if it is."""
    assert not set(schema) - KNOWN, set(schema) - KNOWN
    if "$ref" in schema:
        return complaints(value, root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root, at)
    if "anyOf" in schema:
        each = [complaints(value, one, root, at) for one in schema["anyOf"]]
        return [] if any(not found for found in each) else [f"{at}: none of the alternatives fits"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{at}: {value!r} is none of {schema['enum']}"]
    if "const" in schema and value != schema["const"]:
        return [f"{at}: {value!r} is not {schema['const']!r}"]
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(isinstance(value, TYPES[k]) and (k == "boolean" or not isinstance(value, bool)) for k in kinds):
        return [f"{at}: {value!r} is not {kinds}"]
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        return [f"{at}: {value!r} does not match {schema['pattern']}"]
    if isinstance(value, list):
        return _array(value, schema, root, at)
    return _object(value, schema, root, at) if isinstance(value, dict) else []


def _array(value: list[Any], schema: dict[str, Any], root: dict[str, Any], at: str) -> list[str]:
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
        return [f"{at}: {len(value)} items"]
    return [found for i, each in enumerate(value) for found in complaints(each, schema["items"], root, f"{at}[{i}]")]


def _object(value: dict[str, Any], schema: dict[str, Any], root: dict[str, Any], at: str) -> list[str]:
    properties = schema["properties"]
    assert schema["additionalProperties"] is False
    found = [f"{at}: {name} is missing" for name in schema["required"] if name not in value]
    found += [f"{at}: {name} is not in the schema" for name in value if name not in properties]
    shared = [name for name in value if name in properties]
    return found + [each for name in shared for each in complaints(value[name], properties[name], root, f"{at}.{name}")]
