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
		e.Message = mentioned.ReplaceAllStringFunc(e.Message, func(file string) string {
			return r.App.Rel(filepath.Join(r.App.Dir, file))
		})
		if strings.HasPrefix(e.Message, "flag provided but not defined") {
			e.Message += "; look at --build-flags and GOFLAGS"
		}
	}
	return &Failure{Errors: errs, Output: output}
}

// mentioned is a file inside a message, as seen from the folder in which go build ran: ./a.go, ../lib/b.go.
var mentioned = regexp.MustCompile(`\.{1,2}/[^\s:()]+\.(?:go|s|c|h|cc|cpp|mod|work)\b`)
