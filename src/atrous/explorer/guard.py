"""Who may ask the local server for what: decided from the head of a request alone, before a byte of its body is read.

The server answers on the loopback only, but any page that is open in the same browser may send requests there, and a name
whose address is changed to 127.0.0.1 (DNS rebinding) may even read the answers. So the Host must be the loopback's own, a
request that changes anything must come from our page (Origin) and show the secret that only our page holds, and the page
itself lies behind an address that holds the secret too: other users of the machine do not get in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from hmac import compare_digest

#: The header in which the page shows its secret.
TOKEN = "X-Atrous-Token"

#: What every answer says: nothing is kept, guessed, framed or told to others, and no other origin may use it.
HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

#: The page's own policy stands in its head, with the hashes of its script and style; this holds whatever stands there.
PAGE_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Refusal(Exception):
    """A request that is not served: the HTTP status and why."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True)
class Guard:
    """The rules of one server: the port that it has, and its secret."""

    port: int
    token: str

    @property
    def hosts(self) -> tuple[str, str]:
        """The names under which a browser on this machine may ask."""
        return (f"127.0.0.1:{self.port}", f"localhost:{self.port}")

    def check_host(self, headers: Message) -> str:
        """The host that was asked; refused unless it is the loopback's own."""
        given = headers.get_all("Host", [])
        if len(given) != 1 or given[0] not in self.hosts:
            raise Refusal(403, f"Host: got {_shown(given)}; this server answers only as {' or '.join(self.hosts)}")
        return str(given[0])

    def check_page(self, path: str) -> None:
        """The address of the page holds the secret."""
        if not compare_digest(path.encode(), f"/{self.token}/".encode()):
            raise Refusal(404, "nothing is here: open the address that atrous explore printed, with the key that it ends in")

    def check_change(self, headers: Message) -> None:
        """A request that sends or asks for anything but the page comes from the page itself."""
        host = self.check_host(headers)
        origins = headers.get_all("Origin", [])
        if origins != [f"http://{host}"]:
            raise Refusal(403, f"Origin: got {_shown(origins)}; only the page of this server may ask, http://{host}")
        if headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            raise Refusal(403, f"Sec-Fetch-Site: got {headers['Sec-Fetch-Site']!r}; only the page of this server may ask")
        tokens = headers.get_all(TOKEN, [])
        if len(tokens) != 1 or not compare_digest(str(tokens[0]).encode(), self.token.encode()):
            raise Refusal(403, f"{TOKEN}: missing or wrong; reload the page from the address that atrous explore printed")


def _shown(values: Sequence[object]) -> str:
    return ", ".join(f"{str(value)[:100]!r}" for value in values) or "none"


def body_length(headers: Message, limit: int, what: str) -> int:
    """How many bytes a request says that it sends; refused when it does not say so, or says too many.

    ``what`` is what they are, for the message.
    """
    if "Transfer-Encoding" in headers:
        raise Refusal(411, f"Transfer-Encoding: {headers['Transfer-Encoding']!r} is not taken; send the length of {what}")
    given = headers.get_all("Content-Length", [])
    if len(given) != 1 or not given[0].isascii() or not given[0].isdigit() or len(given[0]) > 18:
        raise Refusal(411, f"Content-Length: got {_shown(given)}; send the length of {what} in bytes, once")
    length = int(given[0])
    if length > limit:
        raise Refusal(
            413, f"{what}: has {length:,} bytes; the page takes at most {limit:,}: use the command line for larger ones"
        )
    return length
