-- The log. Positions are max + 1, given under an advisory lock and never by a sequence: a sequence leaves holes, and
-- lets a later position be seen before an earlier one. The primary key is the guarantee, the lock only politeness.
-- unique (stream, previous) is the concurrency check: only one record can follow another in its stream.
-- Not to be partitioned: a unique constraint would have to contain the partition key.
create table log (
    position bigint primary key,
    stream   text   not null collate "C", -- an index in a language's order breaks when that language is updated
    previous bigint not null, -- position of the stream's last record before this one; 0 = none
    id       text   not null, -- uuid4; its first 8 characters are the record's fingerprint
    type     text   not null, -- event type with its version
    at       bigint not null, -- milliseconds since 1970-01-01T00:00:00Z
    seen     bigint not null, -- position that the decider had applied
    data     text   not null, -- JSON, byte for byte as it was checked; jsonb would reorder it
    "check"  bytea  not null, -- SHA-256 of stream, previous, id, type, at, seen, data, joined by line feeds
    unique (stream, previous)
);
