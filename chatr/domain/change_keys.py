"""Which event follows from a command about keys."""

from typing import assert_never

from chatr.domain.key_commands import ActivateKey, IssueKey, KeyCommand, Recover, RevokeKey
from chatr.domain.key_events import AgentRecovered, KeyActivated, KeyEvent, KeyIssued, KeyRevoked


def key_event_for(command: KeyCommand) -> KeyEvent:
    """The event that follows from a command about keys that obeys the rules."""
    match command:
        case IssueKey():
            return KeyIssued(command.agent, command.key_digest, command.grace, command.by, command.at)
        case ActivateKey():
            return KeyActivated(command.agent, command.key_digest, command.at)
        case RevokeKey():
            return KeyRevoked(command.agent, command.key_digest, command.by, command.at)
        case Recover():
            # The rule `recovery_is_posted` has made sure of both.
            assert command.profile is not None
            assert command.profile.proof is not None
            proof, account_id = command.profile.proof, command.profile.account_id
            return AgentRecovered(command.agent, command.key_digest, proof, command.at, account_id)
        case _:
            assert_never(command)
