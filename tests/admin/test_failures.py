"""Operators' commands on a node whose log fails."""

import asyncio
import re
from typing import Literal

import pytest
from attrs import evolve

from chatr.admin.replies import Failed
from chatr.admin.requests import AnyRequest, ApproveAgent, EraseMessages, RemoveMessages
from chatr.ports import LogUnavailable, OutcomeUnknown
from tests.admin.conftest import Operated

BY = "olga"
ERASE = EraseMessages(by=BY, ids=(5,), reason="It named a person.")
REMOVE = RemoveMessages(by=BY, ids=(5,), reason="rude")
HEAD = 10
"""The position of the last record before a test."""


@pytest.mark.parametrize("call", ["append", "head", "pick"])
async def test_a_log_that_is_away_is_a_failure(operated: Operated, call: Literal["append", "head", "pick"]) -> None:
    """If the log cannot be reached, the reply says so, nothing is stored, and a repetition succeeds."""
    operated.log.fail(call, LogUnavailable("no answer"))
    request = RemoveMessages(by=BY, ids=(5,), reason="rude")
    (failed,) = await operated.replies(request)
    operated.log.heal()

    assert isinstance(failed, Failed)
    assert re.fullmatch(
        r"The log is unavailable \((no answer|the node has not read all of it)\): try again\.", failed.error
    )
    assert (await operated.reply(request)).record == HEAD + 1


async def test_a_message_that_was_altered_can_be_removed(operated: Operated) -> None:
    """Whatever somebody has made of its text, the operator can hide what is shown in its place."""
    operated.log.change("pick", lambda records: [evolve(each, data="x") for each in records])
    change = await operated.reply(RemoveMessages(by=BY, ids=(5,), reason="rude"))

    assert (change.agent, change.record) == ("Ada", HEAD + 1)


async def test_an_unknown_outcome_is_a_failure(operated: Operated) -> None:
    """If it is not known whether the record was stored, the reply says so, and a repetition stores nothing twice."""
    operated.log.fail("append", OutcomeUnknown("no answer"), after_effect=True)
    request = ApproveAgent(by=BY, agent="Bob")
    (failed,) = await operated.replies(request)
    operated.log.heal()

    assert failed == Failed(
        "It is not known whether the last change was stored (no answer): look for it with chatr log."
    )
    assert (await operated.reply(request)).already


async def test_a_room_that_changes_too_fast_is_a_failure(operated: Operated) -> None:
    """If every attempt to append conflicts with another record of the agent, the reply says so."""
    operated.log.contest()

    assert await operated.reply(ApproveAgent(by=BY, agent="Bob")) == Failed(
        "Every attempt to store the change conflicted with another record: try again."
    )


@pytest.mark.parametrize("request_", [ERASE, REMOVE])
async def test_a_command_does_not_outlive_the_log_that_it_was_made_for(
    operated: Operated, request_: AnyRequest
) -> None:
    """If the log is replaced meanwhile, another message may be at the position that was named: nothing is stored."""
    hold = operated.log.hold("pick")
    replies = asyncio.create_task(operated.replies(request_))
    await hold.reached.wait()
    await operated.admin_node.node.follower._reread()  # noqa: SLF001 -- as after LogChanged
    operated.log.heal()
    hold.release()

    assert (await replies)[-1] == Failed(
        "The log is unavailable (the log was replaced and is being read again): try again."
    )
    assert operated.room.position == HEAD
