package sandbox

import (
	"errors"
	"slices"
	"strings"
)

// check returns what is wrong with the policy, all of it.
func (p *Policy) check() error {
	var errs []error
	if p.Errors != "" && p.Errors != ErrorsErrno && p.Errors != ErrorsClassic {
		errs = append(errs, errors.New(`errors: "`+p.Errors+`" is not a set of error texts; accepted: errno, classic`))
	}
	if p.Options != "" && !slices.Contains(optionStyles, p.Options) {
		errs = append(errs, errors.New(`options: "`+p.Options+`" is no way to answer options; accepted: `+strings.Join(optionStyles, ", ")))
	}
	for r, s := range p.Rules {
		if !r.Known() {
			errs = append(errs, errors.New(`rules: unknown rule "`+string(r)+`"`))
		}
		if !slices.Contains([]Mode{ModeEnforce, ModeReport, ModeOff, ""}, s.Mode) {
			errs = append(errs, errors.New(`rules: `+string(r)+`: "`+string(s.Mode)+`" is not a mode; accepted: enforce, report, off`))
		}
	}
	for r := range p.Quotas {
		if !slices.Contains(Resources, r) {
			errs = append(errs, errors.New(`quotas: unknown resource "`+string(r)+`"`))
		}
	}
	if p.Reclaim < 0 || p.Deadline < 0 {
		errs = append(errs, errors.New("reclaim and deadline must not be negative"))
	}
	for _, x := range p.Exceptions {
		if err := x.Check(); err != nil {
			errs = append(errs, err)
		}
	}
	for _, prefix := range slices.Concat(p.Google, p.GCE) {
		if !prefix.IsValid() {
			errs = append(errs, errors.New("google or gce: an invalid prefix"))
		}
	}
	return errors.Join(errs...)
}

// Check returns what is wrong with the exception.
func (x Exception) Check() error {
	switch {
	case (x.Host == "") == !x.Addr.IsValid():
		return errors.New("an exception names a host or an address, and not both")
	case len(x.Ports) == 0 || slices.Contains(x.Ports, 0):
		return errors.New("an exception names ports from 1 to 65535")
	case x.Network != "" && x.Network != "tcp" && x.Network != "udp":
		return errors.New(`an exception's network is tcp, udp, or none for both, not "` + x.Network + `"`)
	}
	return nil
}
