-- One text for SQLite and PostgreSQL: TEXT, BIGINT and DOUBLE PRECISION only; truth is 0 or 1; times are milliseconds since 1970.

CREATE TABLE accounts (
    number BIGINT NOT NULL PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    hash TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    -- Stored images, kept in step by the transactions that add and remove them: a count over a million rows is slow, and a quota must be exact.
    images BIGINT NOT NULL DEFAULT 0,
    quota BIGINT,
    flexible_variants BIGINT NOT NULL DEFAULT 0,
    browser_ttl_s BIGINT
);

CREATE TABLE tokens (
    id TEXT NOT NULL PRIMARY KEY,
    account BIGINT NOT NULL REFERENCES accounts (number),
    name TEXT NOT NULL,
    secret_hash TEXT NOT NULL UNIQUE,
    may_write BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT
);
CREATE INDEX tokens_of_account ON tokens (account, created_ms);

CREATE TABLE batch_tokens (
    secret_hash TEXT NOT NULL PRIMARY KEY,
    account BIGINT NOT NULL REFERENCES accounts (number),
    expires_ms BIGINT NOT NULL
);
CREATE INDEX batch_tokens_by_end ON batch_tokens (expires_ms);

CREATE TABLE signing_keys (
    account BIGINT NOT NULL REFERENCES accounts (number),
    name TEXT NOT NULL,
    sealed_value TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (account, name)
);

CREATE TABLE variants (
    account BIGINT NOT NULL REFERENCES accounts (number),
    name TEXT NOT NULL,
    options TEXT NOT NULL,
    never_signed BIGINT NOT NULL,
    PRIMARY KEY (account, name)
);

-- What is known of files by the hash of their bytes. The object's name is hash and epoch; see docs/design/hosted.md for the states.
CREATE TABLE blobs (
    hash TEXT NOT NULL PRIMARY KEY,
    epoch BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    is_leaving BIGINT NOT NULL DEFAULT 0,
    touched_ms BIGINT NOT NULL
);
CREATE INDEX blobs_by_touch ON blobs (touched_ms);

-- Images and drafts. A position is the time (milliseconds times 2^20) with random low bits: unique in an account, and the order of all lists.
CREATE TABLE images (
    account BIGINT NOT NULL REFERENCES accounts (number),
    id TEXT NOT NULL,
    position BIGINT NOT NULL,
    is_private BIGINT NOT NULL,
    creator TEXT,
    metadata TEXT,
    filename TEXT,
    blob TEXT REFERENCES blobs (hash),
    bytes BIGINT,
    media_type TEXT,
    width BIGINT,
    height BIGINT,
    draft_ends_ms BIGINT,
    draft_secret_hash TEXT,
    PRIMARY KEY (account, id)
);
CREATE UNIQUE INDEX images_in_order ON images (account, position) WHERE draft_ends_ms IS NULL;
CREATE INDEX images_of_creator ON images (account, creator, position) WHERE draft_ends_ms IS NULL;
CREATE INDEX images_by_blob ON images (blob);
CREATE INDEX drafts_by_end ON images (draft_ends_ms) WHERE draft_ends_ms IS NOT NULL;

-- One row for each scalar of an image's metadata that a filter can name. `word` is a string after an `s`, or `btrue` or `bfalse`.
CREATE TABLE metadata_fields (
    account BIGINT NOT NULL,
    position BIGINT NOT NULL,
    path TEXT NOT NULL,
    word TEXT,
    number DOUBLE PRECISION,
    PRIMARY KEY (account, position, path)
);
CREATE INDEX metadata_by_word ON metadata_fields (account, path, word, position);
CREATE INDEX metadata_by_number ON metadata_fields (account, path, number, position);

-- What happened, for whoever keeps copies: only ever added to.
CREATE TABLE events (
    position BIGINT NOT NULL PRIMARY KEY,
    account BIGINT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL
);
