package devserver

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/seed-d81df0db/devserver/devserver/chrometest"
)

// pagesSource is an app with pages.
const pagesSource = `package main

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"os"
	"sync/atomic"
)

const version = "one"

//go:embed built/built.css
var built embed.FS

var posts atomic.Int64

func main() {
	page := template.Must(template.ParseFiles("templates/page.html"))
	http.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		page.Execute(w, version)
	})
	http.HandleFunc("/strict", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; require-trusted-types-for 'script'")
		fmt.Fprint(w, "<title>", version, "</title>")
	})
	http.HandleFunc("/order", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, "<title>order ", posts.Add(1), "</title>")
	})
	http.HandleFunc("/exit", func(http.ResponseWriter, *http.Request) {
		fmt.Println("the last words")
		os.Exit(7)
	})
	http.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
	http.Handle("/static/", http.FileServer(http.Dir(".")))
	http.Handle("/built/", http.FileServerFS(built))
	panic(http.ListenAndServe(":"+os.Getenv("PORT"), nil))
}
`

var pagesFiles = map[string]string{
	"main.go": pagesSource,
	"templates/page.html": `<!doctype html>
<html lang="en">
<head>
<title>{{.}}</title>
<link rel="stylesheet" href="/static/site.css?kept=1">
<link rel="stylesheet" href="/built/built.css">
<script src="/static/app.js"></script>
</head>
<body>
<p id="text">The first text</p>
<form method="post" action="/order"><input id="field" name="field"></form>
</body>
</html>
`,
	"static/site.css":     `@import "colors.css"; p { margin-left: 1px } main { display: none !important } * { color: red }`,
	"static/colors.css":   `body { background-color: rgb(1, 1, 1) }`,
	"built/built.css":     `p { margin-top: 1px }`,
	"static/app.js":       `window.script = "one";`,
	"templates/part.html": `part`,
}

// liveSite is a site whose pages follow, with a browser on its first page.
func liveSite(t *testing.T) *site {
	s := newSite(t, pagesFiles)
	s.opts.LiveReload, s.opts.Addr = true, reserved(t)
	long := time.Now().Add(-1000 * time.Hour) // a browser keeps what is old for a part of its age
	for _, name := range []string{"app.js", "colors.css", "site.css"} {
		if err := os.Chtimes(filepath.Join(s.dir, "static", name), long, long); err != nil {
			t.Fatal(err)
		}
	}
	s.up()
	return s
}

const (
	problemText = `(document.querySelector("devserver-problem")?.shadowRoot.querySelector("main").innerText ?? "")`
	marginLeft  = `getComputedStyle(document.querySelector("p")).marginLeft`
	marginTop   = `getComputedStyle(document.querySelector("p")).marginTop`
	background  = `getComputedStyle(document.body).backgroundColor`
)

func titled(title string) string { return fmt.Sprintf("document.title === %q", title) }

// TestLivePages: in a real browser, a page loads again after a swap, and takes a style sheet without that.
func TestLivePages(t *testing.T) {
	t.Parallel()
	ctx := chrometest.Open(t, 5*patience)
	s := liveSite(t)
	chrometest.Do(ctx, t, chromedp.Navigate(s.url))
	until(ctx, t, titled("one"))

	// Style sheets: the page stays, with what was typed into it.
	chrometest.Eval[bool](ctx, t, `window.stays = true`)
	chrometest.Do(ctx, t, chromedp.SendKeys("#field", "typed"))
	s.write("static/site.css", strings.Replace(pagesFiles["static/site.css"], "1px", "2px", 1))
	until(ctx, t, marginLeft+` === "2px"`)
	s.write("static/colors.css", `body { background-color: rgb(2, 2, 2) }`)
	until(ctx, t, background+` === "rgb(2, 2, 2)"`)
	s.write("built/built.css", `p { margin-top: 2px }`) // part of the program
	until(ctx, t, marginTop+` === "2px"`)
	until(ctx, t, `document.querySelectorAll("link").length === 2`) // the old ones are gone
	if got := chrometest.Eval[string](ctx, t, `window.stays + field.value`); got != "truetyped" {
		t.Errorf("after style sheets the page says %q, want truetyped", got)
	}
	if got := chrometest.Eval[string](ctx, t, `document.querySelector("link").href`); !strings.Contains(got, "kept=1") {
		t.Errorf("the style sheet is now %s", got)
	}

	// All else loads the page again.
	s.write("main.go", strings.Replace(pagesSource, `"one"`, `"two"`, 1))
	until(ctx, t, titled("two"))
	if got := chrometest.Eval[string](ctx, t, `String(window.stays)`); got != "undefined" {
		t.Errorf("after a swap the page says %q", got)
	}
	s.write("static/app.js", `window.script = "two";`)
	until(ctx, t, `window.script === "two"`)
	s.write("templates/page.html", strings.Replace(pagesFiles["templates/page.html"], "first text", "second text", 1))
	until(ctx, t, `text.textContent === "The second text"`)

	// What scripts ask for stays as it is, and so does the document that they see.
	until(ctx, t, `document.scripts.length === 1`) // its own
	if got := ask(t, "GET", s.url, ""); strings.Contains(got, "_devserver") {
		t.Errorf("what asks for no page gets %s", got)
	}
}

