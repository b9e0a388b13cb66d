package devserver

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-d81df0db/devserver/devserver/profile"
	"github.com/seed-d81df0db/devserver/sandbox"
)

// What --capture keeps unless --capture-limit says otherwise.
const (
	headLimit     = 4 << 10
	headOperation = 512 // holds the line and the first headers of a request, the code and length of most binary messages
	fullLimit     = 1 << 20
)

// redacted are the headers that carry credentials. Others are added with --redact.
var redacted = []string{"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"}

// newCapture reads the flags --capture, --capture-limit and --redact.
func newCapture(o *Options) (c sandbox.Capture, err error) {
	switch o.Capture {
	case "", "none":
		if o.CaptureLimit != "" || len(o.Redact) > 0 {
			return c, usagef("--capture-limit and --redact say what --capture keeps; add --capture head or --capture full")
		}
		return c, nil
	case "head":
		c.Limit, c.Head = headLimit, headOperation
	case "full":
		c.Limit = fullLimit
	default:
		return c, usagef("--capture: %q is not none, head or full", o.Capture)
	}
	if o.CaptureLimit != "" {
		n, err := profile.ParseAmount(o.CaptureLimit, true)
		if err != nil || n == 0 {
			return c, usagef("--capture-limit: %q is not a size; write one such as 64KiB or 1MiB, or unlimited", o.CaptureLimit)
		}
		if c.Limit = n; n == sandbox.Unlimited {
			c.Limit = math.MaxInt64
		}
	}
	c.Redact, err = newRedact(o.Redact)
	return c, err
}

func newRedact(names []string) ([]string, error) {
	all := slices.Clone(redacted)
	for _, n := range names {
		n = strings.ToLower(n)
		if n == "none" {
			all = nil
			continue
		}
		if n == "" || strings.ContainsFunc(n, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r) }) {
			return nil, usagef("--redact: %q is not the name of a header; write one such as x-auth-token, or none", n)
		}
		if !slices.Contains(all, n) {
			all = append(all, n)
		}
	}
	return all, nil
}

// newKeyLog makes the key log's path independent of the folder in which an app runs, and sees that it can be written.
func newKeyLog(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	path, err := filepath.Abs(file)
	if err != nil {
		return "", fmt.Errorf("key log: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return "", fmt.Errorf("key log: %w; choose another file with --keylog", err)
	}
	return path, f.Close()
}
