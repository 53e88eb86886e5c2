"""The classes made for every record are frozen for type checkers; in tests they are frozen at run time too."""

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from attrs import fields
from attrs.exceptions import FrozenInstanceError

from chatr.testing.records import draft_of, folded_room, records_of
from tests.domain.examples import CRAB, CRAB_POSTED, CRAB_REGISTERED

if TYPE_CHECKING:
    CRAB_POSTED.content = "Goodbye!"  # type: ignore[misc]  # -- mypy rejects it, or else calls this comment unused

RECORD = records_of([CRAB_REGISTERED])[0]
OBJECTS = [
    CRAB_POSTED,
    RECORD,
    RECORD.cursor,
    draft_of(CRAB_POSTED, record_id="1").at_position(1, 0, b""),
    folded_room([RECORD]).agent(CRAB),
]


def run(program: str) -> str:
    """The last line that a Python program prints, be it of its traceback."""
    done = subprocess.run(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize("frozen", OBJECTS, ids=lambda frozen: type(frozen).__name__)
def test_a_mutation_fails_a_test(frozen: Any) -> None:
    """In tests, assigning to any field of such an object raises an error."""
    for field in fields(type(frozen)):
        with pytest.raises(FrozenInstanceError):
            setattr(frozen, field.name, None)


def test_production_classes_are_plain_slotted_classes() -> None:
    """Without the switch of the tests, a field is a slot that is assigned without a guard: that is the speed."""
    program = """
from chatr.domain.identity import AgentId
from chatr.domain.events import AgentSeen
seen = AgentSeen(AgentId("1"), at=1)
seen.at = 2
print(seen, AgentSeen.__setattr__ is object.__setattr__, hasattr(seen, "__dict__"), seen in {seen})
"""

    assert run(program) == "AgentSeen(agent='1', at=2, read=None) True False True"


def test_the_switch_must_come_first() -> None:
    """Freezing after a class was made is an error that names the class, as the class would stay mutable."""
    program = """
import chatr.domain.events
from chatr.domain import immutability
immutability.enforce()
"""

    assert run(program) == "RuntimeError: Record is mutable: call enforce() before anything else of chatr is imported."


def test_equal_events_are_one_member_of_a_set() -> None:
    """Events with the same fields are equal and have the same hash."""
    again = type(CRAB_POSTED)(CRAB_POSTED.agent, CRAB_POSTED.content, CRAB_POSTED.idempotency_key, CRAB_POSTED.at)

    assert {CRAB_POSTED, again} == {CRAB_POSTED}
