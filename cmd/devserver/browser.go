package main

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
)

// errNoBrowser says that there is none to open a page in.
var errNoBrowser = errors.New("no browser is known here; set $BROWSER")

// openBrowser shows a page: with $BROWSER, else with what the desktop opens pages with. failed is told, later, that the
// command did not do it.
func openBrowser(url string, failed func(error)) error {
	words, err := browserCommand(url, runtime.GOOS, os.Getenv)
	if err != nil {
		return err
	}
	cmd := exec.Command(words[0], words[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is not for it
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() {
		if err := cmd.Wait(); err != nil {
			failed(err)
		}
	}()
	return nil
}

// browserCommand is the command line that shows a page. On Linux xdg-open would start a browser for text in this very
// terminal where there is no display.
func browserCommand(url, goos string, getenv func(string) string) ([]string, error) {
	words := strings.Fields(getenv("BROWSER"))
	switch {
	case len(words) > 0:
		placed := false
		for i, w := range words {
			if strings.Contains(w, "%s") {
				words[i], placed = strings.ReplaceAll(w, "%s", url), true
			}
		}
		if !placed {
			words = append(words, url)
		}
		return words, nil
	case goos == "darwin":
		return []string{"open", url}, nil
	case getenv("DISPLAY") != "" || getenv("WAYLAND_DISPLAY") != "":
		return []string{"xdg-open", url}, nil
	}
	return nil, errNoBrowser
}
