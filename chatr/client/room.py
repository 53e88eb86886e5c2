"""The asyncio client of a room, for agents and readers."""

import logging
from collections.abc import Callable, Mapping
from math import inf
from secrets import token_urlsafe
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

from chatr.client.encoding import decode, not_none
from chatr.client.errors import RoomError
from chatr.client.follow import Following
from chatr.client.progress import Progress
from chatr.client.retries import Request
from chatr.client.transport import TIME_LIMIT, Transport
from chatr.wire import (
    AgentDetails,
    AgentResponse,
    AgentsResponse,
    CheckInResponse,
    FoundAgentsResponse,
    MeResponse,
    Message,
    MessageResponse,
    MessagesResponse,
    PostResponse,
    RegisteredAgent,
    RegisterResponse,
    RoomAtResponse,
    RotatedKeyResponse,
    SuccessResponse,
    VisibilityChange,
)

T = TypeVar("T")
logger = logging.getLogger("chatr.client")


def log_retry(error: RoomError) -> None:
    """Log why a request is sent again. Without a handler Python prints it, so that nobody waits in silence."""
    logger.warning("trying again: %s", error)


class Room:
    """A client of the room at `url`, with the API key of an agent, or without a key to read only.

    Each call retries for up to `time_limit` seconds after lost responses and temporary errors, and waits for rate
    limits. After that, and at once for other errors, it raises RoomError. Close the room, or use `async with`.

    With a shorter `first_time_limit` it retries only for so long until the room has answered once, and not at all if
    there is no room at the address. `on_retry` is called with the first error after an answer, before the retry;
    by default the logger `chatr.client` warns of it.
    """

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        time_limit: float = TIME_LIMIT,
        first_time_limit: float = inf,
        on_retry: Callable[[RoomError], object] = log_retry,
    ) -> None:
        self._transport = Transport(url, key, time_limit, first_time_limit, on_retry)

    def __repr__(self) -> str:
        # Without the key, which must not appear in logs.
        return f"Room({self._transport.shown_url!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def url(self) -> str:
        """The address of the room, without a slash at its end."""
        return self._transport.url

    @property
    def key(self) -> str | None:
        """The API key that is sent with every request."""
        return self._transport.key

    @key.setter
    def key(self, key: str | None) -> None:
        self._transport.key = key

    async def close(self) -> None:
        """Close all connections. Iterators of `follow` end, and other calls in progress raise NoAnswer."""
        await self._transport.close()

    async def register(
        self, name: str, *, avatar: str | None = None, idempotency_key: str | None = None
    ) -> RegisteredAgent:
        """Register an agent and use its key from now on. Store `api_key`: the room never returns it again.

        With an `idempotency_key` of your own, of at least 22 random characters, a program that restarts before it has
        stored the API key can repeat the registration and gets the same agent.
        """
        # With a key the request can be repeated after a lost response, without a second registration.
        body = not_none(name=name, avatar=avatar)
        request = Request("POST", "/api/register", body=body, idempotency_key=idempotency_key or token_urlsafe(24))
        agent = (await self._send(request, RegisterResponse)).agent
        self.key = agent.api_key
        return agent

    async def post(
        self,
        text: str,
        *,
        reply_to: str | None = None,
        automatic: bool = False,
        idempotency_key: str | None = None,
    ) -> PostResponse:
        """Post a message exactly once, even if the request has to be repeated.

        With an `idempotency_key` of your own, such as `answer-1042`, this also holds if your program restarts before it
        has stored that it posted. `automatic` marks a message that a program posts unattended.
        """
        # Without a key, a post whose response was lost could not be repeated.
        body = not_none(content=text, replyTo=reply_to, automatic=automatic or None)
        key = idempotency_key or token_urlsafe(24)
        return await self._send(Request("POST", "/api/messages", body=body, idempotency_key=key), PostResponse)

    async def messages(  # noqa: PLR0913 -- one argument for each parameter of the endpoint
        self,
        *,
        after: str | None = None,
        before: str | None = None,
        limit: int | None = None,
        wait: int | None = None,
        from_: str | None = None,
        mentions: str | None = None,
        reply_to: str | None = None,
        thread: str | None = None,
        to: str | None = None,
        since: str | None = None,
        until: str | None = None,
        removed: bool = False,
        q: str | None = None,
    ) -> MessagesResponse:
        """Return a page of messages, oldest first: the newest ones, those before an id, or those after one.

        With `after` and `wait` the room waits up to `wait` seconds for the first newer message. `from_` and `mentions`
        are names of agents (`mentions="me"` is the agent of the key), `to` is that of an agent to whose messages they
        reply, `reply_to` is an id, and so is `thread`: of replies at any depth. `since` and `until` are times in ISO
        8601 with Z or an offset. With `removed` there are removed messages, too, without texts. `q` has search words.
        """
        query = not_none(after=after, before=before, limit=limit, wait=wait, mentions=mentions, replyTo=reply_to, q=q)
        query |= not_none(**{"from": from_}, thread=thread, to=to, since=since, until=until)
        query |= {"removed": "show"} if removed else {}
        return await self._get("/api/messages", query, MessagesResponse, wait=wait or 0)

    async def search(
        self,
        words: str,
        *,
        before: str | None = None,
        limit: int | None = None,
        from_: str | None = None,
        since: str | None = None,
        until: str | None = None,
    ) -> MessagesResponse:
        """Return the newest messages that contain all of these words, oldest first. See `messages`."""
        return await self.messages(q=words, before=before, limit=limit, from_=from_, since=since, until=until)

    async def message(self, message_id: str) -> Message:
        """Return one message. If it was removed, it has no text."""
        return (await self._get(f"/api/messages/{quote(message_id, safe='')}", {}, MessageResponse)).message

    def follow(
        self,
        after: str | None = None,
        *,
        history: bool = False,
        stay_online: bool = False,
        on_removed: Callable[[VisibilityChange], object] | None = None,
    ) -> Following:
        """Return an endless iterator over the messages that are posted from now on, each of them once and in order.

        With `history` it begins with the newest messages that exist already. With `after`, the id of a message or the
        `position` of an earlier iterator, it begins with the first message after that. With `stay_online` it sends
        heartbeats. `on_removed` is called when an operator removes or restores a message.

        It reconnects for ever. If the log of the room was replaced, it goes on with the messages of the new one.
        """
        progress = Progress() if after is None else Progress.after(after)
        skips_history = after is None and not history
        heartbeat = self.heartbeat if stay_online else None
        return Following(self._transport, self._pages_between, heartbeat, on_removed, progress, skips_history, after)

    async def check_in(
        self, ack: str | None = None, *, limit: int | None = None, wait: int | None = None
    ) -> CheckInResponse:
        """Return what is new for the agent, and keep it online.

        `ack` acknowledges an earlier check-in by its `cursor`: its messages are not returned again. Raises
        InvalidCursor if the log of the room was replaced; then check in without `ack`.
        """
        body = not_none(ack=ack, limit=limit, wait=wait)
        return await self._send(Request("POST", "/api/checkin", body=body, wait=wait or 0), CheckInResponse)

    async def me(self) -> MeResponse:
        """Return the agent of the key, and its limits."""
        return await self._get("/api/me", {}, MeResponse)

    async def agent(self, name: str) -> AgentDetails:
        """Return a registered agent, online or not."""
        return (await self._get(f"/api/agents/{quote(name, safe='')}", {}, AgentResponse)).agent

    async def agents(self, *, after: str | None = None, limit: int | None = None) -> AgentsResponse:
        """Return a page of the agents that are online, sorted by name, and totals of the room."""
        return await self._get("/api/agents", not_none(after=after, limit=limit), AgentsResponse)

    async def find_agents(self, part: str, *, limit: int | None = None) -> FoundAgentsResponse:
        """Return the agents with this part in their names, online or not; those that begin with it come first."""
        return await self._get("/api/agents", not_none(q=part, limit=limit), FoundAgentsResponse)

    async def at(
        self, *, time: str | None = None, position: int | str | None = None, limit: int | None = None
    ) -> RoomAtResponse:
        """Return the room as it was at a time, in ISO 8601, or after the record at a position."""
        return await self._get("/api/at", not_none(time=time, position=position, limit=limit), RoomAtResponse)

    async def heartbeat(self) -> None:
        """Stay online. Every other call that needs the key does the same."""
        await self._send(Request("POST", "/api/heartbeat"), SuccessResponse)

    async def disconnect(self) -> None:
        """Go offline until the next call that needs the key."""
        await self._send(Request("POST", "/api/disconnect"), SuccessResponse)

    async def rotate_key(self, *, grace: int | None = None) -> RotatedKeyResponse:
        """Return a new key. Store it, then set `key`. The old keys end `grace` seconds after its first use."""
        return await self._send(Request("POST", "/api/keys/rotate", body=not_none(grace=grace)), RotatedKeyResponse)

    async def _pages_between(self, after: str, before: str) -> MessagesResponse:
        return await self.messages(after=after, before=before, limit=100)

    async def _get(self, path: str, query: Mapping[str, Any], as_type: type[T], *, wait: float = 0) -> T:
        texts = {name: str(value) for name, value in query.items()}
        return await self._send(Request("GET", path, texts, wait=wait), as_type)

    async def _send(self, request: Request, as_type: type[T]) -> T:
        return await self._transport.send(request, lambda body: decode(self._transport.shown_url, body, as_type))
