package record

// Found is what a search has found so far. A search that was given a time stops when it is over, however little it has
// found, and goes on from Rest at its next call.
type Found[T any] struct {
	Rows []T
	// Rest is where the search goes on: Before of the filter, After with Ascending. 0: nothing is left to look at.
	Rest int64
	// RestAt is when the last row that was looked at was made, in nanoseconds since 1970 UTC; 0 with Rest 0.
	RestAt int64
}
