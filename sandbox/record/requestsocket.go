package record

// RequestSocket is a socket that a request used, which may be another than opened it.
type RequestSocket struct {
	Socket
	UsedBy    int64 `json:"used_by"`    // the request
	UsedFrom  int64 `json:"used_from"`  // start of the request's first operation on it
	UsedUntil int64 `json:"used_until"` // start of its last one so far
}

// RequestUse is how many sockets a request used. Numbers end at the limit that was asked for.
type RequestUse struct {
	RequestID int64 `json:"request_id"`
	Sockets   int64 `json:"sockets"` // denied calls too
	Denied    int64 `json:"denied"`
}
