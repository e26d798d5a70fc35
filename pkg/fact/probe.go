package fact

import (
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
)

// probe says what a command asks, and which file of the host is run for it. An option or a command that is not known here
// may change everything: then there is no probe.
func probe(words []conf.Word, h *conf.Host) (*conf.File, *Probe) {
	if len(words) == 0 {
		return nil, nil
	}
	args := words
	if shell(args[0].Text) {
		args = args[1:]
		for len(args) > 0 && strings.HasPrefix(args[0].Text, "-") {
			if flags := args[0].Text[1:]; strings.HasSuffix(flags, "c") && len(args) > 1 {
				return nil, probeShell(args[1].Text, func(int) conf.Word { return args[1] })
			} else if strings.Trim(flags, "euxl") != "" {
				return nil, nil
			}
			args = args[1:]
		}
		if len(args) == 0 {
			return nil, nil
		}
		f := hostFile(h, args[0].Text)
		return f, probeFile(f, h)
	}
	if f := hostFile(h, args[0].Text); f != nil {
		return f, probeFile(f, h)
	}
	return nil, probeCommand(args)
}

func shell(command string) bool {
	switch path.Base(command) {
	case "sh", "bash", "dash", "ash", "ksh", "zsh":
		return true
	}
	return false
}

func hostFile(h *conf.Host, name string) *conf.File {
	if h == nil || !path.IsAbs(name) {
		return nil
	}
	if f, ok := h.File(name); ok {
		return &f
	}
	return nil
}

const maxScript = 1 << 14 // bytes; a check is small

func probeFile(f *conf.File, h *conf.Host) *Probe {
	if f == nil || len(f.Data) > maxScript {
		return nil
	}
	text := string(f.Data)
	if rest, ok := strings.CutPrefix(text, "#!"); ok {
		line, _, _ := strings.Cut(rest, "\n")
		words := strings.Fields(line)
		if len(words) > 1 && path.Base(words[0]) == "env" {
			words = words[1:]
		}
		if len(words) == 0 || !shell(words[0]) {
			return nil
		}
	}
	name := h.Place(f.Path)
	return probeShell(text, func(off int) conf.Word {
		line := strings.LastIndexByte(text[:off], '\n') + 1
		return conf.Word{Off: off, Pos: diag.Pos{File: name, Line: 1 + strings.Count(text[:line], "\n"), Col: 1 + utf8.RuneCountInString(text[line:off])}}
	})
}

