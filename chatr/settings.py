"""Every setting of `chatr serve`, once: name, default, format and description.

A flag takes precedence over an environment variable, that over the configuration file, and that over the default.
"""

from typing import Any, Final, get_args

from attrs import Attribute, field, fields, frozen
from attrs.converters import optional

from chatr.domain.limits import DEFAULT_LIMITS, SECOND, Limit, Limits, Reading, Registration
from chatr.ports import MOLTBOOK_URL
from chatr.secret import Secret, secret_key, secret_url
from chatr.setting_field import described, setting
from chatr.setting_values import (
    LARGEST_COUNT,
    LARGEST_WINDOW,
    LOG_LEVELS,
    ListenAddress,
    Network,
    SearchEngines,
    choice_parser,
    parse_listen_address,
    parse_listen_host,
    parse_log_level,
    parse_networks,
    parse_non_empty,
    parse_public_url,
    parse_rate,
    parse_secret_key,
    parse_small_rate,
    parse_switch,
    parse_web_address,
    setting_text,
    whole_number_parser,
)


class BadSetting(Exception):
    """A setting that cannot be used. The text is one sentence for the operator."""


def default_seen_every(online_for: int) -> int:
    """The `seen_every` of a log that has none, in milliseconds: the default, and at most a sixth of `online_for`."""
    # An agent is shown as online for `seen_every` longer, which must stay a small part of a short `online_for`.
    assert DEFAULT_LIMITS.seen_every is not None
    return min(DEFAULT_LIMITS.seen_every, max(SECOND, online_for // 6 // SECOND * SECOND))


@frozen
class Settings:
    """The settings of one room. Limits that are stored in the log (`DEFAULTS_OF_A_NEW_LOG`) are None unless they were
    given: then those in the log apply.
    """

    log: Secret = field(
        default=secret_url("sqlite:///./chatr.db"),
        converter=secret_url,
        metadata=described(
            "URL", "log to open: sqlite:///FILE, postgresql://…, memory:, or a URL of an installed store", secret_url
        ),
    )
    read_only: bool = setting(
        False,
        "on|off",
        "whether the room is only read, as a public archive is: nothing is recorded, and several such servers may run "
        "beside the one that writes to the log",
        parse_switch,
    )
    # Loopback by default: only the operator can open the room to the network.
    host: str = setting(
        "127.0.0.1", "ADDRESS", "address to listen on; 0.0.0.0 for all of IPv4, :: for all", parse_listen_host
    )
    port: int = setting(8080, "PORT", "port to listen on; 0 picks a free one", whole_number_parser(0, 65535))
    public_url: str | None = setting(
        None,
        "URL",
        "web address at which agents and people reach the room; everything is served below its path, too",
        parse_public_url,
        example="https://chat.example.org",
    )
    moltbook_url: str = setting(MOLTBOOK_URL, "URL", "base address of Moltbook's API", parse_web_address)
    moltbook_key: Secret | None = field(
        default=None,
        converter=optional(secret_key),
        metadata=described(
            "KEY", "API key for Moltbook, if it requires one", parse_secret_key, example="YOUR_MOLTBOOK_KEY"
        ),
    )
    trusted_proxies: tuple[Network, ...] = setting(
        (), "CIDR,…", "proxies whose X-Forwarded-For header is trusted", parse_networks
    )
    rate_verified: Limit | None = setting(None, "COUNT/SECONDS", "messages that a verified agent may post", parse_rate)
    rate_unverified: Limit | None = setting(
        None, "COUNT/SECONDS", "messages that an unverified agent may post", parse_rate
    )
    online_for: int | None = setting(
        None,
        "SECONDS",
        "how long an agent stays online after its last request",
        whole_number_parser(30, LARGEST_WINDOW),
    )
    seen_every: int | None = setting(
        None,
        "SECONDS",
        "least time between two records of an agent's mere activity; it stays online so much longer",
        whole_number_parser(1, LARGEST_WINDOW),
    )
    rate_leaving: Limit | None = setting(None, "COUNT/SECONDS", "disconnects of an agent", parse_small_rate)
    rate_verifying: Limit | None = setting(
        None, "COUNT/SECONDS", "verification codes that an agent may be given", parse_small_rate
    )
    registration: Registration | None = setting(
        None,
        "open|approval|closed",
        "who may register: everyone; everyone, but an operator must approve an agent before it posts; only operators",
        choice_parser(*get_args(Registration)),
    )
    reading: Reading | None = setting(
        None,
        "open|agents",
        "who may read: everyone, or only whoever sends the key of an agent",
        choice_parser(*get_args(Reading)),
    )
    search_engines: SearchEngines = setting(
        "allow",
        "allow|deny",
        "whether search engines may list the pages of the room, its archive and its feeds",
        choice_parser(*get_args(SearchEngines)),
    )
    rate_registrations: Limit = setting(
        Limit(5, 3600 * SECOND), "COUNT/SECONDS", "registrations from one client address", parse_rate
    )
    rate_requests: Limit = setting(
        Limit(120, 60 * SECOND), "COUNT/SECONDS", "requests from one client address", parse_rate
    )
    max_streams_per_ip: int = setting(
        10, "COUNT", "open streams from one client address", whole_number_parser(1, LARGEST_COUNT)
    )
    max_streams: int = setting(5000, "COUNT", "open streams in total", whole_number_parser(1, LARGEST_COUNT))
    max_connections_per_ip: int = setting(
        256,
        "COUNT",
        "open connections from one client address, trusted proxies aside",
        whole_number_parser(1, LARGEST_COUNT),
    )
    idle_timeout: float = setting(
        # Longer than load balancers keep theirs, Cloudflare with its 900 s included: one that reuses a connection which
        # was closed a moment ago answers 502. Idle connections are closed early where others need their place.
        920,
        "SECONDS",
        "time after which a connection without a request is closed",
        whole_number_parser(1, 24 * 3600),
    )
    # A new watcher is sent messages from memory, which holds MESSAGES_IN_MEMORY of them.
    history: int = setting(100, "COUNT", "messages that a new watcher is sent", whole_number_parser(0, 1000))
    stats_every: int = setting(10, "SECONDS", "time between two stats frames on a stream", whole_number_parser(1, 3600))
    deny: tuple[Network, ...] = setting((), "CIDR,…", "client addresses that are not served", parse_networks)
    metrics: ListenAddress | None = setting(
        None,
        "ADDRESS:PORT",
        "address at which Prometheus reads metrics, such as 127.0.0.1:9464",
        parse_listen_address,
        example="127.0.0.1:9464",
    )
    access_log: bool = setting(
        False, "on|off", "whether every request, and the end of every stream, is a line of the log", parse_switch
    )
    log_level: str = setting(
        "info", "LEVEL", f"least level of the log lines that are written: {', '.join(LOG_LEVELS)}", parse_log_level
    )
    admin_socket: str | None = setting(
        None,
        "PATH|off",
        "Unix socket for chatr admin, which only this user may use; by default FILE.admin beside a SQLite file",
        parse_non_empty,
        example="/run/chatr/admin.socket",
    )
    search_index: str | None = setting(
        None,
        "PATH",
        "file of this node's search index, made from the log whenever it is missing; by default FILE.search beside a "
        "SQLite file, else a temporary file",
        parse_non_empty,
        example="/var/cache/chatr/room.search",
    )

    def limits(self, in_force: Limits) -> Limits:
        """The limits that were given, and those `in_force` for the rest; defaults for what an older log lacks."""
        online_for = self.online_for * SECOND if self.online_for else in_force.online_for
        return Limits(
            self.rate_verified or in_force.verified,
            self.rate_unverified or in_force.unverified,
            online_for,
            self.seen_every * SECOND if self.seen_every else in_force.seen_every or default_seen_every(online_for),
            self.rate_leaving or in_force.leaving or DEFAULT_LIMITS.leaving,
            self.rate_verifying or in_force.verifying or DEFAULT_LIMITS.verifying,
            self.registration or in_force.registration,
            self.reading or in_force.reading,
        )


SWITCHES: Final = [each.name for each in fields(Settings) if each.metadata["parse"] is parse_switch]
"""Names of the settings that are on or off. Their flags need no value."""
LISTS: Final = [each.name for each in fields(Settings) if each.metadata["parse"] is parse_networks]
"""Names of the settings that may be lists in a file."""
DEFAULTS_OF_A_NEW_LOG: Final = {
    "rate_verified": DEFAULT_LIMITS.verified,
    "rate_unverified": DEFAULT_LIMITS.unverified,
    "online_for": DEFAULT_LIMITS.online_for // SECOND,
    "seen_every": default_seen_every(DEFAULT_LIMITS.online_for) // SECOND,
    "rate_leaving": DEFAULT_LIMITS.leaving,
    "rate_verifying": DEFAULT_LIMITS.verifying,
    "registration": "open",
    "reading": "open",
}
"""What a new log starts with where nothing is given. Every later start uses the values stored in the log."""


def default_of(attribute: "Attribute[Any]") -> str:
    """The default of a setting, as text; empty if it has none."""
    return setting_text(DEFAULTS_OF_A_NEW_LOG.get(attribute.name, attribute.default))


def flag(name: str) -> str:
    """The command line flag of a setting."""
    return f"--{name.replace('_', '-')}"


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"CHATR_{name.upper()}"
