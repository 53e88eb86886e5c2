"""The lines of the admin socket: one request, then replies until the last one. Each line is a JSON object."""

from typing import Final

import msgspec

from chatr.admin.replies import Refused, Reply
from chatr.admin.requests import VERSION, AnyRequest, Envelope

LARGEST_REQUEST: Final = 1 << 20
"""Bytes of a request: more than MOST_MESSAGES ids of nineteen digits."""
LARGEST_REPLY: Final = 1 << 16
"""Bytes of a reply."""


class _Version(msgspec.Struct):
    """The part of a line that every version of the protocol has."""

    version: int


_REPLIES: Final[msgspec.json.Decoder[Reply]] = msgspec.json.Decoder(Reply)


class BadRequest(Exception):
    """A line is not a request that this node can carry out. The text is one sentence."""


def request_line(request: AnyRequest) -> bytes:
    """The line of a request. Raises BadRequest if it is too long."""
    line = msgspec.json.encode(Envelope(VERSION, request)) + b"\n"
    if len(line) > LARGEST_REQUEST:
        raise BadRequest(f"The command has more than {LARGEST_REQUEST:,} bytes: give it in parts.")
    return line


def parse_request(line: bytes) -> AnyRequest:
    """The request in a line. Raises BadRequest."""
    try:
        # The version alone first: the request of another version may have any form.
        version = msgspec.json.decode(line, type=_Version).version
        if version == VERSION:
            return msgspec.json.decode(line, type=Envelope).request
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadRequest(f"This is no command of chatr admin: {error}.") from error
    raise BadRequest(
        f"The node knows version {VERSION} of the commands, not {version}: use the same version of chatr as the node."
    )


def reply_line(reply: Reply) -> bytes:
    """The line of a reply."""
    return msgspec.json.encode(reply) + b"\n"


def parse_reply(line: bytes) -> Reply:
    """The reply in a line. Raises msgspec.DecodeError."""
    return _REPLIES.decode(line)


def bad_request_reply(error: BadRequest) -> Refused:
    """The reply to a line that is not a request."""
    return Refused("invalid_request", str(error))
