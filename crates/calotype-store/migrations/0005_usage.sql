-- Answers of delivery, counted by what the reports ask for. A day is the number of days since 1970 in UTC; options in a URL have the empty name of a variant;
-- an answer without a body has the empty type.
CREATE TABLE usage_days (
    account BIGINT NOT NULL REFERENCES accounts (number),
    day BIGINT NOT NULL,
    variant TEXT NOT NULL,
    media_type TEXT NOT NULL,
    status BIGINT NOT NULL,
    requests BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    PRIMARY KEY (account, day, variant, media_type, status)
);
CREATE INDEX usage_by_day ON usage_days (day);
