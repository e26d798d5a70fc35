package lint

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

var vrrpScriptRules = []*Rule{
	vrrpScriptFile, vrrpScriptUndefined, vrrpScriptLate, vrrpScriptUnreferenced, vrrpScriptShell, vrrpScriptMissing, vrrpScriptWritable, vrrpScriptSymlink,
	vrrpScriptUser, vrrpSecurityUser, vrrpScriptTimeout, vrrpNotifyShell, vrrpNotifyStops,
}

// tracksOf are the tracks of all instances and groups, each once.
func tracksOf(k *fact.Keepalived) []*fact.Track {
	var out []*fact.Track
	for _, i := range k.Instances {
		for _, t := range i.Tracks {
			if !t.Group {
				out = append(out, t)
			}
		}
	}
	for _, g := range k.Groups {
		out = append(out, g.Tracks...)
	}
	return out
}

var vrrpScriptUndefined = &Rule{
	ID:       "vrrp-script-undefined",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for k := range keepaliveds(p.Stack) {
			if k.Partial || k.Host.Partial {
				continue
			}
			for _, t := range tracksOf(k) {
				if t.Script != nil || t.Kind != "script" && t.Kind != "process" && t.Kind != "file" || variable(t.Word) {
					continue
				}
				var names []string
				for _, s := range k.Scripts {
					if s.Kind == t.Kind {
						names = append(names, s.Name.Text)
					}
				}
				block := map[string]string{"script": "vrrp_script", "process": "vrrp_track_process", "file": "vrrp_track_file"}[t.Kind]
				p.Report(t.Word, "no %s is named %q: keepalived runs without the check, and the address stays when the service dies", block, t.Word.Text).
					On(k.Host).In(t.Node).Help("%s", meant(t.Word.Text, names, "define it above the instance"))
			}
		}
	},
}

var vrrpScriptLate = &Rule{
	ID:       "vrrp-script-late",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for k := range keepaliveds(p.Stack) {
			for _, t := range tracksOf(k) {
				if t.Late {
					p.Report(t.Word, "%q is defined below: keepalived does not know it here, runs without the check, and the address stays when the service dies", t.Word.Text).
						On(k.Host).In(t.Node).Related(t.Script.Name, "defined here").Help("move the definition above the instance")
				}
			}
		}
	},
}

var vrrpScriptUnreferenced = &Rule{
	ID:       "vrrp-script-unreferenced",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for k := range keepaliveds(p.Stack) {
			if len(k.Instances) == 0 || k.Partial || k.Host.Partial || slices.ContainsFunc(k.Instances, func(i *fact.VRRPInstance) bool { return i.Partial }) {
				continue
			}
			names := map[string]bool{} // that something asks for and nothing defines
			for _, t := range tracksOf(k) {
				names[t.Kind] = names[t.Kind] || t.Script == nil
			}
			blind := slices.ContainsFunc(k.Instances, func(i *fact.VRRPInstance) bool { return len(tracking(i)) == 0 })
			for _, s := range k.Scripts {
				if s.Used || names[s.Kind] {
					continue // a wrong name is vrrp-script-undefined
				}
				f := p.Report(s.Name, "nothing tracks %q: keepalived never runs it", s.Name.Text).On(k.Host).In(s.Node).
					Help("name it in track_%s of the instance, or remove it", s.Kind)
				if blind {
					f.Message += ", and the address stays when the service dies"
				} else {
					f.Weigh(diag.Warning)
				}
			}
		}
	},
}

// shellSyntax is a word that only a shell understands.
var shellSyntax = regexp.MustCompile("^(\\||\\|\\||&&|&|;|[0-9]?>>?.*|[0-9]?<.*|&>.*)$|^[^'\"]*(\\$\\(|`)|.;$")

func shellWord(words []conf.Word) (conf.Word, bool) {
	for n, w := range words {
		if n > 0 && shellSyntax.MatchString(w.Raw) && shellSyntax.MatchString(w.Text) {
			return w, true
		}
	}
	return conf.Word{}, false
}

var vrrpScriptShell = &Rule{
	ID:       "vrrp-script-shell",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for k := range keepaliveds(p.Stack) {
			for _, s := range k.Scripts {
				if s.Kind != "script" {
					continue
				}
				if w, ok := shellWord(s.Command); ok {
					p.Report(w, "keepalived runs no shell: %q is an argument of %q, so the check %q always says the same", w.Text, s.Command[0].Text, s.Name.Text).
						On(k.Host).In(line(s.Node, s.Command[0])).Help("put the command into a script file, or write sh -c '…'")
				}
			}
		}
	},
}

