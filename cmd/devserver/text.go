package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// steers reports whether a rune would do something to a terminal instead of showing there.
func steers(r rune) bool { return !unicode.IsPrint(r) }

func quoteRune(r rune) string {
	q := strconv.QuoteRune(r)
	return q[1 : len(q)-1]
}

// seconds writes how long something took: 0.41 s, 12.3 s.
func seconds(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	default:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
}

// count writes a number with its noun: "1 socket", "2 sockets", "no sockets".
func count[N int | int64](n N, noun string) string {
	switch n {
	case 0:
		return "no " + noun + "s"
	case 1:
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// size writes a number of bytes in decimal units: 412 B, 68.1 kB.
func size(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	v, unit := float64(n), 0
	for v >= 999.95 && unit < 4 {
		v /= 1000
		unit++
	}
	return fmt.Sprintf("%.1f %s", v, []string{"B", "kB", "MB", "GB", "TB"}[unit])
}

// number writes n, and nothing for 0: zero is quiet.
func number(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// took writes how long an operation took, in the unit that fits: 300ns, 81µs, 1.2ms, 3.4s; nothing for 0.
func took(ns int64) string {
	d := time.Duration(ns)
	switch {
	case d == 0:
		return ""
	case d < time.Microsecond:
		return d.String()
	case d < time.Millisecond:
		return d.Round(time.Microsecond).String()
	case d < time.Second:
		return d.Round(100 * time.Microsecond).String()
	}
	return d.Round(100 * time.Millisecond).String()
}

// clockTime writes a recording's time as the reader's wall clock shows it; "" for 0.
func clockTime(ns int64) string {
	if ns == 0 {
		return ""
	}
	return time.Unix(0, ns).Format("15:04:05.000")
}

// dateTime writes a recording's time with its day; "" for 0.
func dateTime(ns int64) string {
	if ns == 0 {
		return ""
	}
	return time.Unix(0, ns).Format("2006-01-02 15:04:05.000")
}

// shellWord writes s so that a POSIX shell reads it as one word.
func shellWord(s string) string {
	plain := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("_-+=:,./@%", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
