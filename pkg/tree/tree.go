// Package tree sets a folder against a set of files: it compares, shows the difference, and replaces.
//
// A folder belongs to stackgen as far as its manifest says so: only files that the manifest lists are overwritten or
// removed. Folders are entered one by one from the top and never through a symbolic link.
package tree

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"stackgen/pkg/conf"
)

// Kind is what happens to a file.
type Kind int

const (
	Add    Kind = iota + 1
	Edit        // other bytes, perhaps another mode
	Chmod       // the same bytes with another mode
	Remove      // the old manifest lists it, and it is no longer rendered
)

func (k Kind) String() string {
	return [...]string{"none", "add", "edit", "chmod", "remove"}[k]
}

// Change is one file that differs.
type Change struct {
	Kind    Kind
	File    conf.File // as it will be; of a file to remove only Host and Path
	Old     []byte    // as it is in the folder; nil when added or when Note says why
	OldMode uint32    // permission bits
	Foreign bool      // exists, and the folder's manifest does not list it
	Note    string    // why the old text cannot be shown or trusted: "is a symbolic link"
}

// Plan is what makes a folder equal to a set of files. Compare makes it.
type Plan struct {
	Dir       string
	Changes   []Change // in the order of their paths, the manifest last
	Unchanged int

	others   string          // name of another stack that the folder holds; "": none
	stack    string          // name of the one that is rendered, where others is set
	manifest []byte          // the folder's, as compared; nil: none
	journal  []byte          // left by a run that was interrupted; nil: none
	gone     map[string]bool // names of the old manifest or journal that are not wanted any more
	keep     []entry         // entries of the journal that concern hosts left out by only
	hook     func(op, name string) error
}

// Result counts what Write did.
type Result struct {
	Added, Changed, Removed, Unchanged int
	Bytes                              int64 // written
}

// maxOld is the largest file of the folder that is read for a diff, in bytes.
const maxOld = 16 << 20

// entry is a file by its two names.
type entry struct{ host, path string }

func (e entry) name() string { return conf.File{Host: e.host, Path: e.path}.Name() }

// Compare compares dir with want, which holds the whole stack and its manifest. It writes nothing. A folder that does
// not exist is empty. With only, files of hosts it denies are neither compared nor written, and the manifest keeps
// what it said of them; files of the stack itself always count.
func Compare(dir string, want []conf.File, only func(host string) bool) (*Plan, error) {
	files, manifest, err := arrange(want)
	if err != nil {
		return nil, err
	}
	if only == nil {
		only = func(string) bool { return true }
	}
	all := func(host string) bool { return host == "" || only(host) }
	p := &Plan{Dir: dir}

	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		root = nil // absent: everything is new
	} else if err != nil {
		return nil, fmt.Errorf("cannot open the folder %q: %w", dir, reason(err))
	} else {
		defer root.Close()
	}

	known := map[string]entry{}
	var old *conf.Manifest
	var manifestNote string
	if root != nil {
		old, manifestNote, err = p.readOld(root, manifest.Data)
		if err != nil {
			return nil, err
		}
		if old != nil {
			for _, f := range old.Files {
				e := entry{f.Host, f.Path}
				known[e.name()] = e
			}
		}
		for _, e := range parseJournal(p.journal) {
			known[e.name()] = e
			if !all(e.host) {
				p.keep = append(p.keep, e)
			}
		}
	}
	if old != nil {
		if now, err := conf.DecodeManifest(manifest.Data); err == nil && now.Name != old.Name {
			p.others, p.stack = old.Name, now.Name
		}
	}
	if manifest, err = merge(manifest, old, files, all, p.manifest); err != nil {
		return nil, err
	}

	// An unchanged manifest lists exactly what is wanted, and is not decoded: the usual case of a second run.
	same := p.manifest != nil && bytes.Equal(p.manifest, manifest.Data)
	c := &comparison{Plan: p, known: func(name string) bool { _, ok := known[name]; return ok || same }}
	p.gone = map[string]bool{}
	for name, e := range known {
		if all(e.host) {
			p.gone[name] = true
		}
	}
	for _, f := range files {
		delete(p.gone, f.Name())
	}
	delete(p.gone, conf.ManifestName)

	if root != nil {
		c.cursor = cursor{top: root}
		defer c.cursor.close()
	}
	for _, f := range files {
		if all(f.Host) {
			c.file(f)
		}
	}
	for _, name := range slices.SortedFunc(maps.Keys(p.gone), byPath) {
		c.removed(known[name])
	}
	if len(c.problems) > 0 {
		return nil, errors.Join(c.problems...)
	}
	slices.SortStableFunc(p.Changes, func(a, b Change) int { return byPath(a.File.Name(), b.File.Name()) })
	c.known = func(string) bool { return old != nil || same }
	n := len(p.Changes)
	c.file(manifest)
	if len(c.problems) > 0 {
		return nil, errors.Join(c.problems...)
	}
	if manifestNote != "" && len(p.Changes) > n {
		p.Changes[n].Foreign, p.Changes[n].Note = true, manifestNote
	}
	return p, nil
}

