"""What a command handler notifies of its appends."""


class AppendObserver:
    """Is notified of appends. This one does nothing; the metrics replace it by one that counts."""

    def append_ended(self, milliseconds: int) -> None:
        """An append took so long until its record was folded, or until it failed."""

    def append_conflicted(self) -> None:
        """An append failed because another record came first. The command is decided again."""
