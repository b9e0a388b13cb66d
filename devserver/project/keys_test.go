package project

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

var update = flag.Bool("update", false, "rewrite docs/devserver.schema.json")

const schemaFile = "../../docs/devserver.schema.json"

// load writes a devserver.yaml and loads it.
func load(t *testing.T, text string) (*Config, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), ConfigName)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Load(file)
}

// keysOf asks the reader which keys a mapping has, by giving it one that none has.
func keysOf(t *testing.T, text string) []string {
	t.Helper()
	_, err := load(t, text)
	_, list, ok := strings.Cut(fmt.Sprint(err), "; it has ")
	if !ok {
		t.Fatalf("%q: %v", text, err)
	}
	list, _, _ = strings.Cut(list, "\n")
	return slices.Sorted(slices.Values(strings.Split(list, ", ")))
}

// TestSchemaHasEveryKey holds the schema's keys against those that the reader takes, mapping by mapping.
func TestSchemaHasEveryKey(t *testing.T) {
	t.Parallel()
	var root map[string]any
	if err := json.Unmarshal(Schema(), &root); err != nil {
		t.Fatal(err)
	}
	app := "properties/apps/items/"
	for _, tt := range []struct{ path, yaml string }{
		{"", "zzzz: 1\n"},
		{app, "apps: [{zzzz: 1}]\n"},
		{"properties/rules/", "rules: {zzzz: 1}\n"},
		{"properties/rules/properties/all/oneOf/1/", "rules: {all: {zzzz: 1}}\n"},
		{"properties/quotas/", "quotas: {zzzz: 1}\n"},
		{"properties/quotas/properties/connect/", "quotas: {connect: {zzzz: 1}}\n"},
		{"properties/reclaim/oneOf/1/", "reclaim: {zzzz: 1}\n"},
		{"properties/deadline/oneOf/1/", "deadline: {zzzz: 1}\n"},
		{"properties/exceptions/items/", "exceptions: [{zzzz: 1}]\n"},
		{"properties/standins/items/oneOf/1/", "standins: [{zzzz: 1}]\n"},
		{"properties/assets/", "assets: {zzzz: 1}\n"},
		{"properties/watch/", "watch: {zzzz: 1}\n"},
		{app + "properties/watch/", "apps: [{path: ., watch: {zzzz: 1}}]\n"},
	} {
		at := any(root)
		for step := range strings.SplitSeq(tt.path+"properties", "/") {
			switch v := at.(type) {
			case map[string]any:
				at = v[step]
			case []any:
				at = v[step[0]-'0']
			}
		}
		properties, ok := at.(map[string]any)
		if !ok {
			t.Fatalf("the schema has nothing at %s", tt.path)
		}
		got := slices.Sorted(maps.Keys(properties))
		if want := keysOf(t, tt.yaml); !slices.Equal(got, want) {
			t.Errorf("at %q the schema has\n%q\nthe reader\n%q", tt.path, got, want)
		}
	}
}

