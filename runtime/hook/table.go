package hook

// patches, fields and needs are all that is changed and expected in the standard library.
var (
	patches = []Patch{}
	fields  = []Field{}
	needs   = []Need{}
)
