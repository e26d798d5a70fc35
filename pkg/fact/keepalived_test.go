package fact

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stackgen/pkg/conf"
)

// testKeepalived reads files given as "path", "text", …; the first is the keepalived.conf of a host lb1.
func testKeepalived(t testing.TB, files ...string) (*Keepalived, []NotRead) {
	t.Helper()
	var in []conf.File
	for i := 0; i < len(files); i += 2 {
		f := conf.File{Host: "lb1", Path: files[i], Data: []byte(files[i+1])}
		if i == 0 {
			f.Kind = conf.Keepalived
		}
		in = append(in, f)
	}
	source := conf.FromFiles("", in).Groups[0].Hosts[0]
	return readKeepalived(&Host{Name: "lb1", Source: source}, source.Tree(conf.Keepalived))
}

const keepalivedPath = "/etc/keepalived/keepalived.conf"

const renderedCheck = `#!/bin/sh
# Does the local HAProxy answer? Run by keepalived.
exec /usr/bin/curl --silent --fail --noproxy '*' --output /dev/null --max-time 0.8 http://127.0.0.1:8404/healthz
`

const renderedConf = `global_defs {
    router_id lb1
    script_user nobody nogroup
    enable_script_security
    vrrp_check_unicast_src
    vrrp_higher_prio_send_advert true
    vrrp_garp_master_refresh 10
}

vrrp_script chk_haproxy {
    script /etc/keepalived/check-haproxy            # the local HAProxy answers
    interval 1
    timeout 1
    fall 2
    rise 2
    init_fail
}

vrrp_track_file watch_haproxy {
    file /run/watch-haproxy
    weight 0
    init_file 0 overwrite
}

vrrp_instance VI_www {
    state BACKUP
    interface eth0
    version 3
    virtual_router_id 10
    priority 250
    advert_int 0.2
    nopreempt
    unicast_src_ip 10.0.10.11
    unicast_peer {
        10.0.10.12 min_ttl 255 max_ttl 255
    }
    unicast_fault_no_peer
    virtual_ipaddress {
        10.0.10.10/24 dev eth0
    }
    virtual_ipaddress_excluded {
        2001:db8::10/64 dev eth0
    }
    track_script {
        chk_haproxy
    }
    track_file {
        watch_haproxy
    }
    notify "/usr/bin/logger -t keepalived"
}
`

// keepalivedText shows all that was read, one fact a line: "=" where the file says it, "~" by default, "?" unknown.
func keepalivedText(k *Keepalived) string {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	p("global router_id%s strict%s security%s user%s version%s partial=%v", sv(k.RouterID), sv(k.Strict), sv(k.Security), sv(k.User), sv(k.Version), k.Partial)
	for _, s := range k.Scripts {
		var words []string
		for _, w := range s.Command {
			words = append(words, w.Text)
		}
		p("%s %s %q weight%s%s used=%v", s.Kind, s.Name.Text, words, sv(s.Weight), map[bool]string{true: " reverse"}[s.Reverse], s.Used)
		if s.Kind == "script" {
			p("  interval%s timeout%s fall%s rise%s init_fail%s user%s", sv(s.Interval), sv(s.Timeout), sv(s.Fall), sv(s.Rise), sv(s.InitFail), sv(s.User))
		}
		if s.Asks != nil {
			p("  asks %s", probeText(s.Asks))
		}
	}
	for _, i := range k.Instances {
		p("instance %s state%s interface%s id%s priority%s advert%s x%s version%s partial=%v", i.Name.Text, sv(i.State), sv(i.Interface), sv(i.RouterID), sv(i.Priority),
			sv(i.Advert), sv(i.DownAdverts), sv(i.Version), i.Partial)
		p("  nopreempt%s delay%s strict%s accept%s source%s unicast=%v check_src%s auth%s pass%s", sv(i.NoPreempt), sv(i.Delay), sv(i.Strict), sv(i.Accept), sv(i.Source), i.Unicast,
			sv(i.CheckSrc), sv(i.AuthType), sv(i.AuthPass))
		for _, a := range i.Peers {
			p("  peer %s %s", a.Word.Text, a.Addr)
		}
		for _, a := range i.VIPs {
			p("  vip %s written=%v dev%s excluded=%v malformed=%v", a.Prefix, a.Written, sv(a.Dev), a.Excluded, a.Malformed)
		}
		for _, t := range i.Tracks {
			w, counts, known := i.Weight(t)
			p("  track %s %s weight%s reverse=%v late=%v group=%v found=%v: %d %v %v", t.Kind, t.Word.Text, sv(t.Weight), t.Reverse, t.Late, t.Group, t.Script != nil, w, counts, known)
		}
		if i.Group != nil {
			p("  group %s", i.Group.Name.Text)
		}
		for _, n := range i.Notify {
			p("  %s %s", n.Name(), n.Arg(1).Text)
		}
	}
	return b.String()
}

