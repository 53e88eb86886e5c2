"""How Moltbook accounts are compared and found."""


def canonical_account(moltbook_name: str) -> str:
    """The form in which Moltbook names are compared: Moltbook has no two names that differ in case alone."""
    return moltbook_name.lower()


def account_keys(moltbook_name: str, account_id: str | None) -> tuple[str, ...]:
    """The keys by which an account is found: its canonical name, and its id if that is known."""
    # No name contains a space, so the two kinds of keys never meet.
    return (canonical_account(moltbook_name), *(() if account_id is None else (f"id {account_id}",)))
