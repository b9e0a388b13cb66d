package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/seed-d81df0db/devserver/devserver"
)

// batchCase is one line of explain --batch.
type batchCase struct {
	network, address       string       // as given, escapes and all
	plainNetwork, plainAdr string       // what they stand for
	answers                []netip.Addr // nil: the line says nothing of answers
}

// batchError stands in the output for a line that cannot be read.
type batchError struct {
	Line  int    `json:"line"`
	Error string `json:"error"`
}

// explainFile judges the lines of a file, "-" for stdin. Each line gives one object, whatever it holds.
func explainFile(judge *devserver.Judge, file string, stdin io.Reader, stdout io.Writer) error {
	in := stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return fmt.Errorf("explain --batch: %w", err)
		}
		defer f.Close()
		in = f
	}
	out := bufio.NewWriter(stdout)
	err := explainLines(judge, in, out)
	return errors.Join(err, out.Flush())
}

// explainLines reads to the end. Lines may be of any length; when input pauses, what was judged is written out,
// so that a program can ask over a pipe.
func explainLines(judge *devserver.Judge, in io.Reader, out *bufio.Writer) error {
	r := bufio.NewReader(in)
	enc := lineWriter(out)
	for n := 1; ; n++ {
		line, err := r.ReadString('\n')
		if err != nil && err != io.EOF {
			return fmt.Errorf("explain --batch: line %d: %w", n, err)
		}
		if line == "" {
			return nil
		}
		if err := enc.Encode(judgeLine(judge, n, line)); err != nil {
			return err
		}
		if r.Buffered() == 0 {
			if err := out.Flush(); err != nil {
				return err
			}
		}
	}
}

// judgeLine returns the object for one line.
func judgeLine(judge *devserver.Judge, n int, line string) any {
	c, err := readBatchLine(line)
	if err != nil {
		return batchError{n, err.Error()}
	}
	e := judge.Explain(c.plainNetwork, c.plainAdr, c.answers)
	e.Network, e.Address = c.network, c.address
	return e
}

// readBatchLine takes a line apart, with or without its end.
func readBatchLine(line string) (batchCase, error) {
	line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
	if !utf8.ValidString(line) {
		return batchCase{}, errors.New(`not UTF-8; write such a byte as \xNN`)
	}
	fields := strings.Split(line, "\t")
	if len(fields) < 2 || len(fields) > 3 {
		return batchCase{}, fmt.Errorf("%d fields; wanted are network<TAB>address[<TAB>answers]", len(fields))
	}
	c := batchCase{network: fields[0], address: fields[1]}
	var err error
	if c.plainNetwork, err = unescape(c.network); err != nil {
		return batchCase{}, fmt.Errorf("network: %w", err)
	}
	if c.plainAdr, err = unescape(c.address); err != nil {
		return batchCase{}, fmt.Errorf("address: %w", err)
	}
	if len(fields) == 3 {
		if c.answers, err = parseAnswers(fields[2]); err != nil {
			return batchCase{}, err
		}
	}
	return c, nil
}

// unescape reads \\ \t \n \r and \xNN, one byte; everything else stands for itself.
func unescape(s string) (string, error) {
	if !strings.Contains(s, `\`) {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		c, length, err := escape(s[i:])
		if err != nil {
			return "", err
		}
		b.WriteByte(c)
		i += length - 1
	}
	return b.String(), nil
}

// escape reads the escape that s begins with and returns its byte and its length.
func escape(s string) (c byte, length int, err error) {
	if len(s) >= 2 {
		switch s[1] {
		case '\\':
			return '\\', 2, nil
		case 't':
			return '\t', 2, nil
		case 'n':
			return '\n', 2, nil
		case 'r':
			return '\r', 2, nil
		}
	}
	if len(s) >= 4 && s[1] == 'x' {
		if v, err := strconv.ParseUint(s[2:4], 16, 8); err == nil {
			return byte(v), 4, nil
		}
	}
	return 0, 0, fmt.Errorf(`unknown escape at %.4q; known are \\ \t \n \r \xNN`, s)
}

// parseAnswers reads a resolver's answers: addresses with commas between them; behind a semicolon stand those of
// a later look-up, which a connection must not reach, so they are checked for their form and left out. Empty
// text is a resolver that knows no address: a result that is empty and not nil.
func parseAnswers(s string) ([]netip.Addr, error) {
	first := []netip.Addr{}
	for n, lookup := range strings.Split(s, ";") {
		for field := range strings.SplitSeq(lookup, ",") {
			if field == "" && lookup == "" {
				continue
			}
			addr, err := netip.ParseAddr(strings.TrimSpace(field))
			if err != nil {
				return nil, fmt.Errorf("answers: %q is not an IP address", field)
			}
			if n == 0 {
				first = append(first, addr)
			}
		}
	}
	return first, nil
}