// probeCommand says what one command asks; nil where that is not known.
func probeCommand(args []conf.Word) *Probe {
	if len(args) == 0 {
		return nil
	}
	name, rest := path.Base(args[0].Text), args[1:]
	switch name {
	case "timeout":
		o, ok := options(rest, "fpv", "ks", []string{"foreground", "preserve-status", "verbose"}, []string{"kill-after", "signal"}, true)
		if !ok || len(o.rest) < 2 {
			return nil
		}
		p := probeCommand(o.rest[1:])
		d, ok := unitSeconds(o.rest[0].Text)
		if p == nil || !ok {
			return nil
		}
		if d > 0 && (!p.Timeout.Written() || d < p.Timeout.V) {
			p.Timeout = Value[time.Duration]{V: d, Word: o.rest[0], State: Written}
		}
		return p
	case "exec", "command", "env", "nice", "ionice":
		if len(rest) > 0 && !strings.HasPrefix(rest[0].Text, "-") && !strings.Contains(rest[0].Text, "=") {
			return probeCommand(rest)
		}
	case "curl":
		return probeCurl(rest)
	case "wget":
		return probeWget(rest)
	case "nc", "ncat", "netcat":
		return probeNetcat(rest)
	case "socat":
		return probeSocat(rest)
	case "ping", "ping6":
		o, ok := options(rest, "nqAaDfU46v", "cWwIistM", nil, nil, false)
		if ok && len(o.rest) == 1 {
			p := &Probe{Kind: "ping", Word: o.rest[0]}
			return p.host(o.rest[0].Text)
		}
	case "killall", "pkill":
		if len(rest) > 1 && rest[0].Text == "-s" && rest[1].Text == "0" {
			rest = rest[2:]
		} else if len(rest) > 0 && slices.Contains([]string{"-0", "-s0", "--signal=0"}, rest[0].Text) {
			rest = rest[1:]
		} else {
			return nil
		}
		o, ok := options(rest, "qevxn", "", []string{"quiet", "exact"}, nil, false)
		if ok {
			return probeProcess(o.rest)
		}
	case "pidof":
		if o, ok := options(rest, "sxqc", "", nil, nil, false); ok {
			return probeProcess(o.rest)
		}
	case "pgrep":
		if o, ok := options(rest, "xcflanoq", "uUG", []string{"exact", "full", "count"}, []string{"euid", "uid"}, false); ok {
			return probeProcess(o.rest)
		}
	case "ps":
		if i := slices.IndexFunc(rest, func(w conf.Word) bool { return w.Text == "-C" }); i >= 0 && i+1 < len(rest) {
			return probeProcess(rest[i+1 : i+2])
		}
	case "systemctl":
		o, ok := options(rest, "q", "", []string{"quiet", "no-pager"}, nil, false)
		if ok && len(o.rest) == 2 && (o.rest[0].Text == "is-active" || o.rest[0].Text == "status") {
			return probeProcess(o.rest[1:])
		}
	case "service":
		if len(rest) == 2 && rest[1].Text == "status" {
			return probeProcess(rest[:1])
		}
	case "test", "[":
		if len(rest) > 0 && name == "[" && rest[len(rest)-1].Text == "]" {
			rest = rest[:len(rest)-1]
		}
		if len(rest) == 2 && len(rest[0].Text) == 2 && rest[0].Text[0] == '-' && strings.ContainsAny(rest[0].Text[1:], "edfrswxS") && path.IsAbs(rest[1].Text) && !strings.Contains(rest[1].Text, shellUnknown) {
			return &Probe{Kind: "file", Word: rest[1], Path: rest[1].Text}
		}
	case "true", "false":
		return &Probe{Kind: "other", Word: args[0]}
	}
	return nil
}

// arguments are what options leaves and finds.
type arguments struct {
	rest   []conf.Word
	values []option
}

type option struct {
	name  string
	value conf.Word
}

func (a arguments) last(names ...string) (conf.Word, bool) {
	for _, o := range slices.Backward(a.values) {
		if slices.Contains(names, o.name) {
			return o.value, true
		}
	}
	return conf.Word{}, false
}

// options separates options from arguments as getopt does: flags and with are letters of short options, longFlags and
// longWith the names of long ones, without and with an argument. stop ends at the first argument. It refuses an option it
// does not know, and a word that is not known.
func options(args []conf.Word, flags, with string, longFlags, longWith []string, stop bool) (a arguments, ok bool) {
	for i := 0; i < len(args); i++ {
		w := args[i]
		if strings.Contains(w.Text, shellUnknown) {
			return a, false
		}
		value := func() (conf.Word, bool) {
			if i++; i == len(args) {
				return conf.Word{}, false
			}
			return args[i], !strings.Contains(args[i].Text, shellUnknown)
		}
		switch {
		case w.Text == "--":
			a.rest = append(a.rest, args[i+1:]...)
			return a, !slices.ContainsFunc(args[i+1:], func(w conf.Word) bool { return strings.Contains(w.Text, shellUnknown) })
		case strings.HasPrefix(w.Text, "--"):
			name, val, eq := strings.Cut(w.Text[2:], "=")
			switch {
			case slices.Contains(longFlags, name) && !eq:
				a.values = append(a.values, option{name, w})
			case slices.Contains(longWith, name):
				v := w
				v.Text = val
				if !eq {
					if v, ok = value(); !ok {
						return a, false
					}
				}
				a.values = append(a.values, option{name, v})
			default:
				return a, false
			}
		case len(w.Text) > 1 && w.Text[0] == '-':
			for j := 1; j < len(w.Text); j++ {
				c := w.Text[j : j+1]
				if strings.Contains(flags, c) {
					a.values = append(a.values, option{c, w})
					continue
				}
				if !strings.Contains(with, c) {
					return a, false
				}
				v := w
				v.Text = w.Text[j+1:]
				if v.Text == "" {
					if v, ok = value(); !ok {
						return a, false
					}
				}
				a.values = append(a.values, option{c, v})
				break
			}
		case stop:
			a.rest = append(a.rest, args[i:]...)
			return a, true
		default:
			a.rest = append(a.rest, w)
		}
	}
	return a, true
}

