"""The command as such: exit codes, one message, no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import atrous as package
from atrous.cli import app
from atrous.errors import ArgumentError

COMMANDS = ("run", "plan", "inspect", "demo", "cache")


def test_help_lists_every_command(atrous) -> None:
    outcome = atrous("--help")
    assert outcome.code == 0
    assert all(name in outcome.out for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(atrous, name: str) -> None:
    outcome = atrous(name, "--help")
    assert outcome.code == 0
    assert f"atrous {name}" in outcome.out


def test_version(atrous) -> None:
    assert atrous("--version").out == f"atrous {package.__version__}\n"


def test_no_arguments_show_the_help(atrous) -> None:
    outcome = atrous()
    assert outcome.code == 2
    assert "Commands" in outcome.out + outcome.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("bogus",), "No such command 'bogus'"),
        (("run", "lenet"), "Missing argument 'INPUT'"),
        (("inspect", "lenet", "--nope"), "No such option"),
        (("inspect", "nosuch"), "atrous: network: 'nosuch' is none of the built-in ones: lenet,"),
        (("inspect", "nosuch.onnx"), "atrous: nosuch.onnx: cannot be read: No such file or directory"),
        (("inspect", "lenet", "--input", "1xa"), "atrous: --input: got '1xa'; it must be sizes such as 1x3x224x224"),
        (("inspect", "lenet", "-i", "1x1x9x9", "-i", "x=1x1"), "with several inputs each is given as NAME=1x3x224x224"),
    ],
)
def test_wrong_use_exits_with_2_and_says_why(atrous, arguments: tuple[str, ...], message: str) -> None:
    outcome = atrous(*arguments)
    assert outcome.code == 2
    assert message in outcome.err
    assert "Traceback" not in outcome.err


def test_what_fails_exits_with_1(atrous) -> None:
    outcome = atrous("inspect", "unet", "--input", "1x1x200x200")
    assert outcome.code == 1
    assert outcome.err.startswith("atrous: node 'up")


def test_debug_shows_the_traceback(atrous) -> None:
    with pytest.raises(ArgumentError):
        atrous("inspect", "nosuch", "--debug")


def test_interruption_exits_with_130(atrous, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: object, **options: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(app, "app", interrupted)
    outcome = atrous("inspect", "lenet")
    assert (outcome.code, outcome.err) == (130, "atrous: interrupted; nothing half-written is left\n")


def test_as_a_process() -> None:
    source = Path(package.__file__).parents[1]
    program = "import sys; from atrous.cli import main; sys.exit(main())"
    environment = {**os.environ, "PYTHONPATH": str(source)}
    done = subprocess.run(
        [sys.executable, "-c", program, "inspect", "lenet"], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "61,706" in done.stdout
