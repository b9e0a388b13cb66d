package dotenv

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

func lookup(name string) (string, bool) { return "given", name == "GIVEN" }
func before(name string) (string, bool) { return "before", name == "GIVEN" || name == "BEFORE" }

// TestParse are the forms that a line may have.
func TestParse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, want string }{
		{"", ""},
		{"# a comment\n\n  # another\n", ""},
		{"A=1\nB = two words \n", `A="1"@1 B="two words"@2`},
		{"A=\nB=''\nC=\"\"", `A=""@1 B=""@2 C=""@3`},
		{"export A=1\nexport\tB=2\nexport=3\nexport = 4", `A="1"@1 B="2"@2 export="3"@3 export="4"@4`},
		{"A=b#c # comment\nB=#f00\nC='x' # y\nD= # z", `A="b#c"@1 B="#f00"@2 C="x"@3 D=""@4`},
		{`A='a $B \n "c"'`, `A="a $B \\n \"c\""@1`},
		{`A="a\tb\nc\\n \" \$X \d"`, `A="a\tb\nc\\n \" $X \\d"@1`},
		{"A=\"one\ntwo\"\nB='three\nfour'\nC=5", `A="one\ntwo"@1 B="three\nfour"@3 C="5"@5`},
		{"A=1\r\nB=\"2\r\n3\"\r\n", `A="1"@1 B="2\n3"@2`},
		{"\uFEFFA=1", `A="1"@1`},
		{"A=x\nB=$A-${A}y\nC=\"$GIVEN\"\nD=5$\nE=a$1\nF=\\$A", `A="x"@1 B="x-xy"@2 C="given"@3 D="5$"@4 E="a$1"@5 F="$A"@6`},
		{"GIVEN=own\nA=$GIVEN $BEFORE\nBEFORE=own\nB=$BEFORE", `GIVEN="own"@1 A="given before"@2 BEFORE="own"@3 B="own"@4`},
		{"A=it's\nB=a\"b", `A="it's"@1 B="a\"b"@2`},
		{"A=1\nA=2", `A="1"@1 A="2"@2`},
		{"spring.name=x\na-b=y", `spring.name="x"@1 a-b="y"@2`},
		{"URL=postgres://u:p@h:5432/db?a=b&c=d", `URL="postgres://u:p@h:5432/db?a=b&c=d"@1`},
	} {
		vars, err := Parse("f", []byte(tt.text), lookup, before)
		var got []string
		for _, v := range vars {
			got = append(got, fmt.Sprintf("%s=%q@%d", v.Name, v.Value, v.Line))
		}
		if err != nil || strings.Join(got, " ") != tt.want {
			t.Errorf("Parse(%q) = %s, %v\nwant %s", tt.text, strings.Join(got, " "), err, tt.want)
		}
	}
}

// TestMistakes: each has its place and a way out, all are told at once, and none tells a value.
func TestMistakes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, want string }{
		{"A", "f:1:2: = is wanted behind A, as in A=value"},
		{"A=1\nA B=2", "f:2:3: = is wanted behind A"},
		{"1A=2", "f:1:1: a variable's name is wanted"},
		{"=2", "f:1:1: a variable's name is wanted"},
		{"A: 1", "f:1:2: = is wanted"},
		{"B=1\n  A='s3cret\nC=2", "f:2:5: this quote is never closed"},
		{"A='s3cret'x", "f:1:11: A: something stands behind the closing quote"},
		{"A='s3cret'#x", "f:1:11: A: something stands behind"},
		{"A=s3cret$(pwd)", "f:1:9: no command is run here"},
		{"A=\"é$(pwd)\"", "f:1:5: no command is run here"},
		{"A=s3cret$word", "f:1:9: the variable word is not set; set it further up, or put the value in single quotes"},
		{"A=\"\n${X}\"", "f:2:1: the variable X is not set"},
		{"A=${X", "f:1:3: ${ wants a variable's name and }"},
		{"A=${X:-s3cret}", "f:1:3: ${ wants a variable's name and }"},
		{"A=\xff", "not a text"},
		{"A=\x00", "not a text"},
		{strings.Repeat("#", 70<<10), "larger than 64 KiB"},
	} {
		_, err := Parse("f", []byte(tt.text), lookup, before)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("Parse(%.40q) = %v, want %s", tt.text, err, tt.want)
		}
	}
	_, err := Parse("f", []byte("A\nB=1\nC=$X$Y\nD='a'b"), nil, nil)
	if err == nil || strings.Count(err.Error(), "f:") != 4 {
		t.Errorf("want four mistakes, got %v", err)
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), ".env")
	if _, err := Load(file, nil, nil); !os.IsNotExist(unwrap(err)) || !strings.Contains(err.Error(), file+": no such file") {
		t.Errorf("Load of a missing file: %v", err)
	}
	if err := os.WriteFile(file, []byte("A=1"), 0o600); err != nil {
		t.Fatal(err)
	}
	if vars, err := Load(file, nil, nil); err != nil || len(vars) != 1 || vars[0] != (Var{"A", "1", 1}) {
		t.Errorf("Load = %v, %v", vars, err)
	}
}

func unwrap(err error) error {
	if u, ok := err.(interface{ Unwrap() error }); ok {
		return u.Unwrap()
	}
	return err
}

// FuzzParse: whatever stands in a file, reading it ends without a panic; a value in single quotes comes back as it is.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"A=1", "export A=\"x\\n$A\" # c", "A='", "A=${", "A=$(", "\uFEFF\r\n=", "A=\\", "A=\"\\"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		vars, err := Parse("f", []byte(text), lookup, before)
		for _, v := range vars {
			if err != nil || v.Name == "" || v.Line < 1 || v.Line > 1+strings.Count(text, "\n") || strings.ContainsRune(v.Name+v.Value, 0) {
				t.Errorf("Parse(%q) = %+v, %v", text, vars, err)
			}
		}
		if strings.ContainsAny(text, "'\x00\r") || len(text) > 1<<10 || !utf8.ValidString(text) {
			return
		}
		vars, err = Parse("f", []byte("A='"+text+"'"), nil, nil)
		if err != nil || len(vars) != 1 || vars[0].Value != text {
			t.Errorf("%q in single quotes = %+v, %v", text, vars, err)
		}
	})
}
