package tree

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"stackgen/pkg/conf"
)

// How a folder changes, so that a full disk leaves it as it was, and a kill leaves what the next run mends:
//
//  1. the journal at the root says which files are about to be written;
//  2. every new file is staged under a temporary name in its own folder, and a new folder, with all that it will hold,
//     beside its place: a full disk shows here, and all is undone;
//  3. files that are no longer rendered are removed; the old manifest lists them until step 5;
//  4. the staged files and folders are renamed one by one;
//  5. the manifest is renamed, then the journal removed.
//
// The next run after a kill finds the journal: it clears what has temporary names, and takes the files the journal names
// for its own. Nothing is synced to the disk: what a process wrote outlives the process, and after a power failure a
// torn file differs from what is rendered and is written again.

const journalName = ".stackgen-journal.tmp"

// stagedName is the n-th temporary file of a run.
func stagedName(n int) string { return fmt.Sprintf(".stackgen-%08x.tmp", n) }

// isStaged recognises the journal and temporary names.
func isStaged(base string) bool {
	middle, ok := strings.CutPrefix(base, ".stackgen-")
	middle, ok2 := strings.CutSuffix(middle, ".tmp")
	if !ok || !ok2 {
		return false
	}
	return middle == "journal" || len(middle) == 8 && strings.Trim(middle, "0123456789abcdef") == ""
}

// parseJournal reads "host TAB path" lines. A last line without its end is one a kill has cut.
func parseJournal(data []byte) (list []entry) {
	for line := range strings.Lines(string(data)) {
		line, whole := strings.CutSuffix(line, "\n")
		host, path, ok := strings.Cut(line, "\t")
		if e := (entry{host, path}); whole && ok && checkName(e) == nil {
			list = append(list, e)
		}
	}
	return list
}

func formatJournal(list []entry) []byte {
	var b bytes.Buffer
	for _, e := range list {
		b.WriteString(e.host + "\t" + e.path + "\n")
	}
	return b.Bytes()
}

// writer is one Write.
type writer struct {
	*Plan
	root   *os.Root
	staged []staged
	n      int // temporary names used
}

// staged is a file, or a whole new folder, under its temporary name.
type staged struct {
	name string // where it will be
	dir  string // where it lies: the folder of name, or the nearest one that can exist before old files are removed
	tmp  string
}

// Write makes the folder equal to the files that Compare was given. Files in the way that stackgen did not write are
// an error, see Conflict, unless force is given. After an error the folder is as it was, or the error says otherwise.
func (p *Plan) Write(force bool) (Result, error) {
	res := Result{Unchanged: p.Unchanged}
	if len(p.Changes) == 0 && p.journal == nil {
		return res, nil
	}
	if !force {
		if err := p.Conflict(); err != nil {
			return Result{}, err
		}
	}
	_, err := os.Lstat(p.Dir)
	made := errors.Is(err, fs.ErrNotExist)
	if err := os.MkdirAll(p.Dir, 0o755); err != nil {
		return Result{}, fmt.Errorf("cannot make the folder %q: %w", p.Dir, reason(err))
	}
	root, err := os.OpenRoot(p.Dir)
	if err != nil {
		return Result{}, fmt.Errorf("cannot open the folder %q: %w", p.Dir, reason(err))
	}
	defer root.Close()
	handle, err := root.Open(".")
	if err != nil {
		return Result{}, fmt.Errorf("cannot open the folder %q: %w", p.Dir, reason(err))
	}
	defer handle.Close() // and the lock with it
	if !lock(handle) {
		return Result{}, fmt.Errorf("another stackgen is writing to %q; nothing was written", p.Dir)
	}
	w := &writer{Plan: p, root: root}
	if err := w.verify(); err != nil {
		return Result{}, err
	}

	if err := w.stage(); err != nil {
		w.undo()
		if made {
			os.Remove(p.Dir)
		}
		return Result{}, fmt.Errorf("%w; nothing in %q was changed", err, p.Dir)
	}
	if err := w.replace(); err != nil {
		w.clear()
		return Result{}, fmt.Errorf("%w; %q is partly written, and the next run mends it", err, p.Dir)
	}
	for _, c := range p.Changes {
		switch c.Kind {
		case Add:
			res.Added++
		case Remove:
			res.Removed++
		default:
			res.Changed++
		}
		if c.Kind != Remove {
			res.Bytes += int64(len(c.File.Data))
		}
	}
	return res, nil
}

