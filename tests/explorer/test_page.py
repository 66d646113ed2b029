"""The page as a document: one file that needs nothing, with a policy that allows nothing else."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256

import pytest

from atrous.explorer.link import linked
from atrous.explorer.page import page


def policy(text: str) -> dict[str, str]:
    found = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert found
    rules = (rule.strip().partition(" ") for rule in found[1].replace("&#x27;", "'").split(";"))
    return {name: value for name, _, value in rules}


def digest(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def test_the_policy_names_the_one_script_and_the_one_style_and_allows_no_network() -> None:
    text = page()
    rules = policy(text)
    script, style = (re.findall(rf"<{name}>(.*?)</{name}>", text, re.DOTALL) for name in ("script", "style"))
    assert [rules["script-src"], rules["style-src"]] == [digest(script[0]), digest(style[0])]
    assert [len(script), len(style)] == [1, 1]
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert "connect-src" not in rules


def test_no_address_of_anywhere_stands_in_the_page() -> None:
    addresses = set(re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\s\"'`]*", re.sub(r"^\s*//.*$", "", page(), flags=re.MULTILINE)))
    assert addresses <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"@import|url\((?!#)|<link (?!rel=\"icon\" href=\"data:,)", page())


def test_the_exported_page_holds_nothing_that_asks_a_server() -> None:
    assert not re.search(r"\bfetch\(|XMLHttpRequest|WebSocket|sendBeacon|\beval\(|new Function|innerHTML", page())


def test_the_served_page_may_ask_its_own_server_and_shows_the_token() -> None:
    text = page(server='to<k>"en')
    assert policy(text)["connect-src"] == "'self'"
    assert '<meta name="atrous-token" content="to&lt;k&gt;&quot;en">' in text
    assert 'id="own"' in text
    assert 'id="own"' not in page()


def test_nothing_is_left_to_be_filled_in() -> None:
    assert not re.search(r"<!--[A-Z]+-->", page(server="token"))


def test_the_file_is_small() -> None:
    assert len(page().encode()) < 400_000


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        (
            {"a.js": 'import { b } from "./b.js";', "b.js": 'import { a } from "./a.js";'},
            "a.js: imports itself in a circle: a.js -> b.js",
        ),
        ({"a.js": "export default 3;"}, "a.js: 'export default 3;' is not a form"),
        ({"a.js": 'import x from "./b.js";'}, "is not a form of import or export that can be linked"),
        ({"a.js": 'show("</script>");'}, "neither </script nor <!--"),
    ],
)
def test_modules_that_cannot_be_linked(texts: dict[str, str], told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        linked(["a.js"], texts.__getitem__)


def test_a_module_stands_once_before_those_that_need_it() -> None:
    texts = {
        "a.js": 'import { one as first } from "./deep/b.js";\nimport "./c.js";',
        "deep/b.js": 'import { two } from "../c.js";\nexport const one = two;',
        "c.js": "export function two() {}\nexport class Three {}",
    }
    script = linked(["a.js", "c.js"], texts.__getitem__)
    assert [script.index(f"const {name} = (") for name in ("c_js", "deep_b_js", "a_js")] == sorted(
        script.index(f"const {name} = (") for name in ("c_js", "deep_b_js", "a_js")
    )
    assert script.count("function two") == 1
    assert "const { one: first } = deep_b_js;" in script
    assert "return Object.freeze({ two, Three });" in script
