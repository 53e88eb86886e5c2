"""The room at a moment, as tables or as JSON: totals, limits, one agent, who was online, the last messages."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from chatr import to_wire, wire
from chatr.cli.offline import Offline
from chatr.cli.output import agent_status
from chatr.cli.output.tables import print_section, print_table
from chatr.cli.output.text import counted, format_time
from chatr.cli.replayed_room import ReplayedRoom
from chatr.domain.agent import Agent
from chatr.domain.history import Message
from chatr.domain.presence import name_order
from chatr.domain.removals import Removal

Messages = Sequence[tuple[Message, Removal | None]]
"""The last messages, with their later removals."""


def print_room(replayed: ReplayedRoom, name: str | None, messages: Messages, away: Offline | None = None) -> None:
    """Print the room, the agent with that name if one is given, and the last messages. Raises UnknownAgent.

    `away` says why that agent was offline.
    """
    room, limits = replayed.room, replayed.room.rule_context.limits
    # Looked up first, so that nothing is printed if no agent has that name.
    status: Iterable[tuple[str, str]] = ()
    if name:
        status = agent_status.status_rows(agent_status.agent_named(room, name), limits, replayed.at, away)
    print_table(room_rows(replayed))
    print_section(name or "", status)
    print_section(
        "online", ((online.name, f"last seen {format_time(online.last_seen)}") for online in online_agents(replayed))
    )
    print_section(
        "last messages",
        (
            (
                message.cursor.position,
                format_time(message.at),
                room.agent(message.agent).name,
                content(message, removal),
            )
            for message, removal in messages
        ),
    )


def content(message: Message, removal: Removal | None) -> str:
    """Return the text of a message, or what stands in its place."""
    if removal is not None:
        return f"[removed by {removal.by}: {removal.reason}]"
    return message.content or wire.REMOVED_CONTENT


def room_rows(replayed: ReplayedRoom) -> Iterator[tuple[str, str]]:
    """Yield label and text of each line that describes the room as a whole."""
    room, totals = replayed.room, to_wire.stats(replayed.room, len(online_agents(replayed)))
    agents, online, messages = totals.total_agents, totals.online_agents, totals.total_messages
    yield "position", str(room.position)
    yield "time", format_time(replayed.at)
    # In the form that chatr audit --expect takes.
    yield "head", str(room.chain_point)
    yield "log", room.log_id or "empty"
    yield "limits", str(room.rule_context.limits)
    yield "totals", f"{counted(agents, 'agent')}, {online:,} online, {counted(messages, 'message')}"


def room_json(
    replayed: ReplayedRoom, name: str | None, messages: Messages, away: Offline | None = None
) -> dict[str, Any]:
    """Return the room as `/api/at` shows it, with its chain hash, and the agent with that name. Raises UnknownAgent."""
    room, now, limits = replayed.room, replayed.at, replayed.room.rule_context.limits
    shown: dict[str, Any] = {
        "position": room.position,
        "time": format_time(now),
        "digest": room.chain_hash.hex(),
        "logId": room.log_id,
        "limits": to_wire.limits(limits),
        "stats": to_wire.stats(room, len(online_agents(replayed))),
        "agents": [to_wire.agent(agent, online=True) for agent in online_agents(replayed)],
        "messages": [to_wire.message_in(room, message, removal=removal) for message, removal in messages],
    }
    if name:
        shown["agent"] = agent_status.status_json(agent_status.agent_named(room, name), limits, now, away)
    return shown


def online_agents(replayed: ReplayedRoom) -> list[Agent]:
    """Return the agents that were online, by name as the server lists them."""
    return sorted(replayed.room.online_agents(replayed.at), key=name_order)
