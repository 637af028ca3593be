-- +goose Up
CREATE TABLE segments (
    call_id TEXT NOT NULL,
    seq     INTEGER NOT NULL,
    sealed  BLOB NOT NULL, -- JSON, under the key_id of its call, whose record tells of all
    PRIMARY KEY (call_id, seq)
) STRICT, WITHOUT ROWID;
