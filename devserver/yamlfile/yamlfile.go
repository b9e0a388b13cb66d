// Package yamlfile reads the settings files that people write. Whatever is wrong is an [Error] with file, line and
// column and what would be right, and all of them are told at once.
package yamlfile

import (
	"errors"
	"fmt"
	"io"
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

// A Document is a YAML file while it is read. Its methods return every error with its place.
type Document struct {
	file    string
	anchors map[string]ast.Node
}

// A Field is a key that a mapping may have.
type Field struct {
	Key  string                          // as it is written
	Read func(key, value ast.Node) error // takes its value
}

// Open reads a file's only document. An empty file has a nil node.
func Open(file string) (*Document, ast.Node, error) {
	data, err := Read(file)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", shown(file), plain(err))
	}
	return Parse(file, data)
}

// Read returns a file's text, not more of it than Parse needs to see that it is too long: a device has no end.
func Read(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxYAML+1))
}

// Parse reads the only document in data, which came from file.
func Parse(file string, data []byte) (d *Document, root ast.Node, err error) {
	d = &Document{file: file, anchors: make(map[string]ast.Node)}
	if len(data) > maxYAML {
		return nil, nil, &Error{Position{File: file}, fmt.Sprintf("larger than %d KiB: this cannot be a settings file", maxYAML>>10)}
	}
	defer func() { // the parser is not ours, the file is anybody's
		if p := recover(); p != nil {
			d, root, err = nil, nil, &Error{Position{File: file}, fmt.Sprintf("not YAML: %v", p)}
		}
	}()
	tokens := lexer.Tokenize(string(data))
	if t := tooDeep(tokens); t != nil {
		return nil, nil, &Error{d.at(t), "nested too deeply for a settings file"}
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
		return nil, nil, d.Errorf(docs[1], "a second document (---): one file holds one")
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

type anchorFinder struct{ d *Document }

func (f anchorFinder) Visit(n ast.Node) ast.Visitor {
	if a, ok := n.(*ast.AnchorNode); ok && a.Name != nil {
		f.d.anchors[a.Name.GetToken().Value] = a.Value
	}
	return f
}

func (d *Document) syntax(err error) error {
	var e yaml.Error
	if !errors.As(err, &e) || e.GetToken() == nil {
		return &Error{Position{File: d.file}, "not YAML: " + err.Error()}
	}
	return &Error{d.at(e.GetToken()), e.GetMessage()}
}

func (d *Document) at(t *token.Token) Position {
	if t == nil || t.Position == nil {
		return Position{File: d.file}
	}
	return Position{File: d.file, Line: t.Position.Line, Column: t.Position.Column}
}

// Place returns where n begins; of a mapping that is its first key, not its first colon.
func (d *Document) Place(n ast.Node) Position {
	switch n := n.(type) {
	case nil:
		return Position{File: d.file}
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return d.Place(n.Values[0])
		}
	case *ast.MappingValueNode:
		return d.Place(n.Key)
	}
	return d.at(n.GetToken())
}

// Errorf makes an error at the place of n.
func (d *Document) Errorf(n ast.Node, format string, args ...any) error {
	return &Error{d.Place(n), fmt.Sprintf(format, args...)}
}

// Value looks through anchors, aliases and tags. An alias that leads back to itself has no value.
func (d *Document) Value(n ast.Node) ast.Node {
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

// Pairs returns a mapping's entries; where says which one in the error for anything else.
func (d *Document) Pairs(n ast.Node, where string) ([]*ast.MappingValueNode, error) {
	switch v := d.Value(n).(type) {
	case *ast.MappingNode:
		return v.Values, nil
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{v}, nil
	case *ast.NullNode:
		return nil, nil
	case nil:
		if n == nil {
			return nil, nil
		}
	}
	return nil, d.Errorf(n, "%s wants keys with values (key: value), not %s", where, d.kind(n))
}

// Mapping reads the entries of n by fields and goes on after an error, so that a user sees all of them at once.
func (d *Document) Mapping(n ast.Node, where string, fields ...Field) error {
	entries, err := d.Pairs(n, where)
	errs := []error{err}
	for _, e := range entries {
		key := e.Key.GetToken().Value
		i := slices.IndexFunc(fields, func(f Field) bool { return f.Key == key })
		if i < 0 {
			errs = append(errs, d.Errorf(e.Key, "%s has no key %q; it has %s%s", where, key, keys(fields), meant(key, fields)))
			continue
		}
		errs = append(errs, fields[i].Read(e.Key, e.Value))
	}
	return errors.Join(errs...)
}

func keys(fields []Field) string {
	var names []string
	for _, f := range fields {
		names = append(names, f.Key)
	}
	return strings.Join(names, ", ")
}

// List reads each element of a sequence.
func (d *Document) List(n ast.Node, where string, read func(ast.Node) error) error {
	switch v := d.Value(n).(type) {
	case *ast.SequenceNode:
		var errs []error
		for _, e := range v.Values {
			errs = append(errs, read(e))
		}
		return errors.Join(errs...)
	case *ast.NullNode:
		return nil
	case nil:
		if n == nil {
			return nil
		}
	}
	return d.Errorf(n, "%s wants a list (lines that begin with -), not %s", where, d.kind(n))
}

// Scalar returns the text of any single value as it was written.
func (d *Document) Scalar(n ast.Node, where string) (string, error) {
	switch v := d.Value(n).(type) {
	case *ast.StringNode:
		return v.Value, nil
	case *ast.LiteralNode:
		return v.Value.Value, nil
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return v.GetToken().Value, nil
	}
	return "", d.Errorf(n, "%s wants a text, not %s", where, d.kind(n))
}

func (d *Document) kind(n ast.Node) string {
	switch v := d.Value(n).(type) {
	case nil:
		return "an alias of nothing"
	case *ast.NullNode:
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
