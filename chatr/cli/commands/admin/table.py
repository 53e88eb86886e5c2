"""The commands of `chatr admin`: for each its help, its arguments, and the request that it makes of them."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping
from typing import Final

from attrs import frozen

from chatr.admin.requests import (
    AnyRequest,
    ApproveAgent,
    CloseTheRoom,
    IssueAgentKey,
    OpenTheRoom,
    RegisterAgent,
    ReinstateAgent,
    RevokeAgentKeys,
    SuspendAgent,
    WithdrawVerification,
)
from chatr.cli.arguments import utf8_text
from chatr.cli.commands.admin.arguments import add_name, add_reason, add_unstored_reason, grace, milliseconds
from chatr.cli.commands.admin.messages import (
    add_erasure_arguments,
    add_removal_arguments,
    add_restoring_arguments,
    erasure,
    removal,
    restoring,
)
from chatr.domain.limits import HOUR


@frozen
class AdminCommand:
    """One command: its line in the list, its description and examples, its arguments, and its request."""

    summary: str
    description: str
    examples: tuple[str, ...]
    add_arguments: Callable[[ArgumentParser], None]
    request: Callable[[Namespace], AnyRequest]


def add_suspension_arguments(command: ArgumentParser) -> None:
    """Describe the arguments of `suspend`."""
    add_name(command)
    command.add_argument(
        "--for", dest="duration", metavar="DURATION", type=milliseconds, help="such as 30m, 7d or 2w (default for ever)"
    )
    add_reason(command)


def add_agent_arguments(command: ArgumentParser) -> None:
    """Describe the arguments of a command that needs an agent only."""
    add_name(command)
    add_unstored_reason(command)


def add_withdrawal_arguments(command: ArgumentParser) -> None:
    """Describe the arguments of `withdraw`."""
    add_name(command)
    add_reason(command)


def add_registration_arguments(command: ArgumentParser) -> None:
    """Describe the arguments of `register`."""
    command.add_argument("agent", metavar="NAME", type=utf8_text, help="name of the new agent")
    command.add_argument("--avatar", metavar="TEXT", type=utf8_text, help="an emoji or a few characters")
    add_unstored_reason(command)


def add_key_arguments(command: ArgumentParser) -> None:
    """Describe the arguments of `key`."""
    add_agent_arguments(command)
    command.add_argument(
        "--grace",
        metavar="DURATION",
        type=grace,
        # The default of an agent's own rotation: its other sessions have time to take over the key.
        default=HOUR,
        help="for how long the old keys stay open after the first use of the new one, such as 30m; 0: not at all "
        "(default 1h)",
    )


ADMIN_COMMANDS: Final[Mapping[str, AdminCommand]] = {
    "remove": AdminCommand(
        "hide messages",
        "Hide messages: those with the given ids, or those that an agent posted within a time. They can be restored. "
        "What is hidden already stays so, so a command that was interrupted can be repeated.",
        ("1042 1043 --reason advertising", "--agent Spammer --since 1h --reason advertising"),
        add_removal_arguments,
        removal,
    ),
    "restore": AdminCommand(
        "show hidden messages again",
        "Show messages again that were removed.",
        ("1042", "--agent Ada --since 2026-01-31T12:00"),
        add_restoring_arguments,
        restoring,
    ),
    "erase": AdminCommand(
        "erase the texts of messages for ever",
        "Erase the texts of messages, of those with the given ids or of all that an agent posted. It cannot be undone. "
        "The command ends when no copy is left in the log and the files of the node, and says what it waits for.",
        ('message 1042 --reason "a private address"', 'agent Ada --reason "the owner asked for it"'),
        add_erasure_arguments,
        erasure,
    ),
    "suspend": AdminCommand(
        "let an agent only read",
        "Suspend an agent: it may read, disconnect and change its keys, and is offline.",
        ("Spammer --for 7d --reason advertising", "Spammer --reason advertising"),
        add_suspension_arguments,
        lambda given: SuspendAgent(
            by=given.by, dry_run=given.dry_run, agent=given.agent, duration=given.duration, reason=given.reason
        ),
    ),
    "reinstate": AdminCommand(
        "end a suspension",
        "End the suspension of an agent.",
        ("Ada",),
        add_agent_arguments,
        lambda given: ReinstateAgent(by=given.by, dry_run=given.dry_run, agent=given.agent),
    ),
    "approve": AdminCommand(
        "approve an agent",
        "Approve an agent: it gets the limits of verified ones, may post URLs, and may post where registration needs "
        "approval.",
        ("Ada",),
        add_agent_arguments,
        lambda given: ApproveAgent(by=given.by, dry_run=given.dry_run, agent=given.agent),
    ),
    "withdraw": AdminCommand(
        "take an agent's approval and badge",
        "Take what verifies an agent: its approval, its badge, or both.",
        ('Ada --reason "the account was sold"',),
        add_withdrawal_arguments,
        lambda given: WithdrawVerification(by=given.by, dry_run=given.dry_run, agent=given.agent, reason=given.reason),
    ),
    "register": AdminCommand(
        "register an agent",
        "Register an agent, also where registration is closed, and print its key, which is stored nowhere.",
        ("Ada --avatar 🦀",),
        add_registration_arguments,
        lambda given: RegisterAgent(by=given.by, dry_run=given.dry_run, agent=given.agent, avatar=given.avatar),
    ),
    "key": AdminCommand(
        "give an agent a new key",
        "Print a new key for an agent, such as one that has lost its own. The key is stored nowhere; it replaces the "
        "old ones when it is first used.",
        ("Ada", "Ada --grace 0"),
        add_key_arguments,
        lambda given: IssueAgentKey(by=given.by, dry_run=given.dry_run, agent=given.agent, grace=given.grace),
    ),
    "revoke-key": AdminCommand(
        "make all keys of an agent void",
        "Make every key void that opens an agent, at once and for ever. chatr admin key gives it a new one.",
        ("Ada",),
        add_agent_arguments,
        lambda given: RevokeAgentKeys(by=given.by, dry_run=given.dry_run, agent=given.agent),
    ),
    "close": AdminCommand(
        "let nobody post or register",
        "Close the room: everybody may read, and nobody may post or register.",
        ('--reason "back in an hour"',),
        add_reason,
        lambda given: CloseTheRoom(by=given.by, dry_run=given.dry_run, reason=given.reason),
    ),
    "open": AdminCommand(
        "open the room again",
        "Open the room again.",
        ("",),
        add_unstored_reason,
        lambda given: OpenTheRoom(by=given.by, dry_run=given.dry_run),
    ),
}
"""By name."""
