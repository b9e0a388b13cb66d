package record

// RunFilter selects runs, newest first. Its zero value selects the newest 200.
type RunFilter struct {
	App        string
	Unfinished bool  // only those whose end is not noted: they run, or their supervisor was killed
	Before     int64 // id below: for paging
	After      int64 // id above
	Ascending  bool  // oldest first
	Limit      int   // 0: 200; below 0: all
}

// RequestFilter selects requests, newest first. Its zero value selects the newest 200.
type RequestFilter struct {
	App    string
	Method string
	URL    string // part of the URL
	Status int    // exactly this; 1 to 5 stand for a hundred: 5 is 500 to 599
	Host   string // of a socket that it used: part of its host or remote address
	Rule   string // that spoke about an operation of it
	RunID  int64
	Since  int64 // started at or after
	After  int64 // id above: for following
	Before int64 // id below: for paging

	MinDuration int64 // in ns: it has ended and took at least this long
	Ascending   bool  // oldest first
	Limit       int   // 0: 200; below 0: all
}
