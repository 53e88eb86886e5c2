"""Rate limits per client address: exact, whatever headers are sent, and not extended by rejected requests."""

import asyncio
from collections.abc import Mapping
from ipaddress import ip_network

import pytest
from attrs import frozen

from chatr.adapters.http.admission.client_address import ClientAddresses
from chatr.domain.limits import MINUTE, SECOND, Limit
from tests.conftest import OpenRoom, Response, Room

FORGED_HEADERS = [
    {"X-Forwarded-For": "203.0.113.{number}"},
    {"X-Real-IP": "203.0.113.{number}"},
    {"Forwarded": "for=203.0.113.{number}"},
    {"X-Forwarded-For": "203.0.113.{number}, 198.51.100.{number}"},
    {
        "X-Client-IP": "203.0.113.{number}",
        "True-Client-IP": "203.0.113.{number}",
        "CF-Connecting-IP": "203.0.113.{number}",
    },
    {"User-Agent": "agent {number}", "Cookie": "id={number}", "Authorization": "Bearer {number}"},
]


@frozen
class AddressLimit:
    """A limit per address: its setting, and the code of its error."""

    setting: str
    code: str

    async def send(self, room: Room, number: int, headers: Mapping[str, str]) -> Response:
        """Send a request that the limit counts."""
        numbered_headers = {name: value.format(number=number) for name, value in headers.items()}
        if self.setting == "rate_registrations":
            return await room.post("/api/register", {"name": f"agent-{number}"}, headers=numbered_headers)
        return await room.get("/api/agents", headers=numbered_headers)


ADDRESS_LIMITS = [
    AddressLimit("rate_requests", "request_rate_limited"),
    AddressLimit("rate_registrations", "registration_rate_limited"),
]


@pytest.mark.parametrize("limit", ADDRESS_LIMITS, ids=lambda limit: limit.setting)
@pytest.mark.parametrize("headers", [{}, *FORGED_HEADERS], ids=str)
async def test_a_limit_of_five_allows_exactly_five(
    headers: Mapping[str, str], limit: AddressLimit, open_room: OpenRoom
) -> None:
    """The sixth is answered with 429, whatever address the client claims to have."""
    room = await open_room(**{limit.setting: Limit(5, MINUTE)})
    answers = [await limit.send(room, number, headers) for number in range(6)]
    rejected = answers.pop()

    assert [answer.status for answer in answers] == [200] * 5
    assert (rejected.status, rejected.json["code"]) == (429, limit.code)
    assert (rejected.headers["Retry-After"], rejected.json["retryAfter"]) == ("60", 60)


@pytest.mark.parametrize("limit", ADDRESS_LIMITS, ids=lambda limit: limit.setting)
async def test_retry_after_is_exact(limit: AddressLimit, open_room: OpenRoom) -> None:
    """It is the time until the oldest counted one leaves the window, rounded up; rejected ones do not extend it."""
    room = await open_room(**{limit.setting: Limit(2, MINUTE)})
    retry_after = []
    for number, milliseconds in enumerate((0, 20 * SECOND, 1, 999, 38_999, 1, 1, 19_998, 1)):
        room.clock.advance(milliseconds)
        answer = await limit.send(room, number, {})
        retry_after.append(answer.headers.get("Retry-After"))

    assert retry_after == [None, None, "40", "39", "1", None, "20", "1", None]


@pytest.mark.parametrize("limit", ADDRESS_LIMITS, ids=lambda limit: limit.setting)
async def test_the_window_slides(limit: AddressLimit, open_room: OpenRoom) -> None:
    """N late in one minute and N early in the next would be 2 N within one minute: they are rejected."""
    room = await open_room(**{limit.setting: Limit(3, MINUTE)})
    room.clock.advance(59 * SECOND)
    late = [(await limit.send(room, number, {})).status for number in range(3)]
    room.clock.advance(2 * SECOND)
    early = [(await limit.send(room, number, {})).status for number in range(3, 6)]

    assert (late, early) == ([200] * 3, [429] * 3)


async def test_concurrent_registrations_are_counted(open_room: OpenRoom) -> None:
    """However many arrive at once, only as many as the limit allows succeed."""
    room = await open_room(rate_registrations=Limit(5, MINUTE))
    requests = (room.post("/api/register", {"name": f"agent-{number}"}) for number in range(20))
    answers = await asyncio.gather(*requests)

    assert sorted(answer.status for answer in answers) == [200] * 5 + [429] * 15
    assert (await room.get("/api/agents")).json["stats"]["totalAgents"] == 5


async def test_concurrent_registrations_of_one_name_count_once(open_room: OpenRoom) -> None:
    """One gets the name, the others are rejected, and only the one is counted."""
    room = await open_room(rate_registrations=Limit(5, MINUTE))
    answers = await asyncio.gather(*(room.post("/api/register", {"name": "Ada"}) for _ in range(5)))
    more = [(await room.post("/api/register", {"name": f"agent-{number}"})).status for number in range(5)]

    assert sorted(answer.status for answer in answers) == [200, 409, 409, 409, 409]
    assert more == [200] * 4 + [429]


