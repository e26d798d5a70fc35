package render_test

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stackgen/internal/draw"
	"stackgen/pkg/conf"
	"stackgen/pkg/model"
	"stackgen/pkg/render"
)

// injectionStack has every key that holds text. What stands in double quotes is a slot: an attacker may write anything
// there, the same wherever the same words stand. Every slot's words are its own, and every default is written out, so
// that a value that is changed meets no other one. One domain is as long as one can be: the size of a hash table follows from it.
const injectionStack = `
stackgen: 1
name: "stackname"
targets: {haproxy: "3.0", keepalived: "2.3", nginx: "1.26", mysql: "9.7"}
vips:
  "vipone": {address: "10.0.10.10/24", public: "203.0.113.10", prefer: "lbone", router_id: 101}
  "viptwo": {address: "10.0.10.9/24", prefer: "lbtwo", router_id: 102}
  "vipdb":  {address: "10.0.10.8/24", router_id: 103}
sites:
  "siteone":
    domains: ["www.first.example", "one.example", LONGEST]
    vip: "vipone"
    tls: {certificate: "/etc/certs/one.pem", profile: "intermediate", hsts: "180d"}
    root: "/srv/one"
    health: "/healthone"
    body_max: "20M"
    routes:
      /: {app: "tierone"}
      "/prefixone/": {app: "tiertwo", request_timeout: "120s"}
      "/static/": {static: true}
  "sitetwo":
    domains: ["two.example"]
    vip: "vipone"
    tls: {certificate: "/etc/certs/two.pem", profile: "modern"}
    root: "/srv/two"
    health: "/healthtwo"
    routes: {/: {app: "tierthree"}, "/live/": {app: "tierone", websocket: true}}
  "sitethree":
    domains: ["three.example"]
    vip: "viptwo"
    root: "/srv/three"
    health: "/healththree"
    routes: {/: {static: true}}
lb:
  interface: "ethone"
  client_ip: "forwarded-for"
  sticky: "cookie"
  balance: "leastconn"
  rate_limit: {requests: 100, per: "10s"}
  check: {interval: "2s"}
  failover: {mode: "fast", advert: "200ms", watch: "200ms", preempt: true, preempt_delay: "15s", check: {interval: "1s"}}
  stats: "127.0.0.1:8404"
  nodes:
    "lbone": {address: "10.0.10.11", interface: "ethtwo", zone: "zoneone", runs_on: "hostone", memory: "8G"}
    "lbtwo": {address: "10.0.10.12"}
web:
  nodes: {"webone": {address: "10.0.10.21", zone: "zonetwo"}, "webtwo": "10.0.10.22"}
apps:
  "tierone": {nodes: {"appone": "10.0.10.31", "apptwo": "10.0.10.32"}, protocol: "http", balance: "round_robin"}
  "tiertwo": {nodes: {"appthree": "10.0.10.33"}, protocol: "fastcgi", root: "/srv/app"}
  "tierthree": {nodes: {"appfour": "10.0.10.34"}, protocol: "uwsgi"}
db:
  vip: "vipdb"
  failover: "manual"
  semi_sync_wait: "10s"
  buffer_pool: "1G"
  check_user: "checkuser"
  tls: {ca: "/etc/my/ca.pem", certificate: "/etc/my/cert.pem", key: "/etc/my/key.pem"}
  replication: {user: "repluser", password: {file: "/root/replpass"}, tls: true}
  primary: {"dbone": {address: "10.0.10.41", server_id: 1}}
  replicas: {"dbtwo": {address: "10.0.10.42", server_id: 2}, "dbthree": {address: "10.0.10.43", server_id: 3}}
timeouts: {request: "30s", connect: "2s", idle: "60s", queue: "30s", retry: "64s", server: "70400ms", client: "204800ms", database: "10s", websocket: "1h", drain: "10m"}
accept: [{rule: "rule-one", host: "dbone", reason: "reasonone", until: "2027-03-31"}]
`

var longestDomain = strings.Repeat(strings.Repeat("d", 61)+".", 4) + "examp"

// A slot is a place of the topology for text of the user.
type slot struct {
	value string
	typed bool // an address, duration, size, date or one of few words: another valid one may change what is written
}

