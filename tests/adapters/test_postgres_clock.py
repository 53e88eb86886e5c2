"""The clock of a PostgreSQL server, as a node derives it from what the server responds."""

from typing import Final

from chatr.adapters.stores.postgres.clock import PostgresClock

SERVER_TIME: Final = 1_767_225_600_000
MINUTE: Final = 60_000


def checked(clock: PostgresClock, step: int = 0, round_trip: int = 0) -> int:
    """Let a statement be answered whose server's clock is `step` ms ahead of SERVER_TIME; return the clock's time."""
    local = clock.elapsed()
    clock.correct(local - round_trip, SERVER_TIME + step, local)
    return clock.now()


def test_a_server_with_another_clock_is_followed_at_once() -> None:
    """After a fail-over to a server whose clock is a minute behind or ahead, the first answer corrects the clock."""
    clock = PostgresClock()
    checked(clock)
    behind, ahead = checked(clock, -MINUTE), checked(clock, MINUTE)

    assert 0 <= behind - (SERVER_TIME - MINUTE) < 5_000
    assert 0 <= ahead - (SERVER_TIME + MINUTE) < 5_000


def test_a_better_sample_does_not_step_back() -> None:
    """Answers within the error of the measurement never set the time back."""
    clock = PostgresClock()
    times = [checked(clock, step, round_trip) for step, round_trip in ((200, 400), (190, 10), (0, 200), (195, 0))]

    assert times == sorted(times)


def test_a_slow_answer_changes_nothing() -> None:
    """An answer that took long, because the statement waited for the lock, does not move a good measurement."""
    clock = PostgresClock()
    before = checked(clock)
    after = checked(clock, step=-900, round_trip=1_000)

    assert 0 <= after - before < 900
