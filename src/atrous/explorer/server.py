"""The local server behind ``atrous explore``: the page, and the few requests that it may make, on the loopback only.

One process of one person: requests are few, so each connection has a thread of a bounded number, and each answer ends it.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from atrous.errors import ArgumentError
from atrous.explorer.guard import HEADERS, PAGE_POLICY, Guard, Refusal, body_length
from atrous.explorer.requests import REQUESTS, FileRequest, file_job, new_file, words_job
from atrous.explorer.turns import Turn
from atrous.explorer.workbench import Workbench

LOOPBACK = "127.0.0.1"
#: Connections at once; browsers open some ahead of need.
CONNECTIONS = 24
#: Seconds: for the head of a request, for a pause while a body comes, before an answer tells how far it is, and between two
#: such lines.
HEAD_TIME, PAUSE, PATIENCE, BEAT = 10.0, 10.0, 0.8, 0.5
#: The slowest body that is waited for, in bytes a second.
SLOWEST = 250_000
_CHUNK = 1 << 16
#: How much of a body that is not wanted is read, so that the browser gets to the answer.
_DRAINED, _DRAIN_TIME = 1 << 26, 2.0


class Server(ThreadingHTTPServer):
    """Bound to the loopback; ``page`` makes its HTML from the secret, ``folder`` is the only place that it writes to."""

    daemon_threads = True
    request_queue_size = CONNECTIONS

    def __init__(self, port: int, page: Callable[[str], str], folder: Path, *, head_time: float = HEAD_TIME) -> None:
        self.folder, self.head_time = folder, head_time
        self.bench = Workbench()
        self.working = threading.Lock()
        self.receiving = threading.Lock()
        self._slots = threading.BoundedSemaphore(CONNECTIONS)
        super().__init__((LOOPBACK, port), _Handler)
        self.guard = Guard(self.server_port, secrets.token_urlsafe(24))
        self.page = page(self.guard.token).encode()

    @property
    def address(self) -> str:
        """Where the page is, its key at the end."""
        return f"http://{LOOPBACK}:{self.server_port}/{self.guard.token}/"

    def server_bind(self) -> None:
        """Bind without asking any name server who we are."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = LOOPBACK, int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread of its own, as long as there are not too many."""
        if not self._slots.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """The whole life of a connection."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that broke is no news; anything else is a fault of ours, and told."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """One request. ``server`` holds what lasts longer."""

    server: Server
    server_version, sys_version = "atrous", ""
    timeout = PAUSE

    def handle_one_request(self) -> None:
        """A client has a limited time for the head, however slowly it sends."""
        watch = threading.Timer(self.server.head_time, self._cut)
        watch.daemon = True
        watch.start()
        self._watch = watch
        try:
            super().handle_one_request()
        except OSError:  # the client went away, or was too slow
            self.close_connection = True
        finally:
            watch.cancel()

    def _cut(self) -> None:
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def parse_request(self) -> bool:
        """Read the rest of the head; from then on other limits hold."""
        whole = super().parse_request()
        self._watch.cancel()
        return whole

    def do_GET(self) -> None:
        """The page; an icon that browsers ask for, which it has not."""
        with self._refusing():
            self.server.guard.check_host(self.headers)
            if self.path == "/favicon.ico":
                self._head(204, "image/png", 0)
                return
            self.server.guard.check_page(urlsplit(self.path).path)
            self._head(200, "text/html; charset=utf-8", len(self.server.page), policy=PAGE_POLICY)
            self.wfile.write(self.server.page)

    def do_POST(self) -> None:
        """One of ``REQUESTS``, at ``/api/`` and its name."""
        with self._refusing():
            self.server.guard.check_change(self.headers)
            address = urlsplit(self.path)
            root, _, name = address.path.rpartition("/")
            if root != "/api" or name not in REQUESTS:
                raise Refusal(404, f"there is no such request; there are {', '.join(REQUESTS)}")
            request = REQUESTS[name]
            length = body_length(self.headers, request.limit, request.what)
            if isinstance(request, FileRequest):
                label = parse_qs(address.query).get("name", [request.what])[0][:200]
                path = self._received(length)
                job = file_job(self.server.bench, request, path, label)
                self._answer(Turn(job, self.server.working, lambda: path.unlink(missing_ok=True)))
            else:
                body = b"".join(self._body(length))
                self._answer(Turn(words_job(self.server.bench, request, body), self.server.working))

    def _wrong_method(self) -> None:
        with self._refusing():
            self.server.guard.check_host(self.headers)
            raise Refusal(405, f"{self.command} is not served; the page is read with GET and asks with POST")

    do_HEAD = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_TRACE = do_CONNECT = _wrong_method

    def _received(self, length: int) -> Path:
        """The body as a file in the private folder; one is received at a time."""
        if not self.server.receiving.acquire(blocking=False):
            raise Refusal(503, "another file is being received; try again when it is there")
        try:
            handle, path = new_file(self.server.folder)
            try:
                with os.fdopen(handle, "wb") as file:
                    for chunk in self._body(length):
                        file.write(chunk)
            except BaseException:
                path.unlink()
                raise
            return path
        finally:
            self.server.receiving.release()

    def _body(self, length: int) -> Iterator[bytes]:
        """The body in pieces, never more than ``length`` bytes of it; a client that is too slow or stops is refused."""
        latest, left = time.monotonic() + PAUSE + length / SLOWEST, length
        while left:
            try:
                chunk = self.rfile.read1(min(left, _CHUNK))
            except TimeoutError:
                chunk = b""
                latest = 0.0
            if time.monotonic() > latest:
                raise Refusal(408, f"{length - left:,} of {length:,} bytes came in time; send the rest faster")
            if not chunk:
                raise Refusal(400, f"the connection ended after {length - left:,} of {length:,} bytes; send all of them")
            left -= len(chunk)
            yield chunk

    def _answer(self, turn: Turn) -> None:
        """The answer of a job: of a quick one at once, of one that takes long after lines that tell how far it is."""
        try:
            if turn.done.wait(PATIENCE):
                self._json(turn.status, turn.answer)
                return
            self._head(200, "application/x-ndjson", None)
            while not turn.done.wait(BEAT):
                self._line({"say": turn.phase, "seconds": round(turn.seconds, 1)})
            self._line(turn.answer)
        finally:
            turn.left.set()

    def _line(self, data: dict[str, Any]) -> None:
        self.wfile.write(json.dumps(data, allow_nan=False).encode() + b"\n")
        self.wfile.flush()

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except Refusal as refusal:
            self._json(refusal.status, {"error": str(refusal)})
            self._drain()

    def _drain(self) -> None:
        """Read some of what still comes, so that the answer is not lost with a connection that is cut while it is sent."""
        end, left = time.monotonic() + _DRAIN_TIME, _DRAINED
        with suppress(OSError):
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(_DRAIN_TIME / 4)
            while left > 0 and time.monotonic() < end and (chunk := self.connection.recv(_CHUNK)):
                left -= len(chunk)

    def _json(self, status: int, data: dict[str, Any]) -> None:
        body = json.dumps(data, allow_nan=False).encode() + b"\n"
        self._head(status, "application/json", len(body))
        if self.command != "HEAD":
            self.wfile.write(body)

    def _head(self, status: int, kind: str, length: int | None, policy: str | None = None) -> None:
        self.send_response(status)
        headers = {**HEADERS, "Content-Type": kind, "Connection": "close"}
        if policy is not None:
            headers["Content-Security-Policy"] = policy
        if length is not None:
            headers["Content-Length"] = str(length)
        if status == 405:
            headers["Allow"] = "GET, POST"
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the library refuses (a broken head, an unknown method) is answered in the form of all errors."""
        self.close_connection = True
        code = 405 if code == 501 else code
        with suppress(OSError):
            self._json(code, {"error": message or self.responses.get(code, ("refused",))[0]})

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is logged: addresses hold the key."""


@contextmanager
def serving(page: Callable[[str], str], port: int = 0) -> Iterator[Server]:
    """A server that is bound, and a private folder that goes with it; ``serve_forever`` of it answers.

    ``page`` makes the HTML from the secret; ``port`` 0 is any free one. Raises ``ArgumentError`` for a port that is taken.
    """
    with tempfile.TemporaryDirectory(prefix="atrous-explore-") as folder:
        try:
            server = Server(port, page, Path(folder))
        except OSError as error:
            raise ArgumentError(
                f"port: {port} cannot be had: {error.strerror}; choose another, or 0 for any free one"
            ) from None
        with server:
            yield server
