package fact

import (
	"slices"
	"strings"
	"time"

	"stackgen/pkg/conf"
)

// readKeepalived reads a keepalived.conf as keepalived 2.2 does; what it makes of wrong values was read from its dump
// (keepalived -d). An include that conf could not follow is among the input's own gaps; the gaps returned are those that
// only the meaning shows.
func readKeepalived(h *Host, tree *conf.Tree) (*Keepalived, []NotRead) {
	k := &Keepalived{Host: h, Tree: tree, ConfigID: configID(h), Globals: map[string]*conf.Node{}}
	x := &vrrpWords{id: k.ConfigID, dir: vrrpDir(tree)}
	body := x.read(tree.Body)

	defined := map[string]*VRRPScript{} // by kind and name; until an instance is read, what stands above it
	taken := map[string]bool{}          // names of instances and groups
	first := func(n *conf.Node) bool {
		key := n.Name() + " " + n.Arg(1).Text
		if len(n.Words) < 2 || taken[key] {
			return false // keepalived skips the block
		}
		taken[key] = true
		return true
	}

	k.globals(body)
	var unsure *conf.Node
	for _, n := range body {
		if vrrpOpaque(n) {
			k.Partial = true
			continue
		}
		if n.Cond != nil {
			unsure = n
			switch n.Name() {
			case "global_defs", "vrrp_script", "vrrp_track_process", "vrrp_track_file", "track_file", "vrrp_instance", "vrrp_sync_group":
				k.Partial = true
			}
		}
		switch n.Name() {
		case "vrrp_script", "vrrp_track_process", "vrrp_track_file", "track_file":
			s := k.script(n)
			if key := s.Kind + " " + s.Name.Text; len(n.Words) > 1 && defined[key] == nil {
				defined[key] = s
				k.Scripts = append(k.Scripts, s)
			}
		case "vrrp_instance":
			if first(n) {
				k.Instances = append(k.Instances, k.instance(n, defined))
			}
		case "vrrp_sync_group":
			if first(n) {
				k.Groups = append(k.Groups, k.group(n, defined))
			}
		case "virtual_server":
			k.Virtual = append(k.Virtual, n)
		}
	}

	for _, i := range k.Instances {
		k.late(i.Tracks, defined)
	}
	byName := map[string]*SyncGroup{}
	for _, g := range k.Groups {
		k.late(g.Tracks, defined)
		for _, m := range g.Members {
			if byName[m.Text] == nil {
				byName[m.Text] = g
			}
		}
	}
	for _, i := range k.Instances {
		if g := byName[i.Name.Text]; g != nil {
			i.Group = g
			i.Tracks = append(i.Tracks, g.Tracks...)
		}
	}

	var gaps []NotRead
	if unsure == nil && !k.ConfigID.Known() {
		unsure = vrrpConditional(body)
	}
	if unsure != nil {
		why := "the condition is not followed"
		if strings.HasPrefix(unsure.Cond.Name(), "@") {
			why = "the host's config-id is not known: neither etc/hostname nor an option -i is in its tree"
		}
		gaps = append(gaps, NotRead{At: unsure.Cond.Words[0], Why: why})
		if h != nil {
			gaps[0].Host = h.Name
		}
	}
	return k, gaps
}

func vrrpConditional(body []*conf.Node) *conf.Node {
	for _, n := range body {
		if n.Cond != nil {
			return n
		}
		if c := vrrpConditional(n.Body); c != nil {
			return c
		}
	}
	return nil
}

// globals reads every global_defs as one: keepalived goes on where the last one ended.
func (k *Keepalived) globals(body []*conf.Node) {
	var all []*conf.Node
	for _, n := range body {
		switch {
		case vrrpOpaque(n):
			all = append(all, n)
		case n.Name() == "global_defs":
			if k.Global == nil {
				k.Global = n
			}
			all = append(all, n.Body...)
		}
	}
	for _, n := range all {
		if vrrpOpaque(n) {
			k.Partial = true
		} else if n.Name() != "" {
			k.Globals[n.Name()] = n
		}
	}

	var at conf.Word
	if k.Global != nil {
		at = k.Global.Words[0]
	}
	k.RouterID = vrrpLast(all, at, "", vrrpText, "router_id")
	k.Strict = vrrpFlag(all, at, false, "vrrp_strict") // 2.2.7 does not look at its argument
	k.Security = vrrpFlag(all, at, false, "enable_script_security")
	k.User = vrrpLast(all, at, "", vrrpText, "script_user")
	k.Version = vrrpLast(all, at, 2, vrrpVersion, "vrrp_version")
}

