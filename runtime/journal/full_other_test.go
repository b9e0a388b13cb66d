//go:build !linux

package journal

// recordOnFullDisk is only started where a process can have a disk of its own.
func recordOnFullDisk(dir string) error { return recordOnDisk(dir) }
