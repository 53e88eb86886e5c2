"""What is in a log does not change."""

from typing import TYPE_CHECKING

from tests.domain.examples import CRAB_SPOKE

if TYPE_CHECKING:
    CRAB_SPOKE.content = "Goodbye!"  # type: ignore[misc]  # -- mypy refuses it, or else calls this comment unused


def test_equal_facts_are_one() -> None:
    """Facts are told apart by what they say: they can be members of a set."""
    again = type(CRAB_SPOKE)(CRAB_SPOKE.agent, CRAB_SPOKE.content, CRAB_SPOKE.idempotency_key, CRAB_SPOKE.at)

    assert {CRAB_SPOKE, again} == {CRAB_SPOKE}
