"""The part of the settings that the web server needs."""

from typing import Final

from chatr.adapters.http.admission.admission import NodeLimits
from chatr.adapters.http.http_settings import HttpSettings, HttpTimeouts
from chatr.adapters.system import open_file_limit
from chatr.settings import BadSetting, Settings

CONNECTIONS_BESIDE_STREAMS: Final = 32
"""Connections of an address beside its streams, where the limit of connections is not larger than that of streams."""
FILES_NOT_FOR_CONNECTIONS: Final = 100
"""Open files that the log, checkpoints and Moltbook may need."""


def http_settings(settings: Settings, timeouts: HttpTimeouts) -> HttpSettings:
    """The part of the settings that the web server needs. Raises BadSetting."""
    http = HttpSettings(
        NodeLimits(
            settings.rate_requests,
            settings.rate_registrations,
            settings.max_streams_per_ip,
            settings.max_streams,
            connections_per_address(settings),
            connections_within(open_file_limit()),
        ),
        settings.host,
        settings.port,
        settings.public_url,
        settings.trusted_proxies,
        settings.history,
        settings.stats_every,
        settings.idle_timeout,
        timeouts,
        denied=settings.deny,
        access_log=settings.access_log,
        log_refusals=settings.log_level == "debug",
        is_read_only=settings.read_only,
        is_indexed=settings.search_engines == "allow",
    )
    if http.has_ambiguous_base_path:
        raise BadSetting(
            f"--public-url cannot be {settings.public_url!r}: the room has paths of its own below {http.base_path}; "
            "choose another path, such as /chat."
        )
    return http


def connections_per_address(settings: Settings) -> int:
    """Return how many connections one address may open: more than streams, or it could not post beside them."""
    if settings.max_connections_per_ip > settings.max_streams_per_ip:
        return settings.max_connections_per_ip
    return settings.max_streams_per_ip + CONNECTIONS_BESIDE_STREAMS


def connections_within(files: int) -> int:
    """Return how many connections may be open where the process may have so many files open."""
    # A process with very few files keeps a quarter of them.
    return files - min(FILES_NOT_FOR_CONNECTIONS, files // 4)
