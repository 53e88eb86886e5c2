"""The real client against a real server. What is asked of both stands in chatr.ports.Moltbook."""

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from chatr.adapters.moltbook import LARGEST, HttpMoltbook, moltbook
from chatr.domain.commands import Profile
from tests.moltbook import FakeMoltbook, Written, profile, saying

PROOF = Written("p-1", "Verifying: [ABCD2345] for chatr")


@pytest.fixture
async def server() -> AsyncIterator[FakeMoltbook]:
    async with FakeMoltbook() as server:
        yield server


@pytest.fixture
async def client(server: FakeMoltbook) -> AsyncIterator[HttpMoltbook]:
    async with moltbook(server.url) as client:
        yield client


async def asked(client: HttpMoltbook, name: str = "Clawd") -> Profile | None:
    return await client.profile(name, "ABCD2345")


async def proof(client: HttpMoltbook) -> str | None:
    found = await asked(client)
    assert found is not None
    return found.proof


async def test_a_claimed_account_and_its_post_are_found(server: FakeMoltbook, client: HttpMoltbook) -> None:
    """The profile tells the account's own spelling, its owner and the post that holds the code in brackets."""
    server.claimed("ClawdClawderberg", PROOF, owner="some_user")

    assert await asked(client, "clawdclawderberg") == Profile("ClawdClawderberg", True, "some_user", "p-1")


async def test_an_unclaimed_account_is_told_as_such(server: FakeMoltbook, client: HttpMoltbook) -> None:
    """An account without a verified owner is known, and not claimed."""
    server.unclaimed("Clawd", PROOF)

    assert await asked(client) == Profile("Clawd", False, None, "p-1")


async def test_404_is_no_account(client: HttpMoltbook) -> None:
    """An account that Moltbook does not know is None, not an error."""
    assert await asked(client) is None


@pytest.mark.parametrize("name", ["", "x", "a" * 65, "a b", "../posts", "Clawd\n", "Cläwd"])
async def test_a_name_that_cannot_be_is_not_asked_for(name: str, server: FakeMoltbook, client: HttpMoltbook) -> None:
    """Only names that Moltbook could have given leave the house."""
    assert await asked(client, name) is None

    assert server.requests == []


@pytest.mark.parametrize("spelled", ["Mallory", "Clawd2", "", "\N{KELVIN SIGN}lawd", "Clawd\n"])
async def test_another_account_in_the_reply_is_no_account(
    spelled: str, server: FakeMoltbook, client: HttpMoltbook
) -> None:
    """The name in the reply must equal the asked one, case aside, and be a name at all."""
    server.renamed("klawd", spelled, PROOF)

    assert await asked(client, "klawd") is None


@pytest.mark.parametrize("handle", ["", "a" * 16, "<b>", "a b", "@someone", "ünal", "a\n", 7, None, ["a"]])
async def test_an_owner_that_cannot_be_is_none(handle: object, server: FakeMoltbook, client: HttpMoltbook) -> None:
    """An X handle is 1-15 of A-Z, a-z, 0-9 and _; whatever else stands there is not kept."""
    reply = profile("Clawd", PROOF)
    reply["agent"]["owner"] = {"x_handle": handle}
    server.says("Clawd", reply)

    assert await asked(client) == Profile("Clawd", True, None, "p-1")


@pytest.mark.parametrize(
    "post",
    [
        pytest.param(PROOF, id="in its content"),
        pytest.param(Written("p-1", None, title="[ABCD2345]"), id="in its title"),
        pytest.param(Written("p-1", "Hello", title="[ABCD2345]"), id="in its title, beside a content"),
        pytest.param(Written("p-1", "so: [ABCD2345]", brief=True), id="in its content, where the post is opened"),
        pytest.param(Written("p/1?x#%2e..", "[ABCD2345]", brief=True), id="in a post whose id is no path"),
    ],
)
async def test_the_code_may_stand(post: Written, server: FakeMoltbook, client: HttpMoltbook) -> None:
    """The proof is a post whose title or content holds the code in brackets."""
    server.claimed("Clawd", Written("p-0", "Good morning"), post)

    assert await proof(client) == post.id


@pytest.mark.parametrize(
    "post",
    [
        pytest.param(Written("p-1", "ABCD2345"), id="without brackets"),
        pytest.param(Written("p-1", "[abcd2345]"), id="in small letters"),
        pytest.param(Written("p-1", "[ABCD2346]"), id="another code"),
        pytest.param(Written("p-1", "[ABCD2345]", brief=True, author="Mallory"), id="by someone else"),
        pytest.param(Written("", "[ABCD2345]"), id="id is empty"),
        pytest.param(Written("..", "[ABCD2345]"), id="id leads elsewhere"),
        pytest.param(Written("p" * 65, "[ABCD2345]"), id="id is too long"),
        pytest.param(Written("p\x00", "[ABCD2345]"), id="id is not printable"),
    ],
)
async def test_what_is_no_proof(post: Written, server: FakeMoltbook, client: HttpMoltbook) -> None:
    """Only the account's own post with the code itself is a proof, and only if its id can be kept."""
    server.claimed("Clawd", post)

    assert await proof(client) is None


