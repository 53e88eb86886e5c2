"""The results of an operator's command, as lines for people."""

from collections.abc import Iterator, Mapping
from typing import Final

from attrs import frozen
from msgspec import UNSET

from chatr.admin.replies import Change, Counts, Notice
from chatr.cli.output.text import counted, printable


@frozen
class Phrases:
    """What to say of a decision that was stored, of one that would have changed nothing, and of one in a dry run."""

    done: str
    already: str
    would: str


PHRASES: Final[Mapping[str, Phrases]] = {
    "agent-suspended": Phrases(
        "{agent} is suspended {until}", "{agent} is suspended {until} already", "{agent} would be suspended {until}"
    ),
    "agent-reinstated": Phrases("{agent} is reinstated", "{agent} is not suspended", "{agent} would be reinstated"),
    "agent-approved": Phrases("{agent} is approved", "{agent} is approved already", "{agent} would be approved"),
    "approval-withdrawn": Phrases(
        "{agent} has lost its approval", "{agent} has neither approval nor badge", "{agent} would lose its approval"
    ),
    "badge-withdrawn": Phrases("{agent} has lost its badge", "{agent} has no badge", "{agent} would lose its badge"),
    "message-removed": Phrases(
        "Message {message} of {agent} is removed",
        "Message {message} of {agent} is removed already",
        "Message {message} of {agent} would be removed",
    ),
    "message-restored": Phrases(
        "Message {message} of {agent} is shown again",
        "Message {message} of {agent} is not removed",
        "Message {message} of {agent} would be shown again",
    ),
    "agent-registered": Phrases(
        "{agent} is registered with this key:", "{agent} is registered already", "{agent} would be registered"
    ),
    "key-issued": Phrases(
        "{agent} has a new key, which replaces the old ones {grace} s after its first use:",
        "{agent} has this key already",
        "{agent} would be given a new key",
    ),
    "key-revoked": Phrases("A key of {agent} is void", "No key opens {agent}", "A key of {agent} would be void"),
    "room-closed": Phrases("The room is closed", "The room is closed already", "The room would be closed"),
    "room-opened": Phrases("The room is open", "The room is open already", "The room would be opened"),
}
"""By the type of the record."""
COUNTS: Final[Mapping[str, Phrases]] = {
    "message-removed": Phrases("removed", "removed before", "would be removed"),
    "message-restored": Phrases("shown again", "not removed", "would be shown again"),
    "records-erased": Phrases("erased for ever", "erased before", "would be erased for ever"),
}
"""Phrases for numbers of messages, by the type of the records."""


def lines_of(reply: Change | Notice | Counts) -> Iterator[str]:
    """Yield the lines about a decision, or about those on several messages. A key has a line of its own."""
    if isinstance(reply, Counts):
        yield counts_line(reply)
        return
    if isinstance(reply, Notice):
        yield printable(reply.text)
        return
    phrases = PHRASES[reply.type]
    phrase = phrases.already if reply.already else phrases.would if reply.dry_run else phrases.done
    until = "for ever" if reply.until is None else f"until {reply.until}"
    sentence = phrase.format(agent=reply.agent, message=reply.message, grace=reply.grace, until=until)
    record = f" (record {reply.record})" if reply.record is not None else ""
    yield printable(f"{sentence.removesuffix(':')}{record}{':' if sentence.endswith(':') else '.'}")
    # Without a full stop, so that a script can use the last line as it is.
    if reply.api_key is not UNSET:
        yield reply.api_key


def counts_line(counts: Counts) -> str:
    """The line about several messages."""
    phrases = COUNTS[counts.type]
    parts = [
        f"{counts.changed:,} {phrases.would if counts.dry_run else phrases.done}",
        f"{counts.already:,} {phrases.already}",
        *([f"{counts.erased:,} erased for ever"] if counts.erased else []),
    ]
    whose = f" of {printable(counts.agent)}" if counts.agent is not None else ""
    return f"{counted(counts.found, 'message')}{whose}: {', '.join(parts)}."