var vrrpScriptMissing = &Rule{
	ID:       "vrrp-script-missing",
	Severity: diag.Error,
	Absence:  true,
	Run: func(p *Pass) {
		for k := range keepaliveds(p.Stack) {
			for _, s := range k.Scripts {
				if s.Kind != "script" || len(s.Command) == 0 || s.Text != nil || k.Host.Source == nil || k.Host.Partial {
					continue
				}
				// What packages install is not in the input.
				if w := s.Command[0]; strings.HasPrefix(w.Text, "/etc/") {
					p.Report(w, "%q is not on %s: keepalived disables the check, and the address stays when the service dies", w.Text, k.Host.Name).
						On(k.Host).In(line(s.Node, w)).Help("put the script there, owned by root, mode 0755").Same(s.Name.Text)
				}
			}
		}
	},
}

var vrrpScriptWritable = &Rule{
	ID:       "vrrp-script-writable",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		for k := range keepaliveds(p.Stack) {
			for _, s := range k.Scripts {
				if s.Kind != "script" || len(s.Command) == 0 {
					continue
				}
				w := s.Command[0]
				open := s.Text != nil && path.Base(s.Text.Path) == path.Base(w.Text) && s.Text.Mode&0o002 != 0
				folder := slices.IndexFunc([]string{"/tmp/", "/var/tmp/", "/dev/shm/", "/home/"}, func(dir string) bool { return strings.HasPrefix(w.Text, dir) })
				switch {
				case folder < 0 && !open || !k.Security.Known():
				case k.Security.V:
					p.Report(w, "others than root can replace %q: keepalived disables the check, and the address stays when the service dies", w.Text).Weigh(diag.Error).
						On(k.Host).In(line(s.Node, w)).Related(k.Security.Word, "because of this").Help("move the script to /etc/keepalived, owned by root")
				default:
					p.Report(w, "others than root can replace %q, and keepalived runs it as root", w.Text).
						On(k.Host).In(line(s.Node, w)).Help("move the script to /etc/keepalived, owned by root, and write enable_script_security")
				}
			}
		}
	},
}

// Since 2.3 check_security of keepalived's notify.c refuses a path with a symbolic link in it; /bin is one wherever /usr is merged.
var vrrpScriptSymlink = &Rule{
	ID:       "vrrp-script-symlink",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		late, known := newer(p.Stack, 2, 3)
		if known && !late {
			return
		}
		for k := range keepaliveds(p.Stack) {
			if !k.Security.Known() || !k.Security.V || k.Globals["use_symlink_paths"] != nil {
				continue
			}
			for _, s := range k.Scripts {
				if s.Kind != "script" || len(s.Command) == 0 {
					continue
				}
				w := s.Command[0]
				if dir := path.Dir(w.Text); dir != "/bin" && dir != "/sbin" && dir != "/lib" {
					continue
				}
				f := p.Report(w, "%s is a symbolic link where /usr is merged: keepalived from 2.3 on disables the check, and the address stays when the service dies", path.Dir(w.Text)).
					On(k.Host).In(line(s.Node, w)).Related(k.Security.Word, "because of this").Help("write /usr%s", w.Text)
				if late {
					f.Weigh(diag.Error)
				}
			}
		}
	},
}

// runs reports whether keepalived runs any program that has no user of its own.
func runs(k *fact.Keepalived) *fact.VRRPScript {
	for _, s := range k.Scripts {
		if s.Kind == "script" && s.Used && s.User.State == fact.Default {
			return s
		}
	}
	return nil
}

var vrrpScriptUser = &Rule{
	ID:       "vrrp-script-user",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		for k := range keepaliveds(p.Stack) {
			s := runs(k)
			if s == nil || k.Partial || k.Host.Partial || k.User.State != fact.Default || k.Security.State != fact.Default || k.Security.V {
				continue
			}
			p.Report(s.Name, "keepalived runs %q as root and does not look who can replace it", s.Name.Text).
				On(k.Host).In(s.Node).Help("write script_user and enable_script_security in global_defs").Same("user")
		}
	},
}

var vrrpSecurityUser = &Rule{
	ID:       "vrrp-security-user",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for k := range keepaliveds(p.Stack) {
			s := runs(k)
			if s == nil || k.Partial || k.Host.Partial || !k.Security.Known() || !k.Security.V || k.User.State != fact.Default {
				continue
			}
			if k.Host.Source != nil {
				if f, ok := k.Host.Source.File("/etc/passwd"); ok && strings.Contains("\n"+string(f.Data), "\nkeepalived_script:") {
					continue
				}
			}
			p.Report(k.Security.Word, "there is no script_user: keepalived runs scripts as keepalived_script, a user that no package creates, and drops %q where it is missing", s.Name.Text).
				On(k.Host).In(line(k.Global, k.Security.Word)).Related(s.Name, "never runs, so the address stays when the service dies").
				Help("write script_user with a user of the host, as in script_user nobody nogroup")
		}
	},
}

