-- The log. Positions are 1, 2, 3 …: SQLite gives max(position) + 1, and no row is ever deleted.
-- unique (previous, stream) is the concurrency check: only one record can follow another one in its stream. `previous`
-- comes first, so that records of one commit share pages of the index; in the order of streams each record of a commit
-- needed a page of its own, and a commit of 32 took a third more CPU. (Files created in the older order work as well.)
create table log (
    position integer primary key,
    stream   text    not null,
    previous integer not null, -- position of the record before this one in its stream; 0 = none
    id       text    not null, -- UUID of version 4; its first 8 characters are the record's fingerprint
    type     text    not null, -- event type with its version
    at       integer not null, -- milliseconds since 1970-01-01T00:00:00Z
    seen     integer not null, -- last position that the node had applied when it decided
    data     text    not null, -- JSON, byte for byte as it was hashed; empty once it is erased
    "check"  blob    not null, -- SHA-256 of stream, previous, id, type, at, seen and data, joined by line feeds
    unique (previous, stream)
) strict;
-- "chat" in ASCII: secure_delete was on from the first record. A file without this mark is rewritten by the first erasure.
pragma application_id = 0x63686174;
