"""The explorer's page as one HTML document that needs nothing else: styles and scripts inside, and no network allowed.

The scripts are ordinary ES modules. A browser loads modules neither from a file nor without further requests, so they are
put into one script, each in a scope of its own, and the page's content security policy names that script by its hash: nothing
else on the page can run, and (but for the page's own server, when there is one) nothing can be asked for or sent anywhere.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from html import escape
from importlib.resources import files

from atrous.explorer.link import Modules, linked

#: Style sheets in the order in which they stand in the page.
STYLES = ("palette.css", "page.css", "scene.css", "figure.css", "stack.css", "own.css", "print.css")


def page(server: str | None = None) -> str:
    """The whole explorer as HTML text.

    With ``server``, a token, the page belongs to the local server: it may ask that server (and nothing else), shows the token
    in each request, and has a last section for one's own network and image. Without, it is the page to keep or to send.

    >>> text = page()
    >>> text.startswith("<!doctype html>"), "connect-src" in text
    (True, False)
    """
    entries = ("main.js",) if server is None else ("main.js", "own.js")
    script = linked(entries, _modules())
    style = "\n".join(_text(name) for name in STYLES)
    if "</style" in style.lower():
        raise ValueError("a style sheet must not hold the end of its element")
    values = {
        "POLICY": escape(_policy(script, style, served=server is not None)),
        "TOKEN": "" if server is None else f'<meta name="atrous-token" content="{escape(server)}">',
        "OWN": "" if server is None else '<section id="own" class="scene" aria-labelledby="own-title" tabindex="-1"></section>',
        "STYLE": style,
        "SCRIPT": script,
    }
    text = _text("page.html")
    for name, value in values.items():
        # each placeholder stands once, as a comment of its own
        before, _, after = text.partition(f"<!--{name}-->")
        text = before + value + after
    return text


def _policy(script: str, style: str, served: bool) -> str:
    rules = {
        "default-src": "'none'",
        "script-src": f"'sha256-{_digest(script)}'",
        "style-src": f"'sha256-{_digest(style)}'",
        "img-src": "data: blob:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    if served:
        rules["connect-src"] = "'self'"
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def _digest(text: str) -> str:
    return b64encode(sha256(text.encode()).digest()).decode()


def _text(name: str) -> str:
    return (files("atrous.explorer") / "page" / name).read_text(encoding="utf-8")


def _modules() -> Modules:
    """The text of a module by its path under ``page/js``."""
    return lambda path: _text(f"js/{path}")
