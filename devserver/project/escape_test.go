package project

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// escapesIn lists a module and finds what escapes, as a devserver does after a build.
func escapesIn(t testing.TB, f *EscapeFinder, dir string, env ...string) []Escape {
	t.Helper()
	g := goCommand()
	g.Env = append(g.Env, env...)
	pkgs, err := List(context.Background(), g, dir)
	if err != nil {
		t.Fatal(err)
	}
	found, err := f.Find(context.Background(), pkgs)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

const escaping = `
-- go.mod --
module example.com/app

go 1.25
-- main.go --
package main

import (
	_ "example.com/app/cgo"
	_ "example.com/app/curl"
	_ "example.com/app/hash"
	_ "example.com/app/kernel"
	_ "example.com/app/plain"
	_ "example.com/app/plug"
	_ "example.com/app/raw"
)

func main() {}
-- cgo/cgo.go --
package cgo

// int one(void) { return 1; }
import "C"

func One() int { return int(C.one()) }
-- cgo/more.c --
int two(void) { return 2; }
-- curl/curl.go --
package curl

import "os/exec"

func Get(url string) ([]byte, error) { return exec.Command("curl", url).Output() }
-- hash/hash.go --
package hash

func sum(a uint64) uint64
-- hash/hash_amd64.s --
// SYSCALL is what this does not do.
TEXT ·sum(SB), 4, $0-16
	MOVQ a+0(FP), AX /* neither SYSCALL
	SYSCALL */
	MOVQ AX, ret+8(FP)
	RET
-- hash/hash_arm64.s --
TEXT ·sum(SB), 4, $0-16
	MOVD a+0(FP), R0 // SVC
	MOVD R0, ret+8(FP)
	RET
-- kernel/kernel.go --
package kernel

func call()
-- kernel/kernel_amd64.s --
TEXT ·other(SB), 4, $0
	CALL ·notSYSCALL(SB)
	RET
TEXT ·call(SB), 4, $0
	MOVQ $41, AX
	SYSCALL
	RET
-- kernel/kernel_arm64.s --
TEXT ·call(SB), 4, $0
	MOVD $198, R8
	SVC
	RET
-- plain/plain.go --
package plain

import (
	"net"
	"os"
	"syscall"
)

// What goes through package syscall is judged.
func Dial() (net.Conn, error) { return net.Dial("tcp", os.Args[1]) }

func Own() (int, error) { return syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0) }

func Call() { syscall.Syscall(syscall.SYS_CONNECT, 1, 2, 3) }
-- plug/plug.go --
package plug

import "plugin"

func Open(path string) (*plugin.Plugin, error) { return plugin.Open(path) }
-- raw/raw.go --
package raw

import (
	sys "syscall"
)

func Fork() (int, error) { return sys.ForkExec("/bin/true", nil, nil) }

func Raw(n uintptr) { sys.RawSyscall6(n, 0, 0, 0, 0, 0, 0) }
`

func TestEscapes(t *testing.T) {
	t.Parallel()
	dir := tree(t, escaping)
	var f EscapeFinder
	assembly := "call in kernel_" + runtime.GOARCH + ".s"
	want := []Escape{
		{"example.com/app/cgo", "cgo", "It is built with code that is not Go (cgo.go, more.c); sockets of such code are not seen."},
		{"example.com/app/curl", "child process", "It can start programs (os/exec); their sockets are not seen."},
		{"example.com/app/kernel", "assembly", "Its assembly enters the kernel by itself (" + assembly + "); sockets made there are not seen."},
		{"example.com/app/plug", "plugin", "It can load code while it runs (plugin); sockets of that code are not seen unless it was built with the same patched Go."},
		{"example.com/app/raw", "system call", "It makes system calls past the judged functions (syscall.RawSyscall6); sockets made so are not seen."},
		{"example.com/app/raw", "child process", "It can start programs (syscall.ForkExec); their sockets are not seen."},
	}
	if !judgesCalls {
		want = slices.Insert(want, 3, Escape{"example.com/app/plain", "system call",
			"It makes system calls past the judged functions (syscall.Socket, syscall.Syscall of SYS_CONNECT); sockets made so are not seen."})
	}
	if got := escapesIn(t, &f, dir, "CGO_ENABLED=1"); !reflect.DeepEqual(got, want) {
		t.Errorf("escapes\n%q\nwant\n%q", got, want)
	}
	without := slices.DeleteFunc(slices.Clone(want), func(e Escape) bool { return e.Kind == EscapeCgo })
	if got := escapesIn(t, &f, dir, "CGO_ENABLED=0"); !reflect.DeepEqual(got[len(got)-len(without):], without) || slices.ContainsFunc(got, func(e Escape) bool { return e.Kind == EscapeCgo }) {
		t.Errorf("without cgo: escapes\n%q\nwant\n%q", got, without)
	}
}

// TestEscapesAreRead anew when a file has changed, and not before.
func TestEscapesAreRead(t *testing.T) {
	t.Parallel()
	dir := tree(t, "-- go.mod --\nmodule example.com/app\n\ngo 1.25\n-- main.go --\npackage main\n\nimport \"os\"\n\nfunc main() { os.Exit(0) }\n")
	main := filepath.Join(dir, "main.go")
	var f EscapeFinder
	if got := escapesIn(t, &f, dir); len(got) != 0 {
		t.Fatalf("escapes %q, want none", got)
	}
	then := f.files[main].changed
	text := "package main\n\nimport \"os\"\n\nfunc main() { os.StartProcess(\"curl\", nil, nil) }\n"
	if err := os.WriteFile(main, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(main, time.Time{}, then.Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if got := escapesIn(t, &f, dir); len(got) != 1 || got[0].Kind != EscapeChild {
		t.Errorf("escapes %q, want a child process", got)
	}
	if err := os.WriteFile(main, []byte(strings.ReplaceAll(text, "StartProcess", "startprocess")), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(main, time.Time{}, then.Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if got := escapesIn(t, &f, dir); len(got) != 1 {
		t.Errorf("a file of the same size and time was read again: %q", got)
	}
}

// TestEscapesOfXSys sees that x/sys itself is not named, and who calls what nobody judges in it is.
func TestEscapesOfXSys(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	pkgs := listPackage(t, root, "golang.org/x/sys/unix")
	var f EscapeFinder
	if got, err := f.Find(context.Background(), pkgs); err != nil || len(got) != 0 {
		t.Errorf("of golang.org/x/sys/unix: %q, %v", got, err)
	}
	if len(f.files) < 3 || !slices.ContainsFunc(pkgs, func(p Package) bool { return len(p.SFiles) > 0 }) {
		t.Errorf("%d files were read, none of them assembly", len(f.files))
	}
	if got := escapesIn(t, &f, filepath.Join(root, "examples", "guestbook")); len(got) != 0 {
		t.Errorf("of the guestbook: %q", got)
	}
}

// listPackage lists a package that the module in dir requires, from where its source lies.
func listPackage(t *testing.T, dir, path string) []Package {
	t.Helper()
	g := goCommand()
	out, err := g.output(context.Background(), dir, "list", "-f", "{{.Dir}}", path)
	if err != nil {
		t.Fatal(err)
	}
	pkgs, err := List(context.Background(), Go{Tool: "go", Env: append(g.Env, "GOFLAGS=-mod=mod")}, strings.TrimSpace(string(out)))
	if err != nil || len(pkgs) == 0 {
		t.Fatalf("%d packages, %v", len(pkgs), err)
	}
	return pkgs
}

func TestScanGo(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ imports, body, want string }{ // want: kinds and what, of the judged and of others after a /
		{`"os"`, `os.StartProcess("curl", nil, nil)`, "child process: os.StartProcess"},
		{`"os"`, `start := os.StartProcess; _ = start`, "child process: os.StartProcess"},
		{`x "syscall"`, `x.Exec("/bin/curl", nil, nil)`, "child process: syscall.Exec"},
		{`"syscall"`, `(syscall.ForkExec)("/bin/curl", nil, nil)`, "child process: syscall.ForkExec"},
		{`"golang.org/x/sys/unix"`, `unix.Exec("/bin/curl", nil, nil)`, "child process: unix.Exec"},
		{`. "os"`, `StartProcess("curl", nil, nil)`, "child process: os.StartProcess"},
		{`. "syscall"`, `Exit(1)`, ""},
		{`"example.com/other/os"`, `os.StartProcess("curl", nil, nil)`, ""},
		{`"os"`, `type t struct{ os struct{ StartProcess func() } }`, ""},
		{`"syscall"`, `syscall.RawSyscall6(n, 0, 0, 0, 0, 0, 0)`, "system call: syscall.RawSyscall6"},
		{`"syscall"`, `syscall.RawSyscall6(syscall.SYS_CONNECT, 0, 0, 0, 0, 0, 0)`, "system call: syscall.RawSyscall6 of SYS_CONNECT"},
		{`"syscall"`, `syscall.RawSyscall6(syscall.SYS_FUTEX, 0, 0, 0, 0, 0, 0)`, ""},
		{`"golang.org/x/sys/unix"`, `unix.RawSyscall6(uintptr(unix.SYS_RT_SIGACTION), 0, 0, 0, 0, 0, 0)`, ""},
		{`"golang.org/x/sys/unix"`, `unix.SyscallNoError(n, 0, 0, 0)`, "system call: unix.SyscallNoError"},
		{`"syscall"`, `syscall.Syscall(n, 0, 0, 0)`, " / system call: syscall.Syscall"},
		{`"syscall"`, `syscall.Syscall(syscall.SYS_SOCKET, 0, 0, 0)`, " / system call: syscall.Syscall of SYS_SOCKET"},
		{`"syscall"`, `syscall.Syscall(syscall.SYS_GETDENTS64, 0, 0, 0)`, ""},
		{`"syscall"`, `syscall.Socket(2, 1, 0)`, " / system call: syscall.Socket"},
		{`"syscall"`, `syscall.RawSyscall(syscall.SYS_EXECVE, 0, 0, 0)`, "child process: syscall.RawSyscall of SYS_EXECVE"},
		{`"golang.org/x/sys/unix"`, `unix.Syscall6(unix.SYS_IO_URING_ENTER, 0, 0, 0, 0, 0, 0)`, "system call: unix.Syscall6 of SYS_IO_URING_ENTER"},
		{`"syscall"`, `syscall.Syscall6(sys_io_uring_setup, 0, 0, 0, 0, 0, 0)`, "system call: syscall.Syscall6 of SYS_IO_URING_SETUP"},
		{`_ "unsafe"`, "}\n\n//go:linkname raw syscall.RawSyscall6\nfunc raw() {", "system call: syscall.RawSyscall6"},
		{`_ "unsafe"`, "}\n\n//go:linkname entry internal/runtime/syscall.Syscall6\nfunc entry() {", "system call: internal/runtime/syscall.Syscall6"},
		{`_ "unsafe"`, "}\n\n//go:linkname entry internal/runtime/syscall/linux.Syscall6\nfunc entry() {", "system call: internal/runtime/syscall/linux.Syscall6"},
		{`_ "unsafe"`, "}\n\n//go:linkname fork syscall.forkExec\nfunc fork() {", "child process: syscall.forkExec"},
		{`_ "unsafe"`, "}\n\n//go:linkname now runtime.nanotime\nfunc now() {", ""},
		{`_ "unsafe"`, "}\n\n//go:cgo_import_dynamic dlopen dlopen \"libdl.so.2\"\nfunc f() {", "cgo: f.go with //go:cgo_import_dynamic"},
		{`"os"`, "}\n// os.StartProcess is not called\nvar s = \"os.StartProcess\"\nfunc f() {", ""},
		{`"os"`, "os.StartProcess(\"a\", nil, nil)\n} {", "child process: os.StartProcess"}, // as far as it can be read
	} {
		text := "package p\n\nimport " + tt.imports + "\n\nfunc g() {\n" + tt.body + "\n}\n"
		want, other, differs := strings.Cut(tt.want, " / ")
		if !differs {
			other = want
		}
		for judged, want := range map[bool]string{true: want, false: other} {
			var got []string
			for _, f := range scanGo("f.go", []byte(text), judged) {
				got = append(got, f.kind+": "+f.what)
			}
			if strings.Join(got, ", ") != strings.TrimSpace(want) {
				t.Errorf("%s %s, judged %t: %q, want %q", tt.imports, tt.body, judged, got, want)
			}
		}
	}
}

func TestScanAssembly(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, want string }{
		{"TEXT ·f(SB),4,$0\n\tSYSCALL\n", "f in a.s"},
		{"TEXT ·f(SB),4,$0\n\tMOVQ $1, AX; SYSCALL; RET\n", "f in a.s"},
		{"TEXT ·f(SB),4,$0\n\tSVC\t$0\n", "f in a.s"},
		{"TEXT ·f(SB),4,$0\r\n\tINT\t$0x80\r\n", "f in a.s"},
		{"TEXT ·f(SB),4,$0\n\tINT $3\n", ""},
		{"#define ENTER \\\n\tSYSCALL \\\n\tRET\n", "a.s"},
		{"TEXT ·f(SB),4,$0\n\tBYTE $0x0F; BYTE $0x05\n", "f in a.s"},
		{"TEXT ·f(SB),4,$0\n\tBYTE $0x0F; BYTE $0x01\n", ""},
		{"TEXT ·f(SB),4,$0\n\tWORD $0xd4000001\n", "f in a.s"},
		{"TEXT ·f(SB),4,$0\n\tJMP syscall·RawSyscall6(SB)\n", "f in a.s"},
		{"TEXT ·f(SB),4,$0\n\tCALL internal∕runtime∕syscall·Syscall6(SB)\n", "f in a.s"},
		{"TEXT ·f(SB),4,$0\n\tCALL internal∕runtime∕syscall∕linux·Syscall6(SB)\n", "f in a.s"},
		{"TEXT ·f(SB),4,$0\n\tJMP syscall·Syscall6(SB)\n", ""}, // judged
		{"TEXT ·f(SB),4,$0\n\tCALL ·SYSCALL(SB)\n\tCALL runtime·entersyscall(SB)\n", ""},
		{"TEXT ·f(SB),4,$0\n\tNOP // SYSCALL\n/* SYSCALL\nSVC */\tRET\n", ""},
		{"TEXT ·VSVC(SB),4,$0\n\tMOVQ SVC_x(SB), AX\n", ""},
		{"", ""},
	} {
		var got []string
		for _, f := range scanAssembly("a.s", []byte(tt.text)) {
			got = append(got, f.what)
		}
		if strings.Join(got, ", ") != tt.want {
			t.Errorf("%q: %q, want %q", tt.text, got, tt.want)
		}
	}
}

// TestStarters holds the list of packages that start programs against the standard library.
func TestStarters(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-f", "{{.ImportPath}} {{join .Imports \" \"}}", "std").Output()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"go/importer", "os/exec"} // importer by an internal package
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		public := !strings.Contains("/"+fields[0]+"/", "/internal/") && !strings.HasPrefix(fields[0], "vendor/")
		if public && slices.Contains(fields[1:], "os/exec") {
			want = append(want, fields[0])
		}
	}
	got := slices.Sorted(slices.Values(starters))
	if slices.Sort(want); !slices.Equal(got, want) {
		t.Errorf("starters are %q, want %q", got, want)
	}
}

// BenchmarkEscapes is what a large app costs after a build: this very command, whose list is made anyway.
func BenchmarkEscapes(b *testing.B) {
	pkgs, err := List(context.Background(), goCommand(), filepath.Join("..", "..", "cmd", "devserver"))
	if err != nil {
		b.Fatal(err)
	}
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			if _, err := new(EscapeFinder).Find(context.Background(), pkgs); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("again", func(b *testing.B) {
		var f EscapeFinder
		for b.Loop() {
			if _, err := f.Find(context.Background(), pkgs); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(len(f.files)), "files")
	})
}
