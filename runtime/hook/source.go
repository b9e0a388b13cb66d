package hook

import (
	"errors"
	"fmt"
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// errGone says that a copy lacks a whole package.
var errGone = errors.New("package is gone")

// A source is one package of the standard library as the copy holds it.
type source struct {
	path  string // import path
	files []*file
	decls map[string][]decl // by name as in Patch.Func and Need.Name
}

// A file is one that Linux or macOS can compile, without tests.
type file struct {
	name  string // full path
	rule  buildRule
	text  []byte
	edits []edit
}

// A decl is one declaration of a name.
type decl struct {
	file *file
	at   int    // offset of the name
	typ  string // canonical; "struct" of a struct type, "" of a variable without an explicit type
	body bool   // of a function: it has one in Go
	end  int    // of a struct type: offset of the closing brace
	tail bool   // of a struct type: a field stands on the brace's line
}

// readSource parses the package's files below root, a GOROOT.
func readSource(root, path string, minor int) (*source, error) {
	dir := filepath.Join(root, "src", filepath.FromSlash(path))
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errGone
	} else if err != nil {
		return nil, err
	}
	s := &source{path: path, decls: make(map[string][]decl)}
	for _, e := range entries {
		name := e.Name()
		if e.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		if err := s.add(filepath.Join(dir, name), minor); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// add parses one file and notes what it declares.
func (s *source) add(name string, minor int) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	rule, err := ruleOf(name, text, minor)
	if err != nil {
		return err
	}
	fset, f := token.NewFileSet(), &file{name: name, text: text, rule: rule}
	if !f.rule.can("linux") && !f.rule.can("darwin") {
		return nil
	}
	tree, err := parser.ParseFile(fset, name, text, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	s.files = append(s.files, f)
	for _, d := range tree.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			s.note(funcName(d), decl{file: f, at: fset.Position(d.Name.Pos()).Offset, typ: typeText(d.Type), body: d.Body != nil})
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				s.noteSpec(fset, f, spec)
			}
		}
	}
	return nil
}

func (s *source) note(name string, d decl) { s.decls[name] = append(s.decls[name], d) }

// noteSpec notes a type with its fields, or variables and constants.
func (s *source) noteSpec(fset *token.FileSet, f *file, spec ast.Spec) {
	offset := func(p token.Pos) int { return fset.Position(p).Offset }
	switch spec := spec.(type) {
	case *ast.ValueSpec:
		for i, name := range spec.Names {
			s.note(name.Name, decl{file: f, at: offset(name.Pos()), typ: valueType(spec, i)})
		}
	case *ast.TypeSpec:
		d := decl{file: f, at: offset(spec.Name.Pos()), typ: typeText(spec.Type)}
		if st, ok := spec.Type.(*ast.StructType); ok {
			d.end = offset(st.Fields.Closing)
			if n := len(st.Fields.List); n > 0 {
				d.tail = fset.Position(st.Fields.List[n-1].End()).Line == fset.Position(st.Fields.Closing).Line
			}
			s.noteFields(f, offset, spec.Name.Name, st)
		}
		s.note(spec.Name.Name, d)
	}
}

func (s *source) noteFields(f *file, offset func(token.Pos) int, owner string, st *ast.StructType) {
	for _, field := range st.Fields.List {
		typ := typeText(field.Type)
		for _, name := range field.Names {
			s.note(owner+"."+name.Name, decl{file: f, at: offset(name.Pos()), typ: typ})
		}
		if field.Names == nil { // embedded: *pkg.Name is called Name
			name := strings.TrimPrefix(typ, "*")
			s.note(owner+"."+name[strings.LastIndex(name, ".")+1:], decl{file: f, at: offset(field.Pos()), typ: typ})
		}
	}
}

// ruleOf returns for what the file is compiled.
func ruleOf(name string, text []byte, minor int) (buildRule, error) {
	base := filepath.Base(name)
	if !strings.HasSuffix(base, ".go") { // assembly: only its name is asked, as its Go neighbours decide
		return newBuildRule(strings.TrimSuffix(base, filepath.Ext(base)), nil, minor), nil
	}
	head, err := parser.ParseFile(token.NewFileSet(), name, text, parser.PackageClauseOnly|parser.ParseComments)
	if err != nil {
		return buildRule{}, err
	}
	for _, group := range head.Comments {
		for _, c := range group.List {
			if c.Pos() < head.Package && constraint.IsGoBuild(c.Text) {
				expr, err := constraint.Parse(c.Text)
				return newBuildRule(base, expr, minor), err
			}
		}
	}
	return newBuildRule(base, nil, minor), nil
}

// funcName returns "socket", "(*netFD).Read", "(serverHandler).ServeHTTP".
func funcName(d *ast.FuncDecl) string {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return d.Name.Name
	}
	return "(" + types.ExprString(d.Recv.List[0].Type) + ")." + d.Name.Name
}

// typeText writes a type without the names of parameters and results. A struct is just "struct".
func typeText(x ast.Expr) string {
	ast.Inspect(x, func(n ast.Node) bool {
		if ft, ok := n.(*ast.FuncType); ok {
			dropNames(ft.Params)
			dropNames(ft.Results)
		}
		return true
	})
	if _, ok := x.(*ast.StructType); ok {
		return "struct"
	}
	return types.ExprString(x)
}

func dropNames(list *ast.FieldList) {
	if list == nil {
		return
	}
	var bare []*ast.Field
	for _, f := range list.List {
		for range max(1, len(f.Names)) {
			bare = append(bare, &ast.Field{Type: f.Type})
		}
	}
	list.List = bare
}

// valueType returns the type of a variable or constant as far as its declaration spells it out.
func valueType(spec *ast.ValueSpec, i int) string {
	if spec.Type != nil {
		return typeText(spec.Type)
	}
	if i < len(spec.Values) {
		if lit, ok := spec.Values[i].(*ast.FuncLit); ok {
			return typeText(lit.Type)
		}
	}
	return ""
}

// canonical brings a type of the table into the form of a decl's.
func canonical(text string) (string, error) {
	x, err := parser.ParseExpr(text)
	if err != nil {
		return "", fmt.Errorf("type %q: %w", text, err)
	}
	return typeText(x), nil
}
