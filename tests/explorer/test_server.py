"""The local server: who may ask for what, how much may be sent and how slowly, and what is left behind."""

from __future__ import annotations

import socket
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from atrous.errors import ArgumentError
from atrous.explorer import requests, server
from atrous.explorer.requests import FileRequest
from atrous.explorer.server import CONNECTIONS, serving

from .asking import Asker, running


@pytest.fixture(scope="module")
def asker() -> Iterator[Asker]:
    with running() as asker:
        yield asker


def without(headers: dict[str, str], name: str) -> dict[str, str]:
    return {each: value for each, value in headers.items() if each != name}


def test_it_is_bound_to_the_loopback_only(asker: Asker) -> None:
    assert asker.server.socket.getsockname()[0] == "127.0.0.1"
    assert asker.server.address.startswith(f"http://127.0.0.1:{asker.server.server_port}/")
    others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)} - {"127.0.0.1"}
    for address in sorted(others):
        with pytest.raises(OSError, match=r"refused|unreachable|timed out"):
            socket.create_connection((address, asker.server.server_port), timeout=2)


def test_the_page_is_behind_the_key_and_says_what_it_may_do(asker: Asker) -> None:
    reply = asker.get(f"/{asker.server.guard.token}/")
    assert (reply.status, reply.body) == (200, b"<!doctype html><title>page</title>")
    assert len(asker.server.guard.token) >= 32
    policy = reply.headers["Content-Security-Policy"]
    assert {"default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'"} <= set(policy.split("; "))
    expected = {
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Content-Type": "text/html; charset=utf-8",
    }
    assert expected.items() <= reply.headers.items()
    assert "Python" not in reply.headers["Server"]


@pytest.mark.parametrize("path", ["/", "/index.html", "/wrong-key/", "/../../etc/passwd", "/api/start", "//", "/%2e%2e/"])
def test_there_is_nothing_elsewhere(asker: Asker, path: str) -> None:
    reply = asker.get(path)
    assert (reply.status, reply.error) == (
        404,
        "nothing is here: open the address that atrous explore printed, with the key that it ends in",
    )
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert asker.server.guard.token not in reply.body.decode()


def test_both_names_of_the_loopback_are_served(asker: Asker) -> None:
    port = asker.server.server_port
    for name in (f"127.0.0.1:{port}", f"localhost:{port}"):
        assert asker.request("GET", f"/{asker.server.guard.token}/", {"Host": name}).status == 200
        headers = {**asker.headers, "Host": name, "Origin": f"http://{name}"}
        assert asker.request("POST", "/api/start", headers, b"{}").status == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost", "0.0.0.0:{port}", "[::1]:{port}", ""]
)
def test_other_hosts_are_refused(asker: Asker, host: str) -> None:
    host = host.format(port=asker.server.server_port)
    for method, path in (("GET", f"/{asker.server.guard.token}/"), ("POST", "/api/start"), ("PUT", "/")):
        reply = asker.request(method, path, {**asker.headers, "Host": host, "Origin": f"http://{host}"}, b"{}")
        assert (reply.status, reply.error.split(";")[0]) == (403, f"Host: got {host!r}")
    assert f"this server answers only as 127.0.0.1:{asker.server.server_port} or localhost:" in reply.error


def test_no_host_and_two_hosts_are_refused(asker: Asker) -> None:
    path = f"/{asker.server.guard.token}/"
    assert asker.request("GET", path, {}).error.startswith("Host: got none;")
    twice = f"GET {path} HTTP/1.1\r\nHost: {asker.host}\r\nHost: evil.example\r\n\r\n"
    assert asker.raw(twice.encode()).startswith(b"HTTP/1.0 403 ")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "https://{host}", "http://{host}/"])
def test_other_origins_are_refused(asker: Asker, origin: str) -> None:
    origin = origin.format(host=asker.host)
    reply = asker.request("POST", "/api/start", {**asker.headers, "Origin": origin}, b"{}")
    assert reply.status == 403
    assert reply.error == f"Origin: got {origin!r}; only the page of this server may ask, http://{asker.host}"


def test_a_request_without_origin_or_from_another_site_is_refused(asker: Asker) -> None:
    assert asker.request("POST", "/api/start", without(asker.headers, "Origin"), b"{}").error.startswith("Origin: got none;")
    reply = asker.request("POST", "/api/start", {**asker.headers, "Sec-Fetch-Site": "cross-site"}, b"{}")
    assert (reply.status, reply.error) == (403, "Sec-Fetch-Site: got 'cross-site'; only the page of this server may ask")


