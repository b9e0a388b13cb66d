// Package rules holds the tests that run real programs under the rules: each is built with the patched copy of Go,
// started with a configuration of its own and without a supervisor, and what it printed and what its journal holds
// are compared with what production would have done. The programs stand below testdata, one folder each.
package rules
