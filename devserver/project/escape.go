package project

import (
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// An Escape is a package that is built into an app and can open sockets which the rules do not see, because its code
// reaches the kernel past the patched standard library.
//
// A guard in the kernel (seccomp with a notifier, or an eBPF program on a cgroup) would see those sockets too. Its place
// is where the supervisor starts a worker: it would ask sandbox.Judge.Addr for each address, as runtime/agent does for
// system calls, and the list of escapes would then say which packages only the guard sees.
type Escape struct {
	Package string // import path
	Kind    string // one of the kinds below
	Text    string // a sentence: what in it can escape
}

// The kinds of escapes.
const (
	EscapeCgo      = "cgo"           // C code, or objects that were compiled before
	EscapeAssembly = "assembly"      // system calls in assembly
	EscapeSyscall  = "system call"   // system calls from Go that pass by the judged functions
	EscapeChild    = "child process" // it starts programs
	EscapePlugin   = "plugin"        // it loads code that was not built with the app
)

// escapeKinds is the order in which the kinds of one package are named.
var escapeKinds = []string{EscapeCgo, EscapeAssembly, EscapeSyscall, EscapeChild, EscapePlugin}

// An EscapeFinder finds what escapes. It remembers what it read in files that have not changed since, so that asking
// after each build costs little. It must not be copied, and is not safe for concurrent use.
type EscapeFinder struct {
	files map[string]scannedFile // by path
}

// scannedFile is what was found in a file as it was then.
type scannedFile struct {
	size     int64
	changed  time.Time
	findings []finding
}

// A finding is one thing in a package by which it can escape.
type finding struct{ kind, what string }

// Find returns what can escape of the packages that List gave, sorted by path. It looks at all that is linked into the
// app outside of the standard library; what an import of the standard library brings along (cgo in net's resolver) is
// the same in each app and is not named. The error is of files that could not be read, and what was found besides is
// returned with it.
func (f *EscapeFinder) Find(ctx context.Context, pkgs []Package) ([]Escape, error) {
	var all []Escape
	var errs []error
	seen := make(map[string]scannedFile)
	for _, p := range pkgs {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if p.Standard {
			continue
		}
		found := p.listed()
		for _, name := range p.scanned() {
			file, err := f.scan(filepath.Join(p.Dir, name))
			if err != nil {
				errs = append(errs, err)
				continue
			}
			seen[filepath.Join(p.Dir, name)] = file
			found = append(found, file.findings...)
		}
		if p.ImportPath == xsys {
			found = slices.DeleteFunc(found, harmlessInXSys)
		}
		all = append(all, escapesOf(p.ImportPath, found)...)
	}
	f.files = seen
	slices.SortStableFunc(all, func(a, b Escape) int { return cmp.Compare(a.Package, b.Package) })
	return all, errors.Join(errs...)
}

// starters are the packages of the standard library whose users start programs.
var starters = []string{"os/exec", "net/http/cgi", "go/build", "go/importer"}

// listed returns what the go command's list alone tells.
func (p Package) listed() (found []finding) {
	for _, names := range [][]string{p.CgoFiles, p.CFiles, p.CXXFiles, p.MFiles, p.FFiles, p.SwigFiles, p.SwigCXXFiles, p.SysoFiles} {
		for _, name := range names {
			found = append(found, finding{EscapeCgo, name})
		}
	}
	for _, path := range p.Imports {
		switch {
		case slices.Contains(starters, path):
			found = append(found, finding{EscapeChild, path})
		case path == "plugin":
			found = append(found, finding{EscapePlugin, path})
		}
	}
	return found
}

// scanned returns the files that must be read: assembly, and Go that imports what leads to system calls.
func (p Package) scanned() []string {
	files := slices.Clone(p.SFiles)
	if slices.ContainsFunc(p.Imports, func(path string) bool { return path == "os" || path == "syscall" || path == "unsafe" || path == xsys }) {
		files = append(append(files, p.GoFiles...), p.CgoFiles...)
	}
	return files
}

// scan reads a file unless it did so before.
func (f *EscapeFinder) scan(path string) (scannedFile, error) {
	info, err := os.Stat(path)
	if err != nil {
		return scannedFile{}, err
	}
	if old, ok := f.files[path]; ok && old.size == info.Size() && old.changed.Equal(info.ModTime()) {
		return old, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return scannedFile{}, err
	}
	s := scannedFile{size: info.Size(), changed: info.ModTime()}
	if strings.HasSuffix(path, ".go") {
		s.findings = scanGo(filepath.Base(path), text, judgesCalls)
	} else {
		s.findings = scanAssembly(filepath.Base(path), text)
	}
	return s, nil
}

// judgesCalls says whether system calls from Go are judged on this machine (runtime/hook/_syscall).
const judgesCalls = runtime.GOOS == "linux" && (runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64")

// escapesOf makes one escape of all findings of a kind.
func escapesOf(path string, found []finding) (all []Escape) {
	for _, kind := range escapeKinds {
		var what []string
		for _, one := range found {
			if one.kind == kind && !slices.Contains(what, one.what) {
				what = append(what, one.what)
			}
		}
		if len(what) > 0 {
			all = append(all, Escape{path, kind, escapeText(kind, what)})
		}
	}
	return all
}

func escapeText(kind string, what []string) string {
	const most = 3
	list := strings.Join(what[:min(len(what), most)], ", ")
	if len(what) > most {
		list += ", ..."
	}
	switch kind {
	case EscapeCgo:
		return "It is built with code that is not Go (" + list + "); sockets of such code are not seen."
	case EscapeAssembly:
		return "Its assembly enters the kernel by itself (" + list + "); sockets made there are not seen."
	case EscapeSyscall:
		return "It makes system calls past the judged functions (" + list + "); sockets made so are not seen."
	case EscapeChild:
		return "It can start programs (" + list + "); their sockets are not seen."
	}
	return "It can load code while it runs (" + list + "); sockets of that code are not seen unless it was built with the same patched Go."
}
