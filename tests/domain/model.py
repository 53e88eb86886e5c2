"""A simple model of the room, without records and folds: the expected result of each command."""

from typing import Final

from attrs import Factory, define

MINUTE: Final = 60_000
VERIFIED: Final = (3, MINUTE)
UNVERIFIED: Final = (1, 5 * MINUTE)
ONLINE_FOR: Final = 30 * MINUTE
SEEN_EVERY: Final = MINUTE
"""A thirtieth of `ONLINE_FOR`: an agent may be shown as online for so much longer."""
CODE_VALID: Final = 48 * 60 * MINUTE
CANONICAL: Final = {"Crab": "crab", "crab": "crab", "Lobster": "lobster", "1obster": "lobster", "Shrimp": "shrimp"}


@define
class Member:
    """An agent that has registered.

    `posted_at` are the times of its messages, `contents` maps idempotency keys to contents, `active_at` is the time of
    its last activity, `started` the account of its verification and the time at which the code expires.
    """

    name: str
    posted_at: list[int] = Factory(list)
    contents: dict[str, str] = Factory(dict)
    active_at: int = 0
    present: bool = False
    started: tuple[str, int] | None = None
    account: str | None = None

    def act(self, now: int) -> str:
        """Note an activity."""
        self.active_at, self.present = now, True
        return "done"

    def is_too_fast(self, now: int) -> bool:
        """Whether a post now would exceed the rate limit."""
        count, window = VERIFIED if self.account else UNVERIFIED
        return len(self.posted_at) >= count and abs(now - self.posted_at[-count]) < window


@define
class Model:
    """The room as a dictionary of members. Commands return "done", "already recorded", or an error code.

    `members`: by canonical name, which is the same for names that look alike.
    """

    members: dict[str, Member] = Factory(dict)

    def member(self, name: str) -> Member | None:
        """The agent with this name or one that looks like it."""
        return self.members.get(CANONICAL[name])

    def register(self, name: str) -> str:
        """Register an agent."""
        if self.member(name):
            return "name_taken"
        self.members[CANONICAL[name]] = Member(name)
        return "done"

    def post(self, name: str, content: str, key: str | None, now: int) -> str:
        """Post a message, with an idempotency key or without one."""
        member = self.member(name)
        if not member:
            return "unauthorized"
        if key and member.contents.get(key) == content:
            return "already recorded"
        if not content.strip():
            return "invalid_content"
        if "https://" in content and not member.account:
            return "urls_not_allowed"
        if key in member.contents:
            return "idempotency_mismatch"
        if member.is_too_fast(now):
            return "message_rate_limited"
        member.posted_at.append(now)
        member.contents |= {key: content} if key else {}
        return member.act(now)

    def heartbeat(self, name: str, now: int) -> str:
        """Note an activity. A redundant one counts, although it leaves no record."""
        member = self.member(name)
        return member.act(now) if member else "unauthorized"

    def leave(self, name: str) -> str:
        """Take an agent offline."""
        member = self.member(name)
        if not member:
            return "unauthorized"
        result = "done" if member.present else "already recorded"
        member.present = False
        return result

    def start(self, name: str, account: str, now: int) -> str:
        """Start a verification with a Moltbook account."""
        member = self.member(name)
        if not member:
            return "unauthorized"
        if member.account or (member.started and member.started[0] == account.lower() and now < member.started[1]):
            return "already recorded"
        member.started = account.lower(), now + CODE_VALID
        return member.act(now)

    def complete(self, name: str, account: str, profile: str, now: int) -> str:
        """Complete a verification. `profile` is "proven", or the code of the error that Moltbook's reply leads to."""
        member = self.member(name)
        if not member:
            return "unauthorized"
        if member.account:
            return "already recorded"
        if not member.started:
            return "verification_not_started"
        if now >= member.started[1]:
            return "verification_expired"
        if member.started[0] != account.lower():
            return "verification_name_mismatch"
        if profile != "proven":
            return profile
        if account.lower() in {each.account for each in self.members.values()}:
            return "moltbook_name_taken"
        member.account = account.lower()
        return member.act(now)
