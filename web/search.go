package web

import (
	"time"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// searchTime is how long one page, or one answer of the API, looks for a part of a text: with what a page needs besides, it
// is there within a tenth of a second whatever the recording's size.
const searchTime = 50 * time.Millisecond

// further is where a search goes on that ended before it had looked at everything.
type further struct {
	Further  string // its address; "" when everything was looked at, or the page is full
	Searched int64  // everything after this time was looked at
}

func newFurther[T any](path, query string, found record.Found[T]) further {
	if found.Rest == 0 {
		return further{}
	}
	return further{pageAddress(path, query, found.Rest), found.RestAt}
}
