package project

import (
	"path"
	"path/filepath"
	"strings"
)

// Embeds tells whether p's embed patterns match file, which need not exist: the file itself, or a folder around it, in which case names
// that begin with . or _ are left out below it (package embed).
func (p Package) Embeds(file string) bool {
	rel, ok := below(p.Dir, file)
	if !ok || rel == "." {
		return false
	}
	rel = filepath.ToSlash(rel)
	for _, pattern := range p.EmbedPatterns {
		pattern, all := strings.CutPrefix(pattern, "all:")
		if embeds(pattern, rel, all) {
			return true
		}
	}
	return false
}

func embeds(pattern, rel string, all bool) bool {
	if pattern == "." {
		return all || !hidden(rel)
	}
	for end := 0; end < len(rel); end++ {
		if next := strings.IndexByte(rel[end:], '/'); next < 0 {
			end = len(rel)
		} else {
			end += next
		}
		if ok, _ := path.Match(pattern, rel[:end]); ok {
			return all || end == len(rel) || !hidden(rel[end+1:])
		}
	}
	return false
}

// hidden tells whether a part of path begins with . or _.
func hidden(path string) bool {
	for part := range strings.SplitSeq(path, "/") {
		if part != "" && (part[0] == '.' || part[0] == '_') {
			return true
		}
	}
	return false
}