COUNTED_PATHS = ["/", "/api/messages", "/api/nope", "/nope", "/skills.md", "/api/register", "/api/messages?after=x"]
UNCOUNTED_PATHS = ["/health", "/ready", "/page/page.js", "/page/page.css", "/page/favicon.svg"]


@pytest.mark.parametrize("path", COUNTED_PATHS)
async def test_requests_count_against_the_limit(path: str, open_room: OpenRoom) -> None:
    """Every request counts, rejected ones too, except probes and the files of the page."""
    room = await open_room(rate_requests=Limit(1, MINUTE))
    await room.get(path)

    assert (await room.get("/api/agents")).status == 429


@pytest.mark.parametrize("path", UNCOUNTED_PATHS)
async def test_probes_and_page_files_do_not_count(path: str, open_room: OpenRoom) -> None:
    """They neither use the limit nor are rejected by it."""
    room = await open_room(rate_requests=Limit(1, MINUTE))
    before = [(await room.get(path)).status for _ in range(3)]
    first, second = (await room.get("/api/agents")).status, (await room.get("/api/agents")).status

    assert before == [200] * 3
    assert (first, second) == (200, 429)
    assert (await room.get(path)).status == 200


async def test_a_request_with_a_wrong_key_counts(open_room: OpenRoom) -> None:
    """A 401 uses the rate of requests like any other response; the 429 of that rate itself does not."""
    room = await open_room(rate_requests=Limit(2, MINUTE))
    answers = [await room.get("/api/me") for _ in range(4)]
    room.clock.advance(MINUTE)

    assert [answer.status for answer in answers] == [401, 401, 429, 429]
    assert (await room.get("/api/me")).status == 401


async def test_a_stream_counts_as_one_request(open_room: OpenRoom) -> None:
    """However much comes over it."""
    room = await open_room(rate_requests=Limit(2, MINUTE))
    async with room.http.get("/api/stream") as stream:
        await stream.content.readline()
        statuses = [(await room.get("/api/agents")).status for _ in range(2)]

    assert statuses == [200, 429]


@pytest.mark.parametrize(("setting", "whose"), [("max_streams_per_ip", "from one address"), ("max_streams", "in all")])
async def test_streams_are_limited_per_address_and_in_total(setting: str, whose: str, open_room: OpenRoom) -> None:
    """One stream more is answered with 429, and the error says which of the two limits was reached."""
    room = await open_room(**{setting: 2})
    async with room.http.get("/api/stream") as one, room.http.get("/api/stream") as two:
        rejected = await room.get("/api/stream")

    assert (one.status, two.status) == (200, 200)
    assert (rejected.status, rejected.json["code"]) == (429, "too_many_streams")
    assert rejected.headers["Retry-After"] == str(rejected.json["retryAfter"])
    assert whose in rejected.json["error"]


async def test_message_limits_are_per_agent(room: Room) -> None:
    """Two agents behind one address do not share a limit."""
    ada, bob = await room.register("Ada"), await room.register("Bob")
    answers = [await room.post("/api/messages", {"content": "Hello!"}, agent=agent) for agent in (ada, bob, ada)]

    assert [answer.status for answer in answers] == [200, 200, 429]


@pytest.mark.parametrize("headers", FORGED_HEADERS, ids=str)
async def test_message_limits_ignore_forged_headers(headers: Mapping[str, str], room: Room) -> None:
    """An agent is identified by its key alone."""
    ada = await room.register("Ada")
    all_headers = {name: value.format(number=1) for name, value in headers.items()} | ada.bearer
    await room.post_message(ada, "Hello!")
    answer = await room.post("/api/messages", {"content": "Hello again!"}, headers=all_headers)

    assert (answer.status, answer.json["code"], answer.headers["Retry-After"]) == (429, "message_rate_limited", "300")


