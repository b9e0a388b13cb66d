package project

import (
	"bytes"
	"regexp"
	"strings"
)

var (
	// kernelEntries are the instructions that enter the kernel: of amd64, arm64, and the other architectures of Go.
	kernelEntries = regexp.MustCompile(`(?:^|[\s;:\\])(?:(?:SYSCALL|SYSENTER|SVC|SWI|ECALL)(?:[\s;\\]|$)|INT\s+\$(?:0x80|128)\b)`)
	// encodedEntries are SYSCALL of amd64 and SVC of arm64 written as their bytes.
	encodedEntries = regexp.MustCompile(`BYTE\s+\$0x0[fF]\s*;\s*BYTE\s+\$0x05\b|WORD\s+\$0x050[fF]\b|WORD\s+\$0x[dD]4000001\b`)
	// unjudgedTargets are functions of the standard library that nobody judges: they are called in a child between fork
	// and exec, where no Go code may run.
	unjudgedTargets = regexp.MustCompile(`syscall·(?:RawSyscall6|rawSyscallNoError|rawVforkSyscall)\b|∕syscall(?:∕\w+)?·Syscall6\b`)

	asmComments = regexp.MustCompile(`(?s)/\*.*?\*/`)
	asmFunction = regexp.MustCompile(`^\s*TEXT\s+([^\s(<,]+)`)
)

// scanAssembly finds the functions of an assembly file that enter the kernel. Assembly alone proves nothing: most of it
// computes. Which parts the assembler would leave out is not looked at.
func scanAssembly(file string, text []byte) (found []finding) {
	function := ""
	text = asmComments.ReplaceAllFunc(text, func(c []byte) []byte { return bytes.Repeat([]byte("\n"), bytes.Count(c, []byte("\n"))) })
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "//")
		if m := asmFunction.FindStringSubmatch(line); m != nil {
			function = strings.TrimLeft(m[1], "·")
		}
		line = strings.TrimRight(line, "\r\n")
		if kernelEntries.MatchString(line) || encodedEntries.MatchString(line) || unjudgedTargets.MatchString(line) {
			what := file
			if function != "" {
				what = function + " in " + file
			}
			found = append(found, finding{EscapeAssembly, what})
		}
	}
	return found
}

// xsys is golang.org/x/sys/unix. Its functions lead to those of package syscall, which are judged, but for three:
// SyscallNoError and RawSyscallNoError, which it uses for calls that cannot fail (getpid, umask), and RawSyscall6, which
// it uses for nothing that concerns a socket but socketpair, whose ends lead nowhere. So who calls those is named, not
// x/sys itself. On macOS it links to libSystem, as the standard library does.
const xsys = "golang.org/x/sys/unix"

func harmlessInXSys(f finding) bool {
	name, _, _ := strings.Cut(f.what, " in ")
	switch f.kind {
	case EscapeAssembly:
		return name == "SyscallNoError" || name == "RawSyscallNoError" || name == "RawSyscall6"
	case EscapeChild:
		return true // its Exec and the like are one line each: who calls them is named
	}
	return f.kind == EscapeCgo && strings.HasSuffix(f.what, "_import_dynamic") || f.kind == EscapeSyscall
}
