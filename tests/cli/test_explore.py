"""``atrous explore``: the page in a file, and the page served until it is stopped."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import atrous as package
from atrous.explorer.page import page

from .conftest import Outcome

Atrous = Callable[..., Outcome]


def test_the_page_is_exported_whole_or_not_at_all(atrous: Atrous, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    assert atrous("explore", "--export", path) == (0, f"{path}: the whole page, to be opened in any browser\n", "")
    assert path.read_text(encoding="utf-8") == page()
    assert [each.name for each in tmp_path.iterdir()] == ["page.html"]
    path.write_text("mine", encoding="utf-8")
    code, _, error = atrous("explore", "--export", path)
    assert (code, path.read_text(encoding="utf-8")) == (2, "mine")
    assert error == f"atrous: {path}: the file exists; give --overwrite (overwrite=True) to replace it, or another name\n"
    assert atrous("explore", "--export", path, "--overwrite").code == 0
    assert path.read_text(encoding="utf-8") == page()


def test_a_folder_that_is_not_there_is_refused(atrous: Atrous, tmp_path: Path) -> None:
    code, _, error = atrous("explore", "--export", tmp_path / "nowhere" / "page.html")
    assert (code, "cannot be written: No such file or directory" in error) == (2, True)


def test_a_port_that_is_taken_is_refused(atrous: Atrous) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, out, error = atrous("explore", "--no-browser", "--port", port)
    assert (code, out) == (2, "")
    assert error.startswith(f"atrous: port: {port} cannot be had: Address already in use; choose another, or 0")


def test_a_port_that_cannot_be_is_refused(atrous: Atrous) -> None:
    assert atrous("explore", "--port", 70000).code == 2


@contextmanager
def serving(tmp_path: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command in a process of its own, and the address that it printed."""
    environment = {**os.environ, "PYTHONPATH": str(Path(package.__file__).parents[1]), "TMPDIR": str(tmp_path)}
    program = "import sys; from atrous.cli import main; sys.exit(main())"
    process = subprocess.Popen(
        [sys.executable, "-c", program, "explore", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        address = process.stdout.readline().strip()
        assert process.stdout.readline() == "The lecture is at this address, on this machine only. Ctrl-C stops it.\n"
        yield process, address
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_the_page_until_it_is_stopped(tmp_path: Path, ending: signal.Signals) -> None:
    with serving(tmp_path, "--no-browser") as (process, address):
        assert address.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(address, timeout=10) as reply:
            text = reply.read().decode()
        token = address.rstrip("/").rpartition("/")[2]
        assert text == page(token)
        assert [each.stat().st_mode & 0o777 for each in tmp_path.glob("atrous-explore-*")] == [0o700]
        process.send_signal(ending)
        out, error = process.communicate(timeout=20)
        assert (process.returncode, error) == (0, "")
        assert out == "\nstopped\n"
        assert list(tmp_path.iterdir()) == []


def test_it_takes_the_port_that_is_asked_for_and_opens_the_browser(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    opened = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}\n', encoding="utf-8")
    browser.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BROWSER", str(browser))
        with serving(tmp_path, "--port", str(port)) as (process, address):
            assert address.startswith(f"http://127.0.0.1:{port}/")
            latest = time.monotonic() + 10
            while not (opened.exists() and opened.read_text(encoding="utf-8")) and time.monotonic() < latest:
                time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=20)
            assert process.returncode == 0
    assert opened.read_text(encoding="utf-8").strip() == address
