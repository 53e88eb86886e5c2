-- The log. A position is max(position) + 1, read under an advisory lock, and never comes from a sequence: a sequence
-- leaves holes, and lets a later position become visible before an earlier one. The primary key guarantees that no
-- position is given twice; the lock only avoids collisions.
-- unique (stream, previous) is the concurrency check: only one record can follow another one in its stream.
-- The table must not be partitioned, as a unique constraint would have to contain the partition key.
create table log (
    position bigint primary key,
    stream   text   not null collate "C", -- an index in a language's order is corrupted when its collation is updated
    previous bigint not null, -- position of the record before this one in its stream; 0 = none
    id       text   not null, -- UUID of version 4; its first 8 characters are the record's fingerprint
    type     text   not null, -- event type with its version
    at       bigint not null, -- milliseconds since 1970-01-01T00:00:00Z
    seen     bigint not null, -- last position that the node had applied when it decided
    data     text   not null, -- JSON, byte for byte as it was hashed; jsonb would reorder it; empty once it is erased
    "check"  bytea  not null, -- SHA-256 of stream, previous, id, type, at, seen and data, joined by line feeds
    unique (stream, previous)
);
