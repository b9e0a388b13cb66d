package sandbox

import "embed"

// Source is this package's own text, which runtime/hook puts into the user's standard library. This file and the
// tests are left out there.
//
//go:embed *.go
var Source embed.FS
