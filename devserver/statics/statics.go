// Package statics answers requests for static files as App Engine does by the handlers of an app.yaml: the first handler
// whose expression fits the whole path answers, and what it says is a file never reaches the app.
//
// A file is served from the app's folder alone, whatever the path or a symbolic link says. Files whose names begin with a
// dot are not there, as production does not get them; a folder has no listing. Without an expiration nothing is to be
// kept by browsers, unlike in production, so that a saved file is seen.
package statics

import (
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/project"
)

// Files answers for one app. It is not changed once made, and nil answers nothing.
type Files struct {
	dir      string
	handlers []project.URLHandler
	standard *time.Duration
}

// New returns what answers by an app.yaml beside an app in dir; nil when no handler serves files.
func New(dir string, y *project.AppYAML) *Files {
	if y == nil {
		return nil
	}
	for _, h := range y.Handlers {
		if h.File != "" {
			return &Files{dir, y.Handlers, y.DefaultExpiration}
		}
	}
	return nil
}

// Handler returns what answers r, nil for the app.
func (f *Files) Handler(r *http.Request) http.Handler {
	if f == nil {
		return nil
	}
	for i := range f.handlers {
		h := &f.handlers[i]
		m := h.URL.FindStringSubmatch(r.URL.Path)
		switch {
		case m == nil:
			continue
		case h.File == "":
			return nil
		}
		return &file{f, h, fill(h.File, m)}
	}
	return nil
}

// group is a reference to one of an expression.
var group = regexp.MustCompile(`\\[0-9]`)

// fill puts the groups of a path into a file's name.
func fill(name string, groups []string) string {
	return group.ReplaceAllStringFunc(name, func(ref string) string {
		if n := int(ref[1] - '0'); n < len(groups) {
			return groups[n]
		}
		return ""
	})
}

// file answers one request.
type file struct {
	files *Files
	by    *project.URLHandler
	name  string // from the app's folder, with slashes; not checked
}

func (x *file) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "a static file takes GET and HEAD alone", http.StatusMethodNotAllowed)
		return
	}
	content, info, err := x.open()
	if err != nil {
		http.Error(w, "404: "+err.Error(), http.StatusNotFound)
		return
	}
	defer content.Close()
	x.headers(w.Header())
	http.ServeContent(w, r, path.Base(x.name), info.ModTime(), content)
}

// open opens the file, if production would have it.
func (x *file) open() (*os.File, fs.FileInfo, error) {
	name := path.Clean(x.name)
	missing := fmt.Errorf("%s names no file that production has: %s", x.by.Position, strconv.Quote(x.name))
	if !fs.ValidPath(name) || strings.ContainsAny(x.name, "\\\x00") || outside(x.name) || x.by.Upload != nil && !x.by.Upload.MatchString(name) {
		return nil, nil, missing
	}
	root, err := os.OpenRoot(x.files.dir)
	if err != nil {
		return nil, nil, missing
	}
	defer root.Close()
	// A pipe would be waited for without NONBLOCK.
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, missing
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		f.Close()
		return nil, nil, missing
	}
	return f, info, nil
}

// outside tells whether an element of a path leads up or hides: production takes no file whose name begins with a dot.
func outside(name string) bool {
	for i, element := range strings.Split(name, "/") {
		if strings.HasPrefix(element, ".") && !(element == "." && i == 0) {
			return true
		}
	}
	return false
}

// headers are those that app.yaml says.
func (x *file) headers(h http.Header) {
	keep := x.by.Expiration
	if keep == nil {
		keep = x.files.standard
	}
	h.Set("Cache-Control", "no-cache")
	if keep != nil {
		h.Set("Cache-Control", "public, max-age="+strconv.FormatInt(int64(*keep/time.Second), 10))
	}
	if x.by.MIMEType != "" {
		h.Set("Content-Type", x.by.MIMEType)
	}
	for name, value := range x.by.Headers {
		h.Set(name, value)
	}
}
