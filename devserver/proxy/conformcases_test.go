package proxy

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	host  = "Host: example.org\r\n"
	final = "Connection: close\r\n"
)

// get is a request without a body after which the connection ends.
func getting(target string, headers ...string) string {
	return "GET " + target + " HTTP/1.1\r\n" + host + strings.Join(headers, "") + final + "\r\n"
}

func posting(headers, body string) string {
	return "POST /form HTTP/1.1\r\n" + host + final + headers + "\r\n" + body
}

func conformCases() []conform {
	var all []conform
	for _, f := range []func() []conform{requestCases, headCases, bodyCases, statusCases, answerCases, rawCases, endCases, streamCases, upgradeCases, refusedCases} {
		all = append(all, f()...)
	}
	return all
}

// requestCases are request lines and keep-alive.
func requestCases() (cs []conform) {
	for _, m := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "M-SEARCH", "QUERY", "get", "X!#$%&'*+-.^_`|~9", "PRI", "PR", "P"} {
		cs = append(cs, conform{name: "method " + m, app: echo, send: m + " /x HTTP/1.1\r\n" + host + final + "\r\n"})
	}
	for _, target := range []string{"/", "/a?b=1;c&%zz", "/a%2Fb/%7e|x", "//x/../y", "/ä", "/?", "http://other.example/p?q", "https://other.example", "http://user@h:81/", "*", "/#frag", "/" + pattern(9000), "/:80"} {
		cs = append(cs, conform{name: "target " + target[:min(len(target), 20)], app: echo, send: getting(target)})
	}
	cs = append(cs,
		conform{name: "OPTIONS *", app: echo, send: "OPTIONS * HTTP/1.1\r\n" + host + final + "\r\n"},
		conform{name: "HTTP/1.0", app: echo, send: "GET / HTTP/1.0\r\n\r\n"},
		conform{name: "HTTP/1.0 with Host", app: echo, send: "GET / HTTP/1.0\r\n" + host + "\r\n"},
		conform{name: "HTTP/1.0 keep-alive", app: echo, send: "GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /2 HTTP/1.0\r\n\r\n"},
		conform{name: "HTTP/1.0 POST", app: echo, send: "POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc"},
		conform{name: "HTTP/1.0 unsized answer", app: sized(5000, 700), send: "GET / HTTP/1.0\r\n\r\n"},
		conform{name: "HTTP/1.0 chunked request", app: echo, send: "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", loose: true},
		conform{name: "keep-alive", client: func(p *peer) {
			for i := range 10 {
				p.send(fmt.Sprintf("GET /%d HTTP/1.1\r\n%s\r\n", i, host))
				p.until("body=\"\"\n")
			}
			p.send(getting("/last"))
			p.rest()
		}, app: echo},
		conform{name: "pipelined", app: echo, send: strings.Repeat("GET /p HTTP/1.1\r\n"+host+"\r\n", 10) + getting("/last")},
		conform{name: "pipelined with bodies", app: echo, send: strings.Repeat("POST /p HTTP/1.1\r\n"+host+"Content-Length: 5\r\n\r\nhello", 5) +
			"POST /p HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n" + getting("/last")},
		conform{name: "empty lines after a POST", app: echo, client: func(p *peer) {
			p.send("POST /p HTTP/1.1\r\n" + host + "Content-Length: 5\r\n\r\nhello\r\n")
			p.until("hello")
			p.send(getting("/last"))
			p.rest()
		}, calm: true},
		conform{name: "one byte at a time", app: echo, client: func(p *peer) {
			for _, c := range getting("/slow", "A: b\r\n") {
				p.send(string(c))
			}
			p.rest()
		}},
		conform{name: "close within many", app: echo, send: "GET /1 HTTP/1.1\r\n" + host + "\r\n" + getting("/2") + getting("/3"), loose: true},
		conform{name: "half close after the request", app: echo, client: func(p *peer) {
			p.send("POST / HTTP/1.1\r\n" + host + "Content-Length: 5\r\n\r\nhello")
			p.CloseWrite()
			p.rest()
		}},
	)
	return cs
}

