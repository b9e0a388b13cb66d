package watch

import (
	"path/filepath"
	"strings"
)

// set makes a set of words.
func set(words string) map[string]bool {
	m := make(map[string]bool)
	for w := range strings.FieldsSeq(words) {
		m[w] = true
	}
	return m
}

var (
	// What go build compiles (go/build.Package), besides .go.
	sourceExt = set(".c .cc .cpp .cxx .m .h .hh .hpp .hxx .f .F .for .f90 .s .S .sx .swig .swigcxx .syso")
	// What browsers load.
	staticExt = set(".css .js .mjs .map .ts .svg .png .jpg .jpeg .gif .webp .avif .ico .woff .woff2 .ttf .otf .wasm")
	// What template packages read.
	templateExt = set(".html .htm .xhtml .tmpl .gohtml .gotmpl .gotxt .tpl .mustache .hbs .jet .templ")
	// What a program reads at its start. The program may write such files itself, so they count in these folders only.
	dataExt     = set(".txt .md .json .yaml .yml .toml .xml .csv .sql .po .ftl .graphql .gql")
	dataFolders = set("templates template views layouts partials static public assets locales locale i18n migrations")
	// Folders that no app reads its files from.
	skipFolders = set("node_modules bower_components vendor testdata")
)

// class is what a file that is no code is by its name.
type class int

const (
	none class = iota
	other
	static
	template
)

// nameClass says what a file is by its name alone.
func nameClass(file string) class {
	ext := strings.ToLower(filepath.Ext(file))
	switch {
	case templateExt[ext]:
		return template
	case staticExt[ext]:
		return static
	}
	return none
}

// assetClass says what a file below the app's folder is; rel is its path from there.
func assetClass(rel string) class {
	if c := nameClass(rel); c != none || !dataExt[strings.ToLower(filepath.Ext(rel))] {
		return c
	}
	for part := range strings.SplitSeq(filepath.ToSlash(filepath.Dir(rel)), "/") {
		if dataFolders[strings.ToLower(part)] {
			return template
		}
	}
	return none
}

// temporary tells whether a file is an editor's, not the user's: backups (a.go~, #a.go#), locks (.#a.go), swap files (.a.go.swp), vim's
// probe of a folder (4913), what others write before they rename it.
func temporary(name string) bool {
	switch {
	case strings.HasPrefix(name, "."), strings.HasPrefix(name, "#"), strings.HasSuffix(name, "~"):
		return true
	case strings.HasSuffix(name, "___jb_tmp___"), strings.HasSuffix(name, "___jb_old___"):
		return true
	}
	switch filepath.Ext(name) {
	case ".tmp", ".swp", ".swx", ".swo", ".bak", ".orig", ".rej", ".part", ".crswap":
		return true
	}
	return strings.Trim(name, "0123456789") == ""
}

// skipped tells whether a folder below an app's is left out, by its name.
func skipped(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || skipFolders[name]
}
