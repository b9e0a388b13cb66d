package project

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
)

// Form says what of a package is served.
type Form string

// The forms of an app.
const (
	FormMain    Form = "main"    // package main: run as it is
	FormVar     Form = "var"     // var Handler http.Handler, or of a type that implements it
	FormMake    Form = "make"    // func Handler() http.Handler
	FormFunc    Form = "func"    // func Handler(http.ResponseWriter, *http.Request), or a variable of that type
	FormDefault Form = "default" // what the package registers on http.DefaultServeMux
	FormUnknown Form = ""        // the package does not parse: go build will say why
)

// HandlerForms says to a person what devserver can serve besides package main.
const HandlerForms = "var Handler http.Handler, func Handler() http.Handler or func Handler(http.ResponseWriter, *http.Request)"

// handlerIn finds how the package of files is served, and where that is declared. Types are taken as they are
// written: what cannot be seen there (a variable of a type of another package), the compiler judges in the build.
func handlerIn(dir string, files []string) (Form, Position, error) {
	fset := token.NewFileSet()
	serves := false
	for _, name := range files {
		f, err := parser.ParseFile(fset, filepath.Join(dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return FormUnknown, Position{}, nil
		}
		http := httpName(f)
		serves = serves || http != ""
		if form, pos, err := (declarations{fset, http}).find(f); form != FormUnknown || err != nil {
			return form, pos, err
		}
	}
	if serves {
		return FormDefault, Position{}, nil
	}
	return FormUnknown, Position{}, fmt.Errorf("%s is not a program (package main) and has nothing to serve; "+
		"write %s in it, or register handlers with net/http's Handle and HandleFunc", shown(dir), HandlerForms)
}

// httpName returns the name that f knows net/http by: "" when it does not import it, "." for its own scope.
func httpName(f *ast.File) string {
	i := slices.IndexFunc(f.Imports, func(s *ast.ImportSpec) bool {
		path, _ := strconv.Unquote(s.Path.Value)
		return path == "net/http"
	})
	switch {
	case i < 0:
		return ""
	case f.Imports[i].Name != nil:
		return f.Imports[i].Name.Name
	}
	return "http"
}

// declarations reads one file's declarations.
type declarations struct {
	fset *token.FileSet
	http string // what the file calls net/http
}

func (d declarations) find(f *ast.File) (Form, Position, error) {
	for _, decl := range f.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			if decl.Recv == nil && decl.Name.Name == "Handler" {
				return d.function(decl.Name, decl.Type)
			}
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				if form, pos, err := d.spec(decl.Tok, spec); form != FormUnknown || err != nil {
					return form, pos, err
				}
			}
		}
	}
	return FormUnknown, Position{}, nil
}

func (d declarations) spec(tok token.Token, spec ast.Spec) (Form, Position, error) {
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		if spec.Name.Name == "Handler" {
			return d.wrong(spec.Name, "a type")
		}
	case *ast.ValueSpec:
		i := slices.IndexFunc(spec.Names, func(n *ast.Ident) bool { return n.Name == "Handler" })
		switch {
		case i < 0:
		case tok == token.CONST:
			return d.wrong(spec.Names[i], "a constant")
		case i < len(spec.Values):
			return d.variable(spec.Names[i], spec.Type, spec.Values[i])
		default:
			return d.variable(spec.Names[i], spec.Type, nil)
		}
	}
	return FormUnknown, Position{}, nil
}

func (d declarations) variable(name *ast.Ident, typ, value ast.Expr) (Form, Position, error) {
	if typ == nil {
		switch v := value.(type) {
		case *ast.BasicLit:
			return d.wrong(name, "the literal "+v.Value)
		case *ast.FuncLit:
			return d.function(name, v.Type)
		}
		return FormVar, d.position(name), nil
	}
	if f, ok := typ.(*ast.FuncType); ok {
		return d.function(name, f)
	}
	if basic(typ) {
		return d.wrong(name, "of type "+typ.(*ast.Ident).Name)
	}
	return FormVar, d.position(name), nil
}

func (d declarations) function(name *ast.Ident, f *ast.FuncType) (Form, Position, error) {
	in, out := fieldTypes(f.Params), fieldTypes(f.Results)
	switch {
	case f.TypeParams != nil:
		return d.wrong(name, "a generic function")
	case len(in) == 0 && len(out) == 1 && !basic(out[0]):
		return FormMake, d.position(name), nil
	case len(in) == 2 && len(out) == 0 && d.maybe(in[0], "ResponseWriter") && d.maybePointer(in[1], "Request"):
		return FormFunc, d.position(name), nil
	}
	return d.wrong(name, fmt.Sprintf("a function with %d parameters and %d results of other types", len(in), len(out)))
}

// maybe tells whether e is net/http's type of that name, or can be an alias of it.
func (d declarations) maybe(e ast.Expr, name string) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return !basic(e)
	case *ast.SelectorExpr:
		x, ok := e.X.(*ast.Ident)
		return ok && x.Name == d.http && e.Sel.Name == name
	}
	return false
}

func (d declarations) maybePointer(e ast.Expr, name string) bool {
	if star, ok := e.(*ast.StarExpr); ok {
		return d.maybe(star.X, name)
	}
	id, ok := e.(*ast.Ident) // an alias of the pointer type
	return ok && !basic(id)
}

func (d declarations) wrong(name *ast.Ident, is string) (Form, Position, error) {
	return FormUnknown, Position{}, &FileError{Position: d.position(name), Message: "Handler is " + is + "; devserver serves " + HandlerForms}
}

func (d declarations) position(n ast.Node) Position {
	p := d.fset.Position(n.Pos())
	return Position{File: p.Filename, Line: p.Line, Column: p.Column}
}

// basic tells whether e names one of Go's own types, none of which handles requests.
func basic(e ast.Expr) bool {
	id, ok := e.(*ast.Ident)
	return ok && slices.Contains([]string{"bool", "string", "error", "byte", "rune", "int", "int8", "int16", "int32", "int64", "uint",
		"uint8", "uint16", "uint32", "uint64", "uintptr", "float32", "float64", "complex64", "complex128"}, id.Name)
}

// fieldTypes returns one type for each parameter or result.
func fieldTypes(l *ast.FieldList) []ast.Expr {
	var types []ast.Expr
	if l == nil {
		return nil
	}
	for _, f := range l.List {
		for range max(1, len(f.Names)) {
			types = append(types, f.Type)
		}
	}
	return types
}
