"""What a node replies to a request of an operator: any number of results and progress reports, then the last reply."""

from typing import Final

from msgspec import UNSET, Struct, UnsetType


class Progress(Struct, frozen=True, tag_field="kind", tag="progress", rename="camel"):
    """How far a long command got: `position` of `end`, and the changes so far.

    `position` and `end` are positions of the log, or numbers of messages.
    """

    position: int
    end: int
    changed: int


class Change(Struct, frozen=True, kw_only=True, tag_field="kind", tag="change", rename="camel"):
    """One decision. `type` is that of its record without the version, and `record` the position of the record.

    `already`: nothing was stored, because the command would have changed nothing; then `record` is None, as after a dry
    run. Each of the other fields is only in the replies to commands that have it; `until` is None for a suspension
    without an end.
    """

    type: str
    # In every reply, None included, so that programs need not check whether it is there.
    record: int | None
    already: bool
    dry_run: bool
    by: str
    reason: str | UnsetType = UNSET
    agent: str | UnsetType = UNSET
    message: str | UnsetType = UNSET
    until: str | UnsetType | None = UNSET
    grace: int | UnsetType = UNSET
    api_key: str | UnsetType = UNSET

    def __repr__(self) -> str:
        # Tracebacks and log lines show it, and no key may ever be in one.
        return f"Change(type={self.type!r}, record={self.record!r})"


class Notice(Struct, frozen=True, tag_field="kind", tag="notice"):
    """A sentence for the operator about what the command is doing or waits for, or about what is left to do."""

    text: str


class Counts(Struct, frozen=True, kw_only=True, tag_field="kind", tag="counts", rename="camel"):
    """What a command did with messages: `found` = `changed` + `already` + `erased`.

    `type` is that of the records, `agent` the one that posted them; None: they were named one by one. `erased` messages
    cannot be restored.
    """

    type: str
    agent: str | None
    dry_run: bool
    found: int
    changed: int
    already: int
    erased: int


class End(Struct, frozen=True, tag_field="kind", tag="end"):
    """The command was carried out."""


class Refused(Struct, frozen=True, tag_field="kind", tag="refused"):
    """A rule forbids the command, or the request is invalid. Nothing more is done. `error` says what to do."""

    code: str
    error: str


class Failed(Struct, frozen=True, tag_field="kind", tag="failed"):
    """The command could not be carried out to its end. `error` says why, and what to do."""

    error: str


Reply = Progress | Change | Notice | Counts | End | Refused | Failed
LAST: Final = (End, Refused, Failed)
"""The types of the last reply."""
