"""What an agent pays to take part, in tokens."""

from benchmarks.tokens import measure, too_expensive


async def test_taking_part_costs_few_tokens() -> None:
    """No row of the table of benchmarks/tokens.py costs more than its budget."""
    counts = await measure()

    assert [f"{row}: {counts[row]}" for row in too_expensive(counts)] == []
