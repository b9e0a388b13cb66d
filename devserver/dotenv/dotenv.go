// Package dotenv reads .env files: lines NAME=value, as other tools read them.
//
// A value without quotes ends at a # after white space; single quotes hold it as it is; in double quotes \n \r \t \" \\ and
// \$ are read, and both kinds may go over several lines. "export " may stand before a name. $NAME and ${NAME} in what is
// not in single quotes stand for a variable set further up or handed in. No command is run: $( is an error, as is a
// variable that is not set. Errors are [yamlfile.Error]s with line and column, all of them at once; they never hold a
// value, which may be a secret.
//
// The package is our own since the one that most programs take, github.com/joho/godotenv, reads a variable that is not
// set as an empty text, names no line, and puts the rest of the file, secrets too, into its errors.
package dotenv

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/seed-d81df0db/devserver/devserver/yamlfile"
)

// A Var is one line of a file.
type Var struct {
	Name, Value string
	Line        int // where its name stands
}

// maxSize is how long a file may be, bytes: a settings file's length.
const maxSize = 64 << 10

// Lookup knows variables that are set elsewhere.
type Lookup func(name string) (value string, known bool)

// Load reads a file. What $NAME stands for, given is asked first, then the file itself, then before; nil knows none.
func Load(file string, given, before Lookup) ([]Var, error) {
	data, err := yamlfile.Read(file)
	if err != nil {
		var path *os.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		return nil, fmt.Errorf("%s: %w", yamlfile.Position{File: file}, err)
	}
	return Parse(file, data, given, before)
}

// Parse is Load with the file's text given.
func Parse(file string, data []byte, given, before Lookup) ([]Var, error) {
	p := &parser{file: file, text: strings.ReplaceAll(strings.TrimPrefix(string(data), "\uFEFF"), "\r\n", "\n"), line: 1, set: map[string]string{}, given: given, before: before}
	switch {
	case len(data) > maxSize:
		return nil, &yamlfile.Error{Position: yamlfile.Position{File: file}, Message: fmt.Sprintf("larger than %d KiB: this cannot be a settings file", maxSize>>10)}
	case !utf8.Valid(data) || strings.ContainsRune(p.text, 0):
		return nil, &yamlfile.Error{Position: yamlfile.Position{File: file}, Message: "not a text: a variable holds UTF-8 without NUL"}
	}
	for p.at < len(p.text) {
		p.statement()
	}
	if err := errors.Join(p.errs...); err != nil {
		return nil, err
	}
	return p.vars, nil
}

// parser goes through a text once.
type parser struct {
	file  string
	text  string
	at    int // the next byte
	line  int // of at
	begin int // where the line begins
	vars  []Var
	set   map[string]string
	errs  []error

	given, before Lookup
}

// errorf notes what is wrong at a byte of the current line.
func (p *parser) errorf(at int, format string, args ...any) {
	column := 1 + utf8.RuneCountInString(p.text[min(p.begin, at):at])
	p.errs = append(p.errs, &yamlfile.Error{Position: yamlfile.Position{File: p.file, Line: p.line, Column: column}, Message: fmt.Sprintf(format, args...)})
}

// rest is what is left of the line.
func (p *parser) rest() string {
	line, _, _ := strings.Cut(p.text[p.at:], "\n")
	return line
}

// skip passes over blanks.
func (p *parser) skip() {
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\t' || p.text[p.at] == '\r') {
		p.at++
	}
}

// endLine goes to the next line, whatever is left of this one.
func (p *parser) endLine() {
	p.at += len(p.rest())
	if p.at < len(p.text) {
		p.at++
	}
	p.line, p.begin = p.line+1, p.at
}

// statement reads a line, which may go over several when its value is in quotes.
func (p *parser) statement() {
	defer p.endLine()
	p.skip()
	if p.at == len(p.text) || p.text[p.at] == '\n' || p.text[p.at] == '#' {
		return
	}
	if behind, ok := strings.CutPrefix(p.rest(), "export"); ok {
		if word := strings.TrimLeft(behind, " \t"); word != behind && word != "" && word[0] != '=' {
			p.at += len("export")
			p.skip()
		}
	}
	line := p.line
	name, ok := p.name()
	if !ok {
		return
	}
	p.skip()
	value, ok := p.value()
	if !ok {
		return
	}
	if p.skip(); p.at < len(p.text) && p.text[p.at] != '\n' && (p.text[p.at] != '#' || p.text[p.at-1] != ' ' && p.text[p.at-1] != '\t') {
		p.errorf(p.at, "%s: something stands behind the closing quote; put the whole value in quotes, or a blank and # before a comment", name)
		return
	}
	p.set[name] = value
	p.vars = append(p.vars, Var{name, value, line})
}

