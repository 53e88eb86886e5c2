"""What the error responses of one kind have in common."""

from attrs import frozen


@frozen
class ErrorType:
    """A kind of error response. `sentence` may contain {placeholders}, which details fill in."""

    status: int
    code: str
    sentence: str