// DropUmask takes out the changes that set bits of the mode which version control does not keep, all but the owner's
// right to execute, and returns how many they were: a checkout with another umask is no difference.
func (p *Plan) DropUmask() int {
	n := len(p.Changes)
	p.Changes = slices.DeleteFunc(p.Changes, func(c Change) bool {
		return c.Kind == Chmod && (c.OldMode^c.File.Mode)&0o100 == 0
	})
	return n - len(p.Changes)
}

// Conflict is the reason not to write: another stack in the folder, or files in the way that stackgen did not write. It
// is nil where there is none.
func (p *Plan) Conflict() error {
	if p.others != "" {
		return fmt.Errorf("%q holds the stack %q, whose files would be removed for those of %q; choose another folder, or replace them with --force",
			p.Dir, p.others, p.stack)
	}
	const shown = 20
	var b strings.Builder
	n := 0
	for _, c := range p.Changes {
		if !c.Foreign {
			continue
		}
		if n++; n > shown {
			continue
		}
		fmt.Fprintf(&b, "\n  %q", filepath.Join(p.Dir, c.File.Name()))
		if c.Note != "" {
			b.WriteString(" " + c.Note)
		}
	}
	if n == 0 {
		return nil
	}
	if n > shown {
		fmt.Fprintf(&b, "\n  and %d more", n-shown)
	}
	what := "a file is in the way that stackgen did not write"
	if n > 1 {
		what = fmt.Sprintf("%d files are in the way that stackgen did not write", n)
	}
	return fmt.Errorf("%s; move it away, choose another folder, or overwrite with --force:%s", what, b.String())
}

// arrange checks the names, puts the files in order, and takes the manifest out.
func arrange(want []conf.File) (files []conf.File, manifest conf.File, err error) {
	var problems []error
	found := false
	for _, f := range want {
		if err := checkName(entry{f.Host, f.Path}); err != nil {
			problems = append(problems, err)
		}
		if f.Host == "" && f.Path == conf.ManifestName {
			manifest, found = f, true
			continue
		}
		files = append(files, f)
	}
	slices.SortFunc(files, func(a, b conf.File) int { return byPath(a.Name(), b.Name()) })
	for i := 1; i < len(files); i++ {
		a, b := files[i-1].Name(), files[i].Name()
		switch {
		case a == b:
			problems = append(problems, fmt.Errorf("%q is rendered twice", a))
		case strings.HasPrefix(b, a+"/"):
			problems = append(problems, fmt.Errorf("%q is rendered as a file and as the folder of %q", a, b))
		}
	}
	if !found {
		problems = append(problems, fmt.Errorf("no %s among the files to write", conf.ManifestName))
	}
	return files, manifest, errors.Join(problems...)
}

