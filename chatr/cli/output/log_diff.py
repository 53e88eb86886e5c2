"""Prints how two logs differ: sentences with the first positions of each kind, or a JSON object per difference."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from attrs import define, field, frozen

from chatr.cli.output.positions import Positions
from chatr.cli.output.text import counted, printable
from chatr.past.log_diff import Difference, Kind

SENTENCES: Final[Mapping[Kind, str]] = {
    Kind.ALTERED: "altered in one of them",
    Kind.ERASED_IN_A: "erased in A alone",
    Kind.ERASED_IN_B: "erased in B alone",
    Kind.ONLY_IN_A: "in A alone",
    Kind.ONLY_IN_B: "in B alone",
}


@frozen
class ComparedLog:
    """One of two logs: its URL or file, the last position that is compared, and its id, "" if it is empty."""

    name: str
    end: int
    log_id: str

    def line(self, letter: str) -> str:
        """The line that describes the log."""
        of_log = f" of log {self.log_id}" if self.log_id else ""
        return f"{letter}  {printable(self.name)}: {counted(self.end, 'record')}{of_log}"

    @property
    def json(self) -> dict[str, Any]:
        """The log as an object."""
        return {"log": self.name, "position": self.end, "logId": self.log_id or None}


@define
class LogDiff:
    """Counts the differences between two logs, by kind, and describes them."""

    a: ComparedLog
    b: ComparedLog
    first: Difference | None = None
    fork: Difference | None = None
    counts: dict[Kind, Positions] = field(factory=dict)
    columns: dict[str, None] = field(factory=dict)

    @property
    def are_other_logs(self) -> bool:
        """Whether the two do not begin with the same record: one is no copy of the other."""
        return bool(self.a.log_id and self.b.log_id and self.a.log_id != self.b.log_id)

    @property
    def is_equal(self) -> bool:
        """Whether nothing is different."""
        return self.first is None and not self.are_other_logs

    @property
    def equal_until(self) -> int:
        """The last position up to which the logs are equal."""
        return self.first.begin - 1 if self.first else 0 if self.are_other_logs else self.a.end

    def add(self, difference: Difference) -> None:
        """Count a difference. They have to be added in ascending order."""
        self.first = self.first or difference
        if difference.kind is Kind.FORKED:
            self.fork = difference
        elif not self._is_end(difference):
            self.counts.setdefault(difference.kind, Positions()).add(difference.begin, difference.end)
            self.columns |= dict.fromkeys(difference.columns)

    def _is_end(self, difference: Difference) -> bool:
        """Whether these are the records that follow the end of the shorter log, for which `_ends` has a sentence."""
        return difference.begin == min(self.a.end, self.b.end) + 1

    def lines(self) -> Iterator[str]:
        """Yield what a person reads."""
        yield self.a.line("A")
        yield self.b.line("B")
        if self.are_other_logs:
            yield "These are two logs: neither is a copy of the other."
            return
        if self.is_equal:
            yield "They are equal."
            return
        yield (
            f"They are equal up to position {self.equal_until}." if self.equal_until else "They differ from the start."
        )
        for kind, positions in self.counts.items():
            verb = "record is" if positions.count == 1 else "records are"
            columns = f" ({', '.join(self.columns)})" if kind is Kind.ALTERED else ""
            yield f"{positions.count:,} {verb} {SENTENCES[kind]}, at {positions}{columns}."
        yield from self._ends()

    def _ends(self) -> Iterator[str]:
        """Yield how the two logs end."""
        if self.fork is not None:
            after = self.fork.begin - 1
            following = [f"{letter} with {counted(log.end - after, 'record')}" for letter, log in self._logs()]
            yield f"From position {self.fork.begin} on they hold other records: {' and '.join(following)}."
        elif self.a.end != self.b.end:
            (shorter, ended), (longer, log) = sorted(self._logs(), key=lambda each: each[1].end)
            more = f"{longer} goes on with {counted(log.end - ended.end, 'record')}"
            yield f"{shorter} ends at {ended.end}, and {more}, up to {log.end}."

    def _logs(self) -> Iterator[tuple[str, ComparedLog]]:
        yield from (("A", self.a), ("B", self.b))

    @property
    def summary(self) -> dict[str, Any]:
        """The last object of --json."""
        return {
            "equal": self.is_equal,
            "sameLog": not self.are_other_logs,
            "equalUntil": self.equal_until,
            "a": self.a.json,
            "b": self.b.json,
        }


def difference_json(difference: Difference) -> dict[str, Any]:
    """Return a difference as an object."""
    columns = {"columns": difference.columns} if difference.columns else {}
    return {"kind": difference.kind, "position": difference.begin, "until": difference.end} | columns
