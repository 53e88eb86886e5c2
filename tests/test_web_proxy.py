"""Outgoing requests use the proxy that the environment names, as other programs do, and send it nothing else."""

import asyncio
import os
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest
from attrs import frozen
from structlog.testing import capture_logs

from chatr.adapters.moltbook import open_moltbook
from chatr.cli.running_room import RoomUnreachable, fetch_room, room_options
from chatr.client import NoAnswer
from chatr.client import Room as Client
from chatr.domain.proof import Profile, ProofWords
from chatr.ports import MOLTBOOK_URL, MoltbookUnavailable
from chatr.web_proxy import UnusableProxy, WebProxy, proxy_for
from tests.conftest import OpenRoom
from tests.moltbook import FakeMoltbook
from tests.web_proxies import VARIABLES, FakeProxy

URL: Final = "https://www.moltbook.com/api/v1"
PROXY: Final = "http://proxy.test:3128"
PASSWORD: Final = "p@ss:w/rd"
QUOTED: Final = "p%40ss%3Aw%2Frd"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the proxies of this machine."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("environ", "url", "expected"),
    [
        ({}, URL, None),
        ({"HTTPS_PROXY": PROXY}, URL, PROXY),
        ({"https_proxy": PROXY}, URL, PROXY),
        ({"https_proxy": PROXY, "HTTPS_PROXY": "http://other:1"}, URL, PROXY),
        ({"https_proxy": "", "HTTPS_PROXY": " "}, URL, None),
        ({"HTTP_PROXY": PROXY}, URL, None),
        ({"HTTP_PROXY": PROXY}, "http://room.test", PROXY),
        ({"http_proxy": PROXY}, "http://room.test", PROXY),
        ({"ALL_PROXY": PROXY}, URL, PROXY),
        ({"all_proxy": PROXY}, "http://room.test", PROXY),
        ({"ALL_PROXY": "http://other:1", "HTTPS_PROXY": PROXY}, URL, PROXY),
        ({"HTTPS_PROXY": "proxy.test:3128"}, URL, PROXY),
        ({"HTTPS_PROXY": "http://proxy.test"}, URL, "http://proxy.test:80"),
        ({"HTTPS_PROXY": "https://proxy.test"}, URL, "https://proxy.test:443"),
        ({"HTTPS_PROXY": "http://[2001:db8::1]:3128/"}, URL, "http://[2001:db8::1]:3128"),
        ({"HTTPS_PROXY": f"http://u:{QUOTED}@proxy.test:3128"}, URL, PROXY),
        *(
            ({"ALL_PROXY": PROXY}, url, None)
            for url in ("http://localhost:8080", "http://a.localhost", "http://127.9.9.9")
        ),
        *(
            ({"ALL_PROXY": PROXY}, url, None)
            for url in ("http://[::1]:8080", "http://[::ffff:127.0.0.1]", "http://LOCALHOST.")
        ),
        ({"ALL_PROXY": "socks5://proxy.test:1080"}, "http://localhost", None),
    ],
)
def test_the_proxy_of_a_url(environ: dict[str, str], url: str, expected: str | None) -> None:
    """The variable of the URL's scheme counts, then ALL_PROXY; what is on this machine is asked directly."""
    found = proxy_for(url, environ)

    assert (found and found.url) == expected


EXEMPT: Final = {
    "*": True,
    "www.moltbook.com": True,
    "moltbook.com": True,
    ".moltbook.com": True,
    "*.moltbook.com": True,
    "MOLTBOOK.com": True,
    "a.test, moltbook.com": True,
    "a.test moltbook.com": True,
    "www.moltbook.com:443": True,
    "moltbook.com:443": True,
    "www.moltbook.com:8443": False,
    "book.com": False,
    "moltbook.com.test": False,
    "api.www.moltbook.com": False,
    ",": False,
    ".": False,
    "0.0.0.0/0": False,
}


@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
@pytest.mark.parametrize("entries", EXEMPT)
def test_hosts_without_proxy(entries: str, name: str) -> None:
    """NO_PROXY lists names, with those below them, and perhaps a port."""
    assert (proxy_for(URL, {"HTTPS_PROXY": PROXY, name: entries}) is None) == EXEMPT[entries]


