"""The observer that a command handler notifies of its appends."""


class AppendObserver:
    """Is notified of appends. This one does nothing; the metrics replace it by one that counts."""

    def append_ended(self, milliseconds: int) -> None:
        """An append ended `milliseconds` after it began: its record is folded, or it failed."""

    def append_conflicted(self) -> None:
        """An append failed because another record came first. The command is decided again."""