var vrrpScriptTimeout = &Rule{
	ID:       "vrrp-script-timeout",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		for k := range keepaliveds(p.Stack) {
			for _, s := range k.Scripts {
				if s.Asks == nil || !s.Asks.Timeout.Written() || !s.Timeout.Known() || s.Asks.Timeout.V <= s.Timeout.V {
					continue
				}
				at, why := s.Timeout.Word, "timeout"
				if !s.Timeout.Written() {
					at, why = s.Interval.Word, "timeout, which is the interval,"
				}
				p.Report(at, "keepalived ends %q after %s, before its own limit of %s: a slow answer is a failure, and a loaded host loses the address", s.Name.Text, s.Timeout.V, s.Asks.Timeout.V).
					On(k.Host).In(line(s.Node, at)).Related(s.Asks.Timeout.Word, "up to %s", s.Asks.Timeout.V).
					Proof("%s %s < %s", why, s.Timeout.V, s.Asks.Timeout.V).Help("write a timeout above the limit of the command")
			}
		}
	},
}

// notifies are the notify statements of all instances and groups.
func notifies(k *fact.Keepalived) []*conf.Node {
	var out []*conf.Node
	for _, i := range k.Instances {
		out = append(out, i.Notify...)
	}
	for _, g := range k.Groups {
		out = append(out, g.Notify...)
	}
	return out
}

var vrrpNotifyShell = &Rule{
	ID:       "vrrp-notify-shell",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		for k := range keepaliveds(p.Stack) {
			for _, n := range notifies(k) {
				w := n.Arg(1)
				if strings.Contains(n.Name(), "fifo") || strings.ContainsAny(w.Text, `'"\`) {
					continue
				}
				var words []conf.Word
				for _, f := range strings.Fields(w.Text) {
					words = append(words, conf.Word{Text: f, Raw: f})
				}
				if bad, ok := shellWord(words); ok {
					p.Report(w, "keepalived runs no shell: %q is an argument of %q, and nothing else happens", bad.Text, words[0].Text).
						On(k.Host).In(n).Help("put the command into a script file, or write sh -c '…'")
				}
			}
		}
	},
}

var stops = regexp.MustCompile(`(?m)^[^#\n]*?(?:systemctl (?:--[a-z-]+ )*(?:stop|disable --now|kill) ([a-z]+)|service ([a-z]+) stop|/etc/init\.d/([a-z]+) stop|(?:killall|pkill) (?:-[A-Z0-9a-z]+ )?(?:-x )?([a-z]+))`)

var vrrpNotifyStops = &Rule{
	ID:       "vrrp-notify-stops",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for k := range keepaliveds(p.Stack) {
			for _, i := range k.Instances {
				notify := i.Notify
				if i.Group != nil {
					notify = append(slices.Clone(notify), i.Group.Notify...)
				}
				for _, n := range notify {
					if n.Name() == "notify_backup" {
						p.stopping(i, n)
					}
				}
			}
		}
	},
}

func (p *Pass) stopping(i *fact.VRRPInstance, n *conf.Node) {
	h := host(i)
	text := n.Arg(1).Text
	if file, _, _ := strings.Cut(text, " "); h.Source != nil && path.IsAbs(file) {
		if f, ok := h.Source.File(file); ok {
			text = string(f.Data)
		}
	}
	m := stops.FindStringSubmatch(text)
	if m == nil {
		return
	}
	stopped := strings.Join(m[1:], "")
	if slices.Contains([]string{"start", "restart", "reload"}, stopped) {
		return
	}
	for _, t := range tracking(i) {
		if t.Script == nil || t.Late {
			continue
		}
		about := t.Script.Name.Text
		for _, w := range t.Script.Command {
			about += " " + w.Text
		}
		a := t.Script.Asks
		asks := a != nil && (a.Process == stopped || a.Process == "" && a.Addr.IsLoopback() && p.answers(h, a, stopped))
		if !asks && !strings.Contains(strings.ToLower(about), stopped) {
			continue
		}
		p.Report(n.Arg(1), "a backup stops %s, and %q needs it: %s fails its own check and can never take %s over", stopped, t.Word.Text, h.Name, vipsOf(i)).
			On(h).In(n).Related(t.Word, "tracked here").Help("let %s run on all members", stopped).Same(fmt.Sprint(vipsOf(i), " ", n.Name()))
		return
	}
}

// answers reports whether a daemon of this name listens where a check asks.
func (p *Pass) answers(h *fact.Host, a *fact.Probe, daemon string) bool {
	return slices.ContainsFunc(h.Listeners, func(l *fact.Listener) bool { return string(l.Layer) == daemon && l.Covers(a.Addr, a.Port) })
}