// verify makes sure, under the lock, that no other run wrote since Compare.
func (w *writer) verify() error {
	for name, was := range map[string][]byte{conf.ManifestName: w.manifest, journalName: w.journal} {
		now, err := readRegular(w.root, name)
		if err != nil {
			return fmt.Errorf("cannot read %q: %w", filepath.Join(w.Dir, name), reason(err))
		}
		if (now == nil) != (was == nil) || !bytes.Equal(now, was) {
			return fmt.Errorf("%q was changed by someone else at the same moment; nothing was written, run again", filepath.Join(w.Dir, name))
		}
	}
	return nil
}

func (w *writer) step(op, name string) error {
	if w.hook == nil {
		return nil
	}
	return w.hook(op, name)
}

func (w *writer) failed(name string, err error) error {
	return fmt.Errorf("cannot write %q: %w", filepath.Join(w.Dir, name), reason(err))
}

// stage does steps 1 and 2. It only adds temporary files and folders.
func (w *writer) stage() error {
	left := parseJournal(w.journal)
	if w.journal != nil {
		w.sweep(left)
	}
	list := left
	for _, c := range w.Changes {
		if c.Kind != Remove {
			list = append(list, entry{c.File.Host, c.File.Path})
		}
	}
	if err := w.writeJournal(list, w.journal != nil); err != nil {
		return w.failed(journalName, err)
	}
	at := cursor{top: w.root, hook: w.hook, aside: func(dir string) string {
		return w.aside(dir, path.Dir(dir))
	}}
	defer at.close()
	for _, c := range w.Changes {
		if c.Kind == Remove {
			continue
		}
		name := c.File.Name()
		dir := path.Dir(name)
		in, err := at.enter(dir, true)
		var blocked *blockedError
		if errors.As(err, &blocked) && w.gone[blocked.path] {
			// An old file lies where a folder will be; until it is removed, the new file waits beside it.
			dir = path.Dir(blocked.path)
			in, err = at.enter(dir, true)
		}
		if err != nil {
			return w.failed(name, err)
		}
		as := path.Base(name)
		if !in.made {
			as = w.aside(name, dir)
		}
		if err := w.create(in, as, name, c.File.Data, fs.FileMode(c.File.Mode&0o777)); err != nil {
			return w.failed(name, err)
		}
	}
	return nil
}

func (w *writer) next() string {
	w.n++
	return stagedName(w.n)
}

// aside gives what will be name a temporary name in dir.
func (w *writer) aside(name, dir string) (tmp string) {
	tmp = w.next()
	w.staged = append(w.staged, staged{name, dir, tmp})
	return tmp
}

// create writes a new file. Its mode is set apart, unless it is known that the umask has no say.
func (w *writer) create(in level, as, name string, data []byte, mode fs.FileMode) error {
	if err := w.step("create", name); err != nil {
		return err
	}
	first, exact := fs.FileMode(0o600), in.kept && mode&^0o755 == 0
	if exact {
		first = mode
	}
	f, err := in.root.OpenFile(as, os.O_WRONLY|os.O_CREATE|os.O_EXCL, first)
	if err != nil {
		return err
	}
	err = w.step("write", name)
	if err == nil {
		_, err = f.Write(data)
	}
	if err == nil && !exact {
		err = f.Chmod(mode)
	}
	return errors.Join(err, f.Close()) // some file systems report a full disk here
}

// writeJournal writes the journal, or replaces one in a single step, so that what it names is never forgotten.
func (w *writer) writeJournal(list []entry, replace bool) error {
	if !replace {
		return w.create(level{root: w.root}, journalName, journalName, formatJournal(list), 0o600)
	}
	tmp := w.next()
	err := w.create(level{root: w.root}, tmp, journalName, formatJournal(list), 0o600)
	if err == nil {
		err = w.step("rename", journalName)
	}
	if err == nil {
		err = w.root.Rename(tmp, journalName)
	}
	if err != nil {
		w.root.Remove(tmp)
	}
	return err
}

