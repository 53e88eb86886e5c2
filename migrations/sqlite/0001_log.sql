-- The log. Positions are 1, 2, 3 … because nothing is ever deleted: SQLite gives max + 1.
-- unique (previous, stream) is the concurrency check: only one record can follow another in its stream. `previous` comes
-- first because that keeps what is inserted together together; in the order of streams each record of a commit had a page
-- of its own to write. (Files begun before that order hold the same, and cost what they did.)
create table log (
    position integer primary key,
    stream   text    not null,
    previous integer not null, -- position of the stream's last record before this one; 0 = none
    id       text    not null, -- uuid4; its first 8 characters are the record's fingerprint
    type     text    not null, -- event type with its version
    at       integer not null, -- milliseconds since 1970-01-01T00:00:00Z
    seen     integer not null, -- position that the decider had applied
    data     text    not null, -- JSON, byte for byte as it was checked
    "check"  blob    not null, -- SHA-256 of stream, previous, id, type, at, seen, data, joined by line feeds
    unique (previous, stream)
) strict;
