package reloadbench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	pace      = 5 * time.Millisecond // from one request to the next: 200 a second, however long each takes
	maxFlying = 4096                 // requests at once: those that wait for a build are among them
	tooLong   = 30 * time.Second     // for a request: then it has failed
)

// load is a steady client of one contender.
type load struct {
	url  string
	stop context.CancelFunc
	all  sync.WaitGroup

	sent, failed, served atomic.Int64
	news                 chan struct{} // something was served
	why                  sync.Map      // what failed: the error's words
}

// startLoad sends requests until end is called.
func startLoad(url string) *load {
	ctx, stop := context.WithCancel(context.Background())
	l := &load{url: url, stop: stop, news: make(chan struct{}, 1)}
	l.all.Go(func() { l.run(ctx) })
	return l
}

func (l *load) run(ctx context.Context) {
	kept := &http.Client{Timeout: tooLong, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	fresh := &http.Client{Timeout: tooLong, Transport: &http.Transport{DisableKeepAlives: true}}
	defer kept.CloseIdleConnections()
	var flying sync.WaitGroup
	defer flying.Wait()
	places := make(chan struct{}, maxFlying)
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		client, body := kept, ""
		if n%2 == 1 {
			client = fresh
		}
		if n%4 >= 2 {
			body = fmt.Sprintf("body %d", n)
		}
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			return
		}
		flying.Go(func() {
			l.note(request(client, l.url, body))
			<-places
		})
	}
}

func (l *load) note(err error) {
	l.sent.Add(1)
	if err != nil {
		l.failed.Add(1)
		l.why.Store(err.Error(), true)
		return
	}
	l.served.Add(1)
	select {
	case l.news <- struct{}{}:
	default:
	}
}

// more waits until n further requests were served; with none for so long it gives up.
func (l *load) more(n int64) error {
	silence := time.NewTimer(tooLong)
	defer silence.Stop()
	for want := l.served.Load() + n; l.served.Load() < want; {
		select {
		case <-l.news:
			silence.Reset(tooLong)
		case <-silence.C:
			return errors.New("the app serves no requests any more")
		}
	}
	return nil
}

// end stops the client, and waits for the answers of all that it has sent.
func (l *load) end() {
	l.stop()
	l.all.Wait()
}

// request asks for / with a GET, or a POST of the body, whose length has to come back.
func request(client *http.Client, url, body string) error {
	method := "GET"
	var sent io.Reader
	if body != "" {
		method, sent = "POST", strings.NewReader(body)
	}
	req, err := http.NewRequest(method, url, sent)
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	switch {
	case err != nil:
		return err
	case res.StatusCode != http.StatusOK:
		return fmt.Errorf("%s: status %d", method, res.StatusCode)
	case !strings.HasSuffix(string(text), fmt.Sprintf(" %d", len(body))):
		return fmt.Errorf("%s with %d bytes: %q", method, len(body), text)
	}
	return nil
}

// await asks, again and again, until the answer is of that version.
func await(url, version string, within time.Duration) error {
	client := &http.Client{Timeout: within, Transport: &http.Transport{DisableKeepAlives: true}}
	tick := time.NewTicker(pace)
	defer tick.Stop()
	var last string
	for end := time.Now().Add(within); time.Now().Before(end); <-tick.C {
		res, err := client.Get(url)
		if err != nil {
			last = err.Error()
			continue
		}
		text, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err == nil && strings.HasPrefix(string(text), version+" ") {
			return nil
		}
		last = res.Status + ": " + string(text)
	}
	return fmt.Errorf("%s does not answer with version %s within %v; the last answer is %s", url, version, within, last)
}