// TestLiveProblems: what does not compile is shown over the page, and leaves when it is mended; so is an app that ended.
func TestLiveProblems(t *testing.T) {
	t.Parallel()
	ctx := chrometest.Open(t, 5*patience)
	s := liveSite(t)
	chrometest.Do(ctx, t, chromedp.EmulateViewport(1280, 800), chromedp.Navigate(s.url))
	until(ctx, t, titled("one"))
	chrometest.Eval[bool](ctx, t, `window.stays = true`)

	broken := strings.Replace(pagesSource, "posts atomic.Int64", "posts atomic.Int65\n\nvar other int = \"<b>no number</b>\"", 1)
	s.write("main.go", broken)
	line := 1 + strings.Count(pagesSource[:strings.Index(pagesSource, "var posts")], "\n")
	for _, want := range []string{
		"The app does not compile", fmt.Sprintf("main.go:%d:18\n", line), "undefined: atomic.Int65", fmt.Sprintf("main.go:%d:17\n", line+2), "<b>no number</b>",
	} {
		until(ctx, t, fmt.Sprintf("%s.includes(%q)", problemText, want))
	}
	look := chrometest.Eval[string](ctx, t, `(() => {
		const host = document.querySelector("devserver-problem"), box = host.getBoundingClientRect();
		const main = host.shadowRoot.querySelector("main");
		return [box.width === document.documentElement.clientWidth, getComputedStyle(main).display, getComputedStyle(main).color === "rgb(255, 0, 0)"].join(" ");
	})()`)
	if look != "true block false" {
		t.Errorf("what is shown looks %q: it covers the page, and the page's styles do not reach it", look)
	}
	shoot(ctx, t, "problem-1280")
	chrometest.Do(ctx, t, chromedp.EmulateViewport(400, 800))
	if got := chrometest.Eval[string](ctx, t, `(() => {
		const host = document.querySelector("devserver-problem");
		return [...host.shadowRoot.querySelectorAll("*")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.localName).join(" ");
	})()`); got != "" {
		t.Errorf("at 400 pixels these are too wide: %s", got)
	}
	shoot(ctx, t, "problem-400")
	chrometest.Do(ctx, t, chromedp.KeyEvent(kb.Escape))
	until(ctx, t, problemText+` === ""`)
	if !chrometest.Eval[bool](ctx, t, `window.stays`) {
		t.Error("the page was loaded again although nothing new serves")
	}

	s.write("main.go", broken+"\nfunc") // another problem is shown again
	until(ctx, t, problemText+`.includes("syntax error")`)
	s.write("main.go", pagesSource) // back to what serves: no reason to load the page
	until(ctx, t, problemText+` === ""`)
	if !chrometest.Eval[bool](ctx, t, `window.stays`) {
		t.Error("the page was loaded again although the same program serves")
	}

	// A page that is loaded while there is a problem shows it too.
	s.write("main.go", broken)
	until(ctx, t, problemText+`.includes("atomic.Int65")`)
	chrometest.Do(ctx, t, chromedp.Reload())
	until(ctx, t, problemText+`.includes("atomic.Int65")`)
	s.write("main.go", strings.Replace(pagesSource, `"one"`, `"two"`, 1))
	until(ctx, t, titled("two")+" && "+problemText+` === ""`)

	// It ends, and comes again by itself.
	chrometest.Eval[bool](ctx, t, `window.stays = true; fetch("/exit").catch(() => {}); true`)
	until(ctx, t, problemText+`.includes("The app ended: exit status 7") && `+problemText+`.includes("the last words")`)
	shoot(ctx, t, "ended-400")
	until(ctx, t, `window.stays === undefined && `+problemText+` === ""`)
}

