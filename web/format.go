package web

import (
	"fmt"
	"math"
	"net"
	"strconv"
	"strings"
	"time"
)

// length writes a duration for people: 85 µs, 3.2 ms, 0.41 s, 14 s, 2 min 6 s, 3 h 20 min, 2 d 4 h.
func length(d time.Duration) string {
	switch {
	case d < 0:
		return "−" + length(-max(d, -math.MaxInt64)) // the lowest has no counterpart
	case d == 0:
		return "0 s"
	case d < time.Microsecond:
		return strconv.FormatInt(int64(d), 10) + " ns"
	case d < time.Millisecond:
		return significant(float64(d)/float64(time.Microsecond), 1) + " µs"
	case d < 100*time.Millisecond:
		return significant(float64(d)/float64(time.Millisecond), 1) + " ms"
	case d < 9950*time.Millisecond:
		return significant(d.Seconds(), 2) + " s"
	}
	return coarse(d)
}

// coarse writes a duration in whole seconds and its two largest units: how long ago, how long idle.
func coarse(d time.Duration) string {
	s := int64(max(d, 0).Round(time.Second) / time.Second)
	switch {
	case s < 60:
		return fmt.Sprintf("%d s", s)
	case s < 3600:
		return twoUnits(s/60, "min", s%60, "s")
	case s < 86400:
		return twoUnits(s/3600, "h", s%3600/60, "min")
	}
	return twoUnits(s/86400, "d", s%86400/3600, "h")
}

func twoUnits(large int64, unit string, small int64, smallUnit string) string {
	if small == 0 {
		return fmt.Sprintf("%d %s", large, unit)
	}
	return fmt.Sprintf("%d %s %d %s", large, unit, small, smallUnit)
}

// significant rounds to so many decimals below 10, to one fewer above, to none from 100, and leaves no zeros behind.
func significant(f float64, decimals int) string {
	switch {
	case f >= 99.5:
		decimals = 0
	case f >= 9.95:
		decimals--
	}
	text := strconv.FormatFloat(f, 'f', max(decimals, 0), 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// size writes a number of bytes: 412 B, 1.2 kB, 18.4 MB.
func size(n int64) string {
	if n < 1000 {
		return strconv.FormatInt(n, 10) + " B"
	}
	f, units := float64(n), []string{"kB", "MB", "GB", "TB", "PB", "EB"}
	for {
		f /= 1000
		if f < 999.95 || len(units) == 1 {
			return strconv.FormatFloat(f, 'f', 1, 64) + " " + units[0]
		}
		units = units[1:]
	}
}

// binarySize writes a number of bytes in the units of which limits are round numbers: 412 B, 31.2 MiB, 20 GiB.
func binarySize(n int64) string {
	if n < 1024 {
		return strconv.FormatInt(n, 10) + " B"
	}
	f, units := float64(n), []string{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	for {
		f /= 1024
		if f < 1023.95 || len(units) == 1 {
			return strings.TrimSuffix(strconv.FormatFloat(f, 'f', 1, 64), ".0") + " " + units[0]
		}
		units = units[1:]
	}
}

// count writes a number with a comma at each thousand.
func count(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// plural is "1 socket", "2 sockets".
func plural(n int64, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(n) + " " + one + "s"
}

// minutes writes what is left of a countdown: 1:46.
func minutes(d time.Duration) string {
	s := int64(max(d, 0).Round(time.Second) / time.Second)
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// destination is where a program wanted to go, in its own words where they are known: the name it dialled, with the port
// of the address that it led to.
func destination(host, remote string) string {
	if host == "" {
		return remote
	}
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	if _, port, err := net.SplitHostPort(remote); err == nil {
		return net.JoinHostPort(strings.Trim(host, "[]"), port)
	}
	return host
}

// explainCommand is the command that says why, ready to be pasted into a shell.
func explainCommand(app App, network, address string) string {
	words := []string{"devserver", "explain"}
	switch {
	case app.ExplainFlags != nil:
		for _, flag := range app.ExplainFlags {
			words = append(words, shellWord(flag))
		}
	case app.Profile != "" && app.Profile != "appengine":
		words = append(words, "--profile", shellWord(app.Profile))
	}
	if network == "" {
		network = "tcp"
	}
	for _, word := range []string{network, address} {
		if strings.HasPrefix(word, "-") { // or it is taken for a flag
			words = append(words, "--")
			break
		}
	}
	return strings.Join(append(words, shellWord(network), shellWord(address)), " ")
}

// shellWord quotes what a shell would not take as it stands.
func shellWord(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./:@%+,=", r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
