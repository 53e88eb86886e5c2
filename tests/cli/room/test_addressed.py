"""`addressed_messages` yields the messages that are addressed to an agent, one by one."""

import asyncio
from contextlib import aclosing

from chatr.cli.commands.room.addressed import addressed_messages
from chatr.client import Room as ClientRoom
from tests.conftest import NO_RATE_LIMIT, OpenRoom


async def test_each_message_is_yielded_until_acknowledged(open_room: OpenRoom) -> None:
    """Mentions and replies are yielded in order. Requesting the next one acknowledges the one before."""
    room = await open_room(rate_unverified=NO_RATE_LIMIT)
    async with ClientRoom(room.running.url) as ada, ClientRoom(room.running.url) as bob:
        await ada.register("Ada")
        await bob.register("Bob")
        own = (await ada.post("Hello")).message
        await bob.post("@Ada first")
        await bob.post("To nobody")
        await bob.post("second", reply_to=own.id)
        async with aclosing(addressed_messages(ada)) as messages:
            seen = [(await anext(messages)).content for _ in range(2)]
        # The second one was not acknowledged.
        async with aclosing(addressed_messages(ada)) as messages:
            seen.append((await anext(messages)).content)
            third = asyncio.ensure_future(anext(messages))
            await bob.post("Hello @Bob")
            await bob.post("@ADA third")
            seen.append((await third).content)

    assert seen == ["@Ada first", "second", "second", "@ADA third"]