async def test_a_listed_post_by_someone_else_is_no_proof(server: FakeMoltbook, client: HttpMoltbook) -> None:
    """Where a listed post names its author, that must be the account."""
    reply = profile("Clawd", PROOF)
    reply["recentPosts"][0]["author"] = {"name": "Mallory"}
    server.says("Clawd", reply)

    assert await proof(client) is None


async def test_a_comment_is_no_proof(server: FakeMoltbook, client: HttpMoltbook) -> None:
    """The code in a comment proves nothing, neither in the profile nor under an opened post."""
    post = Written("p-1", "Hello", brief=True)
    comment = {"id": "c-1", "content": "[ABCD2345]", "author": {"name": "Clawd"}}
    server.says("Clawd", profile("Clawd", post) | {"recentComments": [comment]})
    server.opens("p-1", saying(orjson.dumps(post.opened("Clawd") | {"comments": [comment]})))

    assert await proof(client) is None


async def test_a_post_that_is_gone_is_passed_over(server: FakeMoltbook, client: HttpMoltbook) -> None:
    """A listed post that was deleted since does not hide the one that holds the code."""
    gone = Written("p-9", brief=True)
    server.claimed("Clawd", gone, Written("p-1", "[ABCD2345]", brief=True))
    server.opens("p-9", saying(b'{"success":false}', status=404))

    assert await proof(client) == "p-1"


async def test_at_most_the_five_newest_posts_are_opened(server: FakeMoltbook, client: HttpMoltbook) -> None:
    """One look-up costs Moltbook at most six requests, in the order of the list."""
    server.claimed(
        "Clawd", *(Written(f"p-{number}", "[ABCD2345]" * (number > 5), brief=True) for number in range(1, 9))
    )
    await asked(client)

    posts = [f"/api/v1/posts/p-{number}" for number in range(1, 6)]
    assert server.requests == ["/api/v1/agents/profile?name=Clawd", *posts]


async def test_no_post_is_opened_if_one_shows_the_code(server: FakeMoltbook, client: HttpMoltbook) -> None:
    """What the profile shows already is not asked for again."""
    server.claimed("Clawd", Written("p-2", brief=True), PROOF)
    await asked(client)

    assert server.requests == ["/api/v1/agents/profile?name=Clawd"]


async def test_no_post_is_opened_that_shows_its_content(server: FakeMoltbook, client: HttpMoltbook) -> None:
    """A post is opened only for a content that the profile leaves out."""
    server.claimed("Clawd", Written("p-2", "Good morning"))
    await asked(client)

    assert server.requests == ["/api/v1/agents/profile?name=Clawd"]


async def test_a_post_id_is_encoded(server: FakeMoltbook, client: HttpMoltbook) -> None:
    """A post's id is one segment of the path, whatever stands in it."""
    server.claimed("Clawd", Written("../me?a#b%2f", brief=True))
    await asked(client)

    assert server.requests[1:] == ["/api/v1/posts/..%2Fme%3Fa%23b%252f"]


ODD: list[Any] = [
    {"recentPosts": None},
    {"recentPosts": {"0": {"id": "p-1", "content": "[ABCD2345]"}}},
    {"recentPosts": "[ABCD2345]"},
    {"recentPosts": [None, 7, "[ABCD2345]", [], {}, {"id": 7, "content": "[ABCD2345]"}]},
    {"recentPosts": [{"id": "p-1", "title": 7, "content": ["[ABCD2345]"], "author": 7}]},
    {"agent": {"name": "Clawd", "is_claimed": True, "owner": "someone"}},
]


@pytest.mark.parametrize("odd", ODD, ids=str)
async def test_odd_shapes_count_as_absent(odd: dict[str, Any], server: FakeMoltbook, client: HttpMoltbook) -> None:
    """What stands in the wrong place or has the wrong type is passed over."""
    server.says("Clawd", profile("Clawd", owner=None) | odd)

    assert await asked(client) == Profile("Clawd", True, None, None)


async def test_only_true_is_claimed(server: FakeMoltbook, client: HttpMoltbook) -> None:
    """A text that says "true" is no claim."""
    reply = profile("Clawd", PROOF)
    reply["agent"]["is_claimed"] = "true"
    server.says("Clawd", reply)

    assert await asked(client) == Profile("Clawd", False, "someone", "p-1")


async def test_the_largest_reply_is_read(server: FakeMoltbook, client: HttpMoltbook) -> None:
    """A reply of 256 KiB is fine."""
    server.large("Clawd", LARGEST, PROOF)

    assert await proof(client) == "p-1"