PEERS, OTHER_PROXIES = "127.0.0.0/8", "10.0.0.0/8"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param("192.0.2.1", "192.0.2.2", False, id="two clients"),
        pytest.param("192.0.2.1", "192.0.2.1", True, id="one client"),
        pytest.param("6.6.6.6, 192.0.2.1", "7.7.7.7, 192.0.2.1", True, id="forged by the client"),
        pytest.param("192.0.2.1, 10.0.0.7", "192.0.2.1, 10.0.0.8", True, id="behind two trusted proxies"),
        pytest.param("192.0.2.1, 10.0.0.7, 127.0.0.9", "192.0.2.2, 10.0.0.7, 127.0.0.9", False, id="behind three"),
        pytest.param("10.0.0.1, 192.0.2.1, 10.0.0.7", "10.0.0.2, 192.0.2.1, 10.0.0.7", True, id="forged trusted hop"),
        pytest.param("192.0.2.1", "192.0.2.1, nonsense", False, id="malformed: the proxy itself"),
        pytest.param("nonsense", "192.0.2.1, nonsense", True, id="malformed twice"),
        pytest.param("192.0.2.1, nonsense, 10.0.0.7", "192.0.2.2, nonsense, 10.0.0.7", True, id="malformed in between"),
        pytest.param("10.0.0.7", "10.0.0.8", True, id="trusted hops only: the proxy itself"),
        pytest.param("  192.0.2.1  ", "192.0.2.1", True, id="white space"),
        pytest.param("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True, id="one IPv6 network"),
        pytest.param("2001:db8:1:2::1", "2001:db8:1:3::1", False, id="two IPv6 networks"),
        pytest.param("::ffff:192.0.2.1", "192.0.2.1", True, id="IPv4 as IPv6"),
        pytest.param("::ffff:192.0.2.1", "::ffff:192.0.2.2", False, id="two IPv4 as IPv6"),
        pytest.param("192.0.2.1, ::ffff:10.0.0.7", "192.0.2.2, ::ffff:10.0.0.7", False, id="a trusted IPv4 as IPv6"),
    ],
)
async def test_trusted_proxies_forward_client_addresses(one: str, other: str, same: bool, open_room: OpenRoom) -> None:
    """The address is the first from the right that is no trusted proxy; an IPv6 /64 counts as one address."""
    room = await open_room(
        rate_requests=Limit(1, MINUTE), trusted_proxies=(ip_network(PEERS), ip_network(OTHER_PROXIES))
    )
    statuses = [(await room.get("/api/agents", headers={"X-Forwarded-For": hops})).status for hops in (one, other)]

    assert statuses == [200, 429 if same else 200]


@pytest.mark.parametrize(
    ("hops", "expected"),
    {
        "203.0.113.7": "203.0.113.7",
        "203.0.113.7:5123": "203.0.113.7",
        " 203.0.113.7 ": "203.0.113.7",
        '"203.0.113.7:5123"': "203.0.113.7",
        "203.0.113.7:_hidden": "203.0.113.7",
        "203.0.113.7:": "203.0.113.7",
        "::ffff:203.0.113.7": "203.0.113.7",
        "[::ffff:203.0.113.7]:443": "203.0.113.7",
        "2001:db8::1": "2001:db8::/64",
        "2001:DB8::1": "2001:db8::/64",
        "[2001:db8::1]": "2001:db8::/64",
        "[2001:db8::1]:443": "2001:db8::/64",
        '"[2001:db8::1]:443"': "2001:db8::/64",
        "2001:db8::1%eth0": "2001:db8::/64",
        "[2001:db8::1%25eth0]:443": "2001:db8::/64",
        "192.0.2.66, 203.0.113.7:5123, 127.0.0.1:80": "203.0.113.7",
        "192.0.2.66,,203.0.113.7, ,": "203.0.113.7",
        ",": "127.0.0.1",
        "": "127.0.0.1",
        "unknown": "127.0.0.1",
        "_hidden": "127.0.0.1",
        "192.0.2.66, unknown": "127.0.0.1",
        "203.0.113.7:5123:1": "127.0.0.1",
        "203.0.113": "127.0.0.1",
        "203.0.113.700": "127.0.0.1",
        "[203.0.113.7": "127.0.0.1",
        "203.0.113.7 5123": "127.0.0.1",
        "٢٠٣.0.113.7": "127.0.0.1",
        "[]": "127.0.0.1",
        "192.0.2.66, " * 1_000 + "203.0.113.7:1": "203.0.113.7",
        "127.0.0.1, " * 1_000: "127.0.0.1",
    }.items(),
)
def test_forwarded_addresses_as_proxies_write_them(hops: str, expected: str) -> None:
    """Ports, brackets, quotes and zones are no part of an address; what hides it counts as the proxy itself."""
    addresses = ClientAddresses([ip_network("127.0.0.0/8")])

    assert addresses.of_peer("127.0.0.1", hops) == expected
    assert addresses.of_peer("198.51.100.1", hops) == "198.51.100.1"


async def test_several_x_forwarded_for_headers_are_one_list(open_room: OpenRoom) -> None:
    """A proxy may add a header instead of appending to the one that is there."""
    room = await open_room(rate_requests=Limit(1, MINUTE), trusted_proxies=(ip_network(PEERS),))
    statuses = []
    for forged in ("6.6.6.6", "7.7.7.7"):
        headers = [("X-Forwarded-For", forged), ("X-Forwarded-For", "192.0.2.1")]
        async with room.http.get("/api/agents", headers=headers) as reply:
            statuses.append(reply.status)

    assert statuses == [200, 429]


async def test_forwarded_addresses_of_untrusted_peers_are_ignored(open_room: OpenRoom) -> None:
    """A peer that is not in the list of trusted proxies counts by its own address."""
    room = await open_room(
        rate_requests=Limit(1, MINUTE), trusted_proxies=(ip_network(OTHER_PROXIES), ip_network("::1/128"))
    )
    statuses = [(await room.get("/", headers={"X-Forwarded-For": f"192.0.2.{number}"})).status for number in (1, 2)]

    assert statuses == [200, 429]
