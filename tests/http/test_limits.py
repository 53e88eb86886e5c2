"""The limits by address: exactly so many pass, whatever headers are sent, and a refusal costs nothing."""

import asyncio
from collections.abc import Mapping
from ipaddress import ip_network

import pytest
from attrs import frozen

from chatr.domain.limits import MINUTE, SECOND, Limit
from tests.conftest import Answer, OpenRoom, Room

FORGED = [
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
class Rate:
    """A limit by address: the setting, its code, and what is counted."""

    setting: str
    code: str

    async def ask(self, room: Room, number: int, headers: Mapping[str, str]) -> Answer:
        given = {name: value.format(number=number) for name, value in headers.items()}
        if self.setting == "rate_registrations":
            return await room.post("/api/register", {"name": f"agent-{number}"}, headers=given)
        return await room.get("/api/agents", headers=given)


RATES = [Rate("rate_requests", "request_rate_limited"), Rate("rate_registrations", "registration_rate_limited")]


@pytest.mark.parametrize("rate", RATES, ids=lambda rate: rate.setting)
@pytest.mark.parametrize("headers", [{}, *FORGED], ids=str)
async def test_so_many_pass_and_no_more(headers: Mapping[str, str], rate: Rate, open_room: OpenRoom) -> None:
    """N pass and the next one is refused, whoever the client says it is."""
    room = await open_room(**{rate.setting: Limit(5, MINUTE)})
    answers = [await rate.ask(room, number, headers) for number in range(6)]
    refused = answers.pop()

    assert [answer.status for answer in answers] == [200] * 5
    assert (refused.status, refused.json["code"]) == (429, rate.code)
    assert (refused.headers["Retry-After"], refused.json["retryAfter"]) == ("60", 60)


@pytest.mark.parametrize("rate", RATES, ids=lambda rate: rate.setting)
async def test_the_wait_is_told_exactly(rate: Rate, open_room: OpenRoom) -> None:
    """Retry-After is the time until the oldest counted one leaves the window, rounded up; trying makes it no longer."""
    room = await open_room(**{rate.setting: Limit(2, MINUTE)})
    told = []
    for number, pause in enumerate((0, 20 * SECOND, 1, 999, 38_999, 1, 1, 19_998, 1)):
        room.clock.advance(pause)
        answer = await rate.ask(room, number, {})
        told.append(answer.headers.get("Retry-After"))

    assert told == [None, None, "40", "39", "1", None, "20", "1", None]


@pytest.mark.parametrize("rate", RATES, ids=lambda rate: rate.setting)
async def test_no_window_holds_more(rate: Rate, open_room: OpenRoom) -> None:
    """The window slides: N late in one minute and N early in the next are not 2 N within one."""
    room = await open_room(**{rate.setting: Limit(3, MINUTE)})
    room.clock.advance(59 * SECOND)
    late = [(await rate.ask(room, number, {})).status for number in range(3)]
    room.clock.advance(2 * SECOND)
    early = [(await rate.ask(room, number, {})).status for number in range(3, 6)]

    assert (late, early) == ([200] * 3, [429] * 3)


async def test_registrations_at_once_are_counted_too(open_room: OpenRoom) -> None:
    """However many arrive together, N of them register."""
    room = await open_room(rate_registrations=Limit(5, MINUTE))
    asked = (room.post("/api/register", {"name": f"agent-{number}"}) for number in range(20))
    answers = await asyncio.gather(*asked)

    assert sorted(answer.status for answer in answers) == [200] * 5 + [429] * 15
    assert (await room.get("/api/agents")).json["stats"]["totalAgents"] == 5


async def test_registrations_of_one_name_at_once_cost_one(open_room: OpenRoom) -> None:
    """One gets the name, the others are refused, and only the one is counted."""
    room = await open_room(rate_registrations=Limit(5, MINUTE))
    answers = await asyncio.gather(*(room.post("/api/register", {"name": "Ada"}) for _ in range(5)))
    more = [(await room.post("/api/register", {"name": f"agent-{number}"})).status for number in range(5)]

    assert sorted(answer.status for answer in answers) == [200, 409, 409, 409, 409]
    assert more == [200] * 4 + [429]


COUNTED = ["/", "/api/messages", "/api/nope", "/nope", "/skills.md", "/api/register", "/api/messages?after=x"]
FREE = ["/health", "/ready", "/page/page.js", "/page/page.css", "/page/favicon.svg"]


@pytest.mark.parametrize("path", COUNTED)
async def test_what_counts_as_a_request(path: str, open_room: OpenRoom) -> None:
    """Everything does, refused or not, that is neither a probe nor a part of the page."""
    room = await open_room(rate_requests=Limit(1, MINUTE))
    await room.get(path)

    assert (await room.get("/api/agents")).status == 429


@pytest.mark.parametrize("path", FREE)
async def test_what_does_not_count_as_a_request(path: str, open_room: OpenRoom) -> None:
    """Probes and the page's files neither spend the quota nor need it."""
    room = await open_room(rate_requests=Limit(1, MINUTE))
    before = [(await room.get(path)).status for _ in range(3)]
    first, second = (await room.get("/api/agents")).status, (await room.get("/api/agents")).status

    assert before == [200] * 3
    assert (first, second) == (200, 429)
    assert (await room.get(path)).status == 200


async def test_a_stream_counts_once(open_room: OpenRoom) -> None:
    """Watching is one request, however much comes over it."""
    room = await open_room(rate_requests=Limit(2, MINUTE))
    async with room.http.get("/api/stream") as stream:
        await stream.content.readline()
        statuses = [(await room.get("/api/agents")).status for _ in range(2)]

    assert statuses == [200, 429]


@pytest.mark.parametrize(("setting", "tells"), [("max_streams_per_ip", "from one address"), ("max_streams", "in all")])
async def test_so_many_streams_and_no_more(setting: str, tells: str, open_room: OpenRoom) -> None:
    """The next stream is refused like any rate, and what it waits for is told."""
    room = await open_room(**{setting: 2})
    async with room.http.get("/api/stream") as one, room.http.get("/api/stream") as two:
        refused = await room.get("/api/stream")

    assert (one.status, two.status) == (200, 200)
    assert (refused.status, refused.json["code"]) == (429, "too_many_streams")
    assert refused.headers["Retry-After"] == str(refused.json["retryAfter"])
    assert tells in refused.json["error"]


async def test_the_limits_of_messages_know_no_address(room: Room) -> None:
    """Two agents behind one address do not share a rate."""
    ada, bob = await room.register("Ada"), await room.register("Bob")
    answers = [await room.post("/api/messages", {"content": "Hello!"}, agent=agent) for agent in (ada, bob, ada)]

    assert [answer.status for answer in answers] == [200, 200, 429]


@pytest.mark.parametrize("headers", FORGED, ids=str)
async def test_the_rate_of_messages_knows_no_header(headers: Mapping[str, str], room: Room) -> None:
    """An agent is its key, and nothing else that it sends makes it another."""
    ada = await room.register("Ada")
    sent = {name: value.format(number=1) for name, value in headers.items()} | ada.bearer
    await room.say(ada, "Hello!")
    answer = await room.post("/api/messages", {"content": "Hello again!"}, headers=sent)

    assert (answer.status, answer.json["code"], answer.headers["Retry-After"]) == (429, "message_rate_limited", "300")


HERE, FAR = "127.0.0.0/8", "10.0.0.0/8"


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        pytest.param("192.0.2.1", "192.0.2.2", False, id="two clients"),
        pytest.param("192.0.2.1", "192.0.2.1", True, id="one client"),
        pytest.param("6.6.6.6, 192.0.2.1", "7.7.7.7, 192.0.2.1", True, id="what the client itself wrote"),
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
async def test_through_a_trusted_proxy(one: str, other: str, alike: bool, open_room: OpenRoom) -> None:
    """The address is the first from the right that is not a trusted proxy's; IPv6 counts by /64."""
    room = await open_room(rate_requests=Limit(1, MINUTE), trusted_proxies=(ip_network(HERE), ip_network(FAR)))
    statuses = [(await room.get("/api/agents", headers={"X-Forwarded-For": each})).status for each in (one, other)]

    assert statuses == [200, 429 if alike else 200]


async def test_several_headers_of_proxies_are_one_list(open_room: OpenRoom) -> None:
    """A proxy may add a header of its own instead of a hop to the one that is there."""
    room = await open_room(rate_requests=Limit(1, MINUTE), trusted_proxies=(ip_network(HERE),))
    statuses = []
    for forged in ("6.6.6.6", "7.7.7.7"):
        headers = [("X-Forwarded-For", forged), ("X-Forwarded-For", "192.0.2.1")]
        async with room.http.get("/api/agents", headers=headers) as reply:
            statuses.append(reply.status)

    assert statuses == [200, 429]


async def test_only_a_trusted_proxy_is_believed(open_room: OpenRoom) -> None:
    """A peer that is not in the list speaks for itself only."""
    room = await open_room(rate_requests=Limit(1, MINUTE), trusted_proxies=(ip_network(FAR), ip_network("::1/128")))
    statuses = [(await room.get("/", headers={"X-Forwarded-For": f"192.0.2.{number}"})).status for number in (1, 2)]

    assert statuses == [200, 429]
