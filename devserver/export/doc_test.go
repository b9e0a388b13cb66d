package export

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// lines has one line of each type; types are their words.
var lines = map[string]any{
	"run": runLine{}, "build": buildLine{}, "request": requestLine{}, "socket": socketLine{}, "event": eventLine{}, "denial": denialLine{},
	"log": logLine{}, "payload": payloadLine{}, "gap": gapLine{}, "quota_usage": usageLine{}, endType: struct{}{},
}

// TestDocumentedFields holds docs/export.md against the lines: every type in its order, with every field.
func TestDocumentedFields(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/export.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "| type | table | fields |")
	section, _, _ = strings.Cut(section, "\n\n")
	rows := regexp.MustCompile("(?m)^\\| `(\\w+)` \\|.*\\| (.*)\\|$").FindAllStringSubmatch(section, -1)
	if len(rows) != len(types) {
		t.Fatalf("docs/export.md tells %d types, want %d", len(rows), len(types))
	}
	for i, row := range rows {
		if row[1] != types[i] {
			t.Errorf("type %d is %s in docs/export.md, want %s", i, row[1], types[i])
		}
		var fields []string
		of := reflect.TypeOf(lines[types[i]])
		for f := range of.NumField() {
			if name, _, _ := strings.Cut(of.Field(f).Tag.Get("json"), ","); name != "type" {
				fields = append(fields, name)
			}
		}
		told := strings.Split(regexp.MustCompile(`\([^)]*\)`).ReplaceAllString(row[2], ""), ",")
		for k := range told {
			told[k] = strings.TrimSpace(told[k])
		}
		if got, want := strings.Join(told, " "), strings.Join(fields, " "); got != want {
			t.Errorf("docs/export.md says of %s: %s, want %s", row[1], got, want)
		}
	}
}
