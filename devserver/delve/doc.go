// Package delve puts a running program under the debugger Delve, and keeps one address for its clients while the program
// is replaced.
//
// A Server owns that address. Target names the process; the Server then runs dlv attach for it, which listens on
// a port of its own that nobody needs to know, and passes on the bytes of each client, JSON-RPC or DAP:
//
//	IDE ─► Server (HOST:PORT, stays) ─► dlv attach PID (one for each process) ─► the program
//
// At the next Target the dlv before lets go of its process, which goes on without it, and its clients are disconnected.
// One that connects meanwhile waits until the next dlv is there.
//
// A program is attached to and not started by dlv, so that its descriptors, its output and its end stay those of a program
// without a debugger.
package delve
