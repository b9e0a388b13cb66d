package rules

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/seed-d81df0db/devserver/devserver/porttest"
)

// toxiproxyVersion is what a benchmark's figures are compared with: a proxy between the program and its peer, which is how
// faults were made before. It is fetched for the benchmark alone and is no dependency.
const toxiproxyVersion = "github.com/Shopify/toxiproxy/v2/cmd/server@v2.12.0"

// toxiproxy starts one in front of addr and returns where it listens; "" and a word where it cannot be fetched.
func toxiproxy(b *testing.B, addr string) string {
	b.Helper()
	dir := b.TempDir()
	install := exec.Command("go", "install", toxiproxyVersion)
	install.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=")
	if out, err := install.CombinedOutput(); err != nil {
		b.Logf("not compared with toxiproxy, which cannot be fetched: %v\n%s", err, out)
		return ""
	}
	type front struct {
		Name     string `json:"name"`
		Listen   string `json:"listen"`
		Upstream string `json:"upstream"`
		Enabled  bool   `json:"enabled"`
	}
	listen := "127.0.0.1:" + strconv.Itoa(porttest.Keep(b))
	text, err := json.Marshal([]front{{"bench", listen, addr, true}})
	if err != nil {
		b.Fatal(err)
	}
	config := filepath.Join(dir, "proxies.json")
	if err := os.WriteFile(config, text, 0o600); err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(dir, "server"), "-host", "127.0.0.1", "-port", "0", "-config", config)
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var said struct{ Message string }
		if json.Unmarshal(lines.Bytes(), &said) == nil && said.Message == "Started proxy" {
			go func() {
				for lines.Scan() { // or it blocks
				}
			}()
			return listen
		}
	}
	b.Fatal("toxiproxy ended before it listened")
	return ""
}
