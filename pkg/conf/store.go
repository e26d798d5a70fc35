package conf

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// maxFile is the largest file read, in bytes. The largest configuration files known have some 50 MB.
const maxFile = 256 << 20

// store reads each folder once. Without a disk it holds files in memory only. Places are slash-separated.
type store struct {
	disk    bool
	folders sync.Map          // place → *folder
	data    map[string][]byte // of files in memory, by place
	over    map[string][]byte // standard input: read instead of the disk
}

type folder struct {
	entries []entry // by name
	err     error
}

type entry struct {
	name string
	mode fs.FileMode // its type; of files in memory the permission too
}

func (s *store) list(place string) ([]entry, error) {
	f := s.folder(place)
	return f.entries, f.err
}

var noFolder = &folder{err: fs.ErrNotExist}

func (s *store) folder(place string) *folder {
	if f, ok := s.folders.Load(place); ok {
		return f.(*folder)
	}
	if !s.disk {
		return noFolder
	}
	f := new(folder)
	var found []fs.DirEntry
	found, f.err = os.ReadDir(filepath.FromSlash(place))
	f.entries = make([]entry, len(found))
	for i, e := range found {
		f.entries[i] = entry{e.Name(), e.Type()}
	}
	if f.err == nil {
		for p := range s.over {
			if path.Dir(p) == place {
				f.put(entry{name: path.Base(p)})
			}
		}
	}
	s.folders.Store(place, f)
	return f
}

// find is the index of name, or where it would be.
func (f *folder) find(name string) (int, bool) {
	return slices.BinarySearchFunc(f.entries, name, func(e entry, name string) int { return strings.Compare(e.name, name) })
}

// put adds e unless its name is there, and reports whether it was not.
func (f *folder) put(e entry) bool {
	i, ok := f.find(e.name)
	if !ok {
		f.entries = slices.Insert(f.entries, i, e)
	}
	return !ok
}

// stat does not follow the last link. That there is none before it, the caller knows. Standard input may have a name
// whose folders are not on disk: they exist, but what else is in them, nobody knows.
func (s *store) stat(place string) (fs.FileMode, bool) {
	if _, ok := s.over[place]; ok {
		return 0, true
	}
	f := s.folder(path.Dir(place))
	if i, ok := f.find(path.Base(place)); ok {
		return f.entries[i].mode, true
	}
	for p := range s.over {
		if below(p, place) {
			return fs.ModeDir, true
		}
	}
	return 0, false
}

// real is the type of place, if neither it nor a folder between it and root is a link.
func (s *store) real(place, root string) (fs.FileMode, bool) {
	for p := place; p != root && p != "." && p != "/"; p = path.Dir(p) {
		if mode, ok := s.stat(p); !ok || mode&fs.ModeSymlink != 0 {
			return 0, false
		}
	}
	return s.stat(place)
}

func (s *store) link(place string) (string, error) {
	if !s.disk {
		return "", fs.ErrNotExist
	}
	target, err := os.Readlink(filepath.FromSlash(place))
	return filepath.ToSlash(target), err
}

// read reads a regular file that is no link.
func (s *store) read(place string) (data []byte, perm fs.FileMode, err error) {
	if data, ok := s.over[place]; ok {
		return data, 0, nil
	}
	if !s.disk {
		data, ok := s.data[place]
		if !ok {
			return nil, 0, fs.ErrNotExist
		}
		mode, _ := s.stat(place)
		return data, mode.Perm(), nil
	}
	f, err := os.Open(filepath.FromSlash(place))
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	size := info.Size()
	switch {
	case !info.Mode().IsRegular():
		return nil, 0, errors.New("it is no regular file")
	case size > maxFile:
		return nil, 0, fmt.Errorf("it has more than the %d MB that are read", maxFile>>20)
	}
	data = make([]byte, size)
	n, err := io.ReadFull(f, data)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil // it became shorter
	}
	return data[:n], info.Mode().Perm(), err
}

// add puts a file into memory.
func (s *store) add(place string, mode fs.FileMode, data []byte) {
	if s.data == nil {
		s.data = map[string][]byte{}
	}
	s.data[place] = data
	for e := (entry{path.Base(place), mode}); ; e = (entry{path.Base(place), fs.ModeDir}) {
		place = path.Dir(place)
		v, _ := s.folders.LoadOrStore(place, new(folder))
		if !v.(*folder).put(e) || place == "." || place == "/" {
			return
		}
	}
}
