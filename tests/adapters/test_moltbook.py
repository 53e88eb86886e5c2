"""The Moltbook client against a server: `HttpMoltbook` keeps the contract of `chatr.ports.Moltbook`."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from chatr.adapters.moltbook import MAX_REPLY_BYTES, HttpMoltbook, open_moltbook
from chatr.domain.proof import Profile, ProofWords
from tests.moltbook import FakeMoltbook, MoltbookPost, profile_reply, reply_with_body

PROOF = MoltbookPost("p-1", "Verifying: [ABCD2345] for chatr")


@pytest.fixture
async def server() -> AsyncIterator[FakeMoltbook]:
    """A Moltbook server."""
    async with FakeMoltbook() as server:
        yield server


@pytest.fixture
async def client(server: FakeMoltbook) -> AsyncIterator[HttpMoltbook]:
    """A client of the server."""
    async with open_moltbook(server.url) as client:
        yield client


async def look_up(client: HttpMoltbook, name: str = "Clawd") -> Profile | None:
    """Look up an account and the code ABCD2345."""
    return await client.profile(name, ProofWords("ABCD2345"))


async def proof(client: HttpMoltbook) -> str | None:
    """Return the id of the post that contains the code."""
    account = await look_up(client)
    assert account is not None
    return account.proof


async def test_a_claimed_account_is_returned_with_its_proof(server: FakeMoltbook, client: HttpMoltbook) -> None:
    """The profile has the account's own spelling, its owner and the id of the post with the code in brackets."""
    server.claimed("ClawdClawderberg", PROOF, owner="some_user")

    assert await look_up(client, "clawdclawderberg") == Profile("ClawdClawderberg", True, "some_user", "p-1")


async def test_an_unclaimed_account_is_not_claimed(server: FakeMoltbook, client: HttpMoltbook) -> None:
    """An account without a verified owner is returned as not claimed."""
    server.unclaimed("Clawd", PROOF)

    assert await look_up(client) == Profile("Clawd", False, None, "p-1")


async def test_404_means_that_the_account_is_unknown(client: HttpMoltbook) -> None:
    """An account that Moltbook does not know is None, and no error."""
    assert await look_up(client) is None


@pytest.mark.parametrize("name", ["", "x", "a" * 65, "a b", "../posts", "Clawd\n", "Cläwd"])
async def test_an_impossible_name_is_not_looked_up(name: str, server: FakeMoltbook, client: HttpMoltbook) -> None:
    """No request is sent for a name that no Moltbook account can have."""
    assert await look_up(client, name) is None

    assert server.requests == []


@pytest.mark.parametrize("reply_name", ["Mallory", "Clawd2", "", "\N{KELVIN SIGN}lawd", "Clawd\n"])
async def test_a_reply_about_another_account_means_unknown(
    reply_name: str, server: FakeMoltbook, client: HttpMoltbook
) -> None:
    """The name in the reply must be the one that was looked up, ignoring case, and a valid name."""
    server.renamed("klawd", reply_name, PROOF)

    assert await look_up(client, "klawd") is None


@pytest.mark.parametrize("handle", ["", "a" * 16, "<b>", "a b", "@someone", "ünal", "a\n", 7, None, ["a"]])
async def test_an_impossible_owner_is_none(handle: object, server: FakeMoltbook, client: HttpMoltbook) -> None:
    """An X handle is 1-15 of A-Z, a-z, 0-9 and _; anything else in its place is not stored."""
    reply = profile_reply("Clawd", PROOF)
    reply["agent"]["owner"] = {"x_handle": handle}
    server.set_reply_json("Clawd", reply)

    assert await look_up(client) == Profile("Clawd", True, None, "p-1")


@pytest.mark.parametrize(
    "post",
    [
        pytest.param(PROOF, id="in its content"),
        pytest.param(MoltbookPost("p-1", None, title="[ABCD2345]"), id="in its title"),
        pytest.param(MoltbookPost("p-1", "Hello", title="[ABCD2345]"), id="in its title, beside a content"),
        pytest.param(
            MoltbookPost("p-1", "so: [ABCD2345]", brief=True), id="in its content, which only the opened post shows"
        ),
        pytest.param(MoltbookPost("p/1?x#%2e..", "[ABCD2345]", brief=True), id="in a post whose id is no path"),
    ],
)
async def test_a_post_with_the_code_is_a_proof(post: MoltbookPost, server: FakeMoltbook, client: HttpMoltbook) -> None:
    """The proof is a post whose title or content contains the code in brackets."""
    server.claimed("Clawd", MoltbookPost("p-0", "Good morning"), post)

    assert await proof(client) == post.id


@pytest.mark.parametrize(
    "post",
    [
        pytest.param(MoltbookPost("p-1", "ABCD2345"), id="without brackets"),
        pytest.param(MoltbookPost("p-1", "[abcd2345]"), id="in small letters"),
        pytest.param(MoltbookPost("p-1", "[ABCD2346]"), id="another code"),
        pytest.param(MoltbookPost("p-1", "[ABCD2345]", brief=True, author="Mallory"), id="by someone else"),
        pytest.param(MoltbookPost("", "[ABCD2345]"), id="id is empty"),
        pytest.param(MoltbookPost("..", "[ABCD2345]"), id="id leads elsewhere"),
        pytest.param(MoltbookPost("p" * 65, "[ABCD2345]"), id="id is too long"),
        pytest.param(MoltbookPost("p\x00", "[ABCD2345]"), id="id is not printable"),
    ],
)
async def test_other_posts_are_no_proof(post: MoltbookPost, server: FakeMoltbook, client: HttpMoltbook) -> None:
    """Only the account's own post with the exact code is a proof, and only if its id can be stored."""
    server.claimed("Clawd", post)

    assert await proof(client) is None


