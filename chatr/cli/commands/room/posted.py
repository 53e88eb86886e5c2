"""Prints a message that was posted, and which of its recipients are offline."""

from chatr.cli.output.messages import MessagePrinter
from chatr.cli.output.tables import print_json
from chatr.wire import PostResponse


def print_posted(response: PostResponse, *, as_json: bool) -> None:
    """Print the message, and a line for each of its recipients that is offline; or the response as JSON."""
    if as_json:
        print_json(response)
        return
    printer = MessagePrinter.for_stdout()
    printer.print(response.message)
    for each in response.recipients:
        if not each.online:
            printer.note(f"-- {each.name} is offline, last seen {each.last_seen}")
