package yamlfile

import "strings"

// mostWrong is how many letters a key may differ from the one that was meant.
const mostWrong = 2

// meant asks whether another key was meant, "" when none is near.
func meant(key string, fields []Field) string {
	best, near := mostWrong+1, ""
	written := strings.ToLower(strings.ReplaceAll(key, "-", "_"))
	for _, f := range fields {
		n := distance(written, f.Key)
		if f.Key == strings.TrimPrefix(written, "no_") {
			n = 0
		}
		if n < best && 2*n < len(f.Key) {
			best, near = n, f.Key
		}
	}
	if near == "" {
		return ""
	}
	return "; did you mean " + near + "?"
}

// distance is how many letters are to be added, taken out or changed to come from a to b (Levenshtein). Longer texts than
// any key are not compared.
func distance(a, b string) int {
	if len(a) > 64 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := before
			if a[i-1] != b[j-1] {
				change++
			}
			before = row[j]
			row[j] = min(change, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
