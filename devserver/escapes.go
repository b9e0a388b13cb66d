package devserver

import (
	"context"
	"slices"

	"github.com/seed-d81df0db/devserver/devserver/project"
	"github.com/seed-d81df0db/devserver/web"
)

// findEscapes says what of the newest build can open sockets that the rules do not see. It comes after the build was
// handed on, so that no swap waits for it; a newer build ends it.
func (b *builder) findEscapes(ctx context.Context, pkgs []project.Package) {
	found, err := b.finder.Find(ctx, pkgs)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		b.warn("%v; more packages may escape the rules than are named until it can be read", err)
	}
	b.escaped(found)
}

// showEscapes shows the list in the console, and tells it when it has changed.
func (a *app) showEscapes(found []project.Escape) {
	var shown []web.Escape
	notice := Escapes{App: a.name}
	for _, e := range found {
		shown = append(shown, web.Escape{Package: e.Package, Kind: e.Kind, Text: e.Text})
		notice.Packages = append(notice.Packages, Escape(e))
	}
	changed := false
	a.show(func(w *web.App) {
		changed = !slices.Equal(w.Escapes, shown)
		w.Escapes = shown
	})
	if changed {
		a.sup.notices.tell(notice)
	}
}