// headCases are headers of requests that pass as they are.
func headCases() (cs []conform) {
	for name, lines := range map[string]string{
		"odd case":           "x-oDD: 1\r\nACCEPT: text/html\r\n",
		"odd order":          "Zeta: 1\r\nAlpha: 2\r\nMiddle: 3\r\n",
		"duplicates":         "A: 1\r\nB: x\r\nA: 2\r\na: 3\r\n",
		"no space":           "A:b\r\n",
		"much space":         "A:   b \t \r\n",
		"empty value":        "A:\r\nB: \r\n",
		"folded":             "A: b\r\n  c\r\n\td\r\nE: f\r\n",
		"folded of nothing":  "A:\r\n \r\nB: c\r\n",
		"LF alone":           "A: b\nC: d\n",
		"bytes":              "A: \xff\xfe\xe4\r\n",
		"utf-8":              "A: grüße ✓\r\n",
		"long":               "A: " + pattern(60000) + "\r\n",
		"many":               strings.Repeat("A: b\r\n", 1000),
		"cookies":            "Cookie: a=b; c=\"d\"\r\nCookie: e=f\r\n",
		"pragma":             "Pragma: no-cache\r\n",
		"accept-encoding":    "Accept-Encoding: gzip, br;q=0.5\r\n",
		"no agent":           "User-Agent:\r\n",
		"te":                 "TE: trailers, deflate\r\n",
		"connection words":   "Connection: X-Hop, close\r\nX-Hop: 1\r\n",
		"keep-alive header":  "Keep-Alive: timeout=5\r\n",
		"proxy headers":      "Proxy-Connection: keep-alive\r\nProxy-Authorization: Basic eA==\r\n",
		"upgrade unanswered": "Connection: Upgrade\r\nUpgrade: other\r\n",
		"forwarded":          "Forwarded: for=192.0.2.1\r\nVia: 1.1 p\r\n",
		"range":              "Range: bytes=0-9\r\nIf-Match: \"x\"\r\n",
		"expect on a GET":    "Expect: 100-continue\r\n",
		"unknown expect":     "Expect: the-unexpected\r\n",
		"zero length":        "Content-Length: 0\r\n",
		"name with space":    "A b: c\r\n",
	} {
		cs = append(cs, conform{name: "head " + name, app: echo, send: getting("/", lines)})
	}
	return append(cs,
		conform{name: "head without host", app: echo, send: "GET / HTTP/1.1\r\n" + final + "\r\n"},
		conform{name: "head bad host", app: echo, send: "GET / HTTP/1.1\r\nHost: a b\r\n" + final + "\r\n"},
		conform{name: "head all LF", app: echo, send: "GET /lf HTTP/1.1\nHost: h\nConnection: close\n\n"},
	)
}

