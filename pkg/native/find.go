package native

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"stackgen/pkg/conf"
)

// CacheRoots returns the root folders that `make test` keeps.
func CacheRoots() []string {
	base := os.Getenv("STACKGEN_CACHE")
	if base == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			return nil
		}
		base = filepath.Join(dir, "stackgen")
	}
	stamps, err := filepath.Glob(filepath.Join(base, "roots", "*", "stackgen-versions"))
	if err != nil {
		return nil // the pattern holds a character of the user's that Glob reads as its own
	}
	for i, s := range stamps {
		stamps[i] = filepath.Dir(s)
	}
	return stamps
}

// finder knows which daemons there are, in which versions. It asks each binary once.
type finder struct {
	targets map[string]string
	mariadb bool
	opts    Options

	mu       sync.Mutex
	versions map[string]string // by path of the binary; "" is none
}

func newFinder(m *conf.Manifest, opts Options) *finder {
	_, mariadb := m.Targets["mariadb"]
	return &finder{targets: m.Targets, mariadb: mariadb, opts: opts, versions: map[string]string{}}
}

// daemon returns the root folder and the version of the daemon to ask for a host, or why there is none.
func (f *finder) daemon(d daemon, name string, host conf.ManifestHost) (root, version, why string) {
	target := f.targets[d.name]
	candidates, chosen := slices.Concat([]string{"/"}, f.opts.Cache), false
	for _, key := range []string{name, host.Tier, host.Role, ""} {
		if dir, ok := f.opts.Roots[key]; ok {
			candidates, chosen = []string{dir}, true
			break
		}
	}
	var seen []string
	for _, dir := range candidates {
		v := f.version(dir, d)
		switch {
		case v == "":
		case target == "" || fits(v, target):
			return dir, v, ""
		default:
			seen = append(seen, fmt.Sprintf("%s in %s", v, dir))
		}
	}
	why = fmt.Sprintf("no %s %s here", d.name, target)
	if len(seen) > 0 {
		why += ", only " + strings.Join(seen, ", ")
	}
	if chosen {
		return "", "", why + "; give another --root, or --target " + d.name + "=VERSION"
	}
	return "", "", why + "; install it, or give --root DIR or --target " + d.name + "=VERSION"
}

// fits reports whether a daemon's full version is of the series that a target names.
func fits(version, target string) bool {
	return version == target || strings.HasPrefix(version, target+".")
}

var versionWords = regexp.MustCompile(`\d+\.\d+(\.\d+)*`)

// version returns the version of a daemon below root, or "". A binary's name proves nothing: Debian's mysqld is MariaDB.
func (f *finder) version(root string, d daemon) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	binary := filepath.Join(root, d.binary)
	v, ok := f.versions[binary]
	if !ok {
		v = askVersion(root, d)
		f.versions[binary] = v
	}
	return v
}
