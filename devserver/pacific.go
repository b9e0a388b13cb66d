package devserver

import (
	"time"
	_ "time/tzdata" // the day's border depends on it, and not every machine has it
)

// pacific is where production's day ends at midnight.
var pacific = func() *time.Location {
	zone, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		panic(err) // it is compiled in
	}
	return zone
}()

// quotaDay returns the day of production that holds t. It has 23 or 25 hours when the clocks are changed.
func quotaDay(t time.Time) (start, end time.Time) {
	year, month, day := t.In(pacific).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, pacific), time.Date(year, month, day+1, 0, 0, 0, 0, pacific)
}
