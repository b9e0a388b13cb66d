// Package reloadbench compares, from the save of a file to the first response of the new code, devserver with plain go
// build and a restart, and with the reloaders air and reflex. All of it is in its test, which make bench-reload runs.
//
// Each contender is the real program with a copy of the same small app. The rounds are interleaved: in each, every
// contender gets one save while a steady client sends it requests over kept and over new connections, some with a body, and
// counts those that fail. What is printed are the medians, and the ratio to go build of the same change under the same
// load.
package reloadbench
