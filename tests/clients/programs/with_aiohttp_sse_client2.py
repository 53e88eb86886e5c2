"""The package aiohttp-sse-client2."""

import asyncio
import sys

from aiohttp import ClientError
from aiohttp_sse_client2.client import EventSource
from reconnecting import URL, report


async def main() -> None:
    last_id = ""
    while True:
        try:
            async with EventSource(URL, headers={"Last-Event-ID": last_id}) as source:
                async for event in source:
                    last_id = event.last_event_id or last_id
                    report(event.data)
        except (ClientError, OSError) as error:
            print(error, file=sys.stderr)
        await asyncio.sleep(0.5)


asyncio.run(main())