@pytest.mark.parametrize(
    ("entries", "expected"),
    {
        "10.1.2.3": True,
        "10.1.2.3:8080": True,
        "10.1.2.3:80": False,
        "10.0.0.0/8": True,
        "10.1.2.99/24": True,
        "10.2.0.0/16": False,
        "::/0": False,
        "2.3": False,
    }.items(),
)
def test_addresses_without_proxy(entries: str, expected: bool) -> None:
    """NO_PROXY lists addresses and networks too."""
    assert (proxy_for("http://10.1.2.3:8080", {"HTTP_PROXY": PROXY, "NO_PROXY": entries}) is None) == expected


@pytest.mark.parametrize(
    "entries", ["2001:db8::1", "2001:0db8::0001", "[2001:db8::1]", "[2001:db8::1]:80", "2001:db8::/32"]
)
def test_ipv6_addresses_without_proxy(entries: str) -> None:
    """They are listed in each of their forms."""
    assert proxy_for("http://[2001:db8::1]", {"HTTP_PROXY": PROXY, "NO_PROXY": entries}) is None


@pytest.mark.parametrize(
    "value",
    [
        f"socks5://u:{QUOTED}@proxy.test:1080",
        f"socks5h://u:{QUOTED}@proxy.test:1080",
        f"socks4://u:{QUOTED}@proxy.test:1080",
        f"ftp://u:{QUOTED}@proxy.test",
        f"http://u:{QUOTED}@",
        f"http://u:{QUOTED}@proxy.test:port",
        f"http://u%3Av:{QUOTED}@proxy.test",
        f"http://u:{QUOTED}@[proxy",
    ],
)
def test_a_proxy_that_cannot_be_used(value: str) -> None:
    """The error is one sentence with the variable and without the password."""
    with pytest.raises(UnusableProxy, match=r"^[^\n]*HTTPS_PROXY[^\n]*\.$") as caught:
        proxy_for(URL, {"HTTPS_PROXY": value})

    assert QUOTED not in str(caught.value)
    assert PASSWORD not in str(caught.value)


def test_the_password_is_not_shown() -> None:
    """It is decoded, and no text of the proxy has it."""
    proxy = proxy_for(URL, {"HTTPS_PROXY": f"http://u%20v:{QUOTED}@proxy.test:3128"})

    assert proxy == WebProxy(PROXY, "u v", PASSWORD)
    assert "ss" not in repr(proxy)


@frozen
class Internet:
    """A Moltbook that is reached through a proxy alone, under a name that cannot be resolved."""

    book: FakeMoltbook
    proxy: FakeProxy
    url: str = "http://moltbook.test/api/v1"


@pytest.fixture
async def internet() -> AsyncIterator[Internet]:
    async with FakeMoltbook() as book, FakeProxy(book.port, f"u:{PASSWORD}") as proxy:
        book.claimed("Clawd")
        yield Internet(book, proxy)


async def profile(url: str) -> Profile | None:
    """Look up an account."""
    async with open_moltbook(url) as client:
        return await client.profile("Clawd", ProofWords("ABCD2345"))