// TestLiveElsewhere: a page with a strict policy follows; the answer to a form does not send the form again; a page whose
// devserver was away follows the next one; and more pages than a browser has connections to a host do not starve.
func TestLiveElsewhere(t *testing.T) {
	t.Parallel()
	ctx := chrometest.Open(t, 5*patience)
	s := liveSite(t)
	chrometest.Do(ctx, t, chromedp.Navigate(s.url+"/strict"))
	until(ctx, t, titled("one"))
	form := chrometest.Tab(ctx, t)
	chrometest.Do(form, t, chromedp.Navigate(s.url), chromedp.Submit("form"))
	until(form, t, titled("order 1"))
	pages := []pageTab{{ctx, "strict"}}
	for range 7 {
		c := chrometest.Tab(ctx, t)
		chrometest.Do(c, t, chromedp.Navigate(s.url))
		until(c, t, titled("one"))
		pages = append(pages, pageTab{c, "page"})
	}
	s.write("main.go", strings.Replace(pagesSource, `"one"`, `"two"`, 1))
	for _, p := range pages {
		until(p.Context, t, titled("two"))
	}
	notice := `(document.querySelector("devserver-notice")?.shadowRoot.querySelector("main").innerText ?? "")`
	until(form, t, notice+`.includes("answer to a form") && `+titled("order 1"))
	shoot(form, t, "form")
	for _, p := range pages[1:] {
		chrometest.Eval[bool](p.Context, t, `fetch("/echo", {method: "POST", body: "through"}).then((r) => r.text()).then((text) => { window.got = text }); true`)
		until(p.Context, t, `window.got === "through"`)
	}

	// devserver goes, the code changes, devserver comes again.
	s.stop()
	s.write("main.go", strings.Replace(pagesSource, `"one"`, `"three"`, 1))
	s.up()
	for _, p := range pages {
		until(p.Context, t, titled("three"))
	}
}

// TestLiveFiles: pages that app.yaml has served as files follow the app as its own do, all else of them passes as it is.
func TestLiveFiles(t *testing.T) {
	t.Parallel()
	ctx := chrometest.Open(t, 5*patience)
	const page = "<!doctype html>\n<title>help one</title>\n<link rel=stylesheet href=help.css>\n<p>Help</p>\n"
	s := newSite(t, map[string]string{
		"main.go": source, "app.yaml": "runtime: go126\nhandlers:\n- url: /help\n  static_dir: help\n",
		"help/page.html": page, "help/help.css": "p { margin-left: 1px }", "help/words.txt": "<html>",
	})
	s.opts.LiveReload = true
	s.up()
	chrometest.Do(ctx, t, chromedp.Navigate(s.url+"/help/page.html"))
	until(ctx, t, titled("help one")+" && "+marginLeft+` === "1px"`)
	chrometest.Eval[bool](ctx, t, `window.stays = true`)
	s.write("help/help.css", "p { margin-left: 2px }")
	until(ctx, t, marginLeft+` === "2px" && window.stays`)
	s.write("help/page.html", strings.Replace(page, "one", "two", 1))
	until(ctx, t, titled("help two")+" && window.stays === undefined")
	chrometest.Eval[bool](ctx, t, `window.stays = true`)
	s.write("main.go", strings.Replace(source, `"one"`, `"two"`, 1))
	until(ctx, t, titled("help two")+" && window.stays === undefined")
	for path, want := range map[string]string{"/help/page.html": strings.Replace(page, "one", "two", 1), "/help/words.txt": "<html>"} {
		if got := ask(t, "GET", s.url+path, ""); got != want {
			t.Errorf("what is no browser gets %q at %s, want %q", got, path, want)
		}
	}
}

// TestLiveSecure: pages follow over HTTP/2 with TLS too.
func TestLiveSecure(t *testing.T) {
	t.Parallel()
	ctx := chrometest.Open(t, 5*patience, chromedp.Flag("ignore-certificate-errors", true)) // the tests of localca are about those
	s := newSite(t, pagesFiles)
	s.opts.LiveReload, s.opts.TLS, s.opts.caDir = true, true, t.TempDir()
	s.up()
	chrometest.Do(ctx, t, chromedp.Navigate(s.url))
	until(ctx, t, titled("one"))
	if got := chrometest.Eval[string](ctx, t, `performance.getEntriesByType("navigation")[0].nextHopProtocol`); got != "h2" {
		t.Errorf("the page came by %s, want h2", got)
	}
	s.write("static/site.css", strings.Replace(pagesFiles["static/site.css"], "1px", "2px", 1))
	until(ctx, t, marginLeft+` === "2px"`)
	s.write("main.go", strings.Replace(pagesSource, `"one"`, `"two"`, 1))
	until(ctx, t, titled("two"))
	s.write("main.go", pagesSource+"func")
	until(ctx, t, problemText+`.includes("syntax error")`)
	s.write("main.go", strings.Replace(pagesSource, `"one"`, `"three"`, 1))
	until(ctx, t, titled("three")+" && "+problemText+` === ""`)
}

// pageTab is a page in the browser and what is in it.
type pageTab struct {
	context.Context
	what string
}
