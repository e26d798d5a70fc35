package tree

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"stackgen/pkg/conf"
)

// comparison is a Plan while it is made.
type comparison struct {
	*Plan
	cursor   cursor
	known    func(name string) bool
	buf      []byte
	problems []error
}

func (c *comparison) problem(format string, args ...any) {
	c.problems = append(c.problems, fmt.Errorf(format, args...))
}

// InTheWay is an error about something in the folder that only its owner can move away.
type InTheWay struct{ error }

func (c *comparison) inTheWay(format string, args ...any) {
	err := InTheWay{fmt.Errorf(format, args...)}
	if n := len(c.problems); n == 0 || c.problems[n-1].Error() != err.Error() { // once for all files below it
		c.problems = append(c.problems, err)
	}
}

// file compares one wanted file.
func (c *comparison) file(f conf.File) {
	if f.Mode == 0 {
		f.Mode = 0o644
	}
	name := f.Name()
	shown := filepath.Join(c.Dir, name)
	add := Change{Kind: Add, File: f}
	if c.cursor.top == nil {
		c.Changes = append(c.Changes, add)
		return
	}
	var blocked *blockedError
	at, err := c.cursor.enter(path.Dir(name), false)
	dir := at.root
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.As(err, &blocked) && c.gone[blocked.path]:
		c.Changes = append(c.Changes, add)
		return
	case blocked != nil:
		c.inTheWay("%q %s, and stackgen writes only to real folders; move it away", filepath.Join(c.Dir, blocked.path), blocked.is)
		return
	case err != nil:
		c.problem("cannot open the folder of %q: %w", shown, reason(err))
		return
	}

	base := path.Base(name)
	fi, err := dir.Lstat(base)
	ch := Change{Kind: Edit, File: f, Foreign: !c.known(name)}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.Changes = append(c.Changes, add)
		return
	case err != nil:
		c.problem("cannot look at %q: %w", shown, reason(err))
		return
	case fi.IsDir():
		if !c.vacated(dir, base, name) {
			c.inTheWay("%q is a folder, but a file of this name is rendered; move it away", shown)
			return
		}
		c.Changes = append(c.Changes, add)
		return
	case fi.Mode()&fs.ModeSymlink != 0:
		// Replaced, its target is left alone; but the link was made by someone else.
		ch.Foreign, ch.Note = true, "is a symbolic link"
		c.Changes = append(c.Changes, ch)
		return
	case !fi.Mode().IsRegular():
		c.inTheWay("%q is neither a file nor a folder (%s); move it away", shown, fi.Mode().Type())
		return
	}

	ch.OldMode = uint32(fi.Mode().Perm())
	if fi.Size() > maxOld && fi.Size() != int64(len(f.Data)) {
		ch.Note = fmt.Sprintf("is too large to show (%d bytes)", fi.Size())
		c.Changes = append(c.Changes, ch)
		return
	}
	old, err := readSized(dir, base, int(fi.Size()), c.buf)
	if err != nil {
		c.problem("cannot read %q: %w", shown, reason(err))
		return
	}
	c.buf = old
	switch {
	case !bytes.Equal(old, f.Data):
		ch.Old, c.buf = old, nil
	case ch.OldMode != f.Mode&0o777:
		// A file with the right bytes loses nothing when its mode is set, whoever wrote it.
		ch.Kind, ch.Old, ch.Foreign = Chmod, f.Data, false
	default:
		c.Unchanged++
		return
	}
	c.Changes = append(c.Changes, ch)
}

// vacated reports whether a folder in the place of a file holds nothing but files that are to be removed, or held
// nothing else.
func (c *comparison) vacated(parent *os.Root, base, name string) bool {
	f, err := parent.Open(base)
	if err != nil {
		return false
	}
	list, err := f.ReadDir(-1)
	f.Close()
	if err != nil {
		return false
	}
	if len(list) == 0 { // an interrupted run may have come this far
		for gone := range c.gone {
			if strings.HasPrefix(gone, name+"/") {
				return true
			}
		}
		return false
	}
	for _, d := range list {
		sub := name + "/" + d.Name()
		switch {
		case isStaged(d.Name()), c.gone[sub] && !d.IsDir():
		case !d.IsDir(), !c.vacated(parent, base+"/"+d.Name(), sub):
			return false
		}
	}
	return true
}

// removed looks at a file that was rendered once. What is no longer a regular file was put there by someone else.
func (c *comparison) removed(e entry) {
	name := e.name()
	at, err := c.cursor.enter(path.Dir(name), false)
	if err != nil {
		return
	}
	dir := at.root
	fi, err := dir.Lstat(path.Base(name))
	if err != nil || !fi.Mode().IsRegular() {
		return
	}
	ch := Change{Kind: Remove, File: conf.File{Host: e.host, Path: e.path}, OldMode: uint32(fi.Mode().Perm())}
	if fi.Size() > maxOld {
		ch.Note = fmt.Sprintf("is too large to show (%d bytes)", fi.Size())
	} else if ch.Old, err = readSized(dir, path.Base(name), int(fi.Size()), nil); err != nil {
		c.problem("cannot read %q: %w", filepath.Join(c.Dir, name), reason(err))
		return
	}
	c.Changes = append(c.Changes, ch)
}

// readRegular reads a file; nil: there is none, or it is not a regular file.
func readRegular(root *os.Root, name string) ([]byte, error) {
	fi, err := root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !fi.Mode().IsRegular() {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return readSized(root, name, int(fi.Size()), nil)
}

// readSized reads a file whose size is known, into buf where it fits. What a file grew by in between is not read.
func readSized(root *os.Root, name string, size int, buf []byte) ([]byte, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if cap(buf) < size || buf == nil {
		buf = make([]byte, size)
	}
	n, err := io.ReadFull(f, buf[:size])
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return buf[:n], err
}
