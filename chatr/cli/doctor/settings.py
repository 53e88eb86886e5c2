"""Checks settings: those that each are valid and do not fit together."""

import resource
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import urlsplit

from chatr.adapters.http.admission.loopback import is_loopback
from chatr.cli.commands.serve import SPARE_FILES
from chatr.cli.doctor.check import Check, ok, problem, warning
from chatr.cli.read_only import check_read_only
from chatr.settings import BadSetting, Settings

NAME: Final = "settings"
SHORTEST_OF_PROXIES: Final = 60
"""Seconds for which nginx and AWS keep an idle connection; others keep it longer."""
SHORTEST_PREFIX: Final = {4: 8, 6: 16}
"""Bits of the largest network that can be one of proxies, by IP version. The largest of content delivery networks have
12 and 29.
"""


def check_settings(settings: Settings) -> Iterator[Check]:
    """Yield what does not fit together, or one line that all does."""
    found = [check for rule in RULES if (check := rule(settings)) is not None]
    yield from found or [ok(NAME, "They fit together.")]


def is_local(host: str) -> bool:
    """Return whether only this machine can connect to a server that listens on `host`."""
    return is_loopback(f"[{host}]" if ":" in host else host)


def has_plain_http(url: str) -> bool:
    """Return whether requests to `url` cross a network unencrypted."""
    parts = urlsplit(url)
    return parts.scheme == "http" and not is_local(parts.hostname or "")


def no_public_url(settings: Settings) -> Check | None:
    """Documents and links need an address that others can reach."""
    if settings.public_url is not None or is_local(settings.host):
        return None
    found = f"The room listens on {settings.host} and has no public URL, so what it tells agents names localhost."
    return warning(NAME, found, "Set --public-url.")


def keys_in_clear(settings: Settings) -> Check | None:
    """API keys are sent with each request."""
    if settings.public_url is None or not has_plain_http(settings.public_url):
        return None
    return warning(NAME, f"Keys are sent unencrypted to {settings.public_url}.", "Use https, by a proxy such as Caddy.")


def moltbook_key_in_clear(settings: Settings) -> Check | None:
    """The key for Moltbook must not be read by others."""
    if settings.moltbook_key is None or not has_plain_http(settings.moltbook_url):
        return None
    return problem(NAME, "The key for Moltbook is sent unencrypted.", "Set --moltbook-url to an https address.")


def no_trusted_proxy(settings: Settings) -> Check | None:
    """A room that listens on the loopback only has a public address because of a proxy on this machine."""
    if settings.public_url is None or settings.trusted_proxies or not is_local(settings.host):
        return None
    if is_local(urlsplit(settings.public_url).hostname or ""):
        return None
    found = "No proxy is trusted, so all clients that come through the proxy on this machine share one limit."
    return problem(NAME, found, "Set --trusted-proxies 127.0.0.1/32 (or the address from which your proxy connects).")


def proxies_elsewhere(settings: Settings) -> Check | None:
    """A room that listens on the loopback only is never asked by a proxy on another machine."""
    if not settings.trusted_proxies or not is_local(settings.host):
        return None
    if any(network.network_address.is_loopback for network in settings.trusted_proxies):
        return None
    found = f"The room listens on {settings.host}, and none of the trusted proxies can connect from there."
    return problem(NAME, found, "Add 127.0.0.1/32 to --trusted-proxies, or set --host to an address of this machine.")


def everybody_trusted(settings: Settings) -> Check | None:
    """Whoever is trusted as a proxy can choose the address that its requests are counted against."""
    wide = [str(each) for each in settings.trusted_proxies if each.prefixlen < SHORTEST_PREFIX[each.version]]
    if not wide:
        return None
    found = f"{', '.join(wide)} is trusted as proxies, so clients there choose their own address and have no limit."
    return problem(NAME, found, "List the addresses of your proxies in --trusted-proxies.")


def streams_contradict(settings: Settings) -> Check | None:
    """A limit for one address above that for all never applies."""
    if settings.max_streams_per_ip <= settings.max_streams:
        return None
    found = "One address may open more streams than all together, so it can lock out the others."
    return warning(NAME, found, "Lower --max-streams-per-ip, or raise --max-streams.")


def connections_contradict(settings: Settings) -> Check | None:
    """Each stream is a connection, and an agent needs another one to post."""
    if settings.max_connections_per_ip > settings.max_streams_per_ip:
        return None
    found = "The connections of one address are not more than its streams, so the server allows more connections."
    return warning(NAME, found, "Raise --max-connections-per-ip above --max-streams-per-ip.")


def activity_contradicts(settings: Settings) -> Check | None:
    """An agent stays online for `online_for` plus `seen_every`."""
    if not settings.seen_every or not settings.online_for or settings.seen_every < settings.online_for:
        return None
    return warning(NAME, "Agents stay online for more than twice as long as --online-for.", "Lower --seen-every.")


def idle_connections_closed_early(settings: Settings) -> Check | None:
    """A proxy that sends a request on a connection which is being closed answers 502."""
    if not settings.trusted_proxies or settings.idle_timeout > SHORTEST_OF_PROXIES:
        return None
    found = f"Idle connections are closed after {settings.idle_timeout:g} s, and most proxies keep theirs for longer."
    return warning(NAME, found, "Raise --idle-timeout above what your proxy has, or leave it out.")


def log_in_memory(settings: Settings) -> Check | None:
    """A log in memory ends with the process."""
    if not settings.log.reveal().startswith("memory:"):
        return None
    return warning(NAME, "The log is in memory and is lost when the server ends.", "Set --log sqlite:///FILE.")


def not_read_only(settings: Settings) -> Check | None:
    """A room that is only read adopts no limits, and has no operators."""
    try:
        check_read_only(settings, accept_loss=False, demo=False)
    except BadSetting as error:
        return problem(NAME, str(error), "The server does not start.")
    return None


def too_few_files(settings: Settings) -> Check | None:
    """Each stream is an open file, and the system limits how many a process may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard in (resource.RLIM_INFINITY, -1) or hard >= settings.max_streams + SPARE_FILES:
        return None
    found = f"A process of yours may open {hard} files, too few for {settings.max_streams} streams."
    return warning(NAME, found, f"Raise the limit to {settings.max_streams + SPARE_FILES}, or lower --max-streams.")


RULES: Final[tuple[Callable[[Settings], Check | None], ...]] = (
    no_public_url,
    keys_in_clear,
    moltbook_key_in_clear,
    no_trusted_proxy,
    proxies_elsewhere,
    everybody_trusted,
    streams_contradict,
    connections_contradict,
    activity_contradicts,
    idle_connections_closed_early,
    log_in_memory,
    not_read_only,
    too_few_files,
)
