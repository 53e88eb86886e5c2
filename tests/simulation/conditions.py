"""What may happen in a world, and how often. In half of all worlds each kind of fault does not happen at all."""

from random import Random
from typing import Final

from attrs import evolve, frozen

from tests.simulation.store import FaultRates


@frozen
class Conditions:
    """What is drawn once for a world.

    `store_has_clock`: whether nodes decide by the store's clock, or each by its own. The clock of a node gains up to
    `drift` seconds in a second, and swings by up to `swing` milliseconds.

    `operators`: the weight of each kind of operators' commands.

    `actions`: the weight of each action of a step. `store_faults`: how often an append fails. `cut`, `slow`, `rush`:
    the probability that an agent loses a connection, that a watcher reads slowly, and that a watcher connects at the
    moment of an append. `shuffled`: whether ready callbacks run in random order. `history`: messages that a new watcher
    is sent. `messages_in_memory`, `max_group` and `records_between` replace constants of the program that are too large
    for a short world.
    """

    actions: dict[str, float]
    store_faults: FaultRates
    cut: float
    slow: float
    rush: float
    shuffled: bool
    history: int
    messages_in_memory: int
    max_group: int
    records_between: int
    store_has_clock: bool
    drift: float
    swing: int
    operators: dict[str, float]


KINDS_OF_COMMANDS: Final = {
    ("suspend", "reinstate", "approve", "withdraw"): 2.0,
    ("register", "issue key", "revoke keys"): 1.0,
    ("close", "open"): 0.5,
    ("remove", "restore"): 4.0,
    ("remove all", "restore all"): 1.0,
    ("erase",): 4.0,
    ("erase all",): 0.5,
}
"""Commands of operators that happen in the same worlds, and how often at most in comparison."""


def draw_conditions(random: Random) -> Conditions:
    """Draw the conditions of a world."""

    def perhaps(maximum: float) -> float:
        return random.choice((0.0, maximum * random.random()))

    usual = {"agent_acts": 60.0, "watcher_connects": 10.0, "watcher_reads": 6.0, "node_starts": 4.0}
    often = {"watcher_disconnects": perhaps(8), "node_is_killed": perhaps(3), "node_stops": perhaps(3)}
    seldom = {
        action: perhaps(1.5)
        for action in (
            "store_goes_away",
            "tails_stall",
            "clock_jumps",
            "limits_change",
            "unknown_type_is_stored",
            "log_is_restored",
        )
    }
    conditions = Conditions(
        usual | often | seldom,
        FaultRates(*(perhaps(0.15) for _ in range(4))),
        cut=perhaps(0.3),
        slow=perhaps(0.8),
        rush=random.uniform(0.1, 0.7),
        shuffled=random.random() < 0.5,
        history=random.choice((1, 5, 50)),
        messages_in_memory=random.choice((60, 1001)),
        max_group=random.choice((2, 256)),
        records_between=random.choice((20, 100_000)),
        store_has_clock=random.random() < 0.5,
        drift=perhaps(0.5),
        swing=random.choice((0, 500, 65_000)),
        operators={},
    )
    return with_operators(conditions, random)


def with_operators(conditions: Conditions, random: Random) -> Conditions:
    """The conditions with what operators do. In a quarter of all worlds each kind of command is never given."""

    def mostly(maximum: float) -> float:
        return random.choice((0.0, 1.0, 1.0, 1.0)) * maximum * random.uniform(0.3, 1)

    actions = {**conditions.actions, "operator_acts": random.uniform(1, 12)}
    faults = evolve(conditions.store_faults, read=random.choice((0.0, 0.5)))
    weights = {kind: mostly(maximum) for kind, maximum in KINDS_OF_COMMANDS.items()}
    # Something must be drawn where all weights are 0.
    operators = {name: weight + 1e-6 for kind, weight in weights.items() for name in kind}
    return evolve(conditions, actions=actions, store_faults=faults, operators=operators)