// globalFlag is a switch of global_defs that an instance takes over.
func (k *Keepalived) globalFlag(name string) Value[bool] {
	if n := k.Globals[name]; n != nil {
		return vrrpLast([]*conf.Node{n}, n.Words[0], false, vrrpSwitch, name)
	}
	return Value[bool]{State: k.unsaid()}
}

// unsaid is how a setting of global_defs is known that is not there.
func (k *Keepalived) unsaid() State {
	if k.Partial {
		return Unknown
	}
	return Default
}

func vrrpVersion(n *conf.Node) (int, reading) {
	v, ok := vrrpNumber(n.Arg(1).Text)
	switch {
	case vrrpUnknown(n.Arg(1)):
		return 0, unreadable
	case !ok || v != 2 && v != 3:
		return 0, ignored
	}
	return v, taken
}

func (k *Keepalived) script(n *conf.Node) *VRRPScript {
	at := n.Words[0]
	s := &VRRPScript{Kind: "script", Name: n.Arg(1), Node: n}
	words := func(n *conf.Node) (*conf.Node, reading) { return n, taken }
	var command Value[*conf.Node]
	switch n.Name() {
	case "vrrp_track_process":
		s.Kind = "process"
		command = vrrpLast(n.Body, at, nil, words, "process")
	case "vrrp_track_file", "track_file":
		s.Kind = "file"
		command = vrrpLast(n.Body, at, nil, words, "file")
	default:
		command = vrrpLast(n.Body, at, nil, words, "script")
	}
	s.weights(at)
	if s.Kind == "script" {
		s.timing(at)
	}
	if !command.Written() || slices.ContainsFunc(command.V.Args(), vrrpUnknown) || len(command.V.Words) < 2 {
		return s
	}

	w := command.V.Words[1]
	switch s.Kind {
	case "process":
		s.Command = command.V.Args()
		s.Asks = &Probe{Kind: "process", Word: w, Process: w.Text[strings.LastIndexByte(w.Text, '/')+1:]}
	case "file":
		s.Command = command.V.Words[1:2]
		s.Asks = &Probe{Kind: "file", Word: w, Path: w.Text}
	default:
		s.Command = vrrpCommand(quotedCommand(command.V.Words[1:]))
		var source *conf.Host
		if k.Host != nil {
			source = k.Host.Source
		}
		s.Text, s.Asks = probe(s.Command, source)
	}
	return s
}

func (s *VRRPScript) weights(at conf.Word) {
	def := 0
	if s.Kind == "file" {
		def = 1
	}
	s.Weight = vrrpLast(s.Node.Body, at, def, func(n *conf.Node) (int, reading) {
		v, ok := vrrpNumber(n.Arg(1).Text)
		switch {
		case !ok:
			return 0, unreadable
		case s.Kind == "process" && (v < -254 || v > 254):
			return 0, ignored
		case s.Kind == "file" && (v < -254 || v > 254):
			return 0, unreadable // later versions take it
		}
		if n.Arg(2).Text == "reverse" {
			s.Reverse = true
		}
		return v, taken // a script's: out of its range as well, whatever the log says
	}, "weight")
}

func (s *VRRPScript) timing(at conf.Word) {
	body := s.Node.Body
	seconds := func(n *conf.Node) (time.Duration, reading) {
		v, ok := vrrpNumber(n.Arg(1).Text)
		switch {
		case !ok:
			return 0, unreadable
		case v < 0 || v > 4294: // seconds: 32 bits of microseconds
			return 0, ignored
		}
		return time.Duration(max(v, 1)) * time.Second, taken
	}
	count := func(n *conf.Node) (int, reading) {
		v, ok := vrrpNumber(n.Arg(1).Text)
		switch {
		case vrrpUnknown(n.Arg(1)):
			return 0, unreadable
		case !ok || v < 1 || v > 1<<31-1:
			return 1, taken
		}
		return v, taken
	}
	s.Interval = vrrpLast(body, at, time.Second, seconds, "interval")
	s.Timeout = vrrpLast(body, at, 0, seconds, "timeout")
	if s.Timeout.State == Default {
		s.Timeout = s.Interval
		if s.Interval.Known() {
			s.Timeout.State = Default
		}
	}
	s.Fall = vrrpLast(body, at, 1, count, "fall")
	s.Rise = vrrpLast(body, at, 1, count, "rise")
	s.InitFail = vrrpFlag(body, at, false, "init_fail")
	s.User = vrrpLast(body, at, "", vrrpText, "user")
}