// TestSchemaFile holds the file for editors against the code.
func TestSchemaFile(t *testing.T) {
	t.Parallel()
	if *update {
		if err := os.WriteFile(schemaFile, Schema(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(schemaFile)
	if err != nil || !bytes.Equal(text, Schema()) {
		t.Errorf("docs/devserver.schema.json is out of date (%v); write it with: go test ./devserver/project -run SchemaFile -update", err)
	}
}

// samples are files of which reader and schema must think the same.
var samples = []struct {
	yaml string
	good bool
}{
	{"{}", true},
	{"profile: open\nbilling: false\nrules: {all: report, loopback: {mode: off, source: me}, public: {source: me}}\n", true},
	{"quotas: {connect: {per_minute: 5, per_day: unlimited}, bytes_sent: {per_minute: 1MiB}}\nreclaim: never\ndeadline: {after: 60s}\n", true},
	{"standins: ['a.example:1=127.0.0.1:1', {production: 'b.example:1', address: 93.184.216.34, local: 'builtin:echo'}, {local: '127.0.0.1:1'}]\n", true},
	{"env: {A: 1, B: true, C: x, D: 08}\nenv_file: .env\nbuild_flags: [-race]\n", true},
	{"env_file: []\nbuild_flags: -race -tags=a\non_build: serve-old\nwait_limit: 1m30s\ndrain: 0s\nreload: false\n", true},
	{"assets: {templates: ignore}\nwatch: {extra: a, ignore: [b]}\ntls: true\nlive_reload: true\ndebug: 'localhost:2345'\n", true},
	{"addr: 127.0.0.1:0\nconsole: 127.0.0.1:1\ndata: x\nlog_format: json\nready_file: r\nkeep: all\njournal_limit: unlimited\ncapture: full\ncapture_limit: 1MiB\nredact: none\nkeylog: k\notlp: 'http://h'\notlp_headers: {a: b}\n", true},
	{"apps: [{path: a, name: b, addr: '127.0.0.1:1', profile: open, rules: {private: off}, drain: 1s, env: {A: b}, standins: ['a.example:1=127.0.0.1:1']}]\n", true},
	{"exceptions: [{host: '*.a.example', ports: [1], rules: [private], mode: report, network: tcp}]\n", true},
	{"debug: true\n", true},
	{"debug: false\n", true},
	{"debug: here\n", false},
	{"debug: 1\n", false},
	{"apps:\nenv:\nstandins:\n", true},

	{"zzz: 1\n", false},
	{"billing: yes\n", false},
	{"rules: {loopback: maybe}\n", false},
	{"rules: {public: off}\n", false},
	{"rules: [a]\n", false},
	{"quotas: {connect: 5}\n", false},
	{"standins: {a: b}\n", false},
	{"standins: [{production: 'a.example:1'}]\n", false},
	{"env: [A=1]\n", false},
	{"env: {A: [1]}\n", false},
	{"drain: 10\n", false},
	{"drain: -1s\n", false},
	{"drain: soon\n", false},
	{"on_build: maybe\n", false},
	{"reload: 1\n", false},
	{"console: here\n", false},
	{"keep: {a: b}\n", false},
	{"capture: some\n", false},
	{"assets: {static: maybe}\n", false},
	{"watch: {extra: {a: b}}\n", false},
	{"data: ''\n", false},
	{"apps: [{name: a}]\n", false},
	{"apps: [{path: a, console: '127.0.0.1:1'}]\n", false},
	{"apps: {path: a}\n", false},
	{"- a\n", false},
}

// TestSchemaAgrees: what the reader takes the schema takes, and what it refuses the schema refuses.
func TestSchemaAgrees(t *testing.T) {
	t.Parallel()
	schema := compiled(t)
	for _, s := range samples {
		_, err := load(t, s.yaml)
		if (err == nil) != s.good {
			t.Errorf("%q: the reader says %v, want good %v", s.yaml, err, s.good)
		}
		if err := schema.Validate(asJSON(t, s.yaml)); (err == nil) != s.good {
			t.Errorf("%q: the schema says %v, want good %v", s.yaml, err, s.good)
		}
	}
}

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("devserver.schema.json", text); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("devserver.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func asJSON(t *testing.T, text string) any {
	t.Helper()
	data, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// commented is a key that is commented out, not a sentence.
var commented = regexp.MustCompile(`(?m)^# ([a-z_]+:)`)

// TestSample: the file that init writes says nothing but the apps, and each line that is commented out may be let in.
func TestSample(t *testing.T) {
	t.Parallel()
	text := Sample("/w", []string{"/w/a/server", "/w/b/server", "/w/c d"})
	c, err := load(t, text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	dir := filepath.Dir(c.File)
	want := &Config{File: c.File}
	for _, a := range []struct{ name, path string }{{"server", "a/server"}, {"b-server", "b/server"}} {
		want.Apps = append(want.Apps, AppConfig{Name: a.name, Path: filepath.Join(dir, a.path)})
	}
	for i := range c.Apps {
		c.Apps[i].Position, c.Apps[i].at = Position{}, nil
	}
	c.at = nil
	if len(c.Apps) != 3 || c.Apps[2].Path != filepath.Join(dir, "c d") {
		t.Errorf("apps %+v", c.Apps)
	}
	c.Apps = c.Apps[:2]
	if !reflect.DeepEqual(c, want) {
		t.Errorf("the file changes something: %+v, want %+v", c, want)
	}

	for _, programs := range [][]string{nil, {"/w", "/w/tool"}} {
		if c, err := load(t, Sample("/w", programs)); err != nil || len(c.Apps) > 0 || len(c.at) > 0 {
			t.Errorf("with the programs %q: %+v, %v", programs, c, err)
		}
	}

	whole := commented.ReplaceAllString(text, "$1")
	c, err = load(t, whole)
	if err != nil {
		t.Errorf("with all keys let in: %v\n%s", err, whole)
	}
	for _, k := range at(inWhole) {
		if !c.Has(k.name) {
			t.Errorf("the file has no %s that could be let in:\n%s", k.name, text)
		}
	}
	if err := compiled(t).Validate(asJSON(t, whole)); err != nil {
		t.Errorf("the schema refuses what init writes: %v", err)
	}
}

// TestSampleName: the example of an app's names, too.
func TestSampleName(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, want string }{{"orders", "orders"}, {"a b", `"a b"`}, {"1", `"1"`}, {"true", `"true"`}, {"", `""`}, {"-a", `"-a"`}} {
		if got := quote(tt.name); got != tt.want {
			t.Errorf("quote(%q) = %s, want %s", tt.name, got, tt.want)
		}
	}
}

// TestConfigDocument: docs/config.md tells of every key, and its examples load.
func TestConfigDocument(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/config.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range append(slices.Clone(keywords), keyword{name: "apps"}) {
		if !strings.Contains(string(text), "`"+k.name+"`") {
			t.Errorf("docs/config.md does not tell of %s", k.name)
		}
	}
	blocks := examples.FindAllStringSubmatch(string(text), -1)
	if len(blocks) < 2 {
		t.Fatalf("docs/config.md has %d examples", len(blocks))
	}
	for _, b := range blocks {
		if b[1] != ConfigName {
			continue
		}
		if _, err := load(t, b[2]); err != nil {
			t.Errorf("%v\n%s", err, b[2])
		}
	}
}