var (
	curlFlags = []string{
		"silent", "fail", "fail-with-body", "show-error", "insecure", "location", "head", "include", "verbose", "http1.0", "http1.1", "http2",
		"tlsv1.2", "tlsv1.3", "ipv4", "ipv6", "no-progress-meter", "compressed", "globoff", "get", "no-keepalive", "tcp-nodelay", "haproxy-protocol",
		"no-buffer", "disable",
	}
	curlWith = []string{
		"max-time", "connect-timeout", "output", "header", "user", "user-agent", "request", "data", "write-out", "noproxy", "cacert", "capath",
		"cert", "key", "resolve", "retry", "retry-delay", "retry-max-time", "unix-socket", "url", "referer", "cookie", "stderr",
	}
)

func probeCurl(args []conf.Word) *Probe {
	o, ok := options(args, "sfSkLIiv046gGNq1", "mouHAXdwebE", curlFlags, curlWith, false)
	if !ok {
		return nil
	}
	if u, ok := o.last("url"); ok {
		o.rest = append(o.rest, u)
	}
	if len(o.rest) != 1 {
		return nil
	}
	p := (&Probe{Kind: "http", Word: o.rest[0]}).url(o.rest[0].Text)
	if p == nil {
		return nil
	}
	if w, ok := o.last("m", "max-time"); ok {
		d, ok := vrrpSeconds(w.Text)
		if !ok {
			return nil
		}
		if d > 0 {
			p.Timeout = Value[time.Duration]{V: d, Word: w, State: Written}
		}
	}
	_, p.Lax = o.last("k", "insecure")
	if w, ok := o.last("unix-socket"); ok {
		return &Probe{Kind: "socket", Word: w, Path: w.Text, Timeout: p.Timeout}
	}
	if w, ok := o.last("resolve"); ok {
		f := strings.SplitN(strings.TrimPrefix(w.Text, "+"), ":", 3)
		if len(f) != 3 {
			return nil
		}
		if f[0] == p.Name && f[1] == strconv.Itoa(p.Port) {
			first, _, _ := strings.Cut(f[2], ",")
			p.Addr, _ = parseVRRPAddr(strings.Trim(first, "[]"))
		}
	}
	return p
}

func probeWget(args []conf.Word) *Probe {
	o, ok := options(args, "qSv46", "OTtU", []string{"spider", "quiet", "no-check-certificate", "server-response", "no-verbose", "no-proxy"},
		[]string{"timeout", "tries", "output-document", "header", "user-agent", "connect-timeout", "read-timeout"}, false)
	if !ok || len(o.rest) != 1 {
		return nil
	}
	p := (&Probe{Kind: "http", Word: o.rest[0]}).url(o.rest[0].Text)
	if p == nil {
		return nil
	}
	_, p.Lax = o.last("no-check-certificate")
	return p // -T is a limit of every step, not of the whole
}

func probeNetcat(args []conf.Word) *Probe {
	o, ok := options(args, "zvn46Nt", "wspiGU", []string{"recv-only", "send-only"}, nil, false)
	if !ok {
		return nil
	}
	if w, ok := o.last("U"); ok {
		return &Probe{Kind: "socket", Word: w, Path: w.Text}
	}
	if len(o.rest) != 2 {
		return nil
	}
	p := (&Probe{Kind: "tcp", Word: o.rest[0]}).host(o.rest[0].Text)
	port, err := strconv.ParseUint(o.rest[1].Text, 10, 16)
	if p == nil || err != nil {
		return nil
	}
	p.Port = int(port)
	if w, ok := o.last("w"); ok {
		if d, ok := vrrpSeconds(w.Text); ok && d > 0 {
			p.Timeout = Value[time.Duration]{V: d, Word: w, State: Written}
		}
	}
	return p
}

