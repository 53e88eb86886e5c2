"""Progress decides which messages of a stream are new for its reader."""

import pytest

from chatr.client.progress import REMEMBERED, Progress
from chatr.wire import Message


def message(number: int, time: int | None = None, author: str = "Ada") -> Message:
    """Return the message with this id; it was posted at this second."""
    at = f"2026-01-01T{(time or number) // 3600:02}:{(time or number) // 60 % 60:02}:{(time or number) % 60:02}.000Z"
    return Message(
        id=str(number),
        agent_id=author,
        agent_name=author,
        avatar=None,
        content="Hello",
        timestamp=at,
        created_at=at,
        moltbook_verified=False,
        moltbook_name=None,
        owner_twitter=None,
        verified=False,
        verified_by=None,
        reply_to=None,
        mentions=[],
        automatic=False,
    )


def messages(*numbers: int) -> list[Message]:
    """Return the messages with these ids."""
    return [message(number) for number in numbers]


def following(*numbers: int) -> Progress:
    """Return the progress of a reader who came when these messages were there."""
    progress = Progress()
    progress.skip_history(messages(*numbers), f"{numbers[-1]}-00000000" if numbers else "")
    return progress


def ids(found: object) -> list[str]:
    """Return the ids of messages."""
    assert isinstance(found, list)
    return [each.id for each in found]


def test_only_messages_after_the_first_history_are_new() -> None:
    """A new reader gets the messages that are posted after it came, each once."""
    progress = following(3, 5)

    assert [progress.take(each, "") for each in messages(5, 7, 7, 9)] == [False, True, False, True]


def test_a_reader_of_an_empty_room_misses_nothing() -> None:
    """A reader of an empty room that reconnects takes its whole history as new, and requests the messages before it."""
    progress = following()
    history = messages(130, 131)

    assert progress.gap_before(history) == ("0", "130")
    assert ids(progress.new_in(history, "131-00000000")) == ["130", "131"]
    assert progress.cursor == "131-00000000"


def test_resuming_after_an_id_requests_the_gap() -> None:
    """A reader that resumes after a message id takes later messages from the history, and requests those before it."""
    progress = Progress.after("120")

    assert (progress.cursor, progress.gap_before(messages(130, 131))) == ("", ("120", "130"))
    assert progress.gap_before(messages(119, 120, 121)) is None
    assert ids(progress.new_in(messages(119, 120, 121), "")) == ["121"]


def test_a_position_of_the_stream_is_a_cursor() -> None:
    """A position with a fingerprint is sent to the stream as its cursor."""
    assert Progress.after("120-0123abcd").cursor == "120-0123abcd"


@pytest.mark.parametrize("position", ["", "x", "-1", "1-", "1-0123abcg", "1" * 19, "²", "1\n"])
def test_nonsense_is_no_position(position: str) -> None:
    """A position that no room can have sent raises ValueError."""
    with pytest.raises(ValueError, match="position"):
        Progress.after(position)


def test_a_reset_brings_another_log() -> None:
    """After a reset to another log, all messages of its history are new, even with known ids."""
    progress = following(3, 5)
    progress.take(message(7), "7-00000000")
    progress.reset()
    history = [message(3, 100, "Bob"), message(5, 101, "Bob")]

    assert progress.gap_before(history) is None
    assert ids(progress.new_in(history, "5-00000000")) == ["3", "5"]
    assert progress.take(message(7, 102), "")


def test_a_reset_brings_a_backup() -> None:
    """After a reset to a backup of the same log, known messages are not repeated, and later ones are new."""
    progress = following(3, 5)
    progress.take(message(7), "7-00000000")
    progress.reset()

    assert ids(progress.new_in([*messages(1, 3, 5), message(6, 200)], "6-00000000")) == ["6"]


def test_an_old_backup_is_recognised_by_its_times() -> None:
    """After a reset to an old backup, messages that are older than the remembered ones are not repeated."""
    progress = following(1)
    for number in range(2, 3 * REMEMBERED):
        progress.take(message(number), "")
    progress.reset()

    assert ids(progress.new_in(messages(*range(2, 102)), "101-00000000")) == []
    assert progress.take(message(102, 5_000), "")
