// Package storage keeps a recording: one SQLite file that holds what every socket of the user's programs did.
//
//	journals ─► devserver ─► Write(Batch) ─► one transaction ─► recording.db (WAL)
//	                                          events, sockets, requests,          │
//	                                          denials, activity, totals,          ├─► read pool ─► Sockets, Events, ...
//	                                          and the journal's position          └─► any other SQLite tool
//
// A batch is what one journal said since the batch before. All that follows from it, the position up to which the
// journal is now held included, is written in one transaction: after a crash either all of a batch is there or
// nothing, and the next start goes on right behind it.
//
// Events are many and are only added, with one full index (socket_id) and two partial ones for the kinds that are
// rare. What would need further indexes or long scans is kept up to date while writing instead: a socket's row sums its
// events, a request is linked to the sockets it used (request_sockets), denials are counted by rule, call site and
// destination, use by the second (activity), sockets by state (totals), and stretches of event ids by time and run.
// The tables are documented in docs/recording.md; the schema is the numbered files in migrations/.
package storage
