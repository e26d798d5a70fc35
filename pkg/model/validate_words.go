package model

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// What may be written into a daemon's file without quotes: none of these can end a word or a directive.
var (
	hostName      = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)
	placeName     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)
	ruleName      = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	filePath      = regexp.MustCompile(`^/[A-Za-z0-9._/@+-]*[A-Za-z0-9._@+-]$`)
	urlPath       = regexp.MustCompile(`^/[A-Za-z0-9._~/-]*$`)
	userName      = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]{0,31}$`)
	interfaceName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._-]{0,14}$`)
	domainLabel   = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
)

// item is the path of the i-th entry of a sequence.
func item(path string, i int) string { return path + "." + strconv.Itoa(i) }

func (p *problems) name(path, what, name string) {
	if !hostName.MatchString(name) {
		p.atKey(path, "write a lower-case letter, then letters, digits and hyphens, at most 63", "%q is no name of %s", name, what)
	}
}

func (p *problems) filePath(path, value string) {
	if p.broken(path) {
		return
	}
	if !filePath.MatchString(value) || hasDots(value) || strings.Contains(value, "//") || len(value) > 255 {
		p.at(path, "write a whole path of letters, digits and ._@+-, such as /srv/www/shop", "%q is no path that every daemon reads alike", value)
	}
}

func (p *problems) urlPath(path, value string) bool {
	if !urlPath.MatchString(value) || hasDots(value) || strings.Contains(value, "//") || len(value) > 255 {
		p.at(path, "start with / and use letters, digits and ._~-, such as /api/", "%q is no path of a URL that every daemon reads alike", value)
		return false
	}
	return true
}

func hasDots(path string) bool {
	for part := range strings.SplitSeq(path, "/") {
		if part == "." || part == ".." {
			return true
		}
	}
	return false
}

func (p *problems) userName(path, value string) {
	switch {
	case p.broken(path):
	case !userName.MatchString(value):
		p.at(path, "use letters, digits, _ and -, at most 32", "%q is no name of a database account", value)
	case value == "root":
		p.at(path, "name an account of its own", "root as %s would open the whole server to whoever finds its password", lastKey(path))
	}
}

func lastKey(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

func (p *problems) interfaceName(path, value string) {
	if !p.broken(path) && !interfaceName.MatchString(value) {
		p.at(path, "`ip link` lists the host's interfaces", "%q is no name of a network interface: at most 15 letters, digits and ._-", value)
	}
}

// domain checks a host name as RFC 1123 has it.
func (p *problems) domain(path, value string) bool {
	help, bad := "", ""
	switch {
	case strings.ContainsFunc(value, func(r rune) bool { return r > 0x7e }):
		help, bad = "write it as DNS has it, as xn--…", "is not ASCII"
	case strings.HasPrefix(value, "*."):
		help, bad = "list the domains", "is a wildcard, which the balancers cannot match"
	case strings.ToLower(value) != value:
		help, bad = "write "+strings.ToLower(value), "has capital letters, which DNS does not tell apart"
	case strings.HasSuffix(value, "."):
		help, bad = "write it without the dot at the end", "ends with a dot"
	case strings.Contains(value, "://") || strings.ContainsAny(value, "/:"):
		help, bad = "write the host name alone", "is a URL or has a port"
	case len(value) > 253:
		help, bad = "use at most 253 characters", "is too long"
	default:
		labels := strings.Split(value, ".")
		for _, l := range labels {
			if !domainLabel.MatchString(l) {
				help, bad = "use letters, digits and hyphens between dots, such as www.example.com", "is no domain"
			}
		}
		if bad == "" && strings.Trim(labels[len(labels)-1], "0123456789") == "" {
			help, bad = "browsers go to an address without asking DNS: write a name", "is an address, not a domain"
		}
		if bad == "" && len(labels) < 2 {
			help, bad = "write it whole, such as "+value+".example.com", "has only one label, which public DNS does not serve"
		}
	}
	if bad != "" {
		p.at(path, help, "%q %s", value, bad)
	}
	return bad == ""
}

func (p *problems) port(path string, value int) bool {
	if p.broken(path) {
		return false
	}
	if value < 1 || value > 65535 {
		p.at(path, "write a number from 1 to 65535", "%d is no port", value)
		return false
	}
	return true
}

func (p *problems) between(path string, value, low, high int) bool {
	if p.broken(path) {
		return false
	}
	if value < low || value > high {
		p.at(path, fmt.Sprintf("write a number from %d to %d", low, high), "%s is %d, which is outside what the daemons take or what makes sense", path, value)
		return false
	}
	return true
}

// span checks a duration that the user wrote; one that follows from others is right when they are.
func (p *problems) span(path string, value, low, high Duration) bool {
	if !p.t.written(path) {
		return true
	}
	if p.broken(path) {
		return false
	}
	if value < low || value > high {
		p.at(path, "write a duration from "+low.String()+" to "+high.String(), "%s is %s, which is outside what the daemons take or what makes sense", path, value)
		return false
	}
	return true
}

const (
	ms     = Duration(time.Millisecond)
	second = Duration(time.Second)
	hour   = Duration(time.Hour)
	day    = 24 * hour
)

// HAProxy keeps time in 31 bits of milliseconds: 24.8 days.
const longest = 24 * day