// bodyCases are bodies of requests.
func bodyCases() (cs []conform) {
	for _, n := range []int{1, 100, 4096, 65536, 200000, 3 << 20} {
		cs = append(cs, conform{name: fmt.Sprintf("body of %d", n), app: echo, send: posting(fmt.Sprintf("Content-Length: %d\r\n", n), pattern(n))})
	}
	for _, piece := range []int{1, 100, 4096, 70000} {
		var b strings.Builder
		for p := pattern(3 * piece); p != ""; p = p[piece:] {
			fmt.Fprintf(&b, "%X;x=\"%d\"\r\n%s\r\n", piece, piece, p[:piece])
		}
		cs = append(cs, conform{name: fmt.Sprintf("chunks of %d", piece), app: echo, send: posting("Transfer-Encoding: chunked\r\n", b.String()+"0\r\n\r\n")})
	}
	for name, body := range map[string]string{
		"none":           "0\r\n\r\n",
		"zeros":          "0000\r\n\r\n",
		"leading zeros":  "0005\r\nhello\r\n0\r\n\r\n",
		"extensions":     "5;a;b=c\r\nhello\r\n0;end\r\n\r\n",
		"trailers":       "5\r\nhello\r\n0\r\nmArk: here\r\nOther:  x \r\n\r\n",
		"space":          "5 \r\nhello\r\n0\r\n\r\n",
		"one bad":        "5\r\nhello\r\nzz\r\n\r\n",
		"no CRLF":        "5\r\nhelloXX0\r\n\r\n",
		"LF alone":       "5\nhello\n0\n\n",
		"too large":      "fffffffffffffffff\r\nhello",
		"negative":       "-5\r\nhello\r\n0\r\n\r\n",
		"space then ext": "5 ;a\r\nhello\r\n0\r\n\r\n",
	} {
		cs = append(cs, conform{name: "chunks with " + name, app: echo, send: posting("Trailer: Mark\r\nTransfer-Encoding: chunked\r\n", body), loose: true})
	}
	return append(cs,
		conform{name: "Chunked in capitals", app: echo, send: posting("transfer-encoding: CHUNKED\r\n", "5\r\nhello\r\n0\r\n\r\n")},
		conform{name: "same length twice", app: echo, send: posting("Content-Length: 5\r\nContent-Length: 5\r\n", "hello")},
		conform{name: "length beside chunks", app: echo, send: posting("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n")},
		conform{name: "body of a GET", app: echo, send: "GET / HTTP/1.1\r\n" + host + final + "Content-Length: 5\r\n\r\nhello"},
		conform{name: "body cut short", app: echo, client: func(p *peer) {
			p.send(posting("Content-Length: 50\r\n", "hello"))
			p.CloseWrite()
			p.rest()
		}},
		conform{name: "chunks cut short", app: echo, client: func(p *peer) {
			p.send(posting("Transfer-Encoding: chunked\r\n", "5\r\nhel"))
			p.CloseWrite()
			p.rest()
		}},
		conform{name: "body in pieces", app: upper, client: func(p *peer) {
			p.send(posting("Content-Length: 30\r\n", ""))
			p.until("\r\n\r\n")
			for range 10 {
				p.send("abc")
				p.until("ABC")
			}
			p.rest()
		}},
		conform{name: "chunks in pieces", app: upper, client: func(p *peer) {
			p.send(posting("Transfer-Encoding: chunked\r\n", ""))
			p.until("\r\n\r\n")
			for range 10 {
				p.send("3\r\nabc\r\n")
				p.until("ABC")
			}
			p.send("0\r\n\r\n")
			p.rest()
		}},
		conform{name: "100 before the body", app: echo, client: func(p *peer) {
			p.send(posting("Expect: 100-continue\r\nContent-Length: 5\r\n", ""))
			p.until("100 Continue\r\n\r\n")
			p.send("hello")
			p.rest()
		}},
		conform{name: "100 not waited for", app: echo, send: posting("Expect: 100-continue\r\nContent-Length: 5\r\n", "hello")},
		conform{name: "100 refused", app: answers(417, "no"), client: func(p *peer) {
			p.send("POST / HTTP/1.1\r\n" + host + "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n")
			p.until("\r\n\r\nno")
			p.CloseWrite()
			p.rest()
		}},
		conform{name: "100 refused, kept open", raw: func(a *appSide) {
			http.ReadRequest(a.br)
			io.WriteString(a, "HTTP/1.1 417 No\r\nContent-Length: 2\r\n\r\nno")
			http.ReadRequest(a.br)
			io.WriteString(a, "HTTP/1.1 200 Yes\r\nContent-Length: 3\r\n\r\nyes")
		}, client: func(p *peer) {
			p.send("POST / HTTP/1.1\r\n" + host + "Expect: 100-continue\r\nContent-Length: 500\r\n\r\n")
			p.until("no")
			p.send("GET / HTTP/1.1\r\n" + host + "\r\n")
			p.until("yes")
		}, calm: true},
		conform{name: "100 never said", raw: saysRaw("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), client: func(p *peer) {
			p.send(posting("Expect: 100-continue\r\nContent-Length: 5\r\n", "")) // and tired of waiting:
			p.send("hello")
			p.rest()
		}},
		conform{name: "answer before the body", raw: func(a *appSide) {
			r, _ := http.ReadRequest(a.br)
			io.WriteString(a, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly")
			io.Copy(io.Discard, r.Body)
			a.request()
			io.WriteString(a, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext")
		}, client: func(p *peer) {
			p.send("POST / HTTP/1.1\r\n" + host + "Content-Length: 5\r\n\r\n")
			p.until("early")
			p.send("hello" + getting("/next"))
			p.rest()
		}, calm: true},
	)
}

// statusCases are answers with and without a body.
func statusCases() (cs []conform) {
	for _, code := range []int{200, 201, 202, 203, 206, 226, 299, 300, 301, 302, 303, 307, 308, 400, 401, 404, 410, 418, 429, 451, 499, 500, 501, 502, 503, 504, 511, 599, 777, 999} {
		cs = append(cs, conform{name: fmt.Sprintf("status %d", code), app: answers(code, "body", "Location", "/x"), send: getting("/")})
	}
	for _, code := range []int{204, 304} {
		cs = append(cs, conform{name: fmt.Sprintf("status %d", code), app: answers(code, "", "ETag", `"x"`), client: func(p *peer) {
			p.send("GET / HTTP/1.1\r\n" + host + "\r\n")
			p.until("\r\n\r\n")
			p.send(getting("/"))
			p.rest()
		}})
	}
	return cs
}

// answerCases are answers of net/http.
func answerCases() (cs []conform) {
	for _, n := range []int{0, 1, 2048, 4096, 65536, 2 << 20} {
		cs = append(cs, conform{name: fmt.Sprintf("answer of %d", n), app: sized(n, 0), send: getting("/")},
			conform{name: fmt.Sprintf("HEAD of %d", n), app: sized(n, 0), send: "HEAD /1 HTTP/1.1\r\n" + host + "\r\nHEAD /2 HTTP/1.1\r\n" + host + final + "\r\n"})
	}
	for _, piece := range []int{1, 100, 5000} {
		cs = append(cs, conform{name: fmt.Sprintf("answer in pieces of %d", piece), app: sized(piece*20, piece), send: getting("/")})
	}
	return append(cs,
		conform{name: "hints", app: hints, send: getting("/")},
		conform{name: "hints to HTTP/1.0", app: hints, send: "GET / HTTP/1.0\r\n\r\n"},
		conform{name: "trailers", app: trailers, send: "GET /1 HTTP/1.1\r\n" + host + "TE: trailers\r\n\r\n" + getting("/2")},
		conform{name: "no Date", app: func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Date"], w.Header()["Content-Type"] = nil, nil
			io.WriteString(w, "<html>")
		}, send: getting("/")},
		conform{name: "non-canonical names", app: func(w http.ResponseWriter, r *http.Request) {
			w.Header()["x-lower"], w.Header()["WWW-authenticate"] = []string{"1", "2"}, []string{"Basic"}
		}, send: getting("/")},
		conform{name: "cookies set", app: answers(200, "", "Set-Cookie", "a=b; Path=/", "Set-Cookie", "c=d"), send: getting("/")},
		conform{name: "app says close", app: answers(200, "bye", "Connection", "close"), send: "GET / HTTP/1.1\r\n" + host + "\r\n"},
		conform{name: "redirect", app: http.RedirectHandler("/there?x", http.StatusFound).ServeHTTP, send: getting("/here")},
		conform{name: "abort at once", app: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, send: "GET / HTTP/1.1\r\n" + host + "\r\n"},
		conform{name: "abort within", app: func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "half")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, send: "GET / HTTP/1.1\r\n" + host + "\r\n"},
		conform{name: "file", app: func(w http.ResponseWriter, r *http.Request) {
			http.ServeContent(w, r, "x.txt", time.Unix(1e9, 0), strings.NewReader(pattern(1000)))
		}, send: getting("/", "Range: bytes=10-19,30-39\r\n", "If-Range: \"x\"\r\n")},
	)
}

