"""What the page may ask of the local server, one row each."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atrous.errors import ArgumentError, FileError, NetworkError, UnsupportedError
from atrous.explorer.guard import Refusal
from atrous.explorer.turns import Job
from atrous.explorer.workbench import Data, Say, Workbench, asked_of

MEGABYTE = 2**20
#: The most bytes that each kind of request may send.
MODEL_LIMIT, IMAGE_LIMIT, WORDS_LIMIT = 512 * MEGABYTE, 64 * MEGABYTE, 16 * 1024

#: From the bytes of a body to what is done with the file that holds them.
FileJob = Callable[[Workbench, Path, str, Say], Data]
#: From the fields of a question to its answer.
WordsJob = Callable[[Workbench, Mapping[str, Any], Say], Data]


@dataclass(frozen=True, slots=True)
class FileRequest:
    """A file is sent: ``limit`` is how large it may be, ``what`` its name in messages."""

    what: str
    limit: int
    run: FileJob


@dataclass(frozen=True, slots=True)
class WordsRequest:
    """A question is asked, as a JSON object."""

    run: WordsJob
    what: str = "the question"
    limit: int = WORDS_LIMIT


REQUESTS: Mapping[str, FileRequest | WordsRequest] = {
    "start": WordsRequest(lambda bench, given, say: bench.start() | {"model_limit": MODEL_LIMIT, "image_limit": IMAGE_LIMIT}),
    "network": WordsRequest(lambda bench, given, say: bench.built_in(text(given, "name"), say)),
    "model": FileRequest("the ONNX file", MODEL_LIMIT, lambda bench, path, name, say: bench.uploaded(path, name, say)),
    "sample": WordsRequest(lambda bench, given, say: bench.sample(say)),
    "image": FileRequest("the image", IMAGE_LIMIT, lambda bench, path, name, say: bench.image(path, name, say)),
    "table": WordsRequest(lambda bench, given, say: bench.table(asked_of(given), say)),
    "maps": WordsRequest(
        lambda bench, given, say: bench.maps(asked_of(given), text(given, "layer"), number(given, "first"), say)
    ),
    "unit": WordsRequest(lambda bench, given, say: bench.unit(asked_of(given), text(given, "layer"), place(given), say)),
}


def text(given: Mapping[str, Any], name: str) -> str:
    """A text of a question."""
    value = given.get(name)
    if not isinstance(value, str):
        raise ArgumentError(f"{name}: got {str(value)[:40]!r}; it must be a text")
    return value


def number(given: Mapping[str, Any], name: str) -> int:
    """A whole number of a question."""
    value = given.get(name, 0)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ArgumentError(f"{name}: got {str(value)[:40]!r}; it must be a whole number")
    return value


def place(given: Mapping[str, Any]) -> tuple[int, int, int]:
    """Channel, row and column of a question."""
    return number(given, "channel"), number(given, "row"), number(given, "column")


def words_job(bench: Workbench, request: WordsRequest, body: bytes) -> Job:
    """What to do for a question; refused when its body is no JSON object."""
    try:
        given = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise Refusal(400, "the question is no JSON") from None
    if not isinstance(given, dict):
        raise Refusal(400, f"the question is a {type(given).__name__}; it must be a JSON object")
    return lambda say: request.run(bench, given, say)


def file_job(bench: Workbench, request: FileRequest, path: Path, name: str) -> Job:
    """What to do with a file that was sent; messages have the name that the person knows."""

    def run(say: Say) -> Data:
        try:
            return request.run(bench, path, name, say)
        except (ArgumentError, FileError, UnsupportedError, NetworkError) as error:
            raise type(error)(str(error).replace(str(path), name)) from None

    return run


def new_file(folder: Path) -> tuple[int, Path]:
    """An empty file of our own in the private folder, as a descriptor and a path."""
    handle, name = tempfile.mkstemp(dir=folder, prefix="upload-")
    return handle, Path(name)
