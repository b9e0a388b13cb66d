package watch

import (
	"errors"
	"hash/maphash"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/project"
)

const maxFolders = 20_000 // below the app's own: beyond that something else lies there

// tree knows which folders are watched and what was in their files when they were last told or built.
type tree struct {
	system   func() (notifier, error)
	notifier notifier
	polling  bool
	every    time.Duration
	warn     func(string)
	contents contents
	files    *Files
	dirs     map[string]bool     // watched
	seen     map[string]known    // files that matter
	links    map[string][]string // where symbolic links among them lead to: the links
	warned   map[string]bool     // what the user has been told
	budget   int64               // how many bytes of assets may still be read before anything happens to them
}

// known is a file as it was last told or built.
type known struct {
	content
	kind Kind
}

// look is what one look at a file shows.
type look struct {
	file     string
	now      content
	kind     Kind
	changed  bool
	doubtful bool // it is missing or empty, as for a moment while it is saved
}

func newTree(c Config, system func() (notifier, error)) *tree {
	t := &tree{
		system: system, every: c.Poll, warn: c.Warn, contents: contents{maphash.MakeSeed()},
		dirs: make(map[string]bool), seen: make(map[string]known), links: make(map[string][]string),
		warned: make(map[string]bool), budget: maxLearn,
	}
	t.open()
	return t
}

// open makes the notifier: the system's, or one that polls where that is asked for or nothing else works.
func (t *tree) open() {
	if t.every > 0 {
		t.notifier, t.polling = newPoller(t.every, false), true
		return
	}
	n, err := t.system()
	if err != nil {
		t.poll(err)
		return
	}
	t.notifier = n
}

// poll goes over to polling because of err.
func (t *tree) poll(err error) {
	advice, ok := limit(err)
	if !ok {
		advice = err.Error()
	}
	t.say(advice + " (until then they are looked at every " + pollEvery.String() + ")")
	t.close()
	t.notifier, t.polling = newPoller(pollEvery, len(t.seen) > 0), true
	for dir := range t.dirs {
		if t.notifier.Add(dir) != nil {
			delete(t.dirs, dir)
		}
	}
}

func (t *tree) close() {
	if t.notifier != nil {
		t.notifier.Close()
	}
}

// use takes a new list and returns the files that may have changed since it was true. After the first list only what is new
// in a list is looked at: a save must not wait for fifty thousand files.
func (t *tree) use(u update) (dirty []string) {
	before := t.files
	t.files = u.files.merged(before)
	wanted := make(map[string]bool)
	fresh := t.files.newDirs(before)
	visit := func(dir string) {
		was := t.dirs[dir]
		existing := t.watch(dir)
		wanted[existing] = true
		if !was && existing == dir {
			fresh = append(fresh, dir)
		}
	}
	for _, dir := range t.files.dirs() {
		visit(dir)
	}
	others := before == nil || !before.assets.said.Same(t.files.assets.said) // other files than before count besides the code
	if others {
		t.walkAll(visit)
	}
	dirty = t.forget(wanted, others)
	slices.Sort(fresh)
	for _, dir := range slices.Compact(fresh) {
		dirty = append(dirty, t.learn(dir, u.since)...)
	}
	return dirty
}

// forget lets go what the list does not hold any more; wanted are folders that it names. Files that are no code are
// asked about when all is to be looked at. Code that has changed and was not told yet is dirty, and kept until the next
// list: the build before this one may have been made of it.
func (t *tree) forget(wanted map[string]bool, all bool) (dirty []string) {
	for file, k := range t.seen {
		if k.kind < Source && !all {
			continue // by its name and place, whatever the list says
		}
		if _, ok := t.files.kind(file); ok {
			continue
		}
		if now, _ := t.contents.of(file, maxRead); k.kind >= Source && !now.same(k.content) {
			dirty = append(dirty, file)
			continue
		}
		delete(t.seen, file)
	}
	t.keepLinks(wanted)
	for dir := range t.dirs {
		if !wanted[dir] && !t.files.wants(dir) {
			t.notifier.Remove(dir)
			delete(t.dirs, dir)
		}
	}
	return dirty
}

// missing returns the sources of pkgs, which were there once, that have gone: no list names them, and no notice comes.
func (t *tree) missing(pkgs []project.Package) (dirty []string) {
	for _, p := range pkgs {
		if !p.Local() {
			continue
		}
		for _, file := range sources(p) {
			if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
				t.seen[file] = known{content{there: true}, Source}
				dirty = append(dirty, file)
			}
		}
	}
	return dirty
}