func sv[T any](v Value[T]) string {
	return fmt.Sprintf("%c%v", "~=?"[v.State], v.V)
}

func probeText(p *Probe) string {
	var b strings.Builder
	b.WriteString(p.Kind)
	add := func(name, v string) {
		if v != "" {
			fmt.Fprintf(&b, " %s=%s", name, v)
		}
	}
	add("process", p.Process)
	add("scheme", p.Scheme)
	if p.Addr.IsValid() {
		add("addr", p.Addr.String())
	}
	add("name", p.Name)
	if p.Port != 0 {
		add("port", fmt.Sprint(p.Port))
	}
	add("path", p.Path)
	if p.Timeout.Written() {
		add("limit", p.Timeout.V.String())
	}
	if p.Lax {
		add("lax", "yes")
	}
	return b.String()
}

func TestKeepalivedRendered(t *testing.T) {
	k, gaps := testKeepalived(t, keepalivedPath, renderedConf, "/etc/keepalived/check-haproxy", renderedCheck)
	if gaps != nil {
		t.Errorf("not read: %v", gaps)
	}
	want := `global router_id=lb1 strict~false security=true user=nobody version~2 partial=false
script chk_haproxy ["/etc/keepalived/check-haproxy"] weight~0 used=true
  interval=1s timeout=1s fall=2 rise=2 init_fail=true user~
  asks http scheme=http addr=127.0.0.1 name=127.0.0.1 port=8404 path=/healthz limit=800ms
file watch_haproxy ["/run/watch-haproxy"] weight=0 used=true
  asks file path=/run/watch-haproxy
instance VI_www state=BACKUP interface=eth0 id=10 priority=250 advert=200ms x~3 version=3 partial=false
  nopreempt=true delay~0s strict~false accept~true source=10.0.10.11 unicast=true check_src=true auth~ pass~
  peer 10.0.10.12 10.0.10.12
  vip 10.0.10.10/24 written=true dev=eth0 excluded=false malformed=false
  vip 2001:db8::10/64 written=true dev=eth0 excluded=true malformed=false
  track script chk_haproxy weight~0 reverse=false late=false group=false found=true: 0 true true
  track file watch_haproxy weight=0 reverse=false late=false group=false found=true: 0 true true
  notify /usr/bin/logger -t keepalived
`
	if diff := cmp.Diff(want, keepalivedText(k)); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
	s := k.Scripts[0]
	if s.Text == nil || s.Text.Path != "/etc/keepalived/check-haproxy" {
		t.Errorf("text of the script: %v", s.Text)
	}
	if pos := s.Asks.Word.Pos; pos.Line != 3 || pos.Col != 84 || !strings.HasSuffix(pos.File, "lb1/etc/keepalived/check-haproxy") {
		t.Errorf("the URL is at %v", pos)
	}
	if w := k.Instances[0].Priority.Word; w.Text != "250" || w.Pos.Line != 30 || w.Pos.Col != 14 {
		t.Errorf("priority at %v", w)
	}
}

