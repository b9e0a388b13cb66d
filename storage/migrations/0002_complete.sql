-- What was missing for a recording to tell all: builds, what the app wrote, captured bytes, and what could not be kept.

ALTER TABLE runs ADD COLUMN build_id   INTEGER;
ALTER TABLE runs ADD COLUMN ready_at   INTEGER; -- its first accept
ALTER TABLE runs ADD COLUMN last_words TEXT;    -- the end of its output, where it ended by itself

CREATE TABLE builds (
	id          INTEGER PRIMARY KEY AUTOINCREMENT,
	app         TEXT    NOT NULL,
	started_at  INTEGER NOT NULL,
	duration_ns INTEGER NOT NULL,
	outcome     TEXT    NOT NULL, -- ok, failed, canceled, unchanged
	files       TEXT,             -- what had changed, one a line
	errors      TEXT              -- one a line
);

CREATE TABLE logs (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	run_id     INTEGER,
	app        TEXT    NOT NULL,
	at         INTEGER NOT NULL,
	stream     TEXT    NOT NULL, -- stdout, stderr
	request_id INTEGER,
	text       TEXT    NOT NULL
);
CREATE INDEX logs_request ON logs (request_id) WHERE request_id IS NOT NULL;
CREATE INDEX logs_run     ON logs (run_id);

-- What was written without an end of line, until the rest comes or the run ends.
CREATE TABLE unfinished_lines (
	run_id     INTEGER NOT NULL,
	stream     TEXT    NOT NULL,
	app        TEXT    NOT NULL,
	at         INTEGER NOT NULL,
	request_id INTEGER,
	text       BLOB    NOT NULL, -- as it was written
	PRIMARY KEY (run_id, stream)
) WITHOUT ROWID;

CREATE TABLE payloads (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	socket_id  INTEGER NOT NULL,
	event_id   INTEGER,          -- the operation on the wire, NULL while it is not read; NULL for what crypto/tls took or gave
	request_id INTEGER,
	at         INTEGER NOT NULL,
	direction  TEXT    NOT NULL, -- sent, received
	layer      TEXT    NOT NULL, -- wire, tls
	place      INTEGER NOT NULL, -- of the first byte in what went that way on that layer
	size       INTEGER NOT NULL, -- of data, before it was compressed
	data       BLOB    NOT NULL, -- as zlib, where that is shorter than size
	UNIQUE (socket_id, layer, direction, place)
);
CREATE INDEX payloads_waiting ON payloads (id) WHERE event_id IS NULL AND layer = 'wire'; -- for an event that is not read yet

CREATE TABLE gaps (
	id     INTEGER PRIMARY KEY AUTOINCREMENT,
	run_id INTEGER,
	app    TEXT    NOT NULL,
	at     INTEGER NOT NULL, -- when it was noticed
	events INTEGER NOT NULL, -- how many are missing; 0: not known
	reason TEXT    NOT NULL
);

-- For the questions of the console and the CLI, and for finding what goes with a run that is deleted.
CREATE INDEX requests_run           ON requests (run_id);
CREATE INDEX requests_status        ON requests (status) WHERE status NOT BETWEEN 200 AND 299; -- most are these
CREATE INDEX request_sockets_socket ON request_sockets (socket_id);
CREATE INDEX sockets_run            ON sockets (run_id);
CREATE INDEX sockets_peer           ON sockets (host, remote_addr);
CREATE INDEX payloads_request       ON payloads (request_id) WHERE request_id IS NOT NULL;
CREATE INDEX logs_at                ON logs (at);

ALTER TABLE stretches ADD COLUMN app TEXT; -- of the events; NULL: the run's

-- The words for the kinds are a tenth of the file, so their numbers are kept: sandbox.Kind. The word is made when it is read.
CREATE TABLE events_numbered (
	id          INTEGER PRIMARY KEY,
	run_id      INTEGER,
	socket_id   INTEGER,
	request_id  INTEGER,
	at          INTEGER NOT NULL,
	kind_id     INTEGER NOT NULL,
	kind        TEXT    NOT NULL GENERATED ALWAYS AS (CASE kind_id WHEN 7 THEN 'send' WHEN 8 THEN 'receive' WHEN 1 THEN 'resolve' WHEN 2 THEN 'create' WHEN 3 THEN 'bind' WHEN 4 THEN 'connect' WHEN 5 THEN 'listen' WHEN 6 THEN 'accept' WHEN 9 THEN 'option_get' WHEN 10 THEN 'option_set' WHEN 11 THEN 'shutdown' WHEN 12 THEN 'close' WHEN 13 THEN 'reclaim' WHEN 14 THEN 'deny' WHEN 15 THEN 'fault' ELSE 'none' END) VIRTUAL,
	bytes       INTEGER NOT NULL DEFAULT 0,
	duration_ns INTEGER NOT NULL DEFAULT 0,
	rule        TEXT,
	error       TEXT,
	detail      TEXT
);
INSERT INTO events_numbered (id, run_id, socket_id, request_id, at, kind_id, bytes, duration_ns, rule, error, detail)
	SELECT id, run_id, socket_id, request_id, at, CASE kind WHEN 'send' THEN 7 WHEN 'receive' THEN 8 WHEN 'resolve' THEN 1 WHEN 'create' THEN 2 WHEN 'bind' THEN 3 WHEN 'connect' THEN 4 WHEN 'listen' THEN 5 WHEN 'accept' THEN 6 WHEN 'option_get' THEN 9 WHEN 'option_set' THEN 10 WHEN 'shutdown' THEN 11 WHEN 'close' THEN 12 WHEN 'reclaim' THEN 13 WHEN 'deny' THEN 14 WHEN 'fault' THEN 15 ELSE 0 END, bytes, duration_ns, rule, error, detail FROM events;
DROP TABLE events;
ALTER TABLE events_numbered RENAME TO events;
CREATE INDEX events_socket ON events (socket_id);
CREATE INDEX events_kind   ON events (kind) WHERE kind_id NOT IN (7, 8);
CREATE INDEX events_rule   ON events (rule) WHERE rule IS NOT NULL;
