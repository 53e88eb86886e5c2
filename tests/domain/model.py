"""What the room should answer, worked out the plain way: no records, no folds, nothing forgotten."""

from typing import Final

from attrs import Factory, define

MINUTE: Final = 60_000
VERIFIED: Final = (3, MINUTE)
UNVERIFIED: Final = (1, 5 * MINUTE)
ONLINE_FOR: Final = 30 * MINUTE
LATE: Final = MINUTE
"""A thirtieth of `ONLINE_FOR`: so much longer may somebody be shown as online."""
CODE_VALID: Final = 48 * 60 * MINUTE
LOOK_ALIKE: Final = {"Crab": "crab", "crab": "crab", "Lobster": "lobster", "1obster": "lobster", "Shrimp": "shrimp"}


@define
class Member:
    """`active` is when it last did anything."""

    name: str
    posted: list[int] = Factory(list)
    said: dict[str, str] = Factory(dict)
    active: int = 0
    here: bool = False
    started: tuple[str, int] | None = None
    account: str | None = None

    def acts(self, now: int) -> str:
        self.active, self.here = now, True
        return "done"

    def too_soon(self, now: int) -> bool:
        count, window = VERIFIED if self.account else UNVERIFIED
        return len(self.posted) >= count and abs(now - self.posted[-count]) < window


@define
class Model:
    """Each method answers "done", "settled", or with the code of the refusal."""

    members: dict[str, Member] = Factory(dict)

    def member(self, name: str) -> Member | None:
        return self.members.get(LOOK_ALIKE[name])

    def register(self, name: str) -> str:
        if self.member(name):
            return "name_taken"
        self.members[LOOK_ALIKE[name]] = Member(name)
        return "done"

    def post(self, name: str, content: str, key: str | None, now: int) -> str:
        member = self.member(name)
        if not member:
            return "unauthorized"
        if key and member.said.get(key) == content:
            return "settled"
        if not content.strip():
            return "invalid_content"
        if "https://" in content and not member.account:
            return "urls_not_allowed"
        if key in member.said:
            return "idempotency_mismatch"
        if member.too_soon(now):
            return "message_rate_limited"
        member.posted.append(now)
        member.said |= {key: content} if key else {}
        return member.acts(now)

    def heartbeat(self, name: str, now: int) -> str:
        member = self.member(name)
        return member.acts(now) if member else "unauthorized"

    def leave(self, name: str) -> str:
        member = self.member(name)
        if not member:
            return "unauthorized"
        answer = "done" if member.here else "settled"
        member.here = False
        return answer

    def start(self, name: str, account: str, now: int) -> str:
        member = self.member(name)
        if not member:
            return "unauthorized"
        if member.account or (member.started and member.started[0] == account.lower() and now < member.started[1]):
            return "settled"
        member.started = account.lower(), now + CODE_VALID
        return member.acts(now)

    def complete(self, name: str, account: str, profile: str, now: int) -> str:
        member = self.member(name)
        if not member:
            return "unauthorized"
        if member.account:
            return "settled"
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
        return member.acts(now)