var slots = func() []slot {
	typed := regexp.MustCompile(`^([0-9].*|180d|20M|fast|manual|intermediate|modern|forwarded-for|cookie|leastconn|http|fastcgi|uwsgi|round_robin)$`)
	var all []slot
	for _, m := range regexp.MustCompile(`"([^"]*)"`).FindAllStringSubmatch(injectionStack, -1) {
		s := slot{m[1], typed.MatchString(m[1])}
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}()

// withValue is the topology with a value in a slot.
func withValue(s slot, value string) string {
	text := strings.ReplaceAll(injectionStack, `"`+s.value+`"`, draw.Quote(value))
	return strings.ReplaceAll(text, "LONGEST", longestDomain)
}

// harmless is what the topology becomes as it stands.
var harmless = sync.OnceValue(func() []render.File {
	top, errs := model.Load(model.Source{Name: "harmless.yaml", Data: []byte(withValue(slots[0], slots[0].value))}, nil, nil)
	if len(errs) > 0 {
		panic(errs[0].Pos.String() + ": " + errs[0].Message)
	}
	return render.Render(top)
})

// inject puts a value into a slot: it is refused, or every file has the shape it has with a harmless value. It reports
// whether the value was taken.
func inject(t failer, s slot, value string) bool {
	t.Helper()
	top, errs := model.Load(model.Source{Name: "injected.yaml", Data: []byte(withValue(s, value))}, nil, nil)
	if len(errs) > 0 {
		if top != nil {
			t.Errorf("%q for %q: errors, and a topology all the same", value, s.value)
		}
		return false
	}
	reason := s.value == "reasonone"
	if !reason && !tame.MatchString(value) {
		t.Errorf("%q was taken for %q", value, s.value)
	}
	files := render.Render(top)
	if !s.typed && len(files) != len(harmless()) {
		t.Fatalf("%q for %q: %d files instead of %d", value, s.value, len(files), len(harmless()))
	}
	for i, f := range files {
		if f.Name() != path.Clean(f.Name()) || strings.HasPrefix(f.Name(), ".") || strings.HasPrefix(f.Name(), "/") {
			t.Errorf("%q for %q writes %s", value, s.value, f.Name())
		}
		tree := conf.Parse(f.File, f.Name())
		for _, e := range tree.Errors {
			t.Errorf("%q for %q: %s: %s", value, s.value, e.Pos, e.Message)
		}
		if s.typed {
			continue
		}
		was := harmless()[i]
		if f.Kind == conf.Other {
			copied(t, s, value, was, f)
			continue
		}
		if d := cmp.Diff(shapeOf(was.File, s.value, value), shapeOf(f.File, s.value, s.value)); d != "" {
			t.Errorf("%q for %q changes the shape of %s:\n%s", value, s.value, f.Name(), d)
		}
	}
	return true
}

// tame are the characters of all values but the reason, which goes to the manifest alone: nothing that any of the
// languages, a shell, YAML or Markdown takes for more than itself.
var tame = regexp.MustCompile(`^[A-Za-z0-9._~/@+:-]*$`)

// shapeOf is a tree as its keywords, depths and numbers of words, in the order of the file; a manifest is ordered by names. In the
// keywords new stands for old.
func shapeOf(f conf.File, old, new string) []string {
	var lines []string
	var walk func(body []*conf.Node, depth int)
	walk = func(body []*conf.Node, depth int) {
		for _, n := range body {
			lines = append(lines, fmt.Sprintf("%d %q %d words, block: %v", depth, strings.ReplaceAll(n.Name(), old, new), len(n.Words), n.Block))
			walk(n.Body, depth+1)
		}
	}
	walk(conf.Parse(f, f.Name()).Body, 0)
	if f.Kind == conf.JSON {
		slices.Sort(lines)
	}
	return lines
}

// copied: scripts, units and the rest have as many lines as before, and each is the old one with the new value in it.
func copied(t failer, s slot, value string, was, is render.File) {
	t.Helper()
	old, now := strings.Split(string(was.Data), "\n"), strings.Split(string(is.Data), "\n")
	if len(old) != len(now) {
		t.Errorf("%q for %q in %s: %d lines instead of %d", value, s.value, is.Name(), len(now), len(old))
		return
	}
	for i := range old {
		if want := strings.ReplaceAll(old[i], s.value, value); want != now[i] {
			t.Errorf("%q for %q in %s:%d: %q became %q", value, s.value, is.Name(), i+1, old[i], now[i])
		}
	}
}

// nasty are the classics.
var nasty = []string{
	"x; return 500", "x\nreturn 500;", "x\r\nreturn 500;", "x\rreturn", "#", "x # y", "x#y", `"`, `'`, `x"y`, "x'y", "{", "}", "x{y}", "x } server {", "$", "$host", "${host}", "x$(id)",
	"`id`", "x`id`", `\`, `x\`, `x\ny`, `\"`, "x\x00y", "\x00", "%", "%[env(HOME)]", "x%00", "x%s%n", "!", "x ! y", "@", "&", "x && reboot", "x | reboot", "x > /etc/passwd", "<", "*", "?", "[", "]",
	"[mysqld]", "!include /etc/passwd", "=", "x=y", "x = y", ",", "x,y", "(", ")", "~", "^", "", " ", "  x", "x ", "\t", "x\ty", "-", "-x", "--help", "..", "../../etc/passwd", "/..", "/../x", "/x/../y", "/./x", "//", "/x//y", "/",
	"\u2028", "x\u2028y", "x\u2029y", "x\u0085y", "x\u00a0y", "\u202ey", "\ufeffx", "x\ufeff", "é", "日本", "\U0001f4a9", "x\xffy", "\xff\xfe", "x\x1b[31m", "x\x7fy",
	"null", "~", "true", "yes", "1", "0x10", "1e3", ".inf", "2027-03-31", "<<", "*x", "&x", "!!binary x", "- x", "x: y", "{x: y}", "? x",
	strings.Repeat("x", 64), strings.Repeat("x", 256), strings.Repeat("x", 5000), "/" + strings.Repeat("x", 255), "/" + strings.Repeat("x/", 127) + "y", strings.Repeat("x.", 126) + "y", "a" + strings.Repeat("b", 62),
	"localhost", "lb", "web", "db", "default", "server", "backend", "include", "end", "x-", "x--y", "root", "_", "127.0.0.1", "::1", "10.0.10.11/24", "fe80::1%eth0", "1s; x", "10s\n", "20M;", "999999d", "-1s",
	"/etc/haproxy/certs/a@b+c_d.pem", "/x~y", "/~x/", "/x.php", "/a.b_c-d/", "/nginx_status", "/stats", "/metrics", "/x y", "/x;y", "/x$y", "/x{y", "/x\"y", "/x\\y", "/x#y", "/x%2fy", "/x?y", "/x'y", "/{}", "/x*",
}

// TestInjection puts the classics into every slot. Of each kind of slot something else than the harmless value must be taken,
// or nothing would be tested.
func TestInjection(t *testing.T) {
	if len(slots) < 80 {
		t.Fatalf("only %d slots found", len(slots))
	}
	var mu sync.Mutex
	taken := map[string]int{}
	t.Run("slots", func(t *testing.T) {
		for _, s := range slots {
			t.Run(strings.ReplaceAll(s.value, "/", "_"), func(t *testing.T) {
				t.Parallel()
				for _, value := range nasty {
					if !isHarmless(value) && inject(t, s, value) {
						mu.Lock()
						taken[s.value]++
						mu.Unlock()
					}
				}
			})
		}
	})
	for _, s := range slots {
		if taken[s.value] == 0 && !s.typed {
			t.Errorf("nothing was taken for %q", s.value)
		}
	}
}

// isHarmless reports whether a value is that of another slot: then two would be one, and what follows is another question.
func isHarmless(value string) bool {
	return slices.ContainsFunc(slots, func(s slot) bool { return s.value == value })
}

// TestOddValuesNative gives the real daemons the longest and oddest values that are taken.
func TestOddValuesNative(t *testing.T) {
	wantNative(t)
	long := func(first string) string { return first + strings.Repeat("x", 63-len(first)) }
	values := map[string]string{
		"stackname": long("s"), "vipone": long("v"), "viptwo": "v--", "siteone": long("i"), "sitetwo": "s--2", "lbone": long("l"), "lbtwo": "l-2", "webone": long("w"), "webtwo": "w--2",
		"tierone": long("t"), "tiertwo": "t--2", "appone": long("a"), "dbone": long("d"), "dbtwo": "d--2", "ethone": "e._-x0123456789", "ethtwo": "Z.1",
		"/etc/certs/one.pem": "/etc/haproxy/certs/a@b+c_d.pem", "/etc/certs/two.pem": "/etc/haproxy/" + strings.Repeat("y", 200) + ".pem", "/srv/one": "/srv/@+-_." + strings.Repeat("z", 200), "/srv/app": "/srv/@x+y/_-",
		"/healthone": "/~health.-_" + strings.Repeat("h", 200), "/prefixone/": "/~pre.fix_-" + strings.Repeat("p", 200) + "/", "/static/": "/-._~", "checkuser": "_" + strings.Repeat("c", 31), "repluser": "R" + strings.Repeat("-", 31),
		"/etc/my/ca.pem": "/etc/my/@a+b_c-.pem", "/etc/my/cert.pem": "/etc/my/" + strings.Repeat("k", 200), "/root/replpass": "/root/@+_-", "one.example": "xn--a-0.b--c.0.example", "zoneone": "Z._-0",
		"two.example": strings.Repeat("x", 63) + ".example", "reasonone": `"; } $(id) '`,
	}
	for _, targets := range generations {
		t.Run("haproxy-"+targets["haproxy"], func(t *testing.T) {
			text := strings.ReplaceAll(injectionStack, "LONGEST", longestDomain)
			var list []string
			for name, version := range targets {
				list = append(list, name+`: "`+version+`"`)
			}
			text = regexp.MustCompile(`targets: .*`).ReplaceAllString(text, "targets: {"+strings.Join(list, ", ")+"}")
			for old, value := range values {
				if !strings.Contains(text, `"`+old+`"`) {
					t.Fatalf("no slot %q", old)
				}
				text = strings.ReplaceAll(text, `"`+old+`"`, draw.Quote(value))
			}
			asked := map[string]int{}
			askDaemons(t, "odd values", text, load(t, text), asked)
			missingDaemons(t, targets, asked)
		})
	}
}
