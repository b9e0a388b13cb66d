package main

import (
	"slices"
	"strings"
)

// workUnderWay is the builds under way, of several apps, as one line. Its zero value is none.
type workUnderWay struct{ builds []underWay }

// underWay is the build of an app.
type underWay struct{ app, files string }

// begin notes a build; one of the same app before it has been given up.
func (p *workUnderWay) begin(app, files string) {
	i := slices.IndexFunc(p.builds, func(u underWay) bool { return u.app == app })
	if i < 0 {
		p.builds = append(p.builds, underWay{app, files})
		return
	}
	p.builds[i].files = files
}

func (p *workUnderWay) end(app string) {
	p.builds = slices.DeleteFunc(p.builds, func(u underWay) bool { return u.app == app })
}

// text is "devserver: building orders: main.go, billing: bill.go", "" when nothing is built.
func (p *workUnderWay) text() string {
	if len(p.builds) == 0 {
		return ""
	}
	all := make([]string, len(p.builds))
	for i, u := range p.builds {
		all[i] = u.app + u.files
	}
	return "devserver: building " + strings.Join(all, "; ")
}
