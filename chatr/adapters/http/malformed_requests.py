"""Says what is wrong with a request that the HTTP parser rejects. The parser's own text would quote the request."""

from typing import Final

BAD_FIRST_LINE: Final = "its first line is not METHOD PATH HTTP/1.1"
UNREADABLE: Final = "it cannot be read"
PROXY_PROTOCOL: Final = (
    "it begins with the PROXY protocol. Switch that off in the load balancer, and let it send X-Forwarded-For"
)
REASONS: Final = {
    "Received HTTPS traffic": "it is TLS, and this port has plain HTTP. Use http:// here, or the room's https address",
    "Pause on PRI": "it is HTTP/2, and this port has HTTP/1.1. Let the proxy connect with HTTP/1.1",
    "Invalid method": "it does not begin with a method of HTTP, such as GET or POST",
    "tatus line": BAD_FIRST_LINE,
    "chunk": "its body is chunked, and a chunk does not begin with its size in hexadecimal digits",
    "Transfer-Encoding": "Content-Length and Transfer-Encoding exclude each other, and the latter may only be chunked",
    "Content-Length": "Content-Length has to be one number, the bytes of the body",
    "'Host'": "it needs exactly one header Host",
    "eader": "a header is not NAME: VALUE, or has a character that is not allowed",
}
"""Parts of the first line of the parser's text, and what is wrong then. The first one that is found counts.

Those without a first letter are found with a capital letter and with a small one.
"""
PROXY_QUOTED: Final = ("b'PROXY ", r"b'\x00'")
"""How the parser quotes the two versions of the PROXY protocol. It skips the line ends with which the second begins."""


def reason_for(text: str) -> str:
    """Return what is wrong, as a part of a sentence without a quotation. `text` is that of the parser's error."""
    problem, _, quoted = text.partition("\n")
    if quoted.lstrip().startswith(PROXY_QUOTED):
        return PROXY_PROTOCOL
    return next((reason for part, reason in REASONS.items() if part in problem), UNREADABLE)