// TestKeepalivedValues: what keepalived 2.2.7 makes of values, as its dump shows.
func TestKeepalivedValues(t *testing.T) {
	k, _ := testKeepalived(t, keepalivedPath, `global_defs {
  vrrp_version 3
  vrrp_version 7
  router_id a
  router_id b c
  script_user root
  script_user nobody
}
vrrp_track_process p {
 process haproxy
 weight 300
}
track_file f {
 file /tmp/x
}
track_file g {
 file /tmp/y
}
vrrp_script a {
  script "/usr/bin/test -e /"
  weight -300
  interval 0
  fall 0
  timeout 0
}
vrrp_script s {
  script "/usr/bin/test -e /"
  script "/usr/bin/test -e 'x y'"
  weight 0 reverse
  weight 4
  timeout 5
  rise 99999999999
  interval 99999999
}
vrrp_script s {
  weight 9
}
vrrp_sync_group G {
 group { V1 V2
 V9 }
 track_script { s weight 7 }
}
vrrp_instance V1 {
  interface eth1
  virtual_router_id 1
  virtual_router_id 300
  priority 0150
  priority 20x
  advert_int 100
  virtual_ipaddress { 10.0.0.1/24 dev eth0 10.0.0.77
  10.0.0.5/
  10.0.0.6/24/4
  010.0.0.7
  10.0.1
  10.0.0.3/33
  2001:db8::1
  10.0.0.4/24 label x brd +
  }
  track_script { s }
  track_file { f
   g weight 3 reverse }
  preempt_delay 2000
  track_interface { eth0 weight 4 reverse
   eth1 }
}
vrrp_instance V2 {
  interface eth1
  virtual_router_id +2
  version 2
  version 3
  version 4
  advert_int 1.5
  priority 0
  state MASTER
  state BACKUP
  nopreempt
  preempt
  virtual_ipaddress { 10.0.0.2/24 }
  unicast_peer {
    10.0.0.44 min_ttl 255 max_ttl 255
    10.0.0.46 10.0.0.47
    2001:db8::1
    10.0.0.400
  }
}
vrrp_instance V3 {
  interface eth1
  virtual_router_id "3"
  version 2
  advert_int 2.5
  priority 254 track
  virtual_ipaddress {
    2001:db8::1/64
    fe80::4
    }
  track_process { p }
}
vrrp_instance V4 {
  interface eth1
  virtual_router_id 4
  version 2
  advert_int 1.4
  state MASTER
  track_script { s weight -3 }
  virtual_ipaddress { 10.0.0.32/0 }
}
vrrp_instance V5 {
  interface eth1
  virtual_router_id 5
  advert_int 41
  state FAULT
  priority 255
  nopreempt
  preempt_delay 3
  virtual_ipaddress { 10.0.0.33 }
}
vrrp_instance V7 {
  interface eth0
  virtual_router_id 7
  version 2
  advert_int 0x2
  preempt_delay 3.5
  strict_mode
  virtual_ipaddress { 10.0.0.34/24 dev eth0 }
  authentication {
   auth_type pass
   auth_pass "a b c"
  }
  track_script {
    s weight 3
    s weight 4
    a wieght 4
  }
  track_interface { eth1 weight 254 }
}
vrrp_instance V7 {
  virtual_router_id 8
}
`)
	want := `global router_id=b strict~false security~false user=nobody version=3 partial=false
process p ["haproxy"] weight~0 used=true
  asks process process=haproxy
file f ["/tmp/x"] weight~1 used=true
  asks file path=/tmp/x
file g ["/tmp/y"] weight~1 used=true
  asks file path=/tmp/y
script a ["/usr/bin/test" "-e" "/"] weight=-300 used=false
  interval=1s timeout=1s fall=1 rise~1 init_fail~false user~
  asks file path=/
script s ["/usr/bin/test" "-e" "x y"] weight=4 reverse used=true
  interval~1s timeout=5s fall~1 rise=1 init_fail~false user~
instance V1 state~BACKUP interface=eth1 id=1 priority=100 advert=40.95s x~3 version~3 partial=false
  nopreempt~false delay=0s strict~false accept~true source~invalid IP unicast=false check_src~false auth~ pass~
  vip 10.0.0.1/24 written=true dev=eth0 excluded=false malformed=false
  vip 10.0.0.5/0 written=true dev~eth1 excluded=false malformed=false
  vip 10.0.0.6/24 written=true dev~eth1 excluded=false malformed=false
  vip invalid Prefix written=false dev~eth1 excluded=false malformed=true
  vip invalid Prefix written=false dev~eth1 excluded=false malformed=true
  vip 10.0.0.3/32 written=true dev~eth1 excluded=false malformed=false
  vip 2001:db8::1/128 written=false dev~eth1 excluded=false malformed=true
  vip 10.0.0.4/24 written=true dev~eth1 excluded=false malformed=false
  track script s weight=4 reverse=true late=false group=false found=true: 0 false true
  track file f weight~1 reverse=false late=false group=false found=true: 0 true true
  track file g weight=3 reverse=true late=false group=false found=true: 0 false true
  track interface eth0 weight=4 reverse=true late=false group=false found=false: 0 true true
  track interface eth1 weight~0 reverse=false late=false group=false found=false: 0 false true
  track script s weight=7 reverse=true late=false group=true found=true: 7 true true
  group G
instance V2 state=MASTER interface=eth1 id=2 priority=100 advert=2s x~3 version=2 partial=false
  nopreempt=false delay~0s strict~false accept~true source~invalid IP unicast=true check_src=true auth~ pass~
  peer 10.0.0.44 10.0.0.44
  peer 10.0.0.46 10.0.0.46
  peer 2001:db8::1 invalid IP
  peer 10.0.0.400 invalid IP
  vip 10.0.0.2/24 written=true dev~eth1 excluded=false malformed=false
  track script s weight=7 reverse=true late=false group=true found=true: 7 true true
  group G
instance V3 state~BACKUP interface=eth1 id=3 priority=254 advert=3s x~3 version=2 partial=false
  nopreempt~false delay~0s strict~false accept~true source~invalid IP unicast=false check_src~false auth~ pass~
  vip 2001:db8::1/64 written=true dev~eth1 excluded=false malformed=false
  vip fe80::4/128 written=false dev~eth1 excluded=false malformed=false
  track process p weight~0 reverse=false late=false group=false found=true: 0 true true
instance V4 state=MASTER interface=eth1 id=4 priority~255 advert=1s x~3 version=2 partial=false
  nopreempt~false delay~0s strict~false accept~true source~invalid IP unicast=false check_src~false auth~ pass~
  vip 10.0.0.32/0 written=true dev~eth1 excluded=false malformed=false
  track script s weight=-3 reverse=true late=false group=false found=true: 0 false true
instance V5 state=BACKUP interface=eth1 id=5 priority=255 advert=40.95s x~3 version~3 partial=false
  nopreempt=true delay=3s strict~false accept~true source~invalid IP unicast=false check_src~false auth~ pass~
  vip 10.0.0.33/32 written=false dev~eth1 excluded=false malformed=false
instance V7 state~BACKUP interface=eth0 id=7 priority~100 advert~1s x~3 version=2 partial=false
  nopreempt~false delay=3.5s strict=true accept~false source~invalid IP unicast=false check_src~false auth~ pass=a b c
  vip 10.0.0.34/24 written=true dev=eth0 excluded=false malformed=false
  track script s weight=3 reverse=true late=false group=false found=true: 3 true true
  track interface eth1 weight=253 reverse=false late=false group=false found=false: 253 true true
`
	if diff := cmp.Diff(want, keepalivedText(k)); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
	if g := k.Groups[0]; len(g.Members) != 3 || g.Members[2].Text != "V9" {
		t.Errorf("members %v", g.Members)
	}
	if d, known := k.Instances[4].PreemptDelay(); d != 3*time.Second || !known {
		t.Errorf("V5: nopreempt does not clear the delay of an owner: %v %v", d, known)
	}
}

