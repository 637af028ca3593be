-- +goose Up
CREATE TABLE people (
    name          TEXT PRIMARY KEY,
    display       TEXT NOT NULL,
    roles         TEXT NOT NULL, -- JSON array
    groups        TEXT NOT NULL, -- JSON array
    enabled       INTEGER NOT NULL,
    password_hash TEXT NOT NULL, -- PHC format
    demo          INTEGER NOT NULL,
    created_at    INTEGER NOT NULL -- Unix time in ms, as all times here
) STRICT, WITHOUT ROWID;

CREATE TABLE phone_secrets (
    name      TEXT NOT NULL REFERENCES people (name) ON DELETE CASCADE,
    realm     TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    sealed    BLOB NOT NULL,
    PRIMARY KEY (name, realm, algorithm)
) STRICT, WITHOUT ROWID;

CREATE TABLE sign_ins (
    hash       BLOB PRIMARY KEY, -- SHA-256 of the token, which is kept nowhere
    id         TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL REFERENCES people (name) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    used_at    INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ip         TEXT NOT NULL,
    agent      TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sign_ins_by_name ON sign_ins (name, created_at);

-- +goose Down
DROP TABLE sign_ins;
DROP TABLE phone_secrets;
DROP TABLE people;