async def test_moltbook_is_asked_through_the_proxy(internet: Internet, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy is sent its user and password, and Moltbook is not."""
    monkeypatch.setenv("HTTP_PROXY", f"http://u:{QUOTED}@127.0.0.1:{internet.proxy.port}")

    assert await profile(internet.url) is not None
    assert [line.split(" ")[:1] for line in internet.proxy.lines] == [["GET"]]
    assert [line.startswith("GET http://moltbook.test/") for line in internet.proxy.lines] == [True]


async def test_https_goes_through_a_tunnel(internet: Internet, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name of Moltbook is resolved by the proxy, whose own address may be private. TLS is with Moltbook."""
    monkeypatch.setenv("HTTPS_PROXY", f"http://u:{QUOTED}@localhost:{internet.proxy.port}")
    with pytest.raises(MoltbookUnavailable, match="TLS"):  # the fake one has none
        await profile(MOLTBOOK_URL)

    assert internet.proxy.lines == ["CONNECT www.moltbook.com:443 HTTP/1.1"]


async def test_the_client_says_that_a_proxy_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it refuses or cannot be reached, and nothing of its password."""
    async with FakeProxy(1, status=403) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://u:secret@127.0.0.1:{proxy.port}")
        async with Client("https://room.test", first_time_limit=0) as client:
            with pytest.raises(NoAnswer, match=r"proxy on the way to https://room\.test refuses .* \(403\)") as refused:
                await client.agents()
    monkeypatch.setenv("HTTPS_PROXY", "http://u:secret@127.0.0.1:1")
    async with Client("https://room.test", first_time_limit=0) as client:
        with pytest.raises(NoAnswer, match=r"proxy 127\.0\.0\.1:1 .* refused") as unreachable:
            await client.agents()

    monkeypatch.setenv("HTTPS_PROXY", "http://u:secret@none.invalid:1")
    async with Client("https://room.test", first_time_limit=0) as client:
        with pytest.raises(NoAnswer, match=r"proxy none\.invalid:1 .* not known") as unknown:
            await client.agents()

    assert "secret" not in f"{refused.value}{unreachable.value}{unknown.value}"


async def test_doctor_says_that_a_proxy_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the room is to be started or its address corrected."""
    monkeypatch.setenv("HTTPS_PROXY", "http://u:secret@127.0.0.1:1")
    with pytest.raises(
        RoomUnreachable, match=r"the proxy 127\.0\.0\.1:1 on the way .*: Connection refused\.$"
    ) as caught:
        await fetch_room("https://room.test", 0)

    assert "secret" not in str(caught.value)


@pytest.mark.long
async def test_the_bridge_for_mcp_uses_the_proxy(
    internet: Internet, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is sent its password and nothing of ~/.netrc; a room on this machine is asked directly."""
    bridge = pytest.importorskip("chatr.cli.mcp_bridge")
    (tmp_path / ".netrc").write_text("default login me password netrc-secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("ALL_PROXY", f"http://u:{QUOTED}@127.0.0.1:{internet.proxy.port}")
    async with bridge.http_client("http://moltbook.test/mcp", {}) as http:
        elsewhere = await http.get("http://moltbook.test/mcp")
    async with bridge.http_client(internet.book.url, {}) as http:
        here = await http.get(f"{internet.book.url}/mcp")

    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
    with pytest.raises(UnusableProxy, match="socks5"):
        bridge.http_client("http://moltbook.test/mcp", {})

    assert (elsewhere.status_code, here.status_code) == (404, 404)
    assert [line.split(" ")[1] for line in internet.proxy.lines] == ["http://moltbook.test/mcp"]


async def test_no_secret_of_netrc_is_sent(internet: Internet, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither to the proxy nor to Moltbook."""
    (tmp_path / ".netrc").write_text("default login me password netrc-secret\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HTTP_PROXY", f"http://u:{QUOTED}@127.0.0.1:{internet.proxy.port}")
    await profile(internet.url)

    heads = [head.lower().replace("proxy-authorization:", "") for head in internet.proxy.heads]

    assert ["authorization:" in head for head in heads] == [False]


async def test_the_reason_of_a_failed_look_up(internet: Internet, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says which part failed, without secrets."""
    port = internet.proxy.port
    faults = {
        f"http://u:wrong-secret@127.0.0.1:{port}": "refuses.*407|status 407",
        f"http://u:{QUOTED}@127.0.0.1:1": r"proxy 127\.0\.0\.1:1 cannot be reached: ",
        "socks5://u:wrong-secret@127.0.0.1:1": "HTTP_PROXY names a proxy of the kind socks5://",
    }
    for value, reason in faults.items():
        monkeypatch.setenv("HTTP_PROXY", value)
        with pytest.raises(MoltbookUnavailable, match=reason) as caught:
            await profile(internet.url)
        assert "secret" not in str(caught.value)
    monkeypatch.delenv("HTTP_PROXY")
    with pytest.raises(MoltbookUnavailable, match=r"moltbook\.test.*DNS"):
        await profile(internet.url)


async def test_the_reason_is_logged(open_room: OpenRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator sees why agents get 502, and agents see nothing of the proxy."""
    monkeypatch.setenv("HTTP_PROXY", "http://u:secret@127.0.0.1:1")
    room = await open_room(moltbook_url="http://moltbook.test/api/v1")
    ada = await room.register()
    await room.post("/api/verify/start", {"moltbookName": "Clawd"}, agent=ada)
    with capture_logs() as logs:
        answer = await room.post("/api/verify/complete", {"moltbookName": "Clawd"}, agent=ada)

    assert (answer.status, b"127.0.0.1" in answer.raw) == (502, False)
    assert [line["reason"] for line in logs if line["event"] == "request_not_served"] == [
        "the proxy 127.0.0.1:1 cannot be reached: Connection refused"
    ]


async def test_a_proxy_that_is_of_no_use_does_not_stop_the_room(
    open_room: OpenRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable may be meant for other programs: a line at the start says that Moltbook cannot be asked."""
    monkeypatch.setenv("ALL_PROXY", "socks5://u:secret@127.0.0.1:1")
    with capture_logs() as logs:
        room = await open_room()
    reasons = [line["reason"] for line in logs if line["event"] == "moltbook_not_reachable"]

    assert (await room.get("/ready")).status == 200
    assert [reason.partition(":")[0] for reason in reasons] == ["ALL_PROXY names a proxy of the kind socks5"]
    assert "secret" not in str(logs)


async def test_a_proxy_that_refuses_a_tunnel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its status is the reason."""
    async with FakeProxy(1, status=403) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://u:{QUOTED}@127.0.0.1:{proxy.port}")
        with pytest.raises(MoltbookUnavailable, match="the proxy refuses the connection with status 403"):
            await profile("https://moltbook.test/api/v1")


async def test_the_client_uses_the_proxy(open_room: OpenRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    """A room elsewhere is asked through it, and one on this machine is not."""
    room = await open_room(public_url="http://room.test")
    port = int(room.running.url.rpartition(":")[2])
    async with FakeProxy(port) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        async with Client("http://room.test") as client:
            elsewhere = await client.agents()
        async with Client(room.running.url) as client:
            here = await client.agents()

    assert elsewhere == here
    assert [line.split(" ")[1] for line in proxy.lines] == ["http://room.test/api/agents"]


def test_programs_report_a_proxy_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client raises it when it is made, and commands print it."""
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")
    with pytest.raises(UnusableProxy, match="socks5"):
        Client("https://room.test")
    with pytest.raises(RoomUnreachable, match="socks5"):
        room_options("https://room.test")


@pytest.mark.long
def test_commands_report_a_proxy_that_cannot_be_used(tmp_path: Path) -> None:
    """One sentence, and no traceback."""
    environ = {**os.environ, "ALL_PROXY": "socks5://u:secret@127.0.0.1:1080", "HOME": str(tmp_path), "CHATR_KEY": "x"}
    ended = subprocess.run(
        [sys.executable, "-m", "chatr", "say", "--room", "https://room.test", "Hello"],
        env=environ, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip

    assert ended.returncode != 0
    assert "socks5://, and only" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "secret" not in ended.stderr


LOOK_UP: Final = """
import asyncio, sys
from chatr.adapters.moltbook import open_moltbook
from chatr.domain.proof import ProofWords

async def main():
    async with open_moltbook(sys.argv[1]) as client:
        print(await client.profile("Clawd", ProofWords("ABCD2345")))

asyncio.run(main())
"""


@pytest.mark.long
async def test_a_private_authority_is_trusted() -> None:
    """SSL_CERT_FILE names the certificates of a company's own authority, as for other programs."""
    certificate = Path(__file__).parent / "adapters" / "self_signed.pem"
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    async with FakeMoltbook(context) as book:
        book.claimed("Clawd")
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", LOOK_UP, book.url,
            env={**os.environ, "SSL_CERT_FILE": str(certificate)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        output, errors = await process.communicate()

    assert output.startswith(b"Profile("), errors.decode()
