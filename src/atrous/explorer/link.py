"""ES modules put into one script: each module a function's scope, its exports a frozen object, in the order of its imports.

Only the few forms that the explorer uses are known, each at the start of a line: ``import { a, b as c } from "./x.js";``,
``import "./x.js";`` and ``export`` before ``const``, ``function``, ``async function`` or ``class``. Others are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from posixpath import dirname, join, normpath

#: The text of the module with this path.
Modules = Callable[[str], str]

_IMPORT = re.compile(r'^import (?:\{([^}]*)\} from )?"(\.[^"]+)";$', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?function\*?|const|class) (\w+)", re.MULTILINE)
_OTHER = re.compile(r"^(import\b.*(?:\bfrom\b|\().*|export\b.*)$", re.MULTILINE)


def linked(entries: Iterable[str], modules: Modules) -> str:
    """One strict script that runs the entries in their order, each module that they need once and before them.

    Raises ``ValueError`` for modules that import each other in a circle, for forms it does not know, and for text that would
    end the script element.

    >>> texts = {"a.js": 'import { one } from "./b.js";\\nshow(one);', "b.js": "export const one = 1;"}
    >>> print(linked(["a.js"], texts.__getitem__))
    "use strict";
    const b_js = (() => {
    const one = 1;
    return Object.freeze({ one });
    })();
    const a_js = (() => {
    const { one } = b_js;
    show(one);
    return Object.freeze({  });
    })();
    """
    done: dict[str, str] = {}
    for entry in entries:
        _add(entry, modules, done, ())
    script = '"use strict";\n' + "\n".join(done.values())
    if re.search(r"</script|<!--", script, re.IGNORECASE):
        raise ValueError("a script must hold neither </script nor <!--, which a browser would take for the page's")
    return script


def _add(path: str, modules: Modules, done: dict[str, str], above: tuple[str, ...]) -> None:
    """Put a module behind those that it imports."""
    if path in done:
        return
    if path in above:
        raise ValueError(f"{path}: imports itself in a circle: {' -> '.join((*above, path))}")
    text = modules(path)
    for found in _IMPORT.finditer(text):
        _add(_resolved(path, found[2]), modules, done, (*above, path))
    body = _IMPORT.sub(lambda found: _bound(_resolved(path, found[2]), found[1]), text)
    exports = [found[2] for found in _EXPORT.finditer(body)]
    body = _EXPORT.sub(r"\1 \2", body)
    if other := _OTHER.search(body):
        raise ValueError(f"{path}: {other[1]!r} is not a form of import or export that can be linked")
    done[path] = f"const {_name(path)} = (() => {{\n{body.rstrip()}\nreturn Object.freeze({{ {', '.join(exports)} }});\n}})();"


def _resolved(path: str, target: str) -> str:
    return normpath(join(dirname(path), target))


def _name(path: str) -> str:
    """A JavaScript name for a module."""
    return re.sub(r"\W", "_", path)


def _bound(path: str, names: str | None) -> str:
    """The imported names, taken from the module's exports."""
    if names is None:
        return ""
    each = (re.sub(r"(\w+) as (\w+)", r"\1: \2", name.strip()) for name in names.split(",") if name.strip())
    return f"const {{ {', '.join(each)} }} = {_name(path)};"
