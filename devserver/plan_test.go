package devserver

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/project"
	"github.com/seed-d81df0db/devserver/sandbox"
)

const configFile = project.ConfigName

// TestPlanLayers: flags win over an app's keys, these over those of all apps, and these over the defaults.
func TestPlanLayers(t *testing.T) {
	t.Parallel()
	dir := files(t, map[string]string{
		"go.mod": "module example.com/m\n\ngo 1.25\n", "main.go": "package main\n\nfunc main() {}\n", ".env": "A=file\nB=file\n", "other.env": "C=${B}\n",
		configFile: `
console: 127.0.0.1:9
data: here
keep: [14d, 1GiB]
journal_limit: 512MiB
capture: head
otlp: http://127.0.0.1:4318
otlp_headers: {X-Key: file, X-Team: shop}
drain: 1s
wait_limit: 2s
tls: true
profile: appengine-php
env: {A: top, D: top}
standins: ["a.example:1=127.0.0.1:1", "b.example:1=127.0.0.1:1"]
assets: {static: restart}
watch: {extra: config/*.json}
apps:
  - name: one
    path: .
    addr: 127.0.0.1:7
    drain: 0s
    tls: false
    profile: open
    rules: {private: report}
    env: {D: app}
    env_file: [.env, other.env]
    standins: ["b.example:1=127.0.0.1:2"]
    assets: {templates: ignore}
    reload: false
`})
	all, got := planned(t, Options{Config: dir + "/" + configFile, Dirs: []string{dir}})
	if all.console != "127.0.0.1:9" || all.data != filepath.Join(dir, "here") || all.keep != (keep{1 << 30, 14 * 24 * time.Hour}) || got.capture.Head == 0 ||
		all.options.OTLP != "http://127.0.0.1:4318" || !slices.Equal(all.options.OTLPHeaders, []string{"X-Key=file", "X-Team=shop"}) {
		t.Errorf("plan %+v of %+v", all, all.options)
	}
	s := got.settings
	if got.name != "one" || got.addr != "127.0.0.1:7" || s.drain != 0 || s.waitLimit != 2*time.Second || s.tls || !s.noReload ||
		s.assets.Static != "restart" || s.assets.Templates != "ignore" || !slices.Equal(s.assets.Extra, []string{"config/*.json"}) {
		t.Errorf("app %+v, settings %+v", got, s)
	}
	if got.policy.Profile != "open" || got.policy.Mode(sandbox.RulePrivate) != sandbox.ModeReport || got.under != (JudgeOptions{Config: dir + "/" + configFile, App: "one"}) {
		t.Errorf("policy %s under %+v", got.policy.Profile, got.under)
	}
	if len(got.standins) != 2 || got.standins[1].Local != "127.0.0.1:2" {
		t.Errorf("stand-ins %+v", got.standins)
	}
	if text := variablesText(got.variables, dir); text != "A=top@devserver.yaml:13 B=file@.env:2 C=file@other.env:1 D=app@devserver.yaml:25" {
		t.Errorf("variables %s", text)
	}
	judge := newJudge(t, got.under)
	if asJSON(t, judge.policy) != asJSON(t, got.policy) {
		t.Error("explain judges by other rules than the app runs under")
	}

	given := []string{"drain", "profile", "addr", "otlp-header", "tls", "no-reload", "keep"}
	all, got = planned(t, Options{
		Config: dir + "/" + configFile, Dirs: []string{dir}, Drain: 3 * time.Second, Profile: "appengine", Addr: "127.0.0.1:0", TLS: true, Keep: []string{"all"},
		OTLPHeaders: []string{"x-key=flag"}, Set: func(flag string) bool { return slices.Contains(given, flag) },
	})
	if s := got.settings; s.drain != 3*time.Second || got.addr != "127.0.0.1:0" || !s.tls || s.noReload || all.keep != (keep{}) || got.policy.Profile != "appengine" ||
		!slices.Equal(all.options.OTLPHeaders, []string{"X-Team=shop", "x-key=flag"}) {
		t.Errorf("with flags: app %+v, settings %+v, keep %+v, headers %q", got, s, all.keep, all.options.OTLPHeaders)
	}
}

func planned(t *testing.T, o Options) (*plan, *plannedApp) {
	t.Helper()
	p, err := newPlan(t.Context(), &o)
	if err != nil {
		t.Fatal(err)
	}
	return p, p.apps[0]
}

func variablesText(all []variable, dir string) string {
	var texts []string
	for _, v := range all {
		texts = append(texts, v.name+"="+v.value+"@"+strings.TrimPrefix(v.origin, dir+"/"))
	}
	return strings.Join(texts, " ")
}

// TestPlanRefuses: what only devserver itself can check of devserver.yaml has its place too.
func TestPlanRefuses(t *testing.T) {
	t.Parallel()
	dir := files(t, map[string]string{"go.mod": "module example.com/m\n\ngo 1.25\n", "main.go": "package main\n\nfunc main() {}\n", "bad.env": "A=1\nB"})
	for _, tt := range []struct {
		yaml string
		want []string
	}{
		{"keep: 2\n", []string{`:1:1: keep: "2" is neither a size`}},
		{"console: 127.0.0.1:9\njournal_limit: 1B\nkeep: [2GiB, soon]\notlp: localhost\n",
			[]string{":2:1: journal_limit 1B is too small", `:3:1: keep: "soon" is neither`, `:4:1: otlp: "localhost" is not an http or https URL`}},
		{"redact: x\n", []string{":1:1: capture_limit and redact say what capture keeps; add capture head"}},
		{"capture: head\ncapture_limit: x\n", []string{`:2:1: capture_limit: "x" is not a size`}},
		{"otlp_headers: {a: b}\n", []string{":1:1: otlp_headers: there is no store to send it to; name one with otlp "}},
		{"watch: {extra: '[a'}\n", []string{":1:9: watch.extra: "}},
		{"env_file: no.env\n", []string{":1:1: env_file: ", "no.env: no such file"}},
		{"env_file: bad.env\n", []string{"bad.env:2:2: = is wanted behind B"}},
		{"apps:\n- {path: ., env_file: [bad.env, no.env]}\n", []string{"bad.env:2:2: ", "no.env: no such file"}},
	} {
		if err := os.WriteFile(filepath.Join(dir, configFile), []byte(tt.yaml), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := newPlan(t.Context(), &Options{Dirs: []string{dir}})
		for _, want := range tt.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %v\nwant %s", tt.yaml, err, want)
			}
		}
	}
}