// keepLinks adds the folders that links of known files lead to, and forgets the other links.
func (t *tree) keepLinks(wanted map[string]bool) {
	for target, links := range t.links {
		links = slices.DeleteFunc(links, func(file string) bool { _, ok := t.seen[file]; return !ok })
		if t.links[target] = links; len(links) == 0 {
			delete(t.links, target)
			continue
		}
		wanted[filepath.Dir(target)] = true
	}
}

// learn notes the content of the files in dir that were not known. Those changed after since are dirty: what was
// built may not have them.
func (t *tree) learn(dir string, since time.Time) (dirty []string) {
	for _, e := range t.entries(dir) {
		file := filepath.Join(dir, e.Name())
		kind, ok := t.files.kind(file)
		if _, had := t.seen[file]; !ok || had {
			continue
		}
		if e.Type()&fs.ModeSymlink != 0 {
			t.follow(file)
		}
		limit := int64(maxRead)
		if kind < Source {
			limit = min(maxAsset, t.budget)
		}
		now, changed := t.contents.of(file, limit)
		if !now.there {
			continue
		}
		if kind < Source && now.read {
			t.budget -= now.size
		}
		if !since.IsZero() && !changed.Before(since) {
			dirty = append(dirty, file)
			now = content{}
		}
		t.seen[file] = known{now, kind}
	}
	return dirty
}

func (t *tree) entries(dir string) []fs.DirEntry {
	entries, _ := os.ReadDir(dir) // gone meanwhile: a notice comes
	return entries
}

// follow watches the folder that file leads to if it is a symbolic link. What it leads to is read after that, so that no
// change of it is missed.
func (t *tree) follow(file string) {
	if info, err := os.Lstat(file); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		return
	}
	target, err := filepath.EvalSymlinks(file)
	if err != nil || target == file {
		return
	}
	if slices.Contains(t.links[target], file) {
		return
	}
	t.links[target] = append(t.links[target], file)
	t.watch(filepath.Dir(target))
}

// watch watches dir, or what exists of the folders around it: dir may come. It returns the folder that is watched, "" if none.
func (t *tree) watch(dir string) string {
	for at := dir; ; {
		err := t.add(at)
		exists := !notFolder(at) // asked once: the folder may come between two questions
		switch {
		case err == nil && at != dir && !notFolder(towards(at, dir)):
			at = dir // it came before its parent was watched, so that no notice tells of it
		case err == nil:
			return at
		case exists && errors.Is(err, fs.ErrNotExist):
			// it came just now
		case exists || at == filepath.Dir(at):
			t.say(at + ": " + err.Error() + "; what changes in it is not seen")
			return ""
		default:
			at = filepath.Dir(at)
		}
	}
}

// towards returns the folder directly in at that leads to dir.
func towards(at, dir string) string {
	for filepath.Dir(dir) != at {
		dir = filepath.Dir(dir)
	}
	return dir
}

// add watches dir itself, by polling when the system takes no more.
func (t *tree) add(dir string) error {
	if t.dirs[dir] {
		return nil
	}
	err := t.notifier.Add(dir)
	if _, over := limit(err); over && !t.polling {
		t.poll(err)
		err = t.notifier.Add(dir)
	}
	if err == nil {
		t.dirs[dir] = true
	}
	return err
}

func notFolder(dir string) bool {
	info, err := os.Stat(dir)
	return err != nil || !info.IsDir()
}

// walkAll walks all roots.
func (t *tree) walkAll(visit func(dir string)) {
	for _, root := range t.files.roots() {
		if !notFolder(root) {
			t.walk(root, visit)
		}
	}
}

// walk visits root and the folders below it that may hold files that matter; symbolic links to folders too, each folder
// once.
func (t *tree) walk(root string, visit func(dir string)) {
	real := make(map[string]bool)
	var down func(dir string)
	down = func(dir string) {
		if len(real) >= maxFolders {
			t.tooMany(root)
			return
		}
		visit(dir)
		for _, e := range t.entries(dir) {
			sub := filepath.Join(dir, e.Name())
			link := e.Type()&fs.ModeSymlink != 0
			if !e.IsDir() && !(link && !notFolder(sub)) || !t.files.wants(sub) {
				continue
			}
			where := sub
			if link {
				where, _ = filepath.EvalSymlinks(sub)
			}
			if !real[where] {
				real[where] = true
				down(sub)
			}
		}
	}
	real[root] = true
	down(root)
}

