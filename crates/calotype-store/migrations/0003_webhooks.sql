-- Where news of images goes, and what is on its way there (docs/design/events.md). One text for SQLite and PostgreSQL, as in 0001.

CREATE TABLE webhooks (
    id TEXT NOT NULL PRIMARY KEY,
    account BIGINT NOT NULL REFERENCES accounts (number),
    name TEXT NOT NULL,
    url TEXT NOT NULL,
    sealed_secret TEXT,
    created_ms BIGINT NOT NULL,
    last_success_ms BIGINT,
    last_failure_ms BIGINT
);
CREATE INDEX webhooks_of_account ON webhooks (account, created_ms);

CREATE TABLE notification_policies (
    id TEXT NOT NULL PRIMARY KEY,
    account BIGINT NOT NULL REFERENCES accounts (number),
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    is_enabled BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    modified_ms BIGINT NOT NULL
);
CREATE INDEX policies_of_account ON notification_policies (account, created_ms);

CREATE TABLE policy_webhooks (
    policy TEXT NOT NULL,
    webhook TEXT NOT NULL,
    place BIGINT NOT NULL,
    PRIMARY KEY (policy, webhook)
);
CREATE INDEX policies_of_webhook ON policy_webhooks (webhook);

CREATE TABLE event_subscriptions (
    id TEXT NOT NULL PRIMARY KEY,
    account BIGINT NOT NULL REFERENCES accounts (number),
    name TEXT NOT NULL,
    is_enabled BIGINT NOT NULL,
    -- Names with a space between.
    events TEXT NOT NULL,
    webhook TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    modified_ms BIGINT NOT NULL
);
CREATE INDEX subscriptions_of_account ON event_subscriptions (account, created_ms);

-- Messages: they wait while `done_ms` is not set, then they are history. `route` is the policy or subscription that asked.
CREATE TABLE outbox (
    id TEXT NOT NULL PRIMARY KEY,
    correlation TEXT NOT NULL,
    account BIGINT NOT NULL,
    webhook TEXT NOT NULL,
    route TEXT NOT NULL,
    route_name TEXT NOT NULL,
    kind TEXT NOT NULL,
    facts TEXT NOT NULL,
    happened_ms BIGINT NOT NULL,
    due_ms BIGINT NOT NULL,
    claims BIGINT NOT NULL DEFAULT 0,
    tries BIGINT NOT NULL DEFAULT 0,
    done_ms BIGINT,
    is_delivered BIGINT NOT NULL DEFAULT 0,
    outcome TEXT
);
CREATE INDEX outbox_waiting ON outbox (webhook, due_ms) WHERE done_ms IS NULL;
CREATE INDEX outbox_waiting_of_route ON outbox (route) WHERE done_ms IS NULL;
CREATE INDEX outbox_done ON outbox (webhook, done_ms) WHERE done_ms IS NOT NULL;
CREATE INDEX outbox_history ON outbox (account, done_ms) WHERE done_ms IS NOT NULL;

-- How often the upload of a draft was refused and told of: a stranger who has the URL must not flood the receiver.
ALTER TABLE images ADD COLUMN draft_refusals BIGINT NOT NULL DEFAULT 0;
