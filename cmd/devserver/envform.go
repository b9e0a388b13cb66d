package main

import (
	"fmt"
	"io"
	"strings"
)

// envForms write one variable each, by the word of --format.
var envForms = map[string]func(w io.Writer, key, value string) error{
	"shell":  func(w io.Writer, key, value string) error { return assign(w, "", key, shellWord(value)) },
	"export": func(w io.Writer, key, value string) error { return assign(w, "export ", key, shellWord(value)) },
	"env":    func(w io.Writer, key, value string) error { return assign(w, "", key, dotenvValue(value)) },
}

func assign(w io.Writer, word, key, value string) error {
	_, err := fmt.Fprintf(w, "%s%s=%s\n", word, key, value)
	return err
}

// dotenvValue writes a value as files of variables have it, such as an envFile of VS Code: as it is, in double quotes where its
// ends or a line break in it would be lost.
func dotenvValue(s string) string {
	if s != "" && (strings.ContainsAny(s, "\n\r") || strings.TrimSpace(s) != s || strings.ContainsAny(s[:1]+s[len(s)-1:], `"'`)) {
		return `"` + strings.NewReplacer("\n", `\n`, "\r", `\r`).Replace(s) + `"`
	}
	return s
}

// writeEnv writes variables, KEY=VALUE, in a form; as one JSON object with json.
func writeEnv(w io.Writer, vars []string, form string, json bool) error {
	object := map[string]string{}
	for _, v := range vars {
		key, value, _ := strings.Cut(v, "=")
		object[key] = value
		if json {
			continue
		}
		if err := envForms[form](w, key, value); err != nil {
			return err
		}
	}
	if json {
		return lineWriter(w).Encode(object)
	}
	return nil
}