func probeSocat(args []conf.Word) *Probe {
	o, ok := options(args, "uU", "tT", nil, nil, false)
	var found *Probe
	for _, w := range o.rest {
		kind, target, typed := strings.Cut(w.Text, ":")
		target, _, _ = strings.Cut(target, ",")
		switch kind := strings.ToUpper(kind); {
		case kind == "-" || !typed && slices.Contains([]string{"STDIO", "STDIN", "STDOUT"}, kind) || strings.HasPrefix(kind, "/DEV/NULL"):
			continue
		case found != nil:
			return nil
		case !typed && path.IsAbs(w.Text):
			name, _, _ := strings.Cut(w.Text, ",")
			found = &Probe{Kind: "socket", Word: w, Path: name}
		case typed && slices.Contains([]string{"UNIX", "UNIX-CONNECT", "UNIX-CLIENT"}, kind):
			found = &Probe{Kind: "socket", Word: w, Path: target}
		case typed && slices.Contains([]string{"TCP", "TCP4", "TCP6", "TCP-CONNECT", "TCP4-CONNECT"}, kind):
			host, port, _ := strings.Cut(target, ":")
			n, err := strconv.ParseUint(port, 10, 16)
			if found = (&Probe{Kind: "tcp", Word: w, Port: int(n)}).host(host); err != nil || found == nil {
				return nil
			}
		default:
			return nil
		}
	}
	if !ok {
		return nil
	}
	return found
}

// probeProcess is a question for one process by name; a pattern with more than anchors is not one name.
func probeProcess(args []conf.Word) *Probe {
	if len(args) != 1 {
		return nil
	}
	name := strings.TrimSuffix(strings.TrimPrefix(args[0].Text, "^"), "$")
	name = strings.TrimSuffix(path.Base(name), ".service")
	for _, c := range name {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.') {
			return nil
		}
	}
	if name == "" || name == "." {
		return nil
	}
	return &Probe{Kind: "process", Word: args[0], Process: name}
}

func (p *Probe) url(s string) *Probe {
	if !strings.Contains(s, "://") {
		s = "http://" + s
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || strings.ContainsAny(u.Host, "{}*") {
		return nil
	}
	p.Scheme, p.Port, p.Path = u.Scheme, 80, u.EscapedPath()
	if p.Path == "" {
		p.Path = "/"
	}
	if u.Scheme == "https" {
		p.Port = 443
	}
	if s := u.Port(); s != "" {
		n, err := strconv.ParseUint(s, 10, 16)
		if err != nil {
			return nil
		}
		p.Port = int(n)
	}
	return p.host(u.Hostname())
}

// host sets the name or address asked. localhost is known on every host; that some ask ::1 first makes no difference.
func (p *Probe) host(s string) *Probe {
	if s == "" || strings.ContainsAny(s, shellUnknown+"$` \t/") {
		return nil
	}
	p.Name = s
	if a, ok := parseVRRPAddr(s); ok {
		p.Addr = a
	} else if s == "localhost" {
		p.Addr = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return p
}

// unitSeconds reads a time limit of timeout(1): "3", "0.5s", "1m".
func unitSeconds(s string) (time.Duration, bool) {
	unit := time.Duration(1)
	if n := len(s) - 1; n > 0 {
		switch s[n] {
		case 's':
			s = s[:n]
		case 'm':
			s, unit = s[:n], 60
		case 'h':
			s, unit = s[:n], 3600
		}
	}
	d, ok := vrrpSeconds(s)
	return d * unit, ok && d <= time.Duration(1<<62)/unit
}
