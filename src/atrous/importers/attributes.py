"""The attributes of one ONNX node, read by type; what no rule has read is reported, never ignored in silence."""

from __future__ import annotations

from collections.abc import Sequence

import onnx
from onnx import AttributeProto

from atrous.errors import NetworkError, UnsupportedError

_NAMES: dict[int, str] = {
    AttributeProto.INT: "an integer",
    AttributeProto.INTS: "integers",
    AttributeProto.FLOAT: "a float",
    AttributeProto.FLOATS: "floats",
    AttributeProto.STRING: "a string",
    AttributeProto.TENSOR: "a tensor",
    AttributeProto.SPARSE_TENSOR: "a sparse tensor",
}


class Attributes:
    """Typed access to a node's attributes; remembers what was asked for."""

    def __init__(self, node: onnx.NodeProto) -> None:
        self._held = {attribute.name: attribute for attribute in node.attribute}
        self._left = set(self._held)

    def _get(self, name: str, kind: int) -> AttributeProto | None:
        self._left.discard(name)
        attribute = self._held.get(name)
        if attribute is not None and attribute.type != kind:
            raise NetworkError(f"attribute {name!r} must be {_NAMES[kind]}")
        return attribute

    def __contains__(self, name: str) -> bool:
        return name in self._held

    def integer(self, name: str, default: int) -> int:
        """An integer."""
        found = self._get(name, AttributeProto.INT)
        return default if found is None else int(found.i)

    def flag(self, name: str, default: bool = False) -> bool:
        """An integer that is a truth value."""
        return bool(self.integer(name, int(default)))

    def number(self, name: str, default: float) -> float:
        """A float."""
        found = self._get(name, AttributeProto.FLOAT)
        return default if found is None else float(found.f)

    def string(self, name: str, default: str, *allowed: str) -> str:
        """A string, one of ``allowed``; ``UnsupportedError`` for another one."""
        found = self._get(name, AttributeProto.STRING)
        text = default if found is None else found.s.decode("utf-8", "replace")
        if allowed and text not in allowed:
            raise UnsupportedError(f"attribute {name}={text!r} is not supported; atrous has {', '.join(map(repr, allowed))}")
        return text

    def ints(self, name: str, default: Sequence[int] | None = None) -> tuple[int, ...] | None:
        """Integers, ``default`` when absent."""
        found = self._get(name, AttributeProto.INTS)
        if found is None:
            return None if default is None else tuple(default)
        return tuple(int(item) for item in found.ints)

    def floats(self, name: str) -> tuple[float, ...] | None:
        """Floats, ``None`` when absent."""
        found = self._get(name, AttributeProto.FLOATS)
        return None if found is None else tuple(float(item) for item in found.floats)

    def tensor(self, name: str) -> onnx.TensorProto | None:
        """A tensor, ``None`` when absent."""
        found = self._get(name, AttributeProto.TENSOR)
        return None if found is None else found.t

    def sparse(self, name: str) -> onnx.SparseTensorProto | None:
        """A sparse tensor, ``None`` when absent."""
        found = self._get(name, AttributeProto.SPARSE_TENSOR)
        return None if found is None else found.sparse_tensor

    def fixed(self, name: str, wanted: int) -> None:
        """An integer attribute of which atrous has one value only."""
        if (seen := self.integer(name, wanted)) != wanted:
            raise UnsupportedError(f"attribute {name}={seen} is not supported; atrous has {wanted}")

    def ignore(self, *names: str) -> None:
        """Attributes that do not change the result of inference."""
        self._left.difference_update(names)

    def finish(self) -> None:
        """Report attributes that no rule has read."""
        if self._left:
            raise UnsupportedError(f"attributes {', '.join(sorted(self._left))} are not supported")