async def test_a_listed_post_by_someone_else_is_no_proof(server: FakeMoltbook, client: HttpMoltbook) -> None:
    """If a listed post names its author, that must be the account."""
    reply = profile_reply("Clawd", PROOF)
    reply["recentPosts"][0]["author"] = {"name": "Mallory"}
    server.set_reply_json("Clawd", reply)

    assert await proof(client) is None


async def test_a_comment_is_no_proof(server: FakeMoltbook, client: HttpMoltbook) -> None:
    """The code in a comment proves nothing, neither in the profile nor under an opened post."""
    post = MoltbookPost("p-1", "Hello", brief=True)
    comment = {"id": "c-1", "content": "[ABCD2345]", "author": {"name": "Clawd"}}
    server.set_reply_json("Clawd", profile_reply("Clawd", post) | {"recentComments": [comment]})
    server.set_post_reply("p-1", reply_with_body(msgspec.json.encode(post.opened("Clawd") | {"comments": [comment]})))

    assert await proof(client) is None


async def test_a_deleted_post_is_skipped(server: FakeMoltbook, client: HttpMoltbook) -> None:
    """A listed post that was deleted since does not hide the one that contains the code."""
    deleted = MoltbookPost("p-9", brief=True)
    server.claimed("Clawd", deleted, MoltbookPost("p-1", "[ABCD2345]", brief=True))
    server.set_post_reply("p-9", reply_with_body(b'{"success":false}', status=404))

    assert await proof(client) == "p-1"


async def test_at_most_the_five_newest_posts_are_opened(server: FakeMoltbook, client: HttpMoltbook) -> None:
    """One look-up sends at most six requests, for posts in the order of the list."""
    server.claimed(
        "Clawd", *(MoltbookPost(f"p-{number}", "[ABCD2345]" * (number > 5), brief=True) for number in range(1, 9))
    )
    await look_up(client)

    posts = [f"/api/v1/posts/p-{number}" for number in range(1, 6)]
    assert server.requests == ["/api/v1/agents/profile?name=Clawd", *posts]


async def test_no_post_is_opened_if_the_profile_contains_the_code(server: FakeMoltbook, client: HttpMoltbook) -> None:
    """A code in a listed post needs no further request."""
    server.claimed("Clawd", MoltbookPost("p-2", brief=True), PROOF)
    await look_up(client)

    assert server.requests == ["/api/v1/agents/profile?name=Clawd"]


async def test_no_post_is_opened_whose_content_is_listed(server: FakeMoltbook, client: HttpMoltbook) -> None:
    """A post is opened only if the profile lists it without its content."""
    server.claimed("Clawd", MoltbookPost("p-2", "Good morning"))
    await look_up(client)

    assert server.requests == ["/api/v1/agents/profile?name=Clawd"]


async def test_a_post_id_is_percent_encoded(server: FakeMoltbook, client: HttpMoltbook) -> None:
    """A post's id is one segment of the path, whatever characters it contains."""
    server.claimed("Clawd", MoltbookPost("../me?a#b%2f", brief=True))
    await look_up(client)

    assert server.requests[1:] == ["/api/v1/posts/..%2Fme%3Fa%23b%252f"]


MALFORMED: list[Any] = [
    {"recentPosts": None},
    {"recentPosts": {"0": {"id": "p-1", "content": "[ABCD2345]"}}},
    {"recentPosts": "[ABCD2345]"},
    {"recentPosts": [None, 7, "[ABCD2345]", [], {}, {"id": 7, "content": "[ABCD2345]"}]},
    {"recentPosts": [{"id": "p-1", "title": 7, "content": ["[ABCD2345]"], "author": 7}]},
    {"agent": {"name": "Clawd", "is_claimed": True, "owner": "someone"}},
]


@pytest.mark.parametrize("fields", MALFORMED, ids=str)
async def test_malformed_fields_count_as_absent(
    fields: dict[str, Any], server: FakeMoltbook, client: HttpMoltbook
) -> None:
    """A field that is in the wrong place or of the wrong type is ignored."""
    server.set_reply_json("Clawd", profile_reply("Clawd", owner=None) | fields)

    assert await look_up(client) == Profile("Clawd", True, None, None)


async def test_only_true_means_claimed(server: FakeMoltbook, client: HttpMoltbook) -> None:
    """The text "true" does not mean that an account is claimed."""
    reply = profile_reply("Clawd", PROOF)
    reply["agent"]["is_claimed"] = "true"
    server.set_reply_json("Clawd", reply)

    assert await look_up(client) == Profile("Clawd", False, "someone", "p-1")


async def test_a_reply_of_256_kib_is_read(server: FakeMoltbook, client: HttpMoltbook) -> None:
    """The largest reply that is accepted has 256 KiB."""
    server.large("Clawd", MAX_REPLY_BYTES, PROOF)

    assert await proof(client) == "p-1"
