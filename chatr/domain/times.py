"""The times of an agent's last posts."""

from typing import Final

from chatr.domain.frozen import frozen

FEW: Final = 16


@frozen
class Times:
    """The last `count` of these times, in log order. One more is put beside a few, however many there are before."""

    count: int = 0
    earlier: tuple[int, ...] = ()
    latest: tuple[int, ...] = ()

    def then(self, at: int, most: int) -> "Times":
        """With one time more; `most` of all are remembered."""
        count = self.count + 1 if self.count < most else most
        if len(self.latest) < FEW:
            return Times(count, self.earlier, (*self.latest, at))
        return Times(count, self.all, (at,))

    @property
    def all(self) -> tuple[int, ...]:
        return (self.earlier + self.latest)[-self.count :]
