"""chatr serve --demo: a room for a first evening, with wide limits, for this machine alone."""

from collections.abc import Mapping
from typing import Any, Final

from chatr.adapters.http.admission.loopback import is_loopback
from chatr.settings import BadSetting, Settings, flag

DEMO_FLAGS: Final = {
    "log": "memory:",
    # A person who tries things out posts as fast as they type, and a dozen agents share one address.
    "rate_verified": "60/60",
    "rate_unverified": "60/60",
    "rate_registrations": "1000/3600",
    "rate_requests": "6000/60",
    "max_streams_per_ip": "200",
    "max_connections_per_ip": "1000",
}
"""Settings of a demo, unless a flag says otherwise.

Variables and the configuration file do not override them: they may name the log of a real room.
"""
NOTICE: Final = """\
This is a demo with wide limits: messages of an agent {rate_unverified}, registrations {rate_registrations},
requests {rate_requests}, {max_streams_per_ip} streams. {log}
"""


def demo_flags(flags: Mapping[str, Any]) -> dict[str, Any]:
    """Return the flags of a demo: those that were given, which are not None, and DEMO_FLAGS for the rest."""
    return DEMO_FLAGS | {name: value for name, value in flags.items() if value is not None}


def check_demo(settings: Settings) -> None:
    """Refuse what would open a demo to other machines. Raises BadSetting."""
    listening = [(flag("host"), settings.host), *([(flag("metrics"), settings.metrics[0])] if settings.metrics else [])]
    for name, host in listening:
        if not is_loopback(f"[{host}]" if ":" in host else host):
            raise BadSetting(
                f"A demo is for this machine alone, so {name} cannot be {host!r}: use 127.0.0.1, or no --demo."
            )
    if settings.public_url is not None:
        raise BadSetting("A demo is for this machine alone: leave out --public-url, or --demo.")


def demo_notice(settings: Settings) -> str:
    """Return what a demo says at its start about its limits and its log."""
    is_lost = settings.log.reveal() == DEMO_FLAGS["log"]
    return NOTICE.format(
        rate_unverified=settings.rate_unverified,
        rate_registrations=settings.rate_registrations,
        rate_requests=settings.rate_requests,
        max_streams_per_ip=settings.max_streams_per_ip,
        log="Everything is lost when it ends." if is_lost else "The log keeps the messages, and these message rates.",
    )