func (k *Keepalived) group(n *conf.Node, defined map[string]*VRRPScript) *SyncGroup {
	g := &SyncGroup{Name: n.Arg(1), Node: n}
	for m := range conf.Named(n.Body, "group") {
		for _, l := range m.Body {
			g.Members = append(g.Members, l.Words...)
		}
		break // keepalived skips a second list
	}
	g.Tracks = k.tracks(n.Body, defined, true)
	g.Weighted = vrrpFlag(n.Body, n.Words[0], false, "sync_group_tracking_weight")
	if !g.Weighted.V {
		if v := vrrpFlag(n.Body, n.Words[0], false, "global_tracking"); v.State != Default {
			g.Weighted = v
		}
	}
	g.Notify = vrrpNotify(n.Body)
	return g
}

func vrrpNotify(body []*conf.Node) []*conf.Node {
	var out []*conf.Node
	for _, n := range body {
		if strings.HasPrefix(n.Name(), "notify") && len(n.Words) > 1 {
			out = append(out, n)
		}
	}
	return out
}

// tracks are the track_… blocks of an instance or group. A name that is tracked twice counts once, as written first.
func (k *Keepalived) tracks(body []*conf.Node, defined map[string]*VRRPScript, group bool) []*Track {
	var out []*Track
	for _, b := range body {
		kind, ok := strings.CutPrefix(b.Name(), "track_")
		if !ok || !b.Block || !slices.Contains([]string{"script", "process", "file", "interface", "bfd"}, kind) {
			continue
		}
		for _, n := range b.Body {
			if len(n.Words) == 0 || vrrpOpaque(n) {
				continue
			}
			t := &Track{Kind: kind, Word: n.Words[0], Node: n, Group: group, Script: defined[kind+" "+n.Words[0].Text]}
			if slices.ContainsFunc(out, func(o *Track) bool { return o.Kind == kind && o.Word.Text == t.Word.Text }) {
				continue
			}
			if t.weigh() {
				out = append(out, t)
			}
		}
	}
	return out
}

// weigh reads "weight N [reverse]" behind a name and reports whether keepalived tracks it at all.
func (t *Track) weigh() bool {
	t.Weight = Value[int]{Word: t.Word}
	if t.Script != nil {
		t.Weight = t.Script.Weight
		t.Reverse = t.Script.Reverse
	}
	if t.Node.Cond != nil {
		t.Weight.State = Unknown
	}
	if len(t.Node.Words) < 2 {
		return true
	}
	option, w := t.Node.Words[1], t.Node.Arg(2)
	if vrrpUnknown(option) || vrrpUnknown(w) {
		t.Weight = Value[int]{Word: w, State: Unknown}
		return true
	}
	if option.Text != "weight" || len(t.Node.Words) == 2 {
		return false
	}
	switch v, ok := vrrpNumber(w.Text); {
	case !ok || t.Weight.State == Unknown && t.Node.Cond != nil:
		t.Weight = Value[int]{Word: w, State: Unknown}
	case v >= -254 && v <= 254:
		if t.Kind != "process" && t.Kind != "file" {
			v = max(-253, min(v, 253))
		}
		t.Weight = Value[int]{V: v, Word: w, State: Written}
	}
	switch t.Node.Arg(3).Text {
	case "reverse":
		t.Reverse = true
	case "noreverse":
		t.Reverse = false
	}
	return true
}

// late finds what is defined below, and says of everything whether it is used.
func (k *Keepalived) late(tracks []*Track, defined map[string]*VRRPScript) {
	for _, t := range tracks {
		if t.Script == nil {
			if t.Script = defined[t.Kind+" "+t.Word.Text]; t.Script != nil {
				t.Late = true
				if len(t.Node.Words) == 1 {
					t.Weight, t.Reverse = t.Script.Weight, t.Script.Reverse
				}
			}
		}
		if t.Script != nil {
			t.Script.Used = true
		}
	}
}
