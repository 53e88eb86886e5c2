"""The findings of an audit: each as JSON or as a line, or one line for each kind of finding, with its positions."""

import re
from collections.abc import Iterable
from typing import Final

from attrs import asdict, define, field

from chatr.cli.output.positions import Positions
from chatr.cli.output.progress import print_above_bar
from chatr.cli.output.tables import json_text
from chatr.cli.output.text import counted, printable
from chatr.past.audit import Audit, Finding

VALUES: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9]+")
"""What differs between two findings of one kind: ids of agents, and numbers."""
MOST_KINDS: Final = 1_000
"""Kinds that are counted separately; all others count as one. An altered log may have any number of them, because some
sentences quote it.
"""


@define
class Kind:
    """The findings whose sentences differ in numbers only: `first` is the first of them."""

    first: Finding
    positions: Positions = field(factory=Positions)
    differs: bool = False
    """Whether a later finding has another sentence than `first`."""

    def add(self, finding: Finding) -> None:
        """Count a finding."""
        self.positions.add(finding.position)
        self.differs = self.differs or finding.sentence != self.first.sentence

    @property
    def line(self) -> str:
        """The line about these findings, without a line feed."""
        if self.positions.count == 1:
            return finding_line(self.first)
        found = counted(self.positions.count, "note" if self.first.note else "finding")
        return f"{found} at {self.positions}: {'such as: ' * self.differs}{printable(self.first.sentence)}"


@define
class Report:
    """Counts the findings of an audit. With `as_json` or `prints_all` each is printed as it comes, else only `kinds`,
    at the end, so that neither the output nor the memory grows with an altered log.
    """

    as_json: bool
    prints_all: bool = False
    findings: int = 0
    notes: int = 0
    kinds: dict[str, Kind] = field(factory=dict)

    def add(self, findings: Iterable[Finding]) -> None:
        """Take findings, and print each above the progress bar if all are printed."""
        for finding in findings:
            self.notes += finding.note
            self.findings += not finding.note
            if self.as_json:
                print_above_bar(json_text(asdict(finding)))
            elif self.prints_all:
                print_above_bar(finding_line(finding))
            else:
                self._kind(finding).add(finding)

    def _kind(self, finding: Finding) -> Kind:
        """Return the kind with which a finding is counted: one for each sentence, apart from VALUES."""
        form = f"{finding.note} {VALUES.sub('0', finding.sentence)}"
        if form not in self.kinds and len(self.kinds) >= MOST_KINDS:
            form = ""  # the kind of all others
        return self.kinds.setdefault(form, Kind(finding))

    def print_kinds(self) -> None:
        """Print a line for each kind of finding that was counted, in the order of their first positions."""
        for kind in self.kinds.values():
            print_above_bar(kind.line)

    def print_summary(self, audit: Audit) -> None:
        """Print the numbers of findings and notes, and the head, which an operator can store for later audits."""
        room = audit.room
        if self.as_json:
            head = {"position": room.position, "digest": room.chain_hash.hex(), "logId": room.log_id}
            print_above_bar(json_text(head | {"findings": self.findings, "notes": self.notes}))
        else:
            log = f" of log {room.log_id}" if room.log_id else ""
            found = f"{counted(self.findings, 'finding')}, {counted(self.notes, 'note')}"
            print_above_bar(f"{counted(room.position, 'record')}{log}: {found}.")
            print_above_bar(f"head {room.chain_point}")


def finding_line(finding: Finding) -> str:
    """Return the line about a single finding, without a line feed."""
    return f"position {finding.position}{', a note' if finding.note else ''}: {printable(finding.sentence)}"