// rawCases are answers that net/http's server would not give.
func rawCases() (cs []conform) {
	const ok = "HTTP/1.1 200 OK\r\n"
	for name, text := range map[string]string{
		"odd reason":           "HTTP/1.1 200 It's All Fine, Trust Me\r\nContent-Length: 2\r\n\r\nok",
		"empty reason":         "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok",
		"no reason":            "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok",
		"bytes in reason":      "HTTP/1.1 200 \xe4\xff\r\nContent-Length: 2\r\n\r\nok",
		"odd case":             ok + "content-LENGTH: 2\r\nx-oDD: Y\r\n\r\nok",
		"odd order":            ok + "Zeta: 1\r\nAlpha: 2\r\nContent-Length: 2\r\nMiddle: 3\r\n\r\nok",
		"folded":               ok + "A: b\r\n  c\r\nContent-Length: 2\r\n\r\nok",
		"LF alone":             "HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
		"no space":             ok + "A:b\r\nContent-Length:2\r\n\r\nok",
		"no headers":           ok + "\r\nuntil the end",
		"until the end":        ok + "Content-Type: text/plain\r\n\r\n" + pattern(100000),
		"HTTP/1.0":             "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
		"HTTP/1.0 to the end":  "HTTP/1.0 200 OK\r\n\r\nok",
		"HTTP/1.0 chunked":     "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
		"HTTP/1.2":             "HTTP/1.2 200 OK\r\nContent-Length: 2\r\n\r\nok",
		"HTTP/2 in text":       "HTTP/2 200 OK\r\nContent-Length: 2\r\n\r\nok",
		"HTTP/0.9":             "<html>old</html>",
		"no protocol":          "SSH-2.0-x\r\n",
		"nothing":              "",
		"half a head":          ok + "Content-Le",
		"half a status":        "HTT",
		"short body":           ok + "Content-Length: 20\r\n\r\nok",
		"long body":            ok + "Content-Length: 2\r\n\r\nok and more",
		"half a chunk":         ok + "Transfer-Encoding: chunked\r\n\r\n20\r\nok",
		"no last chunk":        ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
		"chunk extensions":     ok + "Transfer-Encoding: chunked\r\n\r\n02;a=b\r\nok\r\n0;c\r\n\r\n",
		"chunk trailers":       ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nsUm: 1\r\n\r\n",
		"chunks of LF":         ok + "Transfer-Encoding: chunked\r\n\r\n2\nok\n0\n\n",
		"bad chunk":            ok + "Transfer-Encoding: chunked\r\n\r\nzz\r\nok",
		"two codings":          ok + "Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
		"unknown coding":       ok + "Transfer-Encoding: gzip\r\n\r\nok",
		"chunks and length":    ok + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
		"length twice":         ok + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nok",
		"two lengths":          ok + "Content-Length: 2\r\nContent-Length: 3\r\n\r\nok",
		"bad length":           ok + "Content-Length: -2\r\n\r\nok",
		"long head":            ok + "A: " + pattern(300000) + "\r\nContent-Length: 2\r\n\r\nok",
		"endless head":         ok + "A: " + pattern(1200000) + "\r\nContent-Length: 2\r\n\r\nok",
		"odd 1xx":              "HTTP/1.1 199 Wait\r\nA: b\r\n\r\nHTTP/1.1 102 Still\r\n\r\n" + ok + "Content-Length: 2\r\n\r\nok",
		"204 with a length":    "HTTP/1.1 204 None\r\nContent-Length: 2\r\n\r\n",
		"304 with a length":    "HTTP/1.1 304 Same\r\nContent-Length: 2\r\n\r\n",
		"205 with a body":      "HTTP/1.1 205 Reset\r\nContent-Length: 2\r\n\r\nok",
		"status 099":           "HTTP/1.1 099 Low\r\nContent-Length: 2\r\n\r\nok",
		"three-digit-and-more": "HTTP/1.1 2000 Much\r\nContent-Length: 2\r\n\r\nok",
		"line without colon":   ok + "nonsense\r\nContent-Length: 2\r\n\r\nok",
		"space before colon":   ok + "Content-Length : 2\r\n\r\nok",
		"zero byte":            ok + "A: \x00\r\nContent-Length: 2\r\n\r\nok",
		"unasked 101":          "HTTP/1.1 101 Now\r\nUpgrade: z\r\n\r\nbytes",
		"says keep-alive":      ok + "Connection: Keep-Alive\r\nKeep-Alive: timeout=9\r\nContent-Length: 2\r\n\r\nok",
		"says close":           ok + "Connection: foo, Close\r\nContent-Length: 2\r\n\r\nok",
	} {
		cs = append(cs, conform{name: "raw " + name, raw: saysRaw(text), send: "GET /raw HTTP/1.1\r\n" + host + "\r\n", calm: true})
	}
	return append(cs,
		conform{name: "raw HEAD", raw: saysRaw(ok+"Content-Length: 2\r\n\r\n", ok+"Transfer-Encoding: chunked\r\n\r\n"), calm: true,
			send: "HEAD /1 HTTP/1.1\r\n" + host + "\r\nHEAD /2 HTTP/1.1\r\n" + host + "\r\n"},
		conform{name: "raw in bytes", raw: func(a *appSide) {
			a.request()
			for _, c := range ok + final + "Content-Length: 2\r\n\r\nok" {
				io.WriteString(a, string(c))
			}
		}, send: "GET / HTTP/1.1\r\n" + host + "\r\n"},
		conform{name: "raw HTTP/1.0 keep-alive", raw: keeps("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok"), client: func(p *peer) {
			for range 3 {
				p.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
				p.until("ok")
			}
		}},
		conform{name: "raw two requests", raw: keeps(ok + "a: 1\r\nCONTENT-length: 2\r\n\r\nok"), client: func(p *peer) {
			for i := range 20 {
				p.send(fmt.Sprintf("PUT /%d HTTP/1.1\r\n%sContent-Length: 3\r\n\r\nabc", i, host))
				p.until("ok")
			}
		}},
		conform{name: "raw until the end, twice asked", raw: saysRaw(ok + "\r\nrest"), send: strings.Repeat("GET / HTTP/1.1\r\n"+host+"\r\n", 2), loose: true, calm: true},
	)
}

