-- +goose Up
CREATE TABLE calls (
    id         TEXT PRIMARY KEY,
    node       TEXT NOT NULL,
    started_at INTEGER NOT NULL, -- Unix ms, as all times here
    ended_at   INTEGER NOT NULL, -- 0 while the call lives
    saved_at   INTEGER NOT NULL,
    open       INTEGER NOT NULL, -- no end, or the recording is not closed
    queue      TEXT NOT NULL,
    agent      TEXT NOT NULL,
    from_index BLOB,             -- keyed hash of the caller's number
    key_id     TEXT NOT NULL,
    personal   BLOB NOT NULL,    -- the numbers, sealed under key_id
    doc        BLOB NOT NULL,    -- the record without the numbers, JSON
    mac        BLOB NOT NULL     -- over all other columns
) STRICT, WITHOUT ROWID;

CREATE INDEX calls_time ON calls (started_at DESC, id DESC);
CREATE INDEX calls_queue ON calls (queue, started_at DESC, id DESC) WHERE queue <> '';
CREATE INDEX calls_agent ON calls (agent, started_at DESC, id DESC) WHERE agent <> '';
CREATE INDEX calls_from ON calls (from_index, started_at DESC, id DESC) WHERE from_index IS NOT NULL;
CREATE INDEX calls_live ON calls (started_at DESC, id DESC) WHERE ended_at = 0;
CREATE INDEX calls_open ON calls (node) WHERE open = 1;

CREATE TABLE audit (
    seq    INTEGER PRIMARY KEY,
    at     INTEGER NOT NULL, -- Unix ns
    actor  TEXT NOT NULL,
    role   TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    reason TEXT NOT NULL,
    ip     TEXT NOT NULL,
    prev   TEXT NOT NULL,
    hash   TEXT NOT NULL,
    mac    TEXT NOT NULL
) STRICT;

CREATE INDEX audit_actor ON audit (actor, at);
CREATE INDEX audit_at ON audit (at);

CREATE TABLE keys (
    id      TEXT PRIMARY KEY,
    purpose TEXT NOT NULL,
    parent  TEXT NOT NULL,    -- the key that wraps this one; '' is the root
    version INTEGER NOT NULL, -- of the root
    wrapped BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX keys_root ON keys (version) WHERE parent = '';