func TestKeepalivedVariables(t *testing.T) {
	const text = `$IF=eth1
$NET=10.0.0
$CHECK=/usr/bin/pidof haproxy
$BLOCK= \
  track_script { \
    chk \
  } \
  nopreempt
$EMPTY=
$WHO=@lb1
vrrp_script chk {
  script "${CHECK}"
}
vrrp_instance A {
  interface $IF
  $EMPTY virtual_router_id 7
  @lb1 priority 150
  @lb2 priority 100
  @^lb1 state MASTER
  $WHO advert_int 2
  authentication {
    auth_type PASS
    auth_pass "${_HASH}a${_BANG}"
  }
  virtual_ipaddress {
    ${NET}.1/24 dev $IF
    10.0.0.$NET
  }
  $BLOCK
}
@lb2 vrrp_instance B {
  virtual_router_id 8
@lb2 }
`
	k, gaps := testKeepalived(t, keepalivedPath, text, "/etc/hostname", "lb1.example.com\n")
	if len(gaps) != 0 {
		t.Errorf("not read: %v", gaps)
	}
	want := `global router_id~ strict~false security~false user~ version~2 partial=false
script chk ["/usr/bin/pidof" "haproxy"] weight~0 used=true
  interval~1s timeout~1s fall~1 rise~1 init_fail~false user~
  asks process process=haproxy
instance A state~BACKUP interface=eth1 id=7 priority=150 advert=2s x~3 version~2 partial=false
  nopreempt=true delay~0s strict~false accept~true source~invalid IP unicast=false check_src~false auth=PASS pass=#a!
  vip 10.0.0.1/24 written=true dev=eth1 excluded=false malformed=false
  vip invalid Prefix written=false dev~eth1 excluded=false malformed=true
  track script chk weight~0 reverse=false late=false group=false found=true: 0 true true
`
	if diff := cmp.Diff(want, keepalivedText(k)); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
	if w := k.Instances[0].Interface.Word; w.Raw != "$IF" || w.Text != "eth1" || w.Pos.Line != 15 || w.Pos.Col != 13 {
		t.Errorf("interface: %+v", w)
	}

	// The same without a name: what depends on it is unknown, the rest is not.
	k, gaps = testKeepalived(t, keepalivedPath, text)
	if len(gaps) != 1 || gaps[0].Host != "lb1" || !strings.Contains(gaps[0].Why, "config-id") {
		t.Errorf("not read: %v", gaps)
	}
	i := k.Instances[0]
	if i.Priority.Known() || i.Advert.Known() || i.State.Known() || !i.Interface.Known() || !i.NoPreempt.V || i.Partial || !k.Partial {
		t.Errorf("without a name: %s", keepalivedText(k))
	}

	// An option of the daemon comes first.
	k, _ = testKeepalived(t, keepalivedPath, text, "/etc/hostname", "lb1\n", "/etc/default/keepalived", "# -i no\nDAEMON_ARGS=\"-D -i lb2\"\n")
	if v := k.Instances[0].Priority; v.V != 100 || !v.Written() || len(k.Instances) != 2 {
		t.Errorf("as lb2: %s", keepalivedText(k))
	}
}

