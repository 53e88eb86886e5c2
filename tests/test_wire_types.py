"""chatr.wire: the types of responses, as the server encodes them and a client decodes them."""

import subprocess
import sys
from typing import Any

import msgspec
import pytest
from hypothesis import given

from chatr import to_wire, wire
from chatr.adapters.http.error_catalogue import ERROR_TYPES
from chatr.adapters.http.json_response import encode
from chatr.adapters.http.stream import frames
from chatr.domain.events import Record
from chatr.domain.policy import RULES
from chatr.domain.room import Room
from chatr.testing.clock import START
from chatr.testing.records import folded_room
from chatr.testing.strategies import histories

RESPONSES = [
    each
    for each in vars(wire).values()
    if isinstance(each, type) and issubclass(each, wire.SuccessResponse) and each is not wire.SuccessResponse
]


def modules_after_import(module: str) -> set[str]:
    """Names of the modules that a new interpreter has loaded after it has imported `module`."""
    program = f"import sys, {module}; print(*sys.modules)"
    return set(
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    )


def test_a_client_needs_no_server() -> None:
    """The types can be imported without aiohttp, and without any module of chatr but the type that hides keys."""
    modules = modules_after_import("chatr.wire")

    assert "aiohttp" not in modules
    assert {name for name in modules if name.startswith("chatr")} == {
        "chatr",
        "chatr.secret",
        "chatr.wire",
        "chatr.wire.errors",
        "chatr.wire.message_responses",
        "chatr.wire.resources",
        "chatr.wire.responses",
        "chatr.wire.stream_events",
    }


@pytest.mark.parametrize("module", ["chatr.domain.timestamps", "chatr.to_wire", "chatr.cli.output.tables"])
def test_printing_needs_no_web_server(module: str) -> None:
    """Commands print timestamps and the shapes of responses without importing aiohttp."""
    assert "aiohttp" not in modules_after_import(module)


def test_every_error_code_is_listed() -> None:
    """`ErrorCode` has the code of every rule and of every other error, and no further ones."""
    assert set(wire.ErrorCode) == {rule.code for rule in RULES} | {error_type.code for error_type in ERROR_TYPES}


@pytest.mark.parametrize("response", RESPONSES, ids=lambda response: response.__name__)
def test_a_successful_response_says_so_first(response: type[msgspec.Struct]) -> None:
    """`success` is the first field of every response."""
    assert msgspec.structs.fields(response)[0].name == "success"


@given(histories())
def test_a_client_reads_what_the_server_writes(history: list[Record]) -> None:
    """Agents, messages and stream events are decoded into values equal to those that were encoded."""
    room = folded_room(history)
    messages = [to_wire.message_in(room, each) for each in room.history.last(10)]
    agents = [to_wire.agent(each, online=True) for each in room.online_agents(START)]
    values: list[msgspec.Struct] = [
        wire.AgentsResponse(agents=agents, stats=to_wire.stats(room, len(agents))),
        wire.MessagesResponse(messages=messages, has_more=False),
        wire.HistoryEvent(data=messages),
        *(wire.MessageEvent(data=message) for message in messages),
    ]

    assert [msgspec.json.decode(encode(value), type=type(value)) for value in values] == values


def test_a_client_tells_events_apart_by_their_type() -> None:
    """The union of the events decodes each into its own class."""
    decode: Any = msgspec.json.Decoder(wire.StreamEvent).decode
    sent = [frames.history(Room(), Room().history.last(0), 0), frames.stats(Room(), START), frames.reset("too old")]

    decoded = [decode(frame.partition(b"data: ")[2]) for frame in sent]

    assert [type(event) for event in decoded] == [wire.HistoryEvent, wire.StatsEvent, wire.ResetEvent]


def test_a_client_reads_the_errors_of_a_newer_server() -> None:
    """An unknown code and unknown fields are no obstacle; `retry_after` is unset where the error has none."""
    body = msgspec.json.decode(b'{"success":false,"error":"No.","code":"new_code","hint":1}', type=wire.ErrorBody)

    assert (body.code, body.retry_after) == ("new_code", msgspec.UNSET)
