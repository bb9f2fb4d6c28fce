-- Every list that is asked for by page numbers is cut into blocks of neighbours whose images are counted, so that the n-th image is found without stepping
-- over those before it. `list` is `a` for all images of an account, `n` for those of nobody, and `c` and the creator's name for those of a creator. A block
-- begins at `start` and ends where the next one begins; the first begins at 0.
CREATE TABLE list_blocks (
    account BIGINT NOT NULL,
    list TEXT NOT NULL,
    start BIGINT NOT NULL,
    images BIGINT NOT NULL,
    PRIMARY KEY (account, list, start)
);

INSERT INTO list_blocks (account, list, start, images)
SELECT account, 'a', CASE WHEN block = 0 THEN 0 ELSE MIN(position) END, COUNT(*)
FROM (
    SELECT account, position, (ROW_NUMBER() OVER (PARTITION BY account ORDER BY position) - 1) / 1024 AS block
    FROM images WHERE draft_ends_ms IS NULL
) AS numbered
GROUP BY account, block;

INSERT INTO list_blocks (account, list, start, images)
SELECT account, CASE WHEN creator IS NULL THEN 'n' ELSE 'c' || creator END, CASE WHEN block = 0 THEN 0 ELSE MIN(position) END, COUNT(*)
FROM (
    SELECT account, creator, position, (ROW_NUMBER() OVER (PARTITION BY account, creator ORDER BY position) - 1) / 1024 AS block
    FROM images WHERE draft_ends_ms IS NULL
) AS numbered
GROUP BY account, creator, block;
