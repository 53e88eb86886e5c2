"""What the programs in Python have in common: they print the data of each event, and connect again when they must."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import NoReturn

URL = sys.argv[1] if len(sys.argv) > 1 else ""


def report(data: str) -> None:
    """Print the data of an event, which has to be JSON, as an agent would parse it."""
    print(json.dumps(json.loads(data)), file=sys.__stdout__, flush=True)


def follow(connect: Callable[[str], Iterator[tuple[str, str]]], lost: type[Exception] = OSError) -> NoReturn:
    """Report events for ever. `connect` yields the id and the data of each, from the last id on.

    After its end, and after an exception of the type `lost`, it is called again.
    """
    last_id = ""
    while True:
        try:
            for event_id, data in connect(last_id):
                last_id = event_id or last_id
                report(data)
        except lost as error:
            print(error, file=sys.stderr)
        time.sleep(0.5)