func TestKeepalivedUnknown(t *testing.T) {
	k, _ := testKeepalived(t, keepalivedPath, `global_defs {
  router_id $NAME
}
include /etc/keepalived/conf.d/*.conf
vrrp_script chk {
  script "/usr/bin/curl http://${HOST}/"
  weight $W
}
vrrp_instance A {
  interface $IF
  priority $PRIO
  virtual_router_id 5
  $MORE
  nopreempt
  unicast_peer {
    $PEER
  }
  virtual_ipaddress {
    10.0.0.1/24
    ~SEQ(i, 2, 4) 10.0.0.${i}/24
  }
  track_script {
    chk
    other
  }
}
vrrp_script other {
  script "/usr/bin/pgrep -x haproxy"
}
vrrp_instance B {
  @x priority 100
  priority 90
  @y priority 90
  virtual_router_id 6
}
`)
	got := keepalivedText(k)
	for _, v := range []string{"router_id?", "strict?", "version?", "partial=true\nscript chk [] weight?0 used=true", "interface? id?0 priority?0", "nopreempt=true delay?",
		"vip 10.0.0.1/24 written=true dev?", "late=true", "id=6 priority=90"} {
		if !strings.Contains(got, v) {
			t.Errorf("%q is missing in\n%s", v, got)
		}
	}
}

func TestKeepalivedConditionElsewhere(t *testing.T) {
	k, gaps := testKeepalived(t, keepalivedPath, "@high net_namespace high\nvrrp_instance A {\ninterface eth0\n}\n")
	if k.Partial || !k.Instances[0].Version.Known() || len(gaps) != 1 {
		t.Errorf("%v\n%s", gaps, keepalivedText(k))
	}
}

// FuzzKeepalived: whatever the file, it is read, and what hangs together does.
func FuzzKeepalived(f *testing.F) {
	f.Add(renderedConf, renderedCheck)
	f.Add("$A=${A} ${A} x\nvrrp_instance $A { $A }\n", "")
	f.Add("$A=${A}${A}xx\n$B=$A $A\nvrrp_instance X {\n$B\n}\n", "if ! curl $(curl $(curl `a`)); then")
	f.Add("vrrp_script s {\nscript \"/bin/sh -c 'nc -z h 1'\"\n}\nvrrp_instance i {\ntrack_script {\ns weight\n}\nunicast_peer {\n1 min_ttl\n}\n}", "f() { echo; }\nf")
	f.Add("vrrp_instance {\n}\nvrrp_sync_group {\n}\nvrrp_script\nglobal_defs\nvirtual_ipaddress {\n{\n", "for x in 1; do\n")
	f.Fuzz(func(t *testing.T, text, script string) {
		k, _ := testKeepalived(t, keepalivedPath, text, "/etc/keepalived/check-haproxy", script)
		for _, i := range k.Instances {
			for _, tr := range i.Tracks {
				m := CanMove(i, tr, k.Instances)
				if m.Moves && (!m.Known || m.Best == nil) {
					t.Errorf("moves to nobody: %+v", m)
				}
			}
			if e := i.Effect(); e.Known && (e.Priority < 1 || e.Priority > 255) {
				t.Errorf("priority %d", e.Priority)
			}
			if p := i.Priority; p.Known() && (p.V < 1 || p.V > 255) {
				t.Errorf("priority %d", p.V)
			}
			if a := i.Advert; a.Known() && (a.V < minAdvert || a.V > maxAdvert) {
				t.Errorf("interval %s", a.V)
			}
			i.Auth()
			i.HostLost()
			i.Stopped()
			i.Outvoted()
		}
		for _, s := range k.Scripts {
			s.Detect(true)
			if s.Asks != nil && s.Asks.Port == 0 && s.Asks.Kind == "http" && s.Asks.Addr != (netip.Addr{}) && !strings.Contains(text+script, ":0") {
				t.Errorf("http without a port: %+v", s.Asks)
			}
		}
	})
}
