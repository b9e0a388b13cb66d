package main

import (
	"strings"
	"testing"
)

// TestWriteEnv: each form writes what its reader takes for the same value.
func TestWriteEnv(t *testing.T) {
	t.Parallel()
	vars := []string{"A=plain", "B=two words", "C=it's", "D=", "E=a=b", "F='q'", "G= x\n"}
	for _, tt := range []struct {
		form string
		json bool
		want string
	}{
		{"shell", false, "A=plain\nB='two words'\nC='it'\\''s'\nD=''\nE=a=b\nF=''\\''q'\\'''\nG=' x\n'\n"},
		{"export", false, "export A=plain\nexport B='two words'\nexport C='it'\\''s'\nexport D=''\nexport E=a=b\nexport F=''\\''q'\\'''\nexport G=' x\n'\n"},
		{"env", false, "A=plain\nB=two words\nC=it's\nD=\nE=a=b\nF=\"'q'\"\nG=\" x\\n\"\n"},
		{"shell", true, `{"A":"plain","B":"two words","C":"it's","D":"","E":"a=b","F":"'q'","G":" x\n"}` + "\n"},
	} {
		var b strings.Builder
		if err := writeEnv(&b, vars, tt.form, tt.json); err != nil || b.String() != tt.want {
			t.Errorf("writeEnv(%s, json %v) = %v, %q\nwant %q", tt.form, tt.json, err, b.String(), tt.want)
		}
	}
}
