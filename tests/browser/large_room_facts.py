"""What stands in the log of the large room, read from its file: what the page must show."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from chatr.domain.commands import agent_id
from chatr.domain.limits import HOUR
from tests.browser.large_room_plan import BUSY_HOUR, DAY

POSTED: Final = "type like 'message-posted%'"


@frozen
class Posted:
    """A message of the log. `content` and `reply_to` are None if it was erased."""

    position: int
    at: int
    content: str | None
    reply_to: int | None


@frozen
class LargeLog:
    """Queries of the log at `path`, which is only read."""

    path: Path

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)) as db:
            return db.execute(query, values).fetchall()

    def messages(self, condition: str, *values: object) -> list[Posted]:
        """Return the messages for which an SQL condition holds, which may have an order and a limit."""
        return [
            posted(*row)
            for row in self.rows(f"select position, at, data from log where {POSTED} and {condition}", *values)
        ]

    def begin_of(self, day: int) -> int:
        """Return when a day of large_room_plan.py begins, in milliseconds since 1970."""
        ((begin,),) = self.rows("select at from log where position = 1")
        return int(begin) + day * DAY

    def last_before(self, at: int) -> Posted:
        """Return the last message that was posted before a time, where the clock has not stepped back."""
        (found,) = self.messages("at < ? order by position desc limit 1", at)
        return found

    def of_agent(self, name: str) -> list[Posted]:
        """Return all messages of an agent."""
        return self.messages("stream = ? order by position", f"agent/{agent_id(name)}")

    def agent_without_messages_since(self, at: int) -> str:
        """Return the name of the agent with the fewest messages, a hundred at least, all of them before a time."""
        ((stream,),) = self.rows(
            f"select stream from log where {POSTED} group by stream having max(at) < ? and count(*) > 100"
            " order by count(*) limit 1",
            at,
        )
        return self._name_of(stream)

    def busiest_agent(self, day: int) -> str:
        """Return the name of the agent that posted most on the day that begins at `day`."""
        ((stream,),) = self.rows(
            f"select stream from log where {POSTED} and at >= ? and at < ? group by stream"
            " order by count(*) desc, stream limit 1",
            day,
            day + DAY,
        )
        return self._name_of(stream)

    def _name_of(self, stream: str) -> str:
        ((data,),) = self.rows("select data from log where stream = ? order by position limit 1", stream)
        return str(json.loads(data)["name"])

    def topic(self) -> int:
        """Return the position of the first message of the busy hour, which has most replies of all."""
        (first,) = self.messages("at >= ? order by position limit 1", self.begin_of(0) + BUSY_HOUR * HOUR)
        return first.position

    def replies_to(self, position: int) -> list[Posted]:
        """Return the replies to a message, in order."""
        field = f'%"reply_to":{position}'
        return self.messages("(data like ? or data like ?) order by position", f"{field}}}%", f"{field},%")

    def newest_reply_to(self, name: str) -> Posted:
        """Return the newest reply to a message of an agent."""
        replied_to = {each.position for each in self.of_agent(name)}
        replies = self.messages("data like '%\"reply_to\":%' order by position desc limit 10000")
        return next(each for each in replies if each.reply_to in replied_to)

    def hidden_between(self, begin: int, end: int) -> int:
        """Return how many of the messages that were posted in a time are removed now, erased ones included."""
        ((count,),) = self.rows(
            "select count(*) from log where position in ("
            " select data ->> 'position' from log where type like 'message-removed%'"
            " except select data ->> 'position' from log where type like 'message-restored%') and at >= ? and at < ?",
            begin,
            end,
        )
        return int(count)

    def removed(self) -> int:
        """Return the position of a message that is removed and not erased."""
        ((position,),) = self.rows(
            "select data ->> 'position' from log where type like 'message-removed%' and data ->> 'position' not in"
            " (select data ->> 'position' from log where type like 'message-restored%'"
            "  union select position from log where data = '') order by position desc limit 1"
        )
        return int(position)

    def erased(self) -> int:
        """Return the position of the newest message that is erased."""
        ((position,),) = self.rows("select max(position) from log where data = ''")
        return int(position)


def posted(position: int, at: int, data: str) -> Posted:
    """Return the message that a record holds."""
    fields = json.loads(data or "{}")
    return Posted(position, at, fields.get("content"), fields.get("reply_to"))
