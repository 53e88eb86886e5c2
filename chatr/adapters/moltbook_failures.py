"""Why Moltbook could not be asked, for the operator's log. Nothing of a reply is quoted, and no password."""

import os

from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientConnectorSSLError,
    ClientError,
    ClientHttpProxyError,
    ClientProxyConnectionError,
    ServerDisconnectedError,
)


def reason_for(error: ClientError | OSError | ValueError) -> str:
    """Return the reason of a failed request."""
    match error:
        case ClientHttpProxyError():
            return f"the proxy refuses the connection with status {error.status}"
        case ClientProxyConnectionError():
            return f"the proxy {error.host}:{error.port} cannot be reached: {system_reason(error)}"
        case ClientConnectorDNSError():
            return f"the name {error.host} cannot be resolved by DNS: {system_reason(error)}"
        case ClientConnectorCertificateError():
            verdict = getattr(error.certificate_error, "verify_message", "it cannot be read")
            return f"Certificate of {error.host} is not valid: {verdict}"
        case ClientConnectorSSLError():
            return f"{error.host}:{error.port} does not answer in TLS"
        case ClientConnectorError():
            return f"{error.host}:{error.port} cannot be reached: {system_reason(error)}"
        case ServerDisconnectedError():
            return "the connection was closed before a reply"
        case ClientError():
            return type(error).__name__
        case OSError():
            return system_reason(error)
        case _:
            return "a reply that is not JSON"


def system_reason(error: ClientConnectorError | OSError) -> str:
    """Return what the system says of a connection, or the resolver of a name."""
    cause = error.os_error if isinstance(error, ClientConnectorError) else error
    # The text of asyncio has the address instead. The numbers of the resolver's errors are negative.
    if cause.errno is not None and cause.errno > 0:
        return os.strerror(cause.errno)
    return cause.strerror or str(cause) or type(cause).__name__
