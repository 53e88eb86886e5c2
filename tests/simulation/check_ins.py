"""Agents that check in, acknowledge what they were shown, forget that, and are shown it by any node."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import define, field, frozen

from chatr.node.node import Node
from tests.simulation.branch import Branch
from tests.simulation.visibility import hidden_at, stays_hidden

if TYPE_CHECKING:
    from tests.simulation.agents import AgentClient


@frozen
class Acknowledged:
    """An agent acknowledged everything up to `position`, and the response came when the log ended at `stored_by`."""

    position: int
    stored_by: int


@define(eq=False)
class CheckIns:
    """What agents have acknowledged, by agent: `sent` at most, and `stored` for certain.

    `hidden_once`: the cursors of messages that were ever hidden. They may be missing, and may come back later.
    """

    report: Callable[[str], None]
    hidden_once: set[str]
    sent: dict[str, int] = field(factory=dict)
    stored: dict[str, Acknowledged] = field(factory=dict)

    def log_restored(self, length: int) -> None:
        """The log was replaced by its first `length` records: later acknowledgements are lost."""
        self.sent = {agent: min(position, length) for agent, position in self.sent.items()}
        self.stored.clear()

    def acknowledgement_sent(self, agent: str, position: int) -> None:
        """An agent acknowledges everything up to `position`."""
        self.sent[agent] = max(self.sent.get(agent, 0), position)

    def acknowledgement_answered(self, branch: Branch, agent: str, position: int) -> None:
        """The response is there, so what the agent acknowledged holds on every node that has read as far."""
        # That of a suspended agent is not recorded.
        if agent not in branch.moderation.suspended_once and position >= self.certain(agent).position:
            self.stored[agent] = Acknowledged(position, branch.room.position)

    def certain(self, agent: str) -> Acknowledged:
        """What the agent has acknowledged for certain."""
        return self.stored.get(agent, Acknowledged(0, 0))

    def check_page(
        self, branch: Branch, agent: str, page: Any, after: int, hidden: Mapping[int, int], node: Node | None
    ) -> None:
        """A check-in must show what is addressed to the agent up to its cursor, but for what was acknowledged.

        Everything up to `after` was. `hidden` were so at the node when it was asked.
        """
        shown, cursor = [int(each["id"]) for each in page["addressed"]], position_of(page["cursor"])
        addressed = {each.position: each for each in branch.messages if agent in each.addressees}
        for position in shown:
            if position not in addressed:
                self.report(f"{agent} is shown {position}, which is not addressed to it")
            elif position <= after and addressed[position].cursor not in self.hidden_once:
                self.report(f"{agent} is shown {position}, and has acknowledged {after}")
            elif stays_hidden(hidden, node, position):
                self.report(f"{agent} is shown {position}, which is hidden")
        for position, message in addressed.items():
            is_new = self.sent.get(agent, 0) < position <= cursor
            if is_new and position not in shown and message.cursor not in self.hidden_once:
                self.report(f"{agent} is not shown {position}, and the cursor is {cursor}")
        if shown != sorted(shown):
            self.report(f"{agent} is shown {shown}, which is not the order of the log")
        if any(
            agent == by_position.agent
            for each in page["others"]
            if (by_position := branch.by_position.get(int(each["id"])))
        ):
            self.report(f"{agent} is shown its own messages")


def position_of(cursor: str) -> int:
    """The position of a cursor."""
    return int(cursor.partition("-")[0])


async def check_in(agent: "AgentClient") -> None:
    """Ask for what is new, and perhaps acknowledge what was shown last."""
    oracle, process, owner = agent.oracle, agent.random.choice(agent.processes), agent.id
    generation, hidden = oracle.generation_of(process.node), hidden_at(process.node)
    certain, read = oracle.check_ins.certain(owner), process.node.room.position if process.node else 0
    ack = agent.cursor if agent.random.random() < 0.7 else None
    # Taken now: another session of the agent may check in meanwhile, after the log was replaced.
    ack_generation = agent.cursor_generation
    if ack:
        oracle.check_ins.acknowledgement_sent(owner, position_of(ack))
    body = {"ack": ack, "limit": agent.random.randint(1, 4), "wait": agent.random.choice((0, 0, 0, 3))}
    response = await agent.send_request("POST", "/api/checkin", body, to=process)
    if response is None or generation != oracle.generation or owner != agent.id:
        return
    if response.status == 400:
        if ack and ack_generation == generation:
            oracle.report(f"{process.name} rejected the cursor {ack} with {response}")
        agent.cursor = None
    if response.status == 200:
        after = max(position_of(ack) if ack else 0, certain.position if read >= certain.stored_by else 0)
        oracle.check_ins.check_page(oracle.branch, owner, response.json, after, hidden, process.node)
        if ack:
            oracle.check_ins.acknowledgement_answered(oracle.branch, owner, position_of(ack))
        agent.cursor, agent.cursor_generation = response.json["cursor"], generation
