package main

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"os"
	"strings"
	"testing"
)

// readTable returns the rows of a table in testdata by the names of its columns.
func readTable(t *testing.T, file string) []map[string]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	head := strings.Split(lines[0], "\t")
	var rows []map[string]string
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, field := range strings.Split(line, "\t") {
			row[head[i]] = field
		}
		rows = append(rows, row)
	}
	return rows
}

// canonical reports whether the host of an input is a literal that net/netip reads: only there the rule is fixed,
// malformed text may be denied by any.
func canonical(input string) bool {
	host := strings.TrimSuffix(strings.TrimPrefix(input[:max(strings.LastIndexByte(input, ':'), 0)], "["), "]")
	_, err := netip.ParseAddr(host)
	return err == nil
}

// TestCases runs the tables of cases through explain --batch.
func TestCases(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		file string
		rows int
	}{
		{"testdata/address-cases.tsv", 1251},
		{"testdata/dns-cases.tsv", 43},
	} {
		rows := readTable(t, tt.file)
		if len(rows) != tt.rows {
			t.Errorf("%s has %d rows, want %d", tt.file, len(rows), tt.rows)
		}
		var in strings.Builder
		for _, row := range rows {
			in.WriteString(row["network"] + "\t" + row["input"])
			if answers, ok := row["answers"]; ok {
				in.WriteString("\t" + answers)
			}
			in.WriteByte('\n')
		}
		var stdout, stderr bytes.Buffer
		if status := run(t.Context(), []string{"explain", "--batch", "-"}, strings.NewReader(in.String()), &stdout, &stderr); status != 0 {
			t.Fatalf("%s: status %d, %s", tt.file, status, &stderr)
		}
		dec := json.NewDecoder(&stdout)
		for n, row := range rows {
			var got struct{ Network, Address, Verdict, Rule, Error, Reason, Source string }
			if err := dec.Decode(&got); err != nil {
				t.Fatalf("%s:%d: %v", tt.file, n+2, err)
			}
			_, byName := row["answers"]
			switch {
			case got.Network != row["network"] || got.Address != row["input"]:
				t.Errorf("%s:%d: explain repeats %q %q, want %q %q", tt.file, n+2, got.Network, got.Address, row["network"], row["input"])
			case got.Verdict != row["expected"], (byName || canonical(row["input"])) && got.Rule != row["rule"]:
				t.Errorf("%s:%d: explain %s %q = %s by %s, want %s by %s", tt.file, n+2, got.Network, got.Address, got.Verdict, got.Rule, row["expected"], row["rule"])
			case got.Reason == "" || got.Verdict == "deny" && (got.Error == "" || got.Source == ""):
				t.Errorf("%s:%d: explain %s %q leaves out why: %+v", tt.file, n+2, got.Network, got.Address, got)
			}
		}
	}
}
