// Package hook changes a copy of the user's Go so that its standard library asks the sandbox.
//
// The changes are data (table.go) and real Go files (the folders _net, _runtime, ... beside this file; the go
// command skips them here). A [Patch] gives a function of the standard library a new name, by replacing nothing
// but the bytes of its name; a wrapper from the added files takes the old name and calls the original through the
// new one. Lines stay where they were, so stack traces, debuggers and coverage stay right:
//
//	src/net/fd_posix.go            func (fd *netFD) devserverRead(p []byte) (n int, err error) { ... }   the user's own body
//	src/net/zdevserver_fd.go       func (fd *netFD) Read(p []byte) (n int, err error) { ... fd.devserverRead(p) ... }
//	src/internal/devserver/agent   what the wrappers ask
//
// What the table expects is compared with what the copy holds before anything is written: a standard library that
// differs is a clear error, never a silent gap.
package hook

// A Patch gives one function or method a new name; an added file declares the old one.
//
// A function that is declared once for each operating system is renamed in every file that can be compiled for
// Linux or macOS, by any processor and with any build tag. Files that only serve other systems stay as they are.
type Patch struct {
	Package string   // import path: "net", "net/http", "runtime"
	Func    string   // "socket", "(*netFD).Read", "(serverHandler).ServeHTTP"
	Types   []string // accepted signatures, names of parameters and results ignored: "func([]byte) (int, error)"
	Name    string   // the original's new name, an identifier: "devserverRead"
	Only    string   // Go versions that have it, as in [Need]; "" all of them
	GOOS    string   // "" on linux and darwin, or the one of them that has it
}

// A Field is put into a struct, on the line of its closing brace, so that no line moves.
type Field struct {
	Package string // import path
	Struct  string // the type's name
	Decl    string // "devserver devserverFD"
	Only    string // as in [Need]
}

// A Need is something inside a package that the added files use: it is checked and stays as it is.
type Need struct {
	Package string
	Name    string   // "newFD", "(*netFD).init", "errClosed" (var or const), "netFD" (type), "netFD.pfd" (a struct's field)
	Types   []string // accepted types; of a type's name its kind ("struct") or definition; nil accepts any that has the name
	Only    string   // "" or comparisons that all hold, by minor version: "<1.27", ">=1.26", ">=1.26 <1.27"
	GOOS    string   // as in [Patch]
}
