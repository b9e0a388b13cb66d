package project

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
)

// Programs returns the folders below dir that hold a package main which serves HTTP: net/http is among what it is made of.
// Tests, testdata, vendor and modules further down are passed over, as go list does.
func Programs(ctx context.Context, g Go, dir string) ([]string, error) {
	dir, err := folder(dir)
	if err != nil {
		return nil, err
	}
	out, err := g.output(ctx, dir, "list", "-e", "-json=Dir,Name,Deps", "./...")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", shown(dir), err)
	}
	var dirs []string
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			Dir, Name string
			Deps      []string
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		if p.Name == "main" && slices.Contains(p.Deps, "net/http") {
			dirs = append(dirs, p.Dir)
		}
	}
	slices.Sort(dirs)
	return dirs, nil
}

// Sample is a devserver.yaml for a folder in which these programs were found: every key with what it does, commented out,
// and the programs as apps. Where the folder itself is one, they stay commented out too: devserver runs the folder, as it
// does without a file.
func Sample(dir string, programs []string) string {
	var b strings.Builder
	b.WriteString(sampleHead)
	for _, k := range at(inWhole) {
		k.write(&b, "# ")
	}
	mark := ""
	if len(programs) == 0 || slices.Contains(programs, dir) {
		mark = "# "
	}
	b.WriteString("\n# The apps that run when devserver run names no folder. An app may have each key above from addr to watch, and then\n# that wins.\n")
	b.WriteString(mark + "apps:\n")
	names := map[string]bool{}
	for _, p := range programs {
		rel, err := filepath.Rel(dir, p)
		if err != nil {
			continue
		}
		name := nameFrom(filepath.Base(p))
		if names[name] {
			name = nameFrom(rel)
		}
		for n := 2; names[name]; n++ {
			name = fmt.Sprintf("%s-%d", nameFrom(rel), n)
		}
		names[name] = true
		fmt.Fprintf(&b, "%s  - name: %s\n%s    path: %s\n", mark, quote(name), mark, quote("./"+filepath.ToSlash(rel)))
	}
	if len(programs) == 0 {
		b.WriteString("#   - name: orders\n#     path: ./orders\n")
	}
	return b.String()
}

// nameFrom makes an app's name of a path.
func nameFrom(path string) string {
	name := strings.Map(func(r rune) rune {
		if goodName("a" + string(r)) {
			return r
		}
		return '-'
	}, path)
	if name = strings.TrimLeft(name, "."); name == "" {
		return "app"
	}
	return name
}

const sampleHead = `# Settings of devserver. Each key stands here with what it does; one that is commented out shows a value that it may
# have, mostly its default. Flags win over this file. What holds, and why: devserver config

`

// write writes a key, commented out.
func (k keyword) write(b *strings.Builder, mark string) {
	fmt.Fprintf(b, "# %s.\n%s%s: %s\n", strings.ToUpper(k.says[:1])+k.says[1:], mark, k.name, k.example)
}

// quote writes a text as YAML where it would not be read as it is.
func quote(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./", r))
	}) || s == "" || s[0] >= '0' && s[0] <= '9' || s[0] == '-' || slices.Contains([]string{"true", "false", "null", "yes", "no"}, strings.ToLower(s)) {
		text, _ := json.Marshal(s) // every JSON text is one of YAML
		return string(text)
	}
	return s
}
