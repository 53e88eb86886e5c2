"""The thread below a message."""

from array import array
from collections.abc import Collection, Mapping

from hypothesis import given
from hypothesis import strategies as st

from chatr.domain.addressing import Addressing
from chatr.domain.thread import MOST_IN_THREAD, thread_below

TARGETS = st.lists(st.integers(1, 40), max_size=40).map(
    # What a message replies to comes before it.
    lambda drawn: {message: target for message, target in enumerate(drawn, start=2) if target < message}
)


def addressing_of(targets: Mapping[int, int], hidden: Collection[int] = ()) -> Addressing:
    """The indexes of messages, given what each replies to."""
    addressing = Addressing(array("q"))
    for message, target in targets.items():
        (addressing.hidden if message in hidden else addressing).by_replied_to.add(target, message)
    return addressing


@given(TARGETS, st.frozensets(st.integers(1, 40)))
def test_replies_and_the_replies_to_those(targets: Mapping[int, int], hidden: frozenset[int]) -> None:
    """A message is in the thread below each message that it replies to, directly or through others, hidden or not."""
    below = {1}
    for message, target in targets.items():
        below |= {message} if target in below else set()
    addressing = addressing_of(targets, hidden)

    assert thread_below(addressing, 1) == sorted(below - hidden - {1})
    assert thread_below(addressing, 1, hidden=True) == sorted((below & hidden) - {1})


def test_the_first_messages_of_a_long_thread() -> None:
    """Of a chain and of many replies to one message alike only the first are found."""
    chain = {message: message - 1 for message in range(2, 3_000)}
    star = dict.fromkeys(range(2, 3_000), 1)

    assert [thread_below(addressing_of(each), 1) for each in (chain, star)] == [list(range(2, MOST_IN_THREAD + 2))] * 2


def test_messages_that_reply_to_later_ones() -> None:
    """Records that were stored against the rules and reply to one another in a circle are searched once."""
    assert thread_below(addressing_of({2: 3, 3: 2, 1: 1}), 1) == []
    assert thread_below(addressing_of({2: 3, 3: 2}), 2) == [3]
