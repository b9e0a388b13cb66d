// Package inside embeds the sources of what runs inside the user's program, so that runtime/hook can put them into
// the user's standard library.
package inside

import "embed"

// Source holds the folders agent, journal and wire, their tests included.
//
//go:embed agent/*.go journal/*.go wire/*.go
var Source embed.FS