// endCases are connections that end, from either side.
func endCases() (cs []conform) {
	for _, path := range []string{"/", "/begun"} {
		for how, end := range map[string]func(*peer){
			"close":      func(p *peer) { p.Close() },
			"reset":      func(p *peer) { p.SetLinger(0); p.Close() },
			"half close": func(p *peer) { p.CloseWrite() },
		} {
			cs = append(cs, conform{name: "client goes by " + how + " at " + path, app: waits, client: func(p *peer) {
				p.send("GET " + path + " HTTP/1.1\r\n" + host + "\r\n")
				p.said()
				if path == "/begun" {
					p.until("begun")
				}
				end(p)
				p.said()
			}})
		}
	}
	return append(cs,
		conform{name: "client leaves within its body", app: func(w http.ResponseWriter, r *http.Request) {
			stageOf(r).signals <- "here"
			n, err := io.Copy(io.Discard, r.Body)
			stageOf(r).signals <- fmt.Sprintf("%d bytes, whole: %v", n, err == nil)
		}, client: func(p *peer) {
			p.send(posting("Content-Length: 500\r\n", "hello"))
			p.said()
			p.Close()
			p.said()
		}},
		conform{name: "client resets within the answer", app: func(w http.ResponseWriter, r *http.Request) {
			for {
				if _, err := io.WriteString(w, pattern(10000)); err != nil {
					stageOf(r).signals <- "cannot write"
					return
				}
			}
		}, client: func(p *peer) {
			p.send(getting("/"))
			buf := make([]byte, 1)
			p.Read(buf)
			p.SetLinger(0)
			p.Close()
			p.said()
		}},
		conform{name: "app resets at once", raw: func(a *appSide) { a.request(); a.SetLinger(0) }, send: "GET / HTTP/1.1\r\n" + host + "\r\n", calm: true},
		conform{name: "app resets within", raw: func(a *appSide) {
			a.request()
			io.WriteString(a, "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhalf")
			<-a.stage.step
			a.SetLinger(0)
		}, client: func(p *peer) {
			p.send("GET / HTTP/1.1\r\n" + host + "\r\n")
			p.until("half")
			p.next()
			p.rest()
		}},
		conform{name: "app closes when idle", raw: saysRaw("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), client: func(p *peer) {
			p.send("GET / HTTP/1.1\r\n" + host + "\r\n")
			p.rest()
		}, calm: true},
		conform{name: "app resets when idle", raw: func(a *appSide) {
			a.request()
			io.WriteString(a, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			<-a.stage.step
			a.SetLinger(0)
		}, client: func(p *peer) {
			p.send("GET / HTTP/1.1\r\n" + host + "\r\n")
			p.until("ok")
			p.next()
			p.rest()
		}, calm: true},
		conform{name: "app says 408 when idle", raw: func(a *appSide) {
			a.request()
			io.WriteString(a, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			<-a.stage.step
			io.WriteString(a, "HTTP/1.1 408 Slow\r\nConnection: close\r\n\r\n")
		}, client: func(p *peer) {
			p.send("GET / HTTP/1.1\r\n" + host + "\r\n")
			p.until("ok")
			p.next()
			p.rest()
		}, calm: true},
		conform{name: "client says nothing", app: echo, client: func(p *peer) { p.CloseWrite(); p.rest() }},
		conform{name: "app half closes within a body", raw: func(a *appSide) {
			http.ReadRequest(a.br)
			io.WriteString(a, "HTTP/1.1 200 OK\r\n\r\nenough")
			a.CloseWrite()
			io.Copy(io.Discard, a.br)
		}, client: func(p *peer) {
			p.send("POST / HTTP/1.1\r\n" + host + "Content-Length: 300000\r\n\r\n")
			p.rest()
			p.send(pattern(300000))
		}, calm: true},
	)
}

// streamCases are answers whose parts are asked for one by one.
func streamCases() []conform {
	return []conform{
		{name: "events", app: events, client: func(p *peer) {
			p.send(getting("/events", "Accept: text/event-stream\r\n"))
			p.until("\r\n\r\n")
			for i := range 3 {
				p.next()
				p.until(fmt.Sprintf("id: %d\ndata: event\n\n", i))
			}
			p.next()
			p.rest()
		}},
		{name: "events to HTTP/1.0", app: events, client: func(p *peer) {
			p.send("GET /events HTTP/1.0\r\n\r\n")
			p.until("\r\n\r\n")
			for i := range 3 {
				p.next()
				p.until(fmt.Sprintf("id: %d\ndata: event\n\n", i))
			}
			p.next()
			p.rest()
		}},
		{name: "bytes of a raw stream", raw: func(a *appSide) {
			a.request()
			for _, part := range []string{"HTTP/1.1 200 OK\r\n\r\n", "a", "b", "c"} {
				io.WriteString(a, part)
				<-a.stage.step
			}
		}, client: func(p *peer) {
			p.send("GET / HTTP/1.1\r\n" + host + "\r\n")
			p.until("\r\n\r\n")
			for _, part := range []string{"a", "b", "c"} {
				p.next()
				p.until(part)
			}
			p.next()
			p.rest()
		}},
		{name: "hints one by one", raw: func(a *appSide) {
			a.request()
			for i := range 3 {
				fmt.Fprintf(a, "HTTP/1.1 103 Early\r\nlink: %d\r\n\r\n", i)
				<-a.stage.step
			}
			io.WriteString(a, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}, client: func(p *peer) {
			p.send(getting("/"))
			for i := range 3 {
				p.until(fmt.Sprintf("link: %d\r\n\r\n", i))
				p.next()
			}
			p.rest()
		}},
	}
}

// upgradeCases are connections that leave HTTP.
func upgradeCases() []conform {
	const ask = "GET /up HTTP/1.1\r\n" + host + "Connection: Upgrade\r\nUpgrade: echo\r\n\r\n"
	pingPong := func(p *peer) {
		p.send(ask)
		p.until("\r\n\r\n")
		for range 10 {
			p.send("ping\n")
			p.until("ping\n")
		}
		p.CloseWrite()
		p.rest()
	}
	return []conform{
		{name: "upgrade", app: takes(switching, echoes), client: pingPong},
		{name: "upgrade by raw bytes", raw: func(a *appSide) {
			http.ReadRequest(a.br)
			io.WriteString(a, "HTTP/1.1 101 whatever\r\nuPgrade: x\r\n\r\n")
			io.Copy(a, a.br)
		}, client: pingPong},
		{name: "upgrade after requests", raw: func(a *appSide) {
			for {
				r, err := http.ReadRequest(a.br)
				if err != nil {
					return
				}
				if r.Header.Get("Upgrade") != "" {
					break
				}
				io.WriteString(a, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			}
			io.WriteString(a, switching)
			io.Copy(a, a.br)
		}, client: func(p *peer) {
			for range 3 {
				p.send("GET / HTTP/1.1\r\n" + host + "\r\n")
				p.until("ok")
			}
			pingPong(p)
		}},
		{name: "upgrade, bytes at once", app: takes(switching, echoes), client: func(p *peer) {
			p.send(ask + "early")
			p.until("early")
			p.CloseWrite()
			p.rest()
		}},
		{name: "upgrade, app speaks first", app: takes(switching+"hello from the app", echoes), client: func(p *peer) {
			p.send(ask)
			p.until("from the app")
			p.CloseWrite()
			p.rest()
		}},
		{name: "upgrade, app half closes", app: takes(switching, func(c io.ReadWriteCloser, half func()) {
			io.WriteString(c, "all I say")
			half()
			io.Copy(io.Discard, c)
		}), client: func(p *peer) {
			p.send(ask)
			p.rest()
			p.send("all you hear")
		}},
		{name: "upgrade, app closes", app: takes(switching, func(c io.ReadWriteCloser, half func()) { io.WriteString(c, "bye") }), client: func(p *peer) {
			p.send(ask)
			p.rest()
		}},
		{name: "upgrade, app resets", raw: func(a *appSide) {
			http.ReadRequest(a.br)
			io.WriteString(a, switching)
			<-a.stage.step
			a.SetLinger(0)
		}, client: func(p *peer) {
			p.send(ask)
			p.until("\r\n\r\n")
			p.next()
			p.rest()
		}},
		{name: "upgrade, client resets", app: func(w http.ResponseWriter, r *http.Request) {
			takes(switching, func(c io.ReadWriteCloser, half func()) {
				_, err := io.Copy(io.Discard, c)
				stageOf(r).signals <- fmt.Sprint("well ended: ", err == nil)
			})(w, r)
		}, client: func(p *peer) {
			p.send(ask)
			p.until("\r\n\r\n")
			p.SetLinger(0)
			p.Close()
			p.said()
		}},
		{name: "upgrade, much both ways", app: takes(switching, echoes), client: func(p *peer) {
			p.send(ask)
			p.until("\r\n\r\n")
			go func() {
				p.send(pattern(2 << 20))
				p.CloseWrite()
			}()
			p.rest()
		}},
		{name: "upgrade refused", app: answers(426, "no", "Upgrade", "other", "Connection", "upgrade"), client: func(p *peer) {
			p.send(ask)
			p.until("no")
			p.send(getting("/"))
			p.rest()
		}},
		{name: "CONNECT", raw: func(a *appSide) {
			http.ReadRequest(a.br)
			io.WriteString(a, "HTTP/1.1 200 Established\r\nContent-Length: 9\r\n\r\n")
			io.Copy(a, a.br)
		}, client: func(p *peer) {
			p.send("CONNECT db.example:5432 HTTP/1.1\r\n" + host + "\r\n")
			p.until("\r\n\r\n")
			p.send("tunnelled")
			p.until("tunnelled")
			p.CloseWrite()
			p.rest()
		}},
		{name: "CONNECT refused", app: answers(405, "no"), send: "CONNECT h:1 HTTP/1.1\r\n" + host + "\r\n" + getting("/")},
	}
}

// refusedCases are no requests: the proxy answers as net/http's server does.
func refusedCases() (cs []conform) {
	for name, text := range map[string]string{
		"a bad escape":        "GET /% HTTP/1.1\r\n" + host + "\r\n",
		"a space in the path": "GET /a b HTTP/1.1\r\n" + host + "\r\n",
		"a tab in the path":   "GET /a\tb HTTP/1.1\r\n" + host + "\r\n",
		"no path":             "GET x HTTP/1.1\r\n" + host + "\r\n",
		"a query alone":       "GET ? HTTP/1.1\r\n" + host + "\r\n",
		"two hosts":           "GET / HTTP/1.1\r\n" + host + host + "\r\n",
		"a CR within":         "GET / HTTP/1.1\r\n" + host + "A: b\rc\r\n\r\n",
		"garbage":             "\x16\x03\x01\x02\x00\x01\x00\n",
		"one word":            "hello\r\n\r\n",
		"HTTP/0.9":            "GET /\r\n\r\n",
		"no version":          "GET / HTTP\r\n\r\n",
		"HTTP/3":              "GET / HTTP/3.0\r\n" + host + "\r\n",
		"HTTP/2 in text":      "GET / HTTP/2.0\r\n" + host + "\r\n",
		"space before header": "GET / HTTP/1.1\r\n Host: h\r\n\r\n",
		"no colon":            "GET / HTTP/1.1\r\n" + host + "nonsense\r\n\r\n",
		"space before colon":  "POST / HTTP/1.1\r\n" + host + "Content-Length : 3\r\n\r\nabc",
		"two lengths":         "POST / HTTP/1.1\r\n" + host + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
		"bad length":          "POST / HTTP/1.1\r\n" + host + "Content-Length: +3\r\n\r\nabc",
		"negative length":     "POST / HTTP/1.1\r\n" + host + "Content-Length: -3\r\n\r\nabc",
		"unknown coding":      "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip\r\n\r\nabc",
		"two codings":         "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		"coding twice":        "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"a control character": "GET /\x01 HTTP/1.1\r\n" + host + "\r\n",
		"empty first line":    "\r\n\r\n",
		"method with a colon": "GE:T / HTTP/1.1\r\n" + host + "\r\n",
		"head too long":       "GET / HTTP/1.1\r\n" + host + "A: " + pattern(1<<20) + "\r\n" + pattern(5000) + ": b\r\n\r\n",
	} {
		cs = append(cs, conform{name: "refused " + name, app: echo, send: text, loose: true})
	}
	return append(cs,
		conform{name: "refused, cut within the line", app: echo, client: func(p *peer) { p.send("GET / HT"); p.CloseWrite(); p.rest() }, loose: true},
		conform{name: "refused, cut within the head", app: echo, client: func(p *peer) { p.send("GET / HTTP/1.1\r\nHo"); p.CloseWrite(); p.rest() }, loose: true},
	)
}
