package project

import (
	"fmt"
	"strings"
)

// SplitFlags splits build flags as the go command splits GOFLAGS: at white space, and quotes around a whole flag
// hold it together: -race '-ldflags=-X main.version=1'.
func SplitFlags(s string) ([]string, error) {
	var flags []string
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		if q := s[0]; q == '"' || q == '\'' {
			flag, rest, ok := strings.Cut(s[1:], string(q))
			if !ok {
				return nil, fmt.Errorf("build flags: %s has no closing quote", s)
			}
			flags, s = append(flags, flag), rest
			continue
		}
		end := strings.IndexAny(s, " \t\r\n")
		if end < 0 {
			end = len(s)
		}
		flags, s = append(flags, s[:end]), s[end:]
	}
	return flags, nil
}

// FlagValues returns each value that flags give to the flag name (no dash), in order: -name=v, --name=v, -name v.
func FlagValues(flags []string, name string) []string {
	values, _ := TakeFlag(flags, name)
	return values
}

// TakeFlag returns the values of FlagValues and the flags without them.
func TakeFlag(flags []string, name string) (values, rest []string) {
	for i := 0; i < len(flags); i++ {
		flag := strings.TrimPrefix(strings.TrimPrefix(flags[i], "-"), "-")
		key, value, hasValue := strings.Cut(flag, "=")
		switch {
		case key != name || flag == flags[i]:
			rest = append(rest, flags[i])
		case hasValue:
			values = append(values, value)
		case i+1 < len(flags):
			i++
			values = append(values, flags[i])
		}
	}
	return values, rest
}
