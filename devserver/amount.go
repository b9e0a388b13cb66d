package devserver

import (
	"strconv"
	"strings"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// AmountText writes an amount of a quota's resource for a person: 4,800; of bytes 31.2 MiB, in the binary units in which
// the quotas of bytes are set; below 0 it is unlimited.
func AmountText(resource string, n int64) string {
	switch {
	case n < 0:
		return "unlimited"
	case resource == string(sandbox.ResourceBytesSent) || resource == string(sandbox.ResourceBytesReceived):
		return bytesText(n)
	}
	return grouped(n)
}

// SizeText writes a number of bytes for a person: 31.2 MiB.
func SizeText(n int64) string { return bytesText(n) }

// grouped writes a number with commas between thousands.
func grouped(n int64) string {
	digits := strconv.FormatInt(n, 10)
	first := len(digits) % 3
	groups := []string{digits[:first]}
	if first == 0 {
		groups = nil
	}
	for i := first; i < len(digits); i += 3 {
		groups = append(groups, digits[i:i+3])
	}
	return strings.Join(groups, ",")
}

// bytesText writes a number of bytes with one decimal, which is left out where it is 0. It rounds down: what is used up
// only all but is not shown as used up.
func bytesText(n int64) string {
	if n < 1<<10 {
		return strconv.FormatInt(n, 10) + " B"
	}
	unit, bytes := 0, n
	for bytes >= 1<<20 && unit < 3 {
		bytes >>= 10
		unit++
	}
	tenths := bytes * 10 >> 10
	text := grouped(tenths / 10)
	if tenths%10 != 0 {
		text += "." + strconv.FormatInt(tenths%10, 10)
	}
	return text + " " + []string{"KiB", "MiB", "GiB", "TiB"}[unit]
}

// limitText writes a limit of time: 2m, never for 0.
func limitText(d time.Duration) string {
	if d == 0 {
		return "any time: the profile sets no limit"
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