def test_a_wrong_or_missing_token_is_refused(asker: Asker) -> None:
    rule = "X-Atrous-Token: missing or wrong; reload the page from the address that atrous explore printed"
    for headers in (without(asker.headers, "X-Atrous-Token"), {**asker.headers, "X-Atrous-Token": "x" * 32}):
        reply = asker.request("POST", "/api/start", headers, b"{}")
        assert (reply.status, reply.error) == (403, rule)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
def test_other_methods_are_refused(asker: Asker, method: str) -> None:
    assert asker.request(method, "/api/start", asker.headers, b"{}").status == 405


def test_a_refused_method_says_which_are_served(asker: Asker) -> None:
    reply = asker.request("PUT", "/", asker.headers, b"")
    assert (reply.headers["Allow"], reply.error) == (
        "GET, POST",
        "PUT is not served; the page is read with GET and asks with POST",
    )
    assert asker.request("HEAD", "/", asker.headers).status == 405


@pytest.mark.parametrize("path", ["/api/", "/api/nothing", "/api/start/", "/start", "/api/../api/start", "/x/api/start"])
def test_unknown_requests_are_refused(asker: Asker, path: str) -> None:
    reply = asker.request("POST", path, asker.headers, b"{}")
    assert reply.status == 404
    assert reply.error.startswith("there is no such request; there are start, network, model")


@pytest.mark.parametrize(
    ("body", "text"),
    [(b"{", "the question is no JSON"), (b"\xff", "the question is no JSON"), (b"[" * 9000, "the question is no JSON")],
)
def test_what_is_no_json_is_refused(asker: Asker, body: bytes, text: str) -> None:
    reply = asker.request("POST", "/api/table", asker.headers, body)
    assert (reply.status, reply.error) == (400, text)


def test_what_is_no_object_is_refused(asker: Asker) -> None:
    reply = asker.request("POST", "/api/table", asker.headers, b"[1]")
    assert (reply.status, reply.error) == (400, "the question is a list; it must be a JSON object")


def test_a_body_needs_its_length(asker: Asker) -> None:
    head = "".join(f"{name}: {value}\r\n" for name, value in asker.headers.items())
    for more, text in (
        ("", b"Content-Length: got none; send the length of the image in bytes, once"),
        ("Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: 'chunked' is not taken; send the length of the image"),
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"Transfer-Encoding: 'chunked' is not taken"),
        ("Content-Length: -5\r\n", b"Content-Length: got '-5'; send the length"),
        ("Content-Length: 5, 5\r\n", b"Content-Length: got '5, 5'; send the length"),
        ("Content-Length: 5\r\nContent-Length: 6\r\n", b"Content-Length: got '5', '6'; send the length"),
    ):
        reply = asker.raw(f"POST /api/image HTTP/1.1\r\n{head}{more}\r\n5\r\nhello\r\n0\r\n\r\n".encode())
        assert reply.startswith(b"HTTP/1.0 411 ")
        assert text in reply


@pytest.mark.parametrize(
    ("name", "what", "limit"),
    [("model", "the ONNX file", 512 * 2**20), ("image", "the image", 64 * 2**20), ("table", "the question", 16384)],
)
def test_what_is_too_large_is_refused_before_it_is_read(asker: Asker, name: str, what: str, limit: int) -> None:
    begin = time.monotonic()
    reply = asker.request("POST", f"/api/{name}", {**asker.headers, "Content-Length": str(limit + 1)}, b"")
    assert reply.status == 413
    assert reply.error == (
        f"{what}: has {limit + 1:,} bytes; the page takes at most {limit:,}: use the command line for larger ones"
    )
    assert time.monotonic() - begin < 5
    assert list(asker.server.folder.iterdir()) == []


def test_no_more_is_read_than_was_announced(asker: Asker) -> None:
    head = "".join(f"{name}: {value}\r\n" for name, value in asker.headers.items())
    reply = asker.raw(f"POST /api/start HTTP/1.1\r\n{head}Content-Length: 2\r\n\r\n{{}}{'x' * 100000}".encode())
    assert reply.startswith(b"HTTP/1.0 200 ")
    assert list(asker.server.folder.iterdir()) == []


def test_a_body_that_ends_early_is_refused_and_leaves_nothing(asker: Asker) -> None:
    head = "".join(f"{name}: {value}\r\n" for name, value in asker.headers.items())
    with socket.create_connection(("127.0.0.1", asker.server.server_port), timeout=10) as connection:
        connection.sendall(f"POST /api/image HTTP/1.1\r\n{head}Content-Length: 100\r\n\r\nabc".encode())
        connection.shutdown(socket.SHUT_WR)
        reply = connection.recv(65536)
        reply += connection.recv(65536)
    assert b"the connection ended after 3 of 100 bytes; send all of them" in reply
    assert list(asker.server.folder.iterdir()) == []


