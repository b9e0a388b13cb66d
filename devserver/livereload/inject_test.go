package livereload

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

const mark = "<script>!</script>"

func injected(t *testing.T, r io.Reader) string {
	t.Helper()
	got, err := io.ReadAll(inject(io.NopCloser(r), mark))
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

// TestInject: where the tag goes; in each document it is where | stands.
func TestInject(t *testing.T) {
	for _, doc := range []string{
		"<!doctype html><html><head>|<title>x</title></head><body></body></html>",
		"<!DOCTYPE html>\n<HTML lang=en>\n<HEAD>|</HEAD>",
		"<head data-x='a>b' y=\">\" z = '>' w=a\"b>|<title>",
		"<head\n>|",
		"<head/>|",
		"<html class=\"a>b\" id='<head>'><head>|<base href=/>",
		"<!doctype html>|<title>no head</title><p>",
		"<!doctype html><html lang=de>\n|<body>x",
		"<html>|<header><head></header>",
		"|<header>Shop</header>",
		"|<headline>",
		"|<htmlx>",
		"<html>|",
		"|just text",
		"\n\t |text <head>",
		"<!-- <head> --><head>|",
		"<!-- a > b -- c --->|<p>",
		"<!--><head>|-->",
		"<!---><head>|-->",
		"<!----><head>|",
		"<!--!><head>--><head>|",
		"<!---!><head>--><head>|",
		"<!----!><head>|",
		"<!--x--!><head>|",
		"<!--x--!-><head>--><head>|",
		"<!doctype html><!-- one --><!-- two -->\n<html><!-- three --><head>|",
		"<?xml version='1.0'?><!DOCTYPE html PUBLIC '-//W3C//DTD XHTML 1.0 Strict//EN' 'http://www.w3.org/x'><html xmlns='http://x'><head>|",
		"<!bogus>|<p>",
		"|</p><head>",
		"|</html>",
		"|",
		" \n|",
		"|<",
		"|<h",
		"|<head",
		"|<!-",
		"<!--|",
		"<html a='|",
		"|<1",
		"\xef\xbb\xbf<!doctype html><head>|",
		"\xef\xbb\xbf|text",
		"|\xef\xbb",
		"|\xef\xbbx",
		"|{\"a\":1}",
	} {
		plain, want := strings.Replace(doc, "|", "", 1), strings.Replace(doc, "|", mark, 1)
		if got := injected(t, strings.NewReader(plain)); got != want {
			t.Errorf("%q\n got %q\nwant %q", plain, got, want)
		}
		if got := injected(t, iotest.OneByteReader(strings.NewReader(plain))); got != want {
			t.Errorf("%q, byte by byte\n got %q\nwant %q", plain, got, want)
		}
		if got := injected(t, iotest.DataErrReader(strings.NewReader(plain))); got != want {
			t.Errorf("%q, with the end\n got %q\nwant %q", plain, got, want)
		}
	}
}

// TestInjectForeign: a document in UTF-16 stays as it is.
func TestInjectForeign(t *testing.T) {
	for _, doc := range []string{"\xfe\xff\x00<\x00p", "\xff\xfe<\x00p\x00"} {
		if got := injected(t, iotest.OneByteReader(strings.NewReader(doc))); got != doc {
			t.Errorf("%q became %q", doc, got)
		}
	}
}

// TestInjectCut: of a body that is cut all that came is passed, and the error with it.
func TestInjectCut(t *testing.T) {
	cut := errors.New("cut")
	for doc, want := range map[string]string{"<html><hea": "<html><hea", "<head><p>": "<head>" + mark + "<p>", "": ""} {
		r := inject(io.NopCloser(io.MultiReader(strings.NewReader(doc), iotest.ErrReader(cut))), mark)
		got, err := io.ReadAll(r)
		if string(got) != want || err != cut {
			t.Errorf("%q: %q, %v, want %q and the error", doc, got, err, want)
		}
	}
}

// TestInjectStreams: each part of a document is there before the next is sent.
func TestInjectStreams(t *testing.T) {
	in, out := io.Pipe()
	r := inject(in, mark)
	for _, step := range []struct{ write, want string }{
		{"<!doctype html>\n", "<!doctype html>\n"},
		{"<html><he", "<html>"},
		{"ad><p>one", "<head>" + mark + "<p>one"},
		{"<p>two", "<p>two"},
		{"<p>three", "<p>three"},
	} {
		go io.WriteString(out, step.write)
		got := make([]byte, len(step.want))
		if _, err := io.ReadFull(r, got); err != nil || string(got) != step.want {
			t.Fatalf("after %q: %q, %v, want %q", step.write, got, err, step.want)
		}
	}
	if r.Close(); in.Close() != nil {
		t.Error("the body is not closed")
	}
}

// FuzzInject: whatever the body and however it comes in parts, the tag is in it once, in the same place, and all else is
// as it was.
func FuzzInject(f *testing.F) {
	f.Add([]byte("<!doctype html><!-- x --><html a='>'><head>x"), 3)
	f.Add([]byte("\xef\xbb\xbf<hea"), 1)
	f.Add([]byte("\xff\xfe<\x00"), 2)
	f.Add([]byte("<00\xfc"), 1)
	f.Fuzz(func(t *testing.T, doc []byte, part int) {
		whole := injected(t, bytes.NewReader(doc))
		if got := injected(t, &parts{bytes.NewReader(doc), max(1, part%7)}); got != whole {
			t.Errorf("in parts: %q, whole: %q", got, whole)
		}
		if bytes.HasPrefix(doc, utf16BOMs[0]) || bytes.HasPrefix(doc, utf16BOMs[1]) {
			if whole != string(doc) {
				t.Errorf("UTF-16 became %q", whole)
			}
			return
		}
		at := strings.Index(whole, mark)
		if at < 0 || whole[:at]+whole[at+len(mark):] != string(doc) {
			t.Errorf("%q became %q", doc, whole)
		}
	})
}

// parts reads n bytes at once.
type parts struct {
	*bytes.Reader
	n int
}

func (p *parts) Read(b []byte) (int, error) { return p.Reader.Read(b[:min(len(b), p.n)]) }
