package devserver

import (
	"io"
	"net/http"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/project"
	"github.com/seed-d81df0db/devserver/devserver/proxy"
	"github.com/seed-d81df0db/devserver/devserver/statics"
)

// useFiles has the files that app.yaml names served from now on.
func (a *app) useFiles(found *project.App) { a.statics.Store(statics.New(found.Dir, found.YAML)) }

// fileFor returns what answers a request instead of the app, since app.yaml says that it is for a file; nil for the app.
func (a *app) fileFor(r *http.Request) http.Handler {
	h := a.statics.Load().Handler(r)
	if h == nil {
		return nil
	}
	h = a.followFile(h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin := time.Now()
		n := &counted{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			a.sup.requests.add(a.name, proxy.Answer{
				At: begin, Duration: time.Since(begin), Method: r.Method, URL: r.RequestURI, RemoteAddr: r.RemoteAddr, Status: n.status, BytesOut: n.bytes,
			})
		}()
		h.ServeHTTP(n, r)
	})
}

// counted is an answer whose status and bytes are known afterwards.
type counted struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (c *counted) WriteHeader(status int) {
	c.status = status
	c.ResponseWriter.WriteHeader(status)
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.bytes += int64(n)
	return n, err
}

// ReadFrom lets a file go to its client without a copy, where net/http can.
func (c *counted) ReadFrom(r io.Reader) (int64, error) {
	n, err := io.Copy(c.ResponseWriter, r)
	c.bytes += n
	return n, err
}
