package build

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-d81df0db/devserver/devserver/project"
)

// Error is one complaint about the user's code.
type Error struct {
	File         string // from the module's root, absolute when it lies elsewhere; "" when the complaint has no place
	Line, Column int    // from 1; 0 when unknown
	Message      string // may have several lines
}

// String returns file:line:column: message, as far as they are known.
func (e Error) String() string {
	s := e.File
	if e.Line > 0 {
		s += ":" + strconv.Itoa(e.Line)
	}
	if e.Column > 0 {
		s += ":" + strconv.Itoa(e.Column)
	}
	if s != "" {
		s += ": "
	}
	return s + e.Message
}

// placed is a line with a place, as compilers, linkers and go list write it.
var placed = regexp.MustCompile(`^(?:vet: |go: )?([^\s:][^:]*\.[A-Za-z_+]+):(\d+)(?::(\d+))?:\s*(.*)$`)

// parse reads the output of go build run in dir.
func parse(output, dir string) []Error {
	var errs []Error
	for line := range strings.Lines(output) {
		line = strings.TrimRight(line, "\r\n")
		m := placed.FindStringSubmatch(line)
		switch {
		case strings.TrimSpace(line) == "" || strings.HasPrefix(line, "# ") || strings.HasPrefix(strings.TrimSpace(line), "too many errors"):
		case m != nil:
			e := Error{File: m[1], Message: m[4]}
			e.Line, _ = strconv.Atoi(m[2])
			e.Column, _ = strconv.Atoi(m[3])
			if !filepath.IsAbs(e.File) {
				e.File = filepath.Join(dir, e.File)
			}
			errs = append(errs, e)
		case len(errs) > 0 && strings.ContainsAny(line[:1], "\t "):
			last := &errs[len(errs)-1]
			last.Message += "\n" + strings.TrimSpace(line)
		default:
			errs = append(errs, Error{Message: strings.TrimPrefix(line, "runtime.main_main·f: ")}) // the linker's name for main
		}
	}
	return withoutHeadings(errs)
}

// withoutHeadings drops lines like "go: errors parsing go.mod:" when what they announce has a place.
func withoutHeadings(errs []Error) []Error {
	if !slices.ContainsFunc(errs, func(e Error) bool { return e.File != "" }) {
		return errs
	}
	return slices.DeleteFunc(errs, func(e Error) bool {
		return e.File == "" && strings.HasSuffix(e.Message, ":")
	})
}

// failure turns go build's words into complaints. One about the virtual main is one about the Handler it names.
func (r Request) failure(output string, virtual []string, handler project.Position) *Failure {
	errs := parse(output, r.App.Dir)
	for i := range errs {
		e := &errs[i]
		if slices.Contains(virtual, e.File) {
			*e = Error{handler.File, handler.Line, handler.Column, fmt.Sprintf("%s; devserver serves %s",
				strings.ReplaceAll(e.Message, "app.Handler", "Handler"), project.HandlerForms)}
		}
		if e.File != "" {
			e.File = r.App.Rel(e.File)
		}
	}
	return &Failure{Errors: errs, Output: output}
}
