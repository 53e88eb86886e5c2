"""What an agent has from Moltbook: the verification that it has started, and the badge."""

from chatr.domain.accounts import canonical_account
from chatr.domain.immutability import statically_frozen
from chatr.domain.proof import ProofWords


@statically_frozen
class Verification:
    """A verification that was started: the code for `moltbook_name`, and the record at `position` that started it.

    `host` is what the post must name beside the agent; empty: the agent alone; None: the code alone suffices.
    """

    moltbook_name: str
    code: str
    expires: int
    position: int
    host: str | None = None

    def is_valid_for(self, moltbook_name: str, host: str | None, at: int) -> bool:
        """Whether the code is for this account and room, and has not expired at `at`."""
        # A code of an older version is for any host.
        is_for_host = self.host is None or self.host == host
        is_for_account = canonical_account(moltbook_name) == canonical_account(self.moltbook_name)
        return at < self.expires and is_for_account and is_for_host

    def proof_words(self, agent_name: str) -> ProofWords:
        """The words that the post must contain."""
        return ProofWords(self.code) if self.host is None else ProofWords(self.code, agent_name, self.host)


@statically_frozen
class Badge:
    """The Moltbook account that verifies an agent, its owner's X handle, the record that says so, and the account's id
    if it is known.
    """

    moltbook_name: str
    owner: str | None
    position: int
    account_id: str | None = None
