package build

import (
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	// placed is a line with a place, as compilers, linkers and go list write it.
	placed = regexp.MustCompile(`^(?:vet: |go: )?([^\s:][^:]*\.[A-Za-z_+]+):(\d+)(?::(\d+))?:\s*(.*)$`)
	// ofModule is what the go command says of a module's file without a line.
	ofModule = regexp.MustCompile(`^go: (\S*go\.(?:mod|work|sum)):? (.+)$`)
	// aside is a line that only says that something went wrong, or how it was tried; what did is in others.
	aside = regexp.MustCompile(`^(?:go: (?:downloading|finding|extracting) |Run 'go help |asm: assembly of |collect2: |cgo:$|` +
		`\S*/link: running \S+ failed: |clang: error: linker command failed|(?:/\S+/)?(?:gcc|clang|cc)(?:-\d+)? -)`)
	// scratch is a file that the go command makes for a while.
	scratch = regexp.MustCompile(`[/\\]go-(?:build|link)[^/\\]*[/\\]|_cgo_|\.cgo[12]\.`)
)

// reader reads the output of go build line by line.
type reader struct {
	dir    string // in which it ran
	errs   []Error
	asides []Error // lines that are aside
	usage  bool    // a tool lists its flags
}

// parse reads the output of go build run in dir.
func parse(output, dir string) []Error {
	r := &reader{dir: dir}
	for line := range strings.Lines(output) {
		r.line(strings.TrimRight(line, "\r\n"))
	}
	if len(r.errs) == 0 {
		return r.asides
	}
	return withoutHeadings(r.errs)
}

func (r *reader) line(line string) {
	text := strings.TrimSpace(line)
	indented := line != "" && strings.ContainsAny(line[:1], "\t ")
	switch {
	case strings.HasPrefix(line, "# "):
		r.usage = false
	case text == "" || r.usage || strings.HasPrefix(text, "too many errors"):
	case strings.HasPrefix(line, "usage: "):
		r.usage = true
	case aside.MatchString(text):
		r.asides = append(r.asides, Error{Message: text})
	case indented && len(r.errs) > 0:
		r.more(text)
	default:
		r.complaint(text)
	}
}

// complaint adds a line that stands for itself.
func (r *reader) complaint(text string) {
	e, ok := r.place(text)
	last := len(r.errs) - 1
	switch {
	case !ok:
		r.errs = append(r.errs, Error{Message: strings.TrimPrefix(text, "runtime.main_main·f: ")}) // the linker's name for main
	case e.Message == "too many errors":
	case strings.HasPrefix(e.Message, "note: ") && last >= 0: // of a C compiler, on what it said before
		r.errs[last].Message += "\n" + e.Message
	default:
		r.errs = append(r.errs, e)
	}
}

// more adds a line that goes on with the one before. After "package a" it is the complaint itself.
func (r *reader) more(text string) {
	last := &r.errs[len(r.errs)-1]
	if e, ok := r.place(text); ok && last.File == "" && strings.HasPrefix(last.Message, "package ") && !strings.Contains(last.Message, "\n") {
		*last = e
		return
	}
	last.Message += "\n" + text
}

// place takes a line with a place apart. What lies in the go command's own files has no place for the user.
func (r *reader) place(text string) (e Error, ok bool) {
	if m := placed.FindStringSubmatch(text); m != nil {
		e = Error{File: m[1], Message: strings.TrimPrefix(m[4], "error: ")}
		e.Line, e.Column = number(m[2]), number(m[3])
	} else if m := ofModule.FindStringSubmatch(text); m != nil {
		e = Error{File: m[1], Message: m[2]}
	} else {
		return e, false
	}
	if scratch.MatchString(e.File) {
		return Error{Message: e.Message}, true
	}
	if !filepath.IsAbs(e.File) {
		e.File = filepath.Join(r.dir, e.File)
	}
	return e, true
}

// number reads a line or column; 0 when it is none.
func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return n
}

// withoutHeadings drops lines like "go: errors parsing go.mod:" where there is more than that.
func withoutHeadings(errs []Error) []Error {
	heading := func(e Error) bool {
		return e.File == "" && strings.HasSuffix(strings.TrimSpace(e.Message), ":")
	}
	if !slices.ContainsFunc(errs, func(e Error) bool { return !heading(e) }) {
		return errs
	}
	return slices.DeleteFunc(errs, heading)
}