def test_a_body_that_is_too_slow_is_refused(asker: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "PAUSE", 0.2)
    head = "".join(f"{name}: {value}\r\n" for name, value in asker.headers.items())
    with socket.create_connection(("127.0.0.1", asker.server.server_port), timeout=10) as connection:
        connection.sendall(f"POST /api/image HTTP/1.1\r\n{head}Content-Length: 1000\r\n\r\n".encode())
        for _ in range(6):
            time.sleep(0.06)
            connection.sendall(b"x")
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
    reply = b"".join(parts)
    assert reply.startswith(b"HTTP/1.0 408 ")
    assert b"of 1,000 bytes came in time; send the rest faster" in reply
    assert list(asker.server.folder.iterdir()) == []


def test_a_head_that_is_too_slow_is_cut() -> None:
    with running() as asker:
        asker.server.head_time = 0.3
        begin = time.monotonic()
        with socket.create_connection(("127.0.0.1", asker.server.server_port), timeout=10) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\n")
            time.sleep(0.2)
            connection.sendall(b"X: y\r\n")
            assert connection.recv(10) == b""
        assert time.monotonic() - begin < 4
        assert asker.get(f"/{asker.server.guard.token}/").status == 200


def test_connections_are_bounded_and_come_back() -> None:
    with running() as asker:
        held = [socket.create_connection(("127.0.0.1", asker.server.server_port), timeout=5) for _ in range(CONNECTIONS)]
        deadline = time.monotonic() + 5
        while asker.server._slots._value and time.monotonic() < deadline:
            time.sleep(0.01)
        with socket.create_connection(("127.0.0.1", asker.server.server_port), timeout=5) as refused:
            assert refused.recv(1) == b""
        for connection in held:
            connection.close()
        deadline = time.monotonic() + 5
        while asker.server._slots._value < CONNECTIONS and time.monotonic() < deadline:
            time.sleep(0.01)
        assert asker.get(f"/{asker.server.guard.token}/").status == 200


def test_it_writes_to_a_private_folder_only_and_removes_it() -> None:
    with running() as asker:
        folder = asker.server.folder
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        seen: list[tuple[str, int]] = []

        def look(bench: object, path: Path, name: str, say: object) -> dict[str, str]:
            seen.append((name, stat.S_IMODE(path.stat().st_mode)))
            assert path.parent == folder
            return {"content": path.read_text()}

        request = FileRequest("the file", 100, look)
        requests_with = {**requests.REQUESTS, "model": request}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(server, "REQUESTS", requests_with)
            reply = asker.send("model", b"hello", "..%2F..%2Fescape.onnx")
        assert reply.result() == {"content": "hello"}
        assert seen == [("../../escape.onnx", 0o600)]
        assert list(folder.iterdir()) == []
    assert not folder.exists()


def test_work_is_done_one_at_a_time_and_long_work_tells_how_far_it_is(asker: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "PATIENCE", 0.05)
    monkeypatch.setattr(server, "BEAT", 0.05)
    now, most = [0], [0]

    def slow(bench: object, given: object, say: requests.Say) -> dict[str, str]:
        now[0] += 1
        most[0] = max(most[0], now[0])
        say("thinking")
        time.sleep(0.3)
        now[0] -= 1
        return {"answer": "42"}

    monkeypatch.setattr(server, "REQUESTS", {"slow": requests.WordsRequest(slow)})
    replies = []
    threads = [threading.Thread(target=lambda: replies.append(asker.ask("slow"))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]
    assert [reply.result() for reply in replies] == [{"answer": "42"}] * 3
    told = {line["say"] for reply in replies for line in reply.lines[:-1]}
    assert told == {"thinking", "waiting for the work before it"}
    assert all(reply.headers["Content-Type"] == "application/x-ndjson" for reply in replies)


def test_faults_of_ours_are_answered_too(
    asker: Asker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(bench: object, given: object, say: object) -> dict[str, str]:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(server, "REQUESTS", {"start": requests.WordsRequest(broken)})
    reply = asker.ask("start")
    assert (reply.status, reply.error) == (500, "this is a fault of atrous: ZeroDivisionError: oops")
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_port_that_is_taken_is_refused(asker: Asker) -> None:
    taken = asker.server.server_port
    rule = f"port: {taken} cannot be had: Address already in use; choose another, or 0 for any free one"
    with pytest.raises(ArgumentError, match=rule), serving(str, taken):
        pass


def test_garbage_is_answered_with_an_error(asker: Asker) -> None:
    assert b"error" in asker.raw(b"\x16\x03\x01 garbage and more\r\n\r\n")
    assert b"error" in asker.raw(b"GET / HTTP/9.9.9\r\n\r\n")
    assert asker.raw(b"GET /" + b"x" * 70000 + b" HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.0 414 ")
