package tree

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
)

// cursor walks the folders below top with one open handle per level, so that a list in the order of paths opens every
// folder once, however many there are.
type cursor struct {
	top    *os.Root
	levels []level
	absent string                  // a folder known not to exist
	aside  func(dir string) string // the name under which to make a folder that is missing; nil: its own
	hook   func(op, name string) error
}

type level struct {
	path string
	root *os.Root
	made bool // by this cursor: what is below is known to be absent
	kept bool // it was made, and the umask and its parent left it 0755: so they leave what is made in it with these bits
}

// blockedError is a name on the way that is not a folder.
type blockedError struct{ path, is string }

func (e *blockedError) Error() string { return fmt.Sprintf("%q %s", e.path, e.is) }

// enter opens the folder dir, "." for the top. The handle is good until the next call. A folder that is missing is
// made, or is fs.ErrNotExist. A symbolic link is never entered, not even one that stays inside: two names for one
// folder would let a removal under one name delete what was written under the other.
func (c *cursor) enter(dir string, create bool) (level, error) {
	if dir == "." {
		return level{root: c.top}, nil
	}
	if !create && c.absent != "" && (dir == c.absent || strings.HasPrefix(dir, c.absent+"/")) {
		return level{}, fs.ErrNotExist
	}
	for n := len(c.levels); n > 0; n-- {
		at := c.levels[n-1]
		if dir == at.path || strings.HasPrefix(dir, at.path+"/") {
			break
		}
		at.root.Close()
		c.levels = c.levels[:n-1]
	}
	cur := level{root: c.top}
	if n := len(c.levels); n > 0 {
		cur = c.levels[n-1]
	}
	for cur.path != dir {
		rest := dir
		if cur.path != "" {
			rest = dir[len(cur.path)+1:]
		}
		base, _, _ := strings.Cut(rest, "/")
		next := level{path: path.Join(cur.path, base)}
		var fi fs.FileInfo
		err := fs.ErrNotExist
		if !cur.made {
			fi, err = cur.root.Lstat(base)
		}
		switch {
		case errors.Is(err, fs.ErrNotExist) && !create:
			c.absent = next.path
			return level{}, fs.ErrNotExist
		case errors.Is(err, fs.ErrNotExist):
			if c.aside != nil && !cur.made {
				base = c.aside(next.path)
			}
			if next.kept, err = c.mkdir(cur, base, next.path); err != nil {
				return level{}, err
			}
			next.made = true
		case err != nil:
			return level{}, err
		case fi.Mode()&fs.ModeSymlink != 0:
			return level{}, &blockedError{next.path, "is a symbolic link"}
		case !fi.IsDir():
			return level{}, &blockedError{next.path, "is not a folder"}
		}
		if next.root, err = cur.root.OpenRoot(base); err != nil {
			return level{}, err
		}
		c.levels = append(c.levels, next)
		cur = next
	}
	return cur, nil
}

// mkdir makes a folder with the mode that /etc and the folders below it have: keepalived runs no script, and copies
// keep no folder usable for daemons, where a umask took or left other bits.
func (c *cursor) mkdir(parent level, base, name string) (kept bool, err error) {
	if c.hook != nil {
		if err := c.hook("mkdir", name); err != nil {
			return false, err
		}
	}
	c.absent = ""
	if err := parent.root.Mkdir(base, 0o755); err != nil || parent.kept {
		return parent.kept, err
	}
	fi, err := parent.root.Lstat(base)
	if err != nil || fi.Mode() == fs.ModeDir|0o755 { // a parent may have given it its setgid bit
		return err == nil, err
	}
	return false, parent.root.Chmod(base, 0o755)
}

// close closes the handles below top.
func (c *cursor) close() {
	for _, l := range c.levels {
		l.root.Close()
	}
	c.levels = nil
}
