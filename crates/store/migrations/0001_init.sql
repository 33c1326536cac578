-- The first tables. Amounts are nanodollars, moments milliseconds since 1970 UTC, days are counted from 1970.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
);

CREATE TABLE organizations (
    id         TEXT PRIMARY KEY NOT NULL,
    name       TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE workspaces (
    id              TEXT PRIMARY KEY NOT NULL,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    name            TEXT NOT NULL,
    is_default      INTEGER NOT NULL,
    created_at      BIGINT NOT NULL
);

-- What a budget counts against. Rows are never deleted, so that an id is never given twice.
CREATE TABLE accounts (
    id         INTEGER PRIMARY KEY NOT NULL,
    settled    BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL
);

-- Charges by UTC day: what the daily, weekly and monthly windows are summed from.
CREATE TABLE account_days (
    account_id BIGINT NOT NULL,
    day        INTEGER NOT NULL,
    amount     BIGINT NOT NULL,
    PRIMARY KEY (account_id, day)
);

CREATE TABLE keys (
    id                    INTEGER PRIMARY KEY NOT NULL,
    hash                  BLOB NOT NULL UNIQUE,
    name                  TEXT NOT NULL,
    label                 TEXT NOT NULL,
    organization_id       TEXT NOT NULL REFERENCES organizations (id),
    workspace_id          TEXT NOT NULL REFERENCES workspaces (id),
    account_id            BIGINT NOT NULL REFERENCES accounts (id),
    disabled              INTEGER NOT NULL,
    limit_amount          BIGINT,
    limit_reset           TEXT,
    enforcement           TEXT NOT NULL,
    include_byok_in_limit INTEGER NOT NULL,
    max_tokens_default    BIGINT,
    expires_at            BIGINT,
    created_at            BIGINT NOT NULL,
    updated_at            BIGINT,
    last_used_at          BIGINT,
    deleted_at            BIGINT
);

-- Every hash that a key has ever had: records keep the one of their time.
CREATE TABLE key_hashes (
    hash   BLOB PRIMARY KEY NOT NULL,
    key_id BIGINT NOT NULL REFERENCES keys (id)
);

-- A narrow row and the whole record. Ids begin with their second, so their order is that of time and needs no second index.
CREATE TABLE generations (
    id         TEXT PRIMARY KEY NOT NULL,
    at         BIGINT NOT NULL,
    key_hash   BLOB NOT NULL,
    workspace  TEXT NOT NULL,
    model      TEXT NOT NULL,
    provider   TEXT NOT NULL,
    end_reason TEXT NOT NULL,
    simulated  INTEGER NOT NULL,
    cost       BIGINT NOT NULL,
    charge     BIGINT NOT NULL,
    tokens_in  BIGINT NOT NULL,
    tokens_out BIGINT NOT NULL,
    record     BLOB NOT NULL
);

-- One row: how far the journal is folded, and the oldest entry that a restart must read again.
CREATE TABLE journal_cursor (
    id              INTEGER PRIMARY KEY NOT NULL,
    folded_segment  BIGINT NOT NULL,
    folded_offset   BIGINT NOT NULL,
    oldest_segment  BIGINT NOT NULL,
    oldest_offset   BIGINT NOT NULL
);

INSERT INTO journal_cursor (id, folded_segment, folded_offset, oldest_segment, oldest_offset) VALUES (1, 1, 0, 1, 0);
