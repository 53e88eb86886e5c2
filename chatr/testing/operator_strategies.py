"""Hypothesis strategies for what operators do, for keys, and for accounts: events and commands.

Commands are about few agents, few keys and the first positions of a log, so that they often meet.
"""

from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from chatr.domain.events import Event
from chatr.domain.identity import AgentId
from chatr.domain.key_commands import ActivateKey, IssueKey, KeyCommand, Recover, RevokeKey
from chatr.domain.key_events import AgentRecovered, KeyActivated, KeyIssued, KeyRevoked
from chatr.domain.keys import hash_key
from chatr.domain.limits import HOUR
from chatr.domain.moderation_commands import (
    Approve,
    CloseRoom,
    EraseRecords,
    ModerationCommand,
    OpenRoom,
    Reinstate,
    RemoveMessage,
    RestoreMessage,
    Suspend,
    WithdrawApproval,
    WithdrawBadge,
)
from chatr.domain.moderation_events import (
    AgentApproved,
    AgentReinstated,
    AgentSuspended,
    ApprovalWithdrawn,
    BadgeWithdrawn,
    ErasedRecord,
    MessageRemoved,
    MessageRestored,
    RecordsErased,
    RoomClosed,
    RoomOpened,
)
from chatr.domain.proof import Profile

OPERATORS: Final = ("grace", "Größe 7")
REASONS: Final = ("It posts advertisements.", "🦀 spam")
DIGESTS: Final = tuple(hash_key(f"key {number}") for number in range(12))
"""Digests of keys that agents may be given."""
SKIPPED: Final = st.sampled_from((None, ActivateKey, RevokeKey))


def hosts() -> SearchStrategy[str | None]:
    """The host of a room, that of a room without a public URL, or none as in events of older versions."""
    return st.sampled_from((None, "", "chat.example.org"))


def account_ids() -> SearchStrategy[str | None]:
    """One of two ids of Moltbook accounts, or none."""
    return st.none() | st.sampled_from(("id-1", "id-2"))


def positions() -> SearchStrategy[int]:
    """Positions of which many are those of messages."""
    return st.integers(1, 24)


def erased() -> SearchStrategy[tuple[ErasedRecord, ...]]:
    """Records that are erased by one decision."""
    return st.lists(positions(), min_size=1, max_size=3, unique=True).map(
        lambda chosen: tuple(ErasedRecord(position, f"{position:064x}") for position in chosen)
    )


def operators() -> SearchStrategy[str]:
    """Names of operators."""
    return st.sampled_from(OPERATORS)


def reasons() -> SearchStrategy[str]:
    """Reasons of operators."""
    return st.sampled_from(REASONS)


def ends(times: SearchStrategy[int]) -> SearchStrategy[int | None]:
    """Ends of suspensions."""
    return st.none() | times.map(lambda at: at + HOUR)


def operator_events(agents: SearchStrategy[AgentId], times: SearchStrategy[int]) -> SearchStrategy[Event]:
    """Single events about moderation and keys, each well-formed. They need not follow from one another."""
    by, why, digests = operators(), reasons(), st.sampled_from(DIGESTS)
    grace = st.sampled_from((0, HOUR))
    return st.one_of(
        st.builds(KeyIssued, agents, digests, grace, st.none() | by, times),
        st.builds(KeyActivated, agents, digests, times),
        st.builds(KeyRevoked, agents, digests, st.none() | by, times),
        st.builds(AgentRecovered, agents, digests, st.just("post-1"), times, st.just("id-1")),
        st.builds(AgentSuspended, agents, ends(times), why, by, times),
        st.builds(AgentReinstated, agents, by, times),
        st.builds(AgentApproved, agents, by, times),
        st.builds(ApprovalWithdrawn, agents, why, by, times),
        st.builds(BadgeWithdrawn, agents, why, by, times),
        st.builds(MessageRemoved, agents, positions(), why, by, times),
        st.builds(MessageRestored, agents, positions(), by, times),
        st.builds(RecordsErased, agents, erased(), why, by, times),
        st.builds(RoomClosed, why, by, times),
        st.builds(RoomOpened, by, times),
    )


def moderation_commands(
    agents: SearchStrategy[AgentId], times: SearchStrategy[int]
) -> SearchStrategy[ModerationCommand]:
    """Commands of operators who moderate, of every type."""
    by, why = operators(), reasons()
    return st.one_of(
        st.builds(Suspend, agents, ends(times), why, by, times),
        st.builds(Reinstate, agents, by, times),
        st.builds(Approve, agents, by, times),
        st.builds(WithdrawApproval, agents, why, by, times),
        st.builds(WithdrawBadge, agents, why, by, times),
        st.builds(RemoveMessage, agents, positions(), why, by, times),
        st.builds(RestoreMessage, agents, positions(), by, times),
        st.builds(EraseRecords, agents, erased(), why, by, times),
        st.builds(CloseRoom, why, by, times),
        st.builds(OpenRoom, by, times),
    )


def key_changes(agents: SearchStrategy[AgentId], times: SearchStrategy[int]) -> SearchStrategy[list[KeyCommand]]:
    """A key that is issued and then used, revoked or both. Left to chance the two seldom meet."""

    def changes(agent: AgentId, digest: str, at: int, grace: int, by: str | None) -> list[KeyCommand]:
        """The commands about one key."""
        return [
            IssueKey(agent, digest, grace, at, by),
            ActivateKey(agent, digest, at),
            RevokeKey(agent, digest, at, by),
        ]

    grace = st.sampled_from((0, HOUR))
    whole = st.builds(changes, agents, st.sampled_from(DIGESTS), times, grace, st.none() | operators())
    return st.builds(lambda commands, skipped: [each for each in commands if type(each) is not skipped], whole, SKIPPED)


def removals(agents: SearchStrategy[AgentId], times: SearchStrategy[int]) -> SearchStrategy[list[ModerationCommand]]:
    """Removals of all messages of a part of a log, of which some are restored, and some erased."""

    def moderations(agent: AgentId, first: int, by: str, why: str, at: int) -> list[ModerationCommand]:
        """Removals, restorations and erasures of the messages among eight records."""
        part = range(first, first + 8)
        return [
            *(RemoveMessage(agent, position, why, by, at) for position in part),
            *(RestoreMessage(agent, position, by, at) for position in part[:4]),
            *(
                EraseRecords(agent, (ErasedRecord(position, f"{position:064x}"),), why, by, at)
                for position in part[2:6]
            ),
        ]

    return st.builds(moderations, agents, positions(), operators(), reasons(), times)


def recoveries(agents: SearchStrategy[AgentId], times: SearchStrategy[int]) -> SearchStrategy[Recover]:
    """Recoveries by one of two Moltbook accounts, which mostly have posted the code."""
    return st.builds(
        lambda agent, digest, account, proof, at: Recover(
            agent, digest, Profile("", claimed=True, owner=None, proof=proof, account_id=account), at
        ),
        agents,
        st.sampled_from(DIGESTS),
        account_ids(),
        st.sampled_from(("post-1", "post-1", None)),
        times,
    )


def operations(agents: SearchStrategy[AgentId], times: SearchStrategy[int]) -> SearchStrategy[list[Any]]:
    """Commands of operators and about keys, in groups that belong together."""
    moderations = st.lists(moderation_commands(agents, times), max_size=10)
    return st.one_of(key_changes(agents, times), removals(agents, times), moderations)
