-- 10,000 runs of four profiles, an hour apart, with ten requests each. Since run 9,900 of each profile's the
-- response time is another, so that there is a change to find. For a database of version 1 without runs.
WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < 9999),
runs_of AS (
    SELECT n, n * 7919 % 101 / 101.0 + iif(n < 9800, 10, 15) AS ms,
        CASE n % 4 WHEN 0 THEN 'load' WHEN 1 THEN 'stress' WHEN 2 THEN 'spike' ELSE 'endurance' END AS profile
    FROM numbers
)
INSERT INTO runs
SELECT n + 1, 'run-' || n, 1760000000000 + n * 3600000, profile, iif(n % 10, NULL, 'release ' || n),
    '0123456789abcdef0123456789abcdef01234567', iif(n % 3, 'good', 'acceptable'), 1, 60.0, 'finished', 6000, 3, 0,
    100.0, 0.05, ms / 2, ms * 0.9, ms, ms * 1.5, 40.0 + n % 7, 100.0 + n % 11, '0.1.0', 'http://127.0.0.1:8000/',
    'brunt.toml', '0123456789abcdef', '{"stages":[{"seconds":60.0,"from":10.0,"to":10.0}]}', 'a processor', 2, 8000000000,
    'Linux 6.1', 'performance/results/run-' || n || '/record.brunt', 'performance/reports/run-' || n || '.html',
    'All targets are met.'
FROM runs_of;

INSERT INTO requests
SELECT runs.id, place.value, '/items/' || place.value, 'GET', 0, 600, 0, 0, 10.0, 0.05, p50_ms, p90_ms, p95_ms, p99_ms
FROM runs, json_each('[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]') AS place;

INSERT INTO details SELECT id, '{"seed":7}', '[]', '[]' FROM runs;