// byPath orders names so that a folder's files stand together: "a/x" before "a-b/x".
func byPath(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if x, y := a[i], b[i]; x != y {
			switch {
			case x == '/':
				return -1
			case y == '/':
				return 1
			}
			return int(x) - int(y)
		}
	}
	return len(a) - len(b)
}

// checkName refuses what would not lie inside the folder, or not as one would think.
func checkName(e entry) error {
	name := e.name()
	control := func(r rune) bool { return r < ' ' || r == 0x7f }
	switch {
	case e.host != "" && (strings.Contains(e.host, "/") || strings.HasPrefix(e.host, ".")):
		return fmt.Errorf("%q cannot be the folder of a host", e.host)
	case e.host != "" && !strings.HasPrefix(e.path, "/"):
		return fmt.Errorf("%q of host %q is not an absolute path", e.path, e.host)
	case name == "." || !fs.ValidPath(name), strings.ContainsFunc(name, control):
		return fmt.Errorf("%q is not a clean path inside the folder", name)
	case isStaged(path.Base(name)):
		return fmt.Errorf("%q is a name that stackgen keeps for files it is about to write", name)
	}
	return nil
}

// readOld reads the folder's manifest and journal. A manifest that is not one of ours is none; note says why.
func (p *Plan) readOld(root *os.Root, rendered []byte) (m *conf.Manifest, note string, err error) {
	if p.journal, err = readRegular(root, journalName); err != nil {
		return nil, "", fmt.Errorf("cannot read %q: %w", filepath.Join(p.Dir, journalName), reason(err))
	}
	if p.manifest, err = readRegular(root, conf.ManifestName); err != nil {
		return nil, "", fmt.Errorf("cannot read %q: %w", filepath.Join(p.Dir, conf.ManifestName), reason(err))
	}
	if p.manifest == nil || p.journal == nil && bytes.Equal(p.manifest, rendered) {
		return nil, "", nil
	}
	if m, err = conf.DecodeManifest(p.manifest); err != nil {
		return nil, fmt.Sprintf("is not a manifest that this stackgen can read (%s)", err), nil
	}
	for _, f := range m.Files {
		if err := checkName(entry{f.Host, f.Path}); err != nil {
			return nil, fmt.Sprintf("is not a manifest that stackgen wrote (%s)", err), nil
		}
	}
	return m, "", nil
}

// merge gives the manifest that is true after writing: of hosts that are left out it says what the old one said.
func merge(manifest conf.File, old *conf.Manifest, files []conf.File, selected func(string) bool, oldData []byte) (conf.File, error) {
	leftOut := func(f conf.File) bool { return !selected(f.Host) }
	if !slices.ContainsFunc(files, leftOut) && (old == nil || !slices.ContainsFunc(old.Files, func(f conf.ManifestFile) bool { return !selected(f.Host) })) {
		return manifest, nil
	}
	m, err := conf.DecodeManifest(manifest.Data)
	if err != nil {
		return manifest, fmt.Errorf("the rendered %s: %w", conf.ManifestName, err)
	}
	if old == nil && bytes.Equal(oldData, manifest.Data) {
		return manifest, nil // as it is, not decoded, and true
	}
	m.Files = slices.DeleteFunc(m.Files, func(f conf.ManifestFile) bool { return !selected(f.Host) })
	if old != nil {
		for _, f := range old.Files {
			if !selected(f.Host) {
				m.Files = append(m.Files, f)
			}
		}
	}
	manifest.Data = m.Encode()
	return manifest, nil
}

// reason takes off the path that package os puts before an error: messages name the path as the user wrote it.
func reason(err error) error {
	var p *fs.PathError
	var l *os.LinkError
	switch {
	case errors.As(err, &p):
		return p.Err
	case errors.As(err, &l):
		return l.Err
	}
	return err
}