// name reads NAME=.
func (p *parser) name() (string, bool) {
	start := p.at
	for p.at < len(p.text) && isName(p.text[p.at], p.at > start) {
		p.at++
	}
	name := p.text[start:p.at]
	p.skip()
	switch {
	case name == "":
		p.errorf(start, "a variable's name is wanted: letters, digits and _, no digit first, as in NAME=value")
		return "", false
	case p.at == len(p.text) || p.text[p.at] != '=':
		p.errorf(p.at, "= is wanted behind %s, as in %s=value", shorten(name), shorten(name))
		return "", false
	}
	p.at++
	return name, true
}

func isName(c byte, inside bool) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || inside && (c >= '0' && c <= '9' || c == '.' || c == '-')
}

// shorten keeps an error short, whatever stands in the file.
func shorten(name string) string { return name[:min(len(name), 60)] }

// value reads what stands behind the =.
func (p *parser) value() (string, bool) {
	if p.at == len(p.text) {
		return "", true
	}
	switch p.text[p.at] {
	case '\'':
		return p.quoted('\'')
	case '"':
		return p.quoted('"')
	}
	return p.plain()
}

// plain reads a value without quotes: to the end of the line or a comment, without the blanks around it.
func (p *parser) plain() (string, bool) {
	raw := p.rest()
	for i := range len(raw) { // a colour, #fff right behind the =, is no comment
		if before := p.text[p.at+i-1]; raw[i] == '#' && (before == ' ' || before == '\t') {
			raw = raw[:i]
			break
		}
	}
	end := p.at + len(strings.TrimRight(raw, " \t\r"))
	var b strings.Builder
	ok := true
	for p.at < end {
		switch c := p.text[p.at]; {
		case c == '\\' && p.at+1 < end && p.text[p.at+1] == '$':
			b.WriteByte('$')
			p.at += 2
		case c == '$':
			ok = p.expand(&b, end) && ok
		default:
			b.WriteByte(c)
			p.at++
		}
	}
	return b.String(), ok
}

// escapes are what a backslash and a letter mean in double quotes. Before any other it is itself.
var escapes = map[byte]byte{'n': '\n', 'r': '\r', 't': '\t', '"': '"', '\\': '\\', '$': '$'}

// quoted reads to the closing quote.
func (p *parser) quoted(quote byte) (string, bool) {
	open, begin, line := p.at, p.begin, p.line
	p.at++
	var b strings.Builder
	ok := true
	for p.at < len(p.text) {
		c := p.text[p.at]
		switch {
		case c == quote:
			p.at++
			return b.String(), ok
		case quote == '"' && c == '$':
			ok = p.expand(&b, len(p.text)) && ok
			continue
		case quote == '"' && c == '\\' && p.at+1 < len(p.text) && escapes[p.text[p.at+1]] != 0:
			p.at++
			c = escapes[p.text[p.at]]
		case c == '\n':
			p.line, p.begin = p.line+1, p.at+1
		}
		b.WriteByte(c)
		p.at++
	}
	p.begin, p.line = begin, line
	p.errorf(open, "this quote is never closed")
	p.at = len(p.text)
	return "", false
}

// expand reads $NAME or ${NAME} and writes the variable's value. A $ before anything else is itself.
func (p *parser) expand(b *strings.Builder, end int) bool {
	start := p.at
	p.at++
	braces := p.at < end && p.text[p.at] == '{'
	if p.at < end && p.text[p.at] == '(' {
		p.errorf(start, "no command is run here; put the value in single quotes if it holds $(")
		p.at++
		return false
	}
	if braces {
		p.at++
	}
	first := p.at
	for p.at < end && isName(p.text[p.at], p.at > first) && p.text[p.at] != '.' && p.text[p.at] != '-' {
		p.at++
	}
	name := p.text[first:p.at]
	switch {
	case braces && (name == "" || p.at == end || p.text[p.at] != '}'):
		p.errorf(start, "${ wants a variable's name and }; put the value in single quotes if it holds these characters")
		return false
	case braces:
		p.at++
	case name == "":
		b.WriteByte('$')
		return true
	}
	value, known := p.known(name)
	if !known {
		p.errorf(start, "the variable %s is not set; set it further up, or put the value in single quotes if it holds a $", shorten(name))
	}
	b.WriteString(value)
	return known
}

// known returns the value of a variable.
func (p *parser) known(name string) (value string, ok bool) {
	if p.given != nil {
		value, ok = p.given(name)
	}
	if !ok {
		value, ok = p.set[name]
	}
	if !ok && p.before != nil {
		value, ok = p.before(name)
	}
	return value, ok
}
