package rules

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-d81df0db/devserver/runtime/hook/hooktest"
	"github.com/seed-d81df0db/devserver/runtime/wire"
	"github.com/seed-d81df0db/devserver/sandbox"
)

// TestKeyLogDecrypts has Wireshark's own reader take what the wire carried, and the key log, to what the program said.
func TestKeyLogDecrypts(t *testing.T) {
	t.Parallel()
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		hooktest.Missing(t, "tshark is not installed")
	}
	addr, cert := webSite(t, true, false)
	dir := t.TempDir()
	keys, capture := filepath.Join(dir, "keys.txt"), filepath.Join(dir, "wire.pcap")
	got := start(t, "probe", run{
		Args: []string{"fetch", cert, "", "https://example.com/tls?q=1"}, Standins: standin("example.com:443", addr),
		Config: func(c *wire.Config) { c.Capture, c.KeyLog = sandbox.Capture{Limit: 1 << 20, Redact: redacted}, keys },
	})
	if err := os.WriteFile(capture, pcapOf(got.Events), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(tshark, "-n", "-r", capture, "-o", "tls.keylog_file:"+keys, "-Y", "http", "-T", "fields",
		"-e", "http.request.uri", "-e", "http.response.code", "-e", "http.file_data")
	cmd.Env = append(os.Environ(), "HOME="+dir) // no settings of the user's
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark: %v\n%s", err, stderr.String())
	}
	for _, want := range []string{"/tls?q=1", "200"} {
		if !slices.Contains(strings.Fields(string(out)), want) {
			t.Errorf("tshark tells nothing of %s:\n%s%s", want, out, stderr.String())
		}
	}
}

// pcapOf writes the wire of one TCP connection as packets of IPv4, which is all that a dissector of TLS needs to see.
func pcapOf(events []sandbox.Event) []byte {
	var b bytes.Buffer
	put := func(order binary.ByteOrder, values ...any) {
		for _, v := range values {
			binary.Write(&b, order, v)
		}
	}
	const rawIP = 101 // LINKTYPE_RAW
	put(binary.LittleEndian, uint32(0xa1b2c3d4), uint16(2), uint16(4), uint32(0), uint32(0), uint32(1<<18), uint32(rawIP))
	client, server := [4]byte{192, 0, 2, 1}, [4]byte{192, 0, 2, 2}
	for _, e := range events {
		if e.Kind != sandbox.KindWireSent && e.Kind != sandbox.KindWireReceived {
			continue
		}
		from, to, source, target := client, server, uint16(40_000), uint16(443)
		if e.Kind == sandbox.KindWireReceived {
			from, to, source, target = server, client, 443, 40_000
		}
		const headers = 40
		size := uint32(headers + len(e.Detail))
		put(binary.LittleEndian, uint32(e.At/1e9), uint32(e.At%1e9/1e3), size, size)
		put(binary.BigEndian, uint8(0x45), uint8(0), uint16(size), uint32(0), uint8(64), uint8(6), uint16(0), from, to)
		put(binary.BigEndian, source, target, uint32(1+e.Bytes), uint32(1), uint8(5<<4), uint8(0x18), uint16(65535), uint16(0), uint16(0))
		b.WriteString(e.Detail)
	}
	return b.Bytes()
}
