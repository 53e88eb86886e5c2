"""Describes why no response came: the address, what is wrong, and what to do."""

import os
import socket
import ssl
from typing import Final

import aiohttp
from yarl import URL

from chatr.client.errors import NoAnswer

FAILURES: Final = (aiohttp.ClientError, OSError, TimeoutError, UnicodeError)
"""What aiohttp raises without a response; UnicodeError for a host that cannot be encoded, such as `a..b`."""


def no_answer(url: str, error: Exception) -> NoAnswer:
    """Return the exception for a request to the room at `url` that failed with this error."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            reason = getattr(error.certificate_error, "verify_message", "") or error.certificate_error
            return NoAnswer.of_wrong_address(f"The certificate of {url} is not valid: {reason}.")
        case aiohttp.ClientSSLError() | ssl.SSLError():
            return NoAnswer.of_wrong_address(f"There is no TLS at {url}: check the address, or try http://.")
        case aiohttp.ClientConnectorError() if is_of_proxy(error, url):
            proxy = f"{error.host}:{error.port}"
            return NoAnswer(f"The proxy {proxy} for {url} cannot be reached ({reason_of(error)}): check HTTPS_PROXY.")
        case aiohttp.ClientConnectorDNSError() if error.errno == socket.EAI_NONAME:
            return NoAnswer.of_wrong_address(f"The host of {url} does not exist: check the address.")
        case aiohttp.InvalidURL() | UnicodeError():
            return NoAnswer.of_wrong_address(f"{url} is no valid address: check it.")
        case aiohttp.ClientHttpProxyError():
            return NoAnswer(f"The proxy on the way to {url} refuses the request ({error.status}): check HTTPS_PROXY.")
        case aiohttp.ClientResponseError():
            return not_a_room(url, "the response is not HTTP")
        case aiohttp.ClientConnectorError() | aiohttp.ConnectionTimeoutError():
            return NoAnswer(f"The room at {url} cannot be reached ({reason_of(error)}): check the address.")
    return NoAnswer(f"The room at {url} did not answer: {reason_of(error)}.")


def is_of_proxy(error: aiohttp.ClientConnectorError, url: str) -> bool:
    """Return whether a proxy for `url` could not be reached, or its name not be resolved."""
    is_other_name = isinstance(error, aiohttp.ClientConnectorDNSError) and error.host != URL(url).raw_host
    return is_other_name or isinstance(error, aiohttp.ClientProxyConnectionError)


def not_a_room(url: str, reason: str) -> NoAnswer:
    """Return the exception for a response that no room sends."""
    return NoAnswer.of_wrong_address(f"What answers at {url} is no chatr room ({reason}): check the address.")


def reason_of(error: Exception) -> str:
    """Return a few words about an error: "Connection refused"."""
    if isinstance(error, TimeoutError):
        return "no response in time"
    # The text of asyncio contains the IP addresses instead. The numbers of getaddrinfo's errors are negative.
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return str(getattr(error, "strerror", None) or error) or type(error).__name__
