//go:build !linux

package devserver

// holder names the process that listens on an address. Here only a privileged program may know.
func holder(string) string { return "" }
