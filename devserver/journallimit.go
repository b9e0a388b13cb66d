package devserver

import (
	"github.com/seed-d81df0db/devserver/devserver/profile"
	"github.com/seed-d81df0db/devserver/runtime/journal"
)

// defaultJournalLimit is the limit of an app's journal where nobody names another, bytes.
const defaultJournalLimit = 1 << 30

// journalLimit reads the option of that name: bytes, 0 for unlimited.
func (o *Options) journalLimit() (int64, error) {
	if o.JournalLimit == "" {
		return defaultJournalLimit, nil
	}
	n, err := profile.ParseAmount(o.JournalLimit, true)
	switch {
	case err != nil:
		return 0, usagef("--journal-limit: %v", err)
	case n < 0:
		return 0, nil
	case n < journal.MinLimit:
		return 0, usagef("--journal-limit %s is too small; the least is %s", o.JournalLimit, bytesText(journal.MinLimit))
	}
	return n, nil
}
