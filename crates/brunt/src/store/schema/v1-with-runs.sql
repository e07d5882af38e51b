PRAGMA user_version = 1;
CREATE TABLE runs (
    id             INTEGER PRIMARY KEY,
    run_id         TEXT    NOT NULL,
    started_at_ms  INTEGER NOT NULL,
    profile        TEXT    NOT NULL,
    label          TEXT,
    git_commit     TEXT,
    verdict        TEXT    NOT NULL,
    valid          INTEGER NOT NULL,
    duration_s     REAL    NOT NULL,
    stopped_by     TEXT    NOT NULL,
    requests       INTEGER NOT NULL,
    failures       INTEGER NOT NULL,
    unanswered     INTEGER NOT NULL,
    throughput_rps REAL,
    error_rate     REAL,
    p50_ms         REAL,
    p90_ms         REAL,
    p95_ms         REAL,
    p99_ms         REAL,
    cpu_percent    REAL,
    memory_mb      REAL,
    brunt_version  TEXT    NOT NULL,
    host           TEXT    NOT NULL,
    scenario_file  TEXT    NOT NULL,
    scenario_hash  TEXT    NOT NULL,
    load           TEXT    NOT NULL,
    cpu_model      TEXT,
    cores          INTEGER,
    memory_bytes   INTEGER,
    kernel         TEXT,
    record         TEXT    NOT NULL,
    report         TEXT    NOT NULL,
    headline       TEXT    NOT NULL,
    UNIQUE (run_id, record)
) STRICT;
CREATE INDEX runs_by_time ON runs (started_at_ms);
CREATE TABLE requests (
    run            INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    place          INTEGER NOT NULL,
    name           TEXT    NOT NULL,
    method         TEXT    NOT NULL,
    setup          INTEGER NOT NULL,
    requests       INTEGER NOT NULL,
    failures       INTEGER NOT NULL,
    unanswered     INTEGER NOT NULL,
    throughput_rps REAL,
    error_rate     REAL,
    p50_ms         REAL,
    p90_ms         REAL,
    p95_ms         REAL,
    p99_ms         REAL,
    PRIMARY KEY (run, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX requests_by_name ON requests (name, method);
CREATE TABLE details (
    run            INTEGER PRIMARY KEY REFERENCES runs ON DELETE CASCADE,
    settings       TEXT    NOT NULL,
    targets        TEXT    NOT NULL,
    findings       TEXT    NOT NULL
) STRICT;
INSERT INTO runs VALUES (
    1, '20261123T110000Z-load', 1795431600000, 'load', 'v1.2', '0123456789abcdef0123456789abcdef01234567',
    'good', 1, 20.0, 'finished', 1000, 0, 0, 50.0, 0.0, 8.25, 11.0, 12.5, 20.0, 35.5, 64.0,
    '0.1.0', 'http://127.0.0.1:8000/', 'brunt.toml', '0123456789abcdef', '{"stages":[]}', 'a processor', 2, 8000000000, 'Linux 6.1',
    'performance/results/20261123T110000Z-load/record.brunt', 'performance/reports/20261123T110000Z-load.html',
    'All targets are met.');
INSERT INTO runs VALUES (
    2, '20261124T110000Z-stress', 1795518000000, 'stress', NULL, NULL,
    'invalid', 0, 1.0, 'terminated', 10, 10, 10, 0.0, 100.0, NULL, NULL, NULL, NULL, NULL, NULL,
    '0.1.0', 'http://127.0.0.1:8000/', 'brunt.toml', '0123456789abcdef', '{"stages":[]}', NULL, NULL, NULL, NULL,
    'performance/results/20261124T110000Z-stress/record.brunt', 'performance/reports/20261124T110000Z-stress.html',
    'The run is not valid.');
INSERT INTO requests VALUES (1, 0, '/a', 'GET', 0, 1000, 0, 0, 50.0, 0.0, 8.25, 11.0, 12.5, 20.0);
INSERT INTO details VALUES (1, '{"seed":7}', '[]', '[]');
