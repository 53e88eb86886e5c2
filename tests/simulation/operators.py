"""Operators, who moderate the room and the keys of its agents at any node, with the commands of `chatr admin`."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import aclosing, suppress
from random import Random
from typing import Final

from attrs import define

from chatr.admin.replies import Change
from chatr.admin.requests import AnyRequest, CloseTheRoom, OpenTheRoom
from chatr.domain.commands import agent_id
from tests.simulation.admin_connections import replies_of_process
from tests.simulation.agents import AgentClient
from tests.simulation.operator_commands import OperatorCommand, OperatorCommands
from tests.simulation.operator_requests import RequestDraw
from tests.simulation.process import Process
from tests.simulation.short_lived_nodes import replies_of_short_lived_node

SHORT_LIVED: Final = 0.15
"""The probability that an operator finds no node, so that the command is one itself."""
LONGEST_CLOSING: Final = 3.0
"""Seconds for which a room is closed at most before an operator opens it."""
LONGEST_COMMAND: Final = 60.0
"""Seconds after which an operator gives up a command."""


@define(eq=False)
class OperatorClient:
    """One operator. `weights`: how often each kind of command is given; `cut`: how often one is interrupted."""

    random: Random
    commands: OperatorCommands
    processes: list[Process]
    agents: list[AgentClient]
    weights: Mapping[str, float]
    cut: float
    note: Callable[..., None]
    is_busy: bool = False

    async def act(self) -> None:
        """Have one command carried out. A room that was closed is opened again soon."""
        self.is_busy = True
        try:
            draw = RequestDraw(self.random, self.commands.oracle.branch, self.commands.new_operator())
            request = draw.request(self.weights)
            await self._carry_out(request)
            if isinstance(request, CloseTheRoom):
                await asyncio.sleep(self.random.random() * LONGEST_CLOSING)
                await self._carry_out(OpenTheRoom(by=self.commands.new_operator()))
        finally:
            self.is_busy = False

    async def _carry_out(self, request: AnyRequest) -> None:
        process = self.random.choice(self.processes)
        is_short_lived = self.random.random() < SHORT_LIVED
        send = replies_of_short_lived_node if is_short_lived else replies_of_process
        command = self.commands.begin(request, None if is_short_lived else process)
        is_cut = self.random.random() < self.cut
        with suppress(TimeoutError):
            async with (
                asyncio.timeout(self.random.random() / 20 if is_cut else LONGEST_COMMAND),
                aclosing(send(process, request)) as replies,
            ):
                async for reply in replies:
                    command.replies.append(reply)
        self.note(request.by, type(request).__name__, process.name, *(type(each).__name__ for each in command.replies))
        self.commands.check(command)
        self._hand_out_keys(command)

    def _hand_out_keys(self, command: OperatorCommand) -> None:
        """Give new keys to the agents that they are for, or to one that has none."""
        for reply in command.replies:
            if isinstance(reply, Change) and isinstance(reply.agent, str) and isinstance(reply.api_key, str):
                agent, key = agent_id(reply.agent), reply.api_key
                owner = next((each for each in self.agents if each.id == agent), None)
                if owner is not None:
                    owner.add_key(key, is_next=self.random.random() < 0.7)
                elif (newcomer := next((each for each in self.agents if not each.key), None)) is not None:
                    newcomer.become(agent, key)
