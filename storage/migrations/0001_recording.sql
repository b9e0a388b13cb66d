-- Times are nanoseconds since 1970 UTC. NULL means unknown, none, or not yet.

CREATE TABLE runs (
	id          INTEGER PRIMARY KEY AUTOINCREMENT, -- never given out twice: journals name their run
	app         TEXT    NOT NULL,
	started_at  INTEGER NOT NULL,
	ended_at    INTEGER,
	pid         INTEGER,
	go_version  TEXT,
	revision    TEXT,
	build_ms    INTEGER,
	profile     TEXT,
	exit        TEXT
);

CREATE TABLE requests (
	id          INTEGER PRIMARY KEY,
	run_id      INTEGER,
	app         TEXT    NOT NULL,
	started_at  INTEGER NOT NULL,
	duration_ns INTEGER,
	method      TEXT,
	url         TEXT,
	status      INTEGER,
	bytes_in    INTEGER NOT NULL DEFAULT 0,
	bytes_out   INTEGER NOT NULL DEFAULT 0,
	remote_addr TEXT,
	error       TEXT,
	proto       TEXT
);
CREATE INDEX requests_running ON requests (run_id) WHERE duration_ns IS NULL;

CREATE TABLE sockets (
	id             INTEGER PRIMARY KEY,
	run_id         INTEGER,
	app            TEXT    NOT NULL,
	request_id     INTEGER,
	network        TEXT,
	host           TEXT,
	remote_addr    TEXT,
	local_addr     TEXT,
	standin        TEXT,
	opened_at      INTEGER NOT NULL,
	closed_at      INTEGER,
	state          TEXT    NOT NULL,
	close_reason   TEXT,
	bytes_sent     INTEGER NOT NULL DEFAULT 0,
	bytes_received INTEGER NOT NULL DEFAULT 0,
	sends          INTEGER NOT NULL DEFAULT 0,
	receives       INTEGER NOT NULL DEFAULT 0,
	call_site      TEXT,
	last_at        INTEGER NOT NULL,
	rule           TEXT,
	first_event    INTEGER,
	last_event     INTEGER,
	used_event     INTEGER,                    -- the first operation after a reclaim
	uses           INTEGER NOT NULL DEFAULT 0  -- operations after a reclaim
);
CREATE INDEX sockets_state   ON sockets (state);
CREATE INDEX sockets_request ON sockets (request_id) WHERE request_id IS NOT NULL;
CREATE INDEX sockets_closed  ON sockets (closed_at, opened_at) WHERE closed_at IS NOT NULL;

CREATE TABLE events (
	id          INTEGER PRIMARY KEY,
	run_id      INTEGER,
	socket_id   INTEGER,
	request_id  INTEGER,
	at          INTEGER NOT NULL,
	kind        TEXT    NOT NULL,
	bytes       INTEGER NOT NULL DEFAULT 0,
	duration_ns INTEGER NOT NULL DEFAULT 0,
	rule        TEXT,
	error       TEXT,
	detail      TEXT
);
CREATE INDEX events_socket ON events (socket_id);
CREATE INDEX events_kind   ON events (kind) WHERE kind NOT IN ('send', 'receive');
CREATE INDEX events_rule   ON events (rule) WHERE rule IS NOT NULL;

CREATE TABLE quota_usage (
	app          TEXT    NOT NULL,
	resource     TEXT    NOT NULL,
	"window"     TEXT    NOT NULL,
	window_start INTEGER NOT NULL,
	used         INTEGER NOT NULL,
	"limit"      INTEGER NOT NULL, -- below 0: unlimited
	PRIMARY KEY (app, resource, "window")
) WITHOUT ROWID;

-- Which sockets a request used, and between which events: socket_id 0 is for events without a socket.
CREATE TABLE request_sockets (
	request_id  INTEGER NOT NULL,
	socket_id   INTEGER NOT NULL,
	first_event INTEGER NOT NULL,
	last_event  INTEGER NOT NULL,
	PRIMARY KEY (request_id, socket_id)
) WITHOUT ROWID;

-- Denials, counted. run_id 0 and empty texts stand for unknown, so that the key holds.
CREATE TABLE denials (
	id          INTEGER PRIMARY KEY,
	run_id      INTEGER NOT NULL,
	app         TEXT    NOT NULL,
	rule        TEXT    NOT NULL,
	call_site   TEXT    NOT NULL,
	destination TEXT    NOT NULL,
	network     TEXT    NOT NULL,
	host        TEXT    NOT NULL,
	remote_addr TEXT    NOT NULL,
	count       INTEGER NOT NULL,
	first_at    INTEGER NOT NULL,
	last_at     INTEGER NOT NULL,
	last_event  INTEGER NOT NULL,
	UNIQUE (run_id, app, rule, call_site, destination)
);

-- Operations of a socket in one second of time; at is its start.
CREATE TABLE activity (
	socket_id  INTEGER NOT NULL,
	at         INTEGER NOT NULL,
	operations INTEGER NOT NULL,
	bytes      INTEGER NOT NULL,
	PRIMARY KEY (socket_id, at)
) WITHOUT ROWID;

-- Where in the table events a run's events of a time are: some thousand ids a row.
CREATE TABLE stretches (
	first_event INTEGER PRIMARY KEY,
	last_event  INTEGER NOT NULL,
	run_id      INTEGER NOT NULL, -- 0: none
	min_at      INTEGER NOT NULL,
	max_at      INTEGER NOT NULL
);
CREATE INDEX stretches_run ON stretches (run_id);

-- The numbers of the overview, one row for each app.
CREATE TABLE totals (
	app            TEXT PRIMARY KEY,
	sockets        INTEGER NOT NULL DEFAULT 0,
	open           INTEGER NOT NULL DEFAULT 0,
	closed         INTEGER NOT NULL DEFAULT 0,
	reclaimed      INTEGER NOT NULL DEFAULT 0,
	denied         INTEGER NOT NULL DEFAULT 0,
	failed         INTEGER NOT NULL DEFAULT 0,
	denials        INTEGER NOT NULL DEFAULT 0,
	events         INTEGER NOT NULL DEFAULT 0,
	bytes_sent     INTEGER NOT NULL DEFAULT 0,
	bytes_received INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

-- Up to where each journal is held. The row changes in the transaction of the events it speaks of.
CREATE TABLE journals (
	name       TEXT PRIMARY KEY,
	segment    INTEGER NOT NULL,
	"offset"   INTEGER NOT NULL,
	run_id     INTEGER,
	last_event INTEGER NOT NULL -- the newest event id when the row was written
) WITHOUT ROWID;

-- The highest event id ever given out, so that ids do not return when old runs are deleted.
CREATE TABLE sequence (last_event INTEGER NOT NULL);
INSERT INTO sequence VALUES (0);
