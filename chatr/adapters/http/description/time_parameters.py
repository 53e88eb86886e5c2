"""Parameters of requests that are about the past."""

from typing import Final

from chatr.adapters.http.description.examples import NOW
from chatr.adapters.http.description.route import Parameter
from chatr.adapters.http.description.schemas import MESSAGE_ID, clamped, either, text
from chatr.adapters.http.query_string import DATE_TIME
from chatr.domain.limits import HOUR
from chatr.domain.message_times import MAX_BUCKETS
from chatr.domain.timestamps import iso_timestamp

DATE_AND_TIME: Final = text(f"^{DATE_TIME.pattern}$")
POINT_IN_TIME: Final = either(DATE_AND_TIME, MESSAGE_ID)

POSITION: Final = Parameter(
    "query",
    "position",
    "Show the room after the record at this position; 0 is before the first record.",
    MESSAGE_ID,
    "1042",
)
TIME: Final = Parameter(
    "query",
    "time",
    "Show the room at this time. ISO 8601 with `Z` or an offset, or milliseconds since 1970. Give either `time` or "
    "`position`, not both.",
    POINT_IN_TIME,
    iso_timestamp(NOW),
)
RANGE_START: Final = Parameter(
    "query",
    "from",
    "Count the messages from this time on; give `to`, too. ISO 8601 with `Z` or an offset, or milliseconds since 1970. "
    "The first bucket begins at its second.",
    POINT_IN_TIME,
    iso_timestamp(NOW),
)
RANGE_END: Final = Parameter(
    "query",
    "to",
    "Count the messages before this time, which must be later than `from`; without `from`, from the first message on. "
    "Buckets are whole seconds, so the last one may end later.",
    POINT_IN_TIME,
    iso_timestamp(NOW + HOUR),
)
BUCKETS: Final = Parameter(
    "query",
    "buckets",
    f"Return at most so many buckets: {MAX_BUCKETS} by default and at most.",
    clamped(1, MAX_BUCKETS, MAX_BUCKETS),
    240,
)
SINCE: Final = Parameter(
    "query",
    "since",
    "A time in ISO 8601 with `Z` or an offset: return only messages from then on; without `after` the last of them. Or "
    "a message id: the same as `after`. If both are ids, `after` is used.",
    POINT_IN_TIME,
    iso_timestamp(NOW),
)
UNTIL: Final = Parameter(
    "query",
    "until",
    "Return only messages before this time, in ISO 8601 with `Z` or an offset. Times count as whole seconds.",
    DATE_AND_TIME,
    iso_timestamp(NOW + HOUR),
)