// replace does steps 3 to 5.
func (w *writer) replace() error {
	at := cursor{top: w.root, hook: w.hook}
	defer at.close()
	if err := w.removeOld(&at); err != nil {
		return err
	}
	for len(w.staged) > 0 {
		s := w.staged[0]
		name, dir := s.name, path.Dir(s.name)
		if s.dir != dir { // its folder can be made only now
			if _, err := at.enter(dir, true); err != nil {
				return w.failed(name, err)
			}
		}
		in, err := at.enter(s.dir, false)
		if err == nil {
			err = w.step("rename", name)
		}
		if err == nil {
			err = in.root.Rename(s.tmp, strings.TrimPrefix(name, strings.TrimPrefix(s.dir+"/", "./")))
		}
		if err != nil {
			return w.failed(name, err)
		}
		w.staged = w.staged[1:]
	}
	if len(w.keep) > 0 {
		if err := w.writeJournal(w.keep, true); err != nil {
			return w.failed(journalName, err)
		}
		return nil
	}
	err := w.step("remove", journalName)
	if err == nil {
		err = w.root.Remove(journalName)
	}
	if err != nil {
		return fmt.Errorf("cannot remove %q: %w", filepath.Join(w.Dir, journalName), reason(err))
	}
	return nil
}

// removeOld removes what is no longer rendered, and the folders that this empties.
func (w *writer) removeOld(at *cursor) error {
	for _, c := range w.Changes {
		if c.Kind != Remove {
			continue
		}
		name := c.File.Name()
		in, err := at.enter(path.Dir(name), false)
		if err == nil {
			err = w.step("remove", name)
		}
		if err == nil {
			err = in.root.Remove(path.Base(name))
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot remove %q: %w", filepath.Join(w.Dir, name), reason(err))
		}
	}
	at.close()
	var dirs []string
	for name := range w.gone { // not of the changes alone: an interrupted run may have removed the files
		dirs = append(dirs, path.Dir(name))
	}
	w.prune(dirs)
	return nil
}

// prune removes those of the folders, and of the ones above them, that are empty.
func (w *writer) prune(dirs []string) {
	slices.SortFunc(dirs, byPath)
	for _, dir := range slices.Backward(slices.Compact(dirs)) {
		for dir != "." {
			// Remove would take a file as well.
			if fi, err := w.root.Lstat(dir); err != nil || !fi.IsDir() || w.root.Remove(dir) != nil {
				break
			}
			dir = path.Dir(dir)
		}
	}
}

// sweep removes what an interrupted run left in the folders it wrote to: what has temporary names, and folders without files.
func (w *writer) sweep(left []entry) {
	dirs := map[string]bool{".": true}
	for _, e := range left {
		for dir := path.Dir(e.name()); !dirs[dir]; dir = path.Dir(dir) {
			dirs[dir] = true
		}
	}
	var list []string
	for dir := range dirs {
		list = append(list, dir)
	}
	slices.SortFunc(list, byPath)
	at := cursor{top: w.root}
	for _, dir := range list {
		in, err := at.enter(dir, false)
		if err != nil {
			continue
		}
		f, err := in.root.Open(".")
		if err != nil {
			continue
		}
		names, _ := f.Readdirnames(-1)
		f.Close()
		for _, name := range names {
			if isStaged(name) && name != journalName {
				in.root.RemoveAll(name)
			}
		}
	}
	at.close()
	w.prune(list)
}

// clear removes what is still under its temporary name.
func (w *writer) clear() {
	at := cursor{top: w.root}
	for _, s := range w.staged {
		if in, err := at.enter(s.dir, false); err == nil {
			in.root.RemoveAll(s.tmp)
		}
	}
	at.close()
}

// undo takes back what stage did. The journal of an interrupted run stays.
func (w *writer) undo() {
	w.clear()
	if w.journal == nil {
		w.root.Remove(journalName)
	}
}
