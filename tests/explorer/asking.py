"""A local server on a thread of its own, and requests to it as a browser makes them, or as nobody should."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from atrous.explorer.server import Server, serving

Data = dict[str, Any]
#: A page that does nothing.
PAGE = "<!doctype html><title>page</title>"


@dataclass
class Reply:
    """What came back: ``lines`` are the JSON objects of the body, the last one is the answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def lines(self) -> list[Data]:
        return [json.loads(line) for line in self.body.splitlines()]

    def result(self) -> Data:
        assert "error" not in self.lines[-1], self.lines[-1]
        return dict(self.lines[-1]["result"])

    @property
    def error(self) -> str:
        return str(self.lines[-1]["error"])


@dataclass
class Asker:
    """Asks one server; each method is one way to ask."""

    server: Server
    #: What was chosen last, as the page remembers it.
    chosen: dict[str, int | None] = field(default_factory=dict)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server.server_port}"

    @property
    def headers(self) -> dict[str, str]:
        """What our page sends."""
        return {"Host": self.host, "Origin": f"http://{self.host}", "X-Atrous-Token": self.server.guard.token}

    def request(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None) -> Reply:
        """One request with exactly these headers (and the length of the body, unless they say so)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.server_port, timeout=30)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        if body is not None and not {"Content-Length", "Transfer-Encoding"} & set(headers):
            headers = {**headers, "Content-Length": str(len(body))}
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        reply = connection.getresponse()
        found = Reply(reply.status, dict(reply.getheaders()), reply.read())
        connection.close()
        return found

    def get(self, path: str) -> Reply:
        return self.request("GET", path, {"Host": self.host})

    def ask(self, question: str, **given: object) -> Reply:
        """A question of our page."""
        body = json.dumps({**self.chosen, **given}).encode()
        return self._remembered(question, self.request("POST", f"/api/{question}", self.headers, body))

    def send(self, name: str, body: bytes, label: str = "file") -> Reply:
        """A file from our page."""
        return self._remembered(name, self.request("POST", f"/api/{name}?name={label}", self.headers, body))

    def _remembered(self, question: str, reply: Reply) -> Reply:
        """The reply, the number of what it chose remembered."""
        kind = {"network": "network", "model": "network", "image": "image", "sample": "image"}.get(question)
        if kind is not None and reply.status == 200 and "result" in reply.lines[-1] and "number" in reply.result():
            self.chosen[kind] = reply.result()["number"]
        return reply

    def raw(self, text: bytes, wait: float = 30.0) -> bytes:
        """Bytes as they are, and all that comes back."""
        with socket.create_connection(("127.0.0.1", self.server.server_port), timeout=wait) as connection:
            connection.sendall(text)
            parts = []
            while part := connection.recv(65536):
                parts.append(part)
            return b"".join(parts)


@contextmanager
def running(page: Callable[[str], str] = lambda token: PAGE) -> Iterator[Asker]:
    """A server that answers until the end of the block."""
    with serving(page) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield Asker(server)
        finally:
            server.shutdown()
            thread.join()


def small_model(channels: int = 3, size: tuple[int | str, int | str] = ("H", "W"), external: Path | None = None) -> bytes:
    """An ONNX file: conv 3x3 to 4 maps with stride 2, ReLU, dilated conv 3x3 to 2 maps."""
    draw = np.random.default_rng(0)
    weights = {
        "w1": draw.standard_normal((4, channels, 3, 3)).astype(np.float32),
        "b1": draw.standard_normal(4).astype(np.float32),
        "w2": draw.standard_normal((2, 4, 3, 3)).astype(np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["image", "w1", "b1"], ["c1"], name="first", strides=[2, 2], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c1"], ["r1"], name="relu"),
        helper.make_node("Conv", ["r1", "w2"], ["c2"], name="second", dilations=[2, 2]),
    ]
    tensors = [numpy_helper.from_array(array, name) for name, array in weights.items()]
    if external is not None:
        onnx.external_data_helper.set_external_data(tensors[0], external.name)
        external.write_bytes(tensors[0].raw_data)
        tensors[0].ClearField("raw_data")
        tensors[0].data_location = TensorProto.EXTERNAL
    inputs = [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, channels, *size])]
    outputs = [helper.make_tensor_value_info("c2", TensorProto.FLOAT, None)]
    graph = helper.make_graph(nodes, "small", inputs, outputs, tensors)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(made.SerializeToString())
