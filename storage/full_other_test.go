//go:build !linux

package storage

// onSmallDisk is only started where a process can have a disk of its own.
func onSmallDisk(dir string) error { return writeToFullDisk(dir) }