func (t *tree) tooMany(root string) {
	t.say("more than 20000 folders below " + root + "; templates and static files in the others are not watched. " +
		"Move what is no part of the app elsewhere")
}

// say warns once.
func (t *tree) say(text string) {
	if !t.warned[text] {
		t.warned[text] = true
		t.warn("watching files: " + text)
	}
}

// notice returns the files that what happened makes dirty.
func (t *tree) notice(n notice) (dirty []string) {
	switch {
	case n.path == "":
		return t.rescan()
	case t.dirs[n.path] && (n.removed || n.created):
		t.drop(n.path)
		dirty = t.inside(n.path)
	}
	if n.created {
		if info, err := os.Stat(n.path); err == nil && info.IsDir() {
			return append(dirty, t.enter(n.path)...)
		}
	}
	if n.removed && len(dirty) > 0 {
		t.ensure()
	}
	if _, ok := t.kind(n.path); ok {
		dirty = append(dirty, n.path)
	}
	return append(dirty, t.links[n.path]...)
}

// kind is the list's word, or what was known before: of a file that is gone, its constraints cannot be read any more.
func (t *tree) kind(file string) (Kind, bool) {
	if k, ok := t.files.kind(file); ok {
		return k, true
	}
	k, ok := t.seen[file]
	return k.kind, ok
}

// enter takes in a folder that came, with what is in it already.
func (t *tree) enter(dir string) (dirty []string) {
	visit := func(sub string) {
		if t.watch(sub) == sub {
			dirty = append(dirty, t.matter(sub)...)
		}
	}
	if t.files.wants(dir) {
		t.walk(dir, visit)
	}
	for _, came := range t.ensure() {
		dirty = append(dirty, t.matter(came)...)
	}
	return dirty
}

// ensure watches the folders of the list that exist, and returns those that were not watched before.
func (t *tree) ensure() (came []string) {
	for _, dir := range t.files.dirs() {
		if !t.dirs[dir] && t.watch(dir) == dir {
			came = append(came, dir)
		}
	}
	return came
}

// matter returns the files in dir that matter.
func (t *tree) matter(dir string) (files []string) {
	for _, e := range t.entries(dir) {
		file := filepath.Join(dir, e.Name())
		if _, ok := t.files.kind(file); ok {
			files = append(files, file)
		}
	}
	return files
}

// drop forgets that dir and the folders below it are watched.
func (t *tree) drop(dir string) {
	for d := range t.dirs {
		if d == dir || strings.HasPrefix(d, dir+string(filepath.Separator)) {
			t.notifier.Remove(d)
			delete(t.dirs, d)
		}
	}
}

// inside returns the known files below dir.
func (t *tree) inside(dir string) (files []string) {
	for file := range t.seen {
		if strings.HasPrefix(file, dir+string(filepath.Separator)) {
			files = append(files, file)
		}
	}
	return files
}

// rescan returns all files, for when it is not known what happened.
func (t *tree) rescan() (dirty []string) {
	for dir := range t.dirs {
		if notFolder(dir) {
			t.drop(dir)
		}
	}
	t.ensure()
	t.walkAll(func(dir string) { t.watch(dir) })
	for file := range t.seen {
		dirty = append(dirty, file)
	}
	for dir := range t.dirs {
		dirty = append(dirty, t.matter(dir)...)
	}
	return dirty
}

// look compares a file with what it was.
func (t *tree) look(file string) look {
	before := t.seen[file]
	t.follow(file) // it may be a link only now, or lead elsewhere
	now, _ := t.contents.of(file, maxRead)
	kind, ok := t.files.kind(file)
	if !ok {
		kind = before.kind
	}
	return look{
		file: file, now: now, kind: kind,
		changed:  !now.same(before.content),
		doubtful: now.size == 0 && (before.size > 0 || now.there && !before.there),
	}
}

// accept notes a file as it is now.
func (t *tree) accept(k look) {
	if !k.now.there {
		delete(t.seen, k.file)
		return
	}
	t.seen[k.file] = known{k.now, k.kind}
}
