package devserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-d81df0db/devserver/devserver/control"
	"github.com/seed-d81df0db/devserver/devserver/project"
	"github.com/seed-d81df0db/devserver/devserver/toolchain"
)

// DoctorOptions say what Doctor looks at.
type DoctorOptions struct {
	Dir           string // the app's folder; "": the current one
	Data          string // its data directory; "": .devserver in Dir
	Config        string // a devserver.yaml; "": the one found from Dir upwards
	Addr, Console string // as in Options
}

// Check is one thing that Doctor looked at.
type Check struct {
	Name   string `json:"name"`
	State  string `json:"state"` // ok, warn, fail
	Detail string `json:"detail"`
	Advice string `json:"advice,omitempty"` // the way out, "" when it is ok
}

// The states of a Check.
const (
	stateOK   = "ok"
	stateWarn = "warn"
	stateFail = "fail"
)

// Doctor looks at the toolchain, the patches, the cache, the app, its data directory and the ports. It changes nothing.
func Doctor(ctx context.Context, o DoctorOptions) []Check {
	dir := valueOr(o.Dir, ".")
	report, err := toolchain.Inspect(ctx, toolchain.Config{Dir: dir})
	if err != nil {
		return []Check{{"go", stateFail, err.Error(), "Try again."}}
	}
	checks := []Check{checkGo(report), checkCache(report), checkCopy(report)}
	checks = append(checks, checkOldCopies(report)...)
	checks = append(checks, checkApp(ctx, dir), checkConfig(o.Config, dir))
	data := valueOr(o.Data, filepath.Join(dir, ".devserver"))
	checks = append(checks, checkData(data))
	return append(checks,
		checkPort("app's address", valueOr(o.Addr, defaultAddr), "--addr"),
		checkPort("console's address", valueOr(o.Console, defaultConsole), "--console"))
}

func checkGo(r toolchain.Report) Check {
	if r.GoError != nil {
		return Check{"go", stateFail, r.GoError.Error(), "Install Go 1.25, 1.26 or 1.27 (https://go.dev/dl), or name one with GOTOOLCHAIN."}
	}
	return Check{"go", stateOK, fmt.Sprintf("%s in %s", r.GoVersion, r.GOROOT), ""}
}

func checkCache(r toolchain.Report) Check {
	if r.CacheError != nil {
		return Check{"cache", stateFail, r.CacheError.Error(), "Name a folder that can be written with " + toolchain.Env + "."}
	}
	return Check{"cache", stateOK, r.Cache, ""}
}

func checkCopy(r toolchain.Report) Check {
	const name = "patched go"
	switch c := r.Copy; {
	case r.GoError != nil:
		return Check{name, stateWarn, "not looked at: there is no Go to patch", "Mend go first."}
	case c == nil && r.Making:
		return Check{name, stateOK, "another devserver is making it", ""}
	case c == nil:
		return Check{name, stateOK, "not made yet: the first run makes it, in 10 to 30 seconds", ""}
	case !c.Whole:
		return Check{name, stateFail, c.Dir + " is not whole", "Remove that folder; the next run makes it again."}
	case !c.Compiled:
		return Check{name, stateWarn, c.Dir + " is not compiled in the build cache", "Nothing to do: the next build takes some seconds longer."}
	}
	return Check{name, stateOK, fmt.Sprintf("%s, made %s, %s", r.Copy.Dir, r.Copy.MadeAt.Format(time.DateTime), megabytes(r.Copy.Bytes)), ""}
}

func megabytes(n int64) string { return fmt.Sprintf("%d MB", (n+500_000)/1_000_000) }

// checkOldCopies tells of copies that this Go does not use.
func checkOldCopies(r toolchain.Report) []Check {
	var n int
	var bytes int64
	for _, c := range r.Others {
		n++
		bytes += c.Bytes
	}
	if n == 0 {
		return nil
	}
	return []Check{{"other copies", stateOK, fmt.Sprintf("%d of other Go or devserver versions, %s; those of older devservers go 7 days after their last use", n, megabytes(bytes)), ""}}
}

func checkApp(ctx context.Context, dir string) Check {
	a, err := project.Discover(ctx, project.Go{Tool: "go"}, dir)
	if err != nil {
		return Check{"app", stateFail, err.Error(), "Name the folder of an app: devserver doctor DIR."}
	}
	return Check{"app", stateOK, fmt.Sprintf("%s, package %s in %s", a.ImportPath, a.Package, a.Dir), ""}
}

func checkConfig(file, dir string) Check {
	const name = project.ConfigName
	c, err := project.Locate(file, dir)
	if err != nil {
		return Check{name, stateFail, err.Error(), "Mend the file; the message says what it may hold."}
	}
	if err := new(Options).merge(c); err != nil {
		return Check{name, stateFail, err.Error(), "Mend the file; the message says what it may hold."}
	}
	policy, _, _, err := newPolicy(&Options{}, c, new(project.AppConfig))
	switch {
	case err != nil:
		return Check{name, stateFail, err.Error(), "Name a profile that devserver profiles lists, or a file."}
	case c.File == "":
		return Check{name, stateOK, "none: the defaults hold, profile " + policy.Profile, ""}
	}
	detail := c.File + ": profile " + policy.Profile
	if !policy.Billing {
		detail += ", without billing: every socket is refused"
	}
	if n := len(c.Standins); n > 0 {
		detail += fmt.Sprintf(", stand-ins: %d", n)
	}
	return Check{name, stateOK, detail, ""}
}

// checkData looks at the data directory, or where it would be made.
func checkData(data string) Check {
	const name = "data directory"
	instance, err := control.Find(data, "")
	if err == nil {
		return Check{name, stateWarn, fmt.Sprintf("%s is in use by the devserver with pid %d, console %s", data, instance.PID, instance.Console), "Stop that one, or give another its own with --data."}
	}
	if !errors.Is(err, control.ErrNone) {
		return Check{name, stateFail, err.Error(), "Choose another with --data."}
	}
	probe := data
	for {
		if _, err := os.Stat(probe); err == nil || probe == filepath.Dir(probe) {
			break
		}
		probe = filepath.Dir(probe)
	}
	if err := unix.Access(probe, unix.W_OK|unix.X_OK); err != nil {
		return Check{name, stateFail, fmt.Sprintf("%s: %v", probe, err), "Choose another with --data."}
	}
	return Check{name, stateOK, data, ""}
}

// checkPort tries to listen. What listens there may be a devserver that runs.
func checkPort(name, addr, flag string) Check {
	ln, err := listen(name, addr, flag)
	if err != nil {
		return Check{name, stateWarn, addr + " cannot be listened on now: " + err.Error(), "Choose another with " + flag + ", or stop what listens there."}
	}
	ln.Close()
	return Check{name, stateOK, addr + " is free", ""}
}
