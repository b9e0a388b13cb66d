package project

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// hints are what a Go file holds that scanGo could find something in. Most files hold none and are not parsed; there are
// files of many megabytes among them, for which a regular expression would be slow.
var hints = []string{
	".StartProcess", ".ForkExec", ".Exec", "RawSyscall6", "SyscallNoError", "Syscall(", "Syscall6(", ".Socket", "//go:linkname", "//go:cgo_import_dynamic",
	`. "os"`, `. "syscall"`, `. "` + xsys + `"`,
}

var (
	// linknames pull functions of the standard library that nobody judges.
	linknames = regexp.MustCompile(`(?m)^//go:linkname\s+\S+\s+((?:syscall\.(?:RawSyscall6|rawSyscallNoError|rawVforkSyscall|forkExec|forkAndExecInChild)|os\.startProcess|(?:internal/runtime|runtime/internal)/syscall(?:/\w+)?\.\w+))\s*$`)
	// imports of functions of a C library without cgo.
	dynamic = regexp.MustCompile(`(?m)^//go:cgo_import_dynamic\b`)
)

// The functions that lead to escapes.
var (
	startingFuncs = []string{"os.StartProcess", "syscall.StartProcess", "syscall.ForkExec", "syscall.Exec", "unix.Exec"}
	rawFuncs      = []string{"syscall.RawSyscall6", "unix.RawSyscall6", "unix.SyscallNoError", "unix.RawSyscallNoError"}
	judgedFuncs   = []string{"syscall.Syscall", "syscall.Syscall6", "syscall.RawSyscall", "unix.Syscall", "unix.Syscall6", "unix.RawSyscall"}
	socketFuncs   = []string{"syscall.Socket", "unix.Socket"}
)

// The system calls that make or reach sockets, those that start programs, and those that make sockets without one of
// the calls that are judged.
var (
	socketCalls   = []string{"SOCKET", "CONNECT", "BIND", "LISTEN", "ACCEPT", "ACCEPT4", "SENDTO", "SENDMSG", "SENDMMSG", "SOCKETCALL"}
	startingCalls = []string{"CLONE", "CLONE3", "FORK", "VFORK", "EXECVE", "EXECVEAT"}
	unseenCalls   = []string{"IO_URING_SETUP", "IO_URING_ENTER", "IO_URING_REGISTER", "PIDFD_GETFD"}
)

// scanGo finds in a Go file what escapes. judged says that the system calls that arrive in package syscall are.
func scanGo(file string, text []byte, judged bool) (found []finding) {
	if !slices.ContainsFunc(hints, func(hint string) bool { return bytes.Contains(text, []byte(hint)) }) {
		return nil
	}
	for _, m := range linknames.FindAllSubmatch(text, -1) {
		kind := EscapeSyscall
		if strings.Contains(strings.ToLower(string(m[1])), "fork") || strings.HasPrefix(string(m[1]), "os.") {
			kind = EscapeChild
		}
		found = append(found, finding{kind, string(m[1])})
	}
	if dynamic.Match(text) {
		found = append(found, finding{EscapeCgo, file + " with //go:cgo_import_dynamic"})
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), file, text, parser.SkipObjectResolution)
	if parsed == nil || err != nil && len(parsed.Decls) == 0 {
		return found // the build says what is wrong with it
	}
	s := goScan{names: importNames(parsed), judged: judged, called: make(map[ast.Node]bool), found: found}
	ast.Inspect(parsed, s.visit)
	return s.found
}

// importNames returns the names by which a file knows the packages that matter, with what the tables call them.
func importNames(f *ast.File) map[string]string {
	names := make(map[string]string)
	for _, i := range f.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		if err != nil || !slices.Contains([]string{"os", "syscall", xsys}, p) {
			continue
		}
		name := path.Base(p)
		if i.Name != nil {
			name = i.Name.Name
		}
		names[name] = path.Base(p)
	}
	return names
}

// goScan walks through a file.
type goScan struct {
	names  map[string]string
	judged bool
	called map[ast.Node]bool // functions that visit saw with their arguments
	found  []finding
}

func (s *goScan) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.CallExpr:
		if f := s.function(n.Fun); f != "" {
			s.called[ast.Unparen(n.Fun)] = true
			s.call(f, n.Args)
		}
	case *ast.SelectorExpr:
		if f := s.function(n); f != "" && !s.called[n] {
			s.call(f, nil) // kept for later, with arguments that nobody knows
		}
	}
	return true
}

// function returns the name of a function of a package that matters: unix.Exec.
func (s *goScan) function(e ast.Expr) string {
	e = ast.Unparen(e)
	if id, ok := e.(*ast.Ident); ok && s.names["."] != "" {
		return s.names["."] + "." + id.Name
	}
	sel, ok := e.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	x, ok := sel.X.(*ast.Ident)
	if !ok || s.names[x.Name] == "" {
		return ""
	}
	return s.names[x.Name] + "." + sel.Sel.Name
}

// call notes what a call of f can do.
func (s *goScan) call(f string, args []ast.Expr) {
	number := ""
	if len(args) > 0 {
		number = callName(args[0])
	}
	raw := slices.Contains(rawFuncs, f)
	switch {
	case slices.Contains(startingFuncs, f):
		s.add(EscapeChild, f)
	case !raw && !slices.Contains(judgedFuncs, f) && (s.judged || !slices.Contains(socketFuncs, f)):
	case slices.Contains(startingCalls, number):
		s.add(EscapeChild, f+" of SYS_"+number)
	case slices.Contains(unseenCalls, number):
		s.add(EscapeSyscall, f+" of SYS_"+number)
	case s.judged && !raw:
	case slices.Contains(socketFuncs, f), number == "":
		s.add(EscapeSyscall, f)
	case slices.Contains(socketCalls, number):
		s.add(EscapeSyscall, f+" of SYS_"+number)
	}
}

func (s *goScan) add(kind, what string) { s.found = append(s.found, finding{kind, what}) }

// callName returns CONNECT for SYS_CONNECT, however it is qualified and converted, and "" for a number that is not named.
func callName(e ast.Expr) string {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		if name, ok := strings.CutPrefix(strings.ToUpper(e.Name), "SYS_"); ok {
			return name
		}
	case *ast.SelectorExpr:
		return callName(e.Sel)
	case *ast.CallExpr: // uintptr(unix.SYS_CONNECT)
		if len(e.Args) == 1 {
			return callName(e.Args[0])
		}
	}
	return ""
}
