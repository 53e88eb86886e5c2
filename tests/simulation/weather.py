"""What may happen in a world, and how often: in half of the worlds each thing does not happen at all."""

from random import Random

from attrs import frozen

from tests.simulation.store import Luck


@frozen
class Weather:
    """`acts` are weights; `kept`, `largest` and `every` replace numbers that a short life would never reach."""

    acts: dict[str, float]
    luck: Luck
    cut: float
    slow: float
    rush: float
    shuffled: bool
    history: int
    kept: int
    largest: int
    every: int


def weather(random: Random) -> Weather:
    def perhaps(most: float) -> float:
        return random.choice((0.0, most * random.random()))

    usual = {"speak": 60.0, "come": 10.0, "take": 6.0, "start": 4.0}
    often = {"part": perhaps(8), "kill": perhaps(3), "stop": perhaps(3)}
    seldom = {act: perhaps(1.5) for act in ("unplug", "stall", "jump", "adopt", "dance", "restore")}
    return Weather(
        usual | often | seldom,
        Luck(*(perhaps(0.15) for _ in range(4))),
        cut=perhaps(0.3),
        slow=perhaps(0.8),
        rush=random.uniform(0.1, 0.7),
        shuffled=random.random() < 0.5,
        history=random.choice((1, 5, 50)),
        kept=random.choice((60, 1001)),
        largest=random.choice((2, 256)),
        every=random.choice((20, 100_000)),
    )
