package project

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Bounds of a settings file. The parser's time and memory grow with the square of the depth: a hundred kilobytes of
// opening brackets would take the machine's memory.
const (
	maxYAML  = 64 << 10 // bytes
	maxDepth = 50       // open brackets, and markers (- ? & !) on one line
	maxMarks = 500      // anchors, tags and complex keys in the whole file
)

// document is a YAML file while it is read. Its methods return every error with its place.
type document struct {
	file    string
	anchors map[string]ast.Node
}

// field is a key that a mapping may have.
type field struct {
	key  string
	read func(key, value ast.Node) error
}

// openYAML reads a file's only document. An empty file has a nil node.
func openYAML(file string) (*document, ast.Node, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", shown(file), plain(err))
	}
	return parseYAML(file, data)
}

func parseYAML(file string, data []byte) (d *document, root ast.Node, err error) {
	d = &document{file: file, anchors: make(map[string]ast.Node)}
	if len(data) > maxYAML {
		return nil, nil, &FileError{Position{File: file}, fmt.Sprintf("larger than %d KiB: this cannot be a settings file", maxYAML>>10)}
	}
	defer func() { // the parser is not ours, the file is anybody's
		if p := recover(); p != nil {
			d, root, err = nil, nil, &FileError{Position{File: file}, fmt.Sprintf("not YAML: %v", p)}
		}
	}()
	tokens := lexer.Tokenize(string(data))
	if t := tooDeep(tokens); t != nil {
		return nil, nil, &FileError{d.at(t), "nested too deeply for a settings file"}
	}
	f, err := parser.Parse(tokens, 0)
	if err != nil {
		return nil, nil, d.syntax(err)
	}
	var docs []ast.Node
	for _, doc := range f.Docs {
		if doc.Body != nil && doc.Body.Type() != ast.CommentType && doc.Body.Type() != ast.DirectiveType {
			docs = append(docs, doc.Body)
		}
	}
	if len(docs) > 1 {
		return nil, nil, d.errorf(docs[1], "a second document (---): one file holds one")
	}
	if len(docs) == 0 {
		return d, nil, nil
	}
	ast.Walk(anchorFinder{d}, docs[0])
	return d, docs[0], nil
}

// tooDeep returns the token at which the bounds are passed, nil when they are kept.
func tooDeep(tokens token.Tokens) *token.Token {
	line, open, onLine, marks := 0, 0, 0, 0
	for _, t := range tokens {
		if t.Position != nil && t.Position.Line != line {
			line, onLine = t.Position.Line, 0
		}
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			open++
		case token.MappingEndType, token.SequenceEndType:
			open--
		case token.SequenceEntryType:
			onLine++
		case token.AnchorType, token.TagType, token.MappingKeyType, token.AliasType:
			onLine, marks = onLine+1, marks+1
		}
		if open > maxDepth || onLine > maxDepth || marks > maxMarks {
			return t
		}
	}
	return nil
}

type anchorFinder struct{ d *document }

func (f anchorFinder) Visit(n ast.Node) ast.Visitor {
	if a, ok := n.(*ast.AnchorNode); ok && a.Name != nil {
		f.d.anchors[a.Name.GetToken().Value] = a.Value
	}
	return f
}

func (d *document) syntax(err error) error {
	var e yaml.Error
	if !errors.As(err, &e) || e.GetToken() == nil {
		return &FileError{Position{File: d.file}, "not YAML: " + err.Error()}
	}
	return &FileError{d.at(e.GetToken()), e.GetMessage()}
}

func (d *document) at(t *token.Token) Position {
	if t == nil || t.Position == nil {
		return Position{File: d.file}
	}
	return Position{File: d.file, Line: t.Position.Line, Column: t.Position.Column}
}

// place returns where n begins; of a mapping that is its first key, not its first colon.
func (d *document) place(n ast.Node) Position {
	switch n := n.(type) {
	case nil:
		return Position{File: d.file}
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return d.place(n.Values[0])
		}
	case *ast.MappingValueNode:
		return d.place(n.Key)
	}
	return d.at(n.GetToken())
}

func (d *document) errorf(n ast.Node, format string, args ...any) error {
	return &FileError{d.place(n), fmt.Sprintf(format, args...)}
}

// value looks through anchors, aliases and tags. An alias that leads back to itself has no value.
func (d *document) value(n ast.Node) ast.Node {
	for range 32 {
		switch v := n.(type) {
		case *ast.AnchorNode:
			n = v.Value
		case *ast.TagNode:
			n = v.Value
		case *ast.AliasNode:
			n = d.anchors[v.Value.GetToken().Value]
		default:
			return n
		}
	}
	return nil
}

// pairs returns a mapping's entries; where says which one in the error for anything else.
func (d *document) pairs(n ast.Node, where string) ([]*ast.MappingValueNode, error) {
	switch v := d.value(n).(type) {
	case *ast.MappingNode:
		return v.Values, nil
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{v}, nil
	case nil, *ast.NullNode:
		return nil, nil
	}
	return nil, d.errorf(n, "%s wants keys with values (key: value), not %s", where, d.kind(n))
}

// mapping reads the entries of n by fields and goes on after an error, so that a user sees all of them at once.
func (d *document) mapping(n ast.Node, where string, fields ...field) error {
	entries, err := d.pairs(n, where)
	errs := []error{err}
	for _, e := range entries {
		key := e.Key.GetToken().Value
		i := slices.IndexFunc(fields, func(f field) bool { return f.key == key })
		if i < 0 {
			errs = append(errs, d.errorf(e.Key, "%s has no key %q; it has %s", where, key, keys(fields)))
			continue
		}
		errs = append(errs, fields[i].read(e.Key, e.Value))
	}
	return errors.Join(errs...)
}

func keys(fields []field) string {
	var names []string
	for _, f := range fields {
		names = append(names, f.key)
	}
	return strings.Join(names, ", ")
}

// list reads each element of a sequence.
func (d *document) list(n ast.Node, where string, read func(ast.Node) error) error {
	switch v := d.value(n).(type) {
	case *ast.SequenceNode:
		var errs []error
		for _, e := range v.Values {
			errs = append(errs, read(e))
		}
		return errors.Join(errs...)
	case nil, *ast.NullNode:
		return nil
	}
	return d.errorf(n, "%s wants a list (lines that begin with -), not %s", where, d.kind(n))
}

// scalar returns the text of any single value as it was written.
func (d *document) scalar(n ast.Node, where string) (string, error) {
	switch v := d.value(n).(type) {
	case *ast.StringNode:
		return v.Value, nil
	case *ast.LiteralNode:
		return v.Value.Value, nil
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return v.GetToken().Value, nil
	}
	return "", d.errorf(n, "%s wants a text, not %s", where, d.kind(n))
}

func (d *document) kind(n ast.Node) string {
	switch v := d.value(n).(type) {
	case nil, *ast.NullNode:
		return "nothing"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "keys with values"
	case *ast.SequenceNode:
		return "a list"
	default:
		text := v.GetToken().Value
		return strconv.Quote(text[:min(len(text), 60)])
	}
}
