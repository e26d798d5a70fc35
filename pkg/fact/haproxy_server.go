package fact

import (
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/haproxytech/config-parser/v5/params"
	"github.com/haproxytech/config-parser/v5/parsers"
	"github.com/haproxytech/config-parser/v5/types"

	"stackgen/pkg/conf"
)

// haproxyServer is a server of which nothing but the address is written.
func haproxyServer() Server {
	return Server{
		Weight: Value[int]{V: 1},
		Verify: Value[string]{V: "required"},
		HAProxyServer: &HAProxyServer{
			Inter: Value[time.Duration]{V: 2 * time.Second},
			Fall:  Value[int]{V: 3},
			Rise:  Value[int]{V: 2},
		},
	}
}

// serverLine reads a server, dispatch, server-template or default-server statement.
func (r *haproxyReader) serverLine(s *haproxySection, n *conf.Node) {
	if n.Name() == "default-server" {
		r.serverOptions(&s.server, n, 1)
		s.lines = append(s.lines, n)
		return
	}
	pool := s.Pool
	if pool == nil {
		return // of a frontend or a defaults section: HAProxy refuses or ignores it
	}
	first := 3 // the first option
	if n.Name() == "dispatch" {
		first = 2
	}
	if n.Name() == "server-template" || len(n.Words) < first {
		pool.Partial = true
		return
	}
	srv := r.newServer(s.server)
	srv.Pool, srv.Node, srv.lines = pool, n, s.lines
	srv.Name, srv.Address = n.Arg(first-2), n.Arg(first-1)
	a, ok := r.address(n, srv.Address)
	srv.Port, srv.Unix = a.port, a.unix
	if ok {
		srv.Addr = a.addr
	}
	r.serverOptions(srv, n, first)
	if n.Cond != nil {
		pool.Partial = true
		srv.Checked.State, srv.Down.State, srv.Backup.State, srv.Weight.State = Unknown, Unknown, Unknown, Unknown
	}
	r.finishServer(srv)
	pool.Servers = append(pool.Servers, srv)
}

// haproxyBoth is a server and its second half, side by side in memory.
type haproxyBoth struct {
	server Server
	rest   HAProxyServer
}

// newServer copies a server into a slab: a section may have a hundred thousand.
func (r *haproxyReader) newServer(from Server) *Server {
	if len(r.slab) == cap(r.slab) {
		r.slab = make([]haproxyBoth, 0, min(2*cap(r.slab)+4, 256))
	}
	r.slab = append(r.slab, haproxyBoth{from, *from.HAProxyServer})
	both := &r.slab[len(r.slab)-1]
	both.server.HAProxyServer = &both.rest
	return &both.server
}

// finishServer fills in what follows from other settings, and gives every default a place.
func (r *haproxyReader) finishServer(s *Server) {
	if s.Verify.State == Default && r.verify.State != Default {
		s.Verify = r.verify
	}
	if s.CheckPort.State == Default && s.CheckAddr.State == Default {
		// An address or port for the check alone takes TLS and the PROXY header from it.
		if s.CheckTLS.State == Default {
			s.CheckTLS = Value[bool]{V: s.TLS.V, State: inherited(s.TLS.State)}
		}
		if s.CheckSendProxy.State == Default {
			s.CheckSendProxy = Value[bool]{V: s.SendProxy.V != "", State: inherited(s.SendProxy.State)}
		}
	}
	if s.CheckPort.State == Default {
		s.CheckPort.V = s.Port
	}
	if s.CheckAddr.State == Default {
		s.CheckAddr.V = s.Addr
	}
	for _, v := range []*Value[time.Duration]{&s.FastInter, &s.DownInter} {
		if v.State == Default {
			v.V, v.State = s.Inter.V, inherited(s.Inter.State)
		}
	}

	w := s.Node.Words[0]
	for _, v := range []*Value[bool]{&s.Checked, &s.Backup, &s.Down, &s.TLS, &s.CheckTLS, &s.CheckSendProxy} {
		place(v, w)
	}
	for _, v := range []*Value[int]{&s.Weight, &s.MaxConn, &s.ID, &s.CheckPort, &s.Fall, &s.Rise} {
		place(v, w)
	}
	for _, v := range []*Value[string]{&s.Verify, &s.SendProxy, &s.Proto, &s.Cookie, &s.OnMarkedDown, &s.Observe} {
		place(v, w)
	}
	for _, v := range []*Value[time.Duration]{&s.Inter, &s.FastInter, &s.DownInter, &s.SlowStart} {
		place(v, w)
	}
	place(&s.CheckAddr, w)
}

// inherited is the state of a default that follows another setting.
func inherited(s State) State {
	if s == Unknown {
		return Unknown
	}
	return Default
}

func place[T any](v *Value[T], w conf.Word) {
	if !v.Word.Pos.IsValid() {
		v.Word = w
	}
}

// serverOptions reads the options from n's i-th word on into s.
func (r *haproxyReader) serverOptions(s *Server, n *conf.Node, i int) {
	for i < len(n.Words) {
		name := n.Words[i]
		takes := haproxyTakes("server", name.Text)
		val := n.Arg(i + 1) // of no use where the option takes none
		if takes > 0 && i+1 >= len(n.Words) {
			val = conf.Word{Pos: name.Pos, Off: name.Off}
		}
		i += 1 + takes
		on := !strings.HasPrefix(name.Text, "no-")
		switch name.Text {
		case "check", "no-check":
			assign(&s.Checked, r.flag(n, name, on))
		case "track":
			assign(&s.Checked, r.flag(n, name, true)) // by the check of another server
		case "backup", "no-backup":
			assign(&s.Backup, r.flag(n, name, on))
		case "disabled", "enabled":
			assign(&s.Down, r.flag(n, name, name.Text == "disabled"))
		case "ssl", "no-ssl":
			assign(&s.TLS, r.flag(n, name, on))
		case "check-ssl", "no-check-ssl":
			assign(&s.CheckTLS, r.flag(n, name, on))
		case "check-send-proxy", "no-check-send-proxy":
			assign(&s.CheckSendProxy, r.flag(n, name, on))
		case "send-proxy":
			assign(&s.SendProxy, r.means(n, name, "v1"))
		case "send-proxy-v2", "send-proxy-v2-ssl", "send-proxy-v2-ssl-cn":
			assign(&s.SendProxy, r.means(n, name, "v2"))
		case "no-send-proxy", "no-send-proxy-v2", "no-send-proxy-v2-ssl", "no-send-proxy-v2-ssl-cn":
			assign(&s.SendProxy, r.means(n, name, ""))
		case "weight":
			assign(&s.Weight, r.numberOf(n, val))
		case "maxconn":
			assign(&s.MaxConn, r.numberOf(n, val))
		case "id":
			assign(&s.ID, r.numberOf(n, val))
		case "port":
			assign(&s.CheckPort, r.numberOf(n, val))
		case "fall":
			assign(&s.Fall, r.numberOf(n, val))
		case "rise":
			assign(&s.Rise, r.numberOf(n, val))
		case "inter":
			assign(&s.Inter, r.durationOf(n, val))
		case "fastinter":
			assign(&s.FastInter, r.durationOf(n, val))
		case "downinter":
			assign(&s.DownInter, r.durationOf(n, val))
		case "slowstart":
			assign(&s.SlowStart, r.durationOf(n, val))
		case "verify":
			assign(&s.Verify, r.textOf(n, val, val.Text != ""))
		case "proto":
			assign(&s.Proto, r.textOf(n, val, val.Text != ""))
		case "cookie":
			assign(&s.Cookie, r.textOf(n, val, val.Text != ""))
		case "on-marked-down":
			assign(&s.OnMarkedDown, r.textOf(n, val, val.Text != ""))
		case "observe":
			assign(&s.Observe, r.textOf(n, val, val.Text != ""))
		case "addr":
			v := Value[netip.Addr]{Word: val, State: Unknown}
			if a, ok := r.address(n, val); ok && a.addr.IsValid() && n.Cond == nil {
				v.V, v.State = a.addr, Written
			}
			assign(&s.CheckAddr, v)
		}
	}
}

// means is what a word without a value stands for.
func (r *haproxyReader) means(n *conf.Node, w conf.Word, v string) Value[string] {
	state := Written
	if n.Cond != nil {
		state = Unknown
	}
	return Value[string]{V: v, Word: w, State: state}
}

// Option is the value of an option of an HAProxy server that has no field of its own ("sni", "resolvers"), or the
// option's name where it takes no value: the last on its line, else of the default-server lines above.
func (s *Server) Option(name string) (conf.Word, bool) {
	first := 3
	if s.Node.Name() == "dispatch" {
		first = 2
	}
	if w, ok := haproxyOption(s.Node, "server", first, name); ok {
		return w, true
	}
	for i := len(s.lines) - 1; i >= 0; i-- {
		if w, ok := haproxyOption(s.lines[i], "server", 1, name); ok {
			return w, true
		}
	}
	return conf.Word{}, false
}

func haproxyOption(n *conf.Node, kind string, i int, name string) (w conf.Word, found bool) {
	for i < len(n.Words) {
		takes := haproxyTakes(kind, n.Words[i].Text)
		if n.Words[i].Text == name {
			w, found = n.Arg(i+min(takes, len(n.Words)-1-i)), true
		}
		i += 1 + takes
	}
	return w, found
}

// haproxyTakes is the number of values that an option of a server or bind line takes. config-parser knows most; it has no
// verdict on a word, so one that neither knows is taken for a flag.
func haproxyTakes(kind, name string) int {
	key := [2]string{kind, name}
	if n, ok := haproxyMoreOptions[key]; ok {
		return n
	}
	if n, ok := haproxyAsked.Load(key); ok {
		return n.(int)
	}
	n, known := 0, false
	switch kind {
	case "server":
		p := new(parsers.Server)
		if _, err := p.Parse("", []string{"server", "s", "a", name, "v"}, ""); err == nil {
			data, _ := p.GetOne(0)
			if s, ok := data.(types.Server); ok && len(s.Params) == 1 {
				known = true
				switch s.Params[0].(type) {
				case *params.ServerOptionValue, *params.ServerOptionIDValue:
					n = 1
				}
			}
		}
	case "bind":
		p := new(parsers.Bind)
		if _, err := p.Parse("", []string{"bind", ":1", name, "v"}, ""); err == nil {
			data, _ := p.GetOne(0)
			if b, ok := data.(types.Bind); ok && len(b.Params) == 1 {
				known = true
				if _, ok := b.Params[0].(*params.BindOptionValue); ok {
					n = 1
				}
			}
		}
	}
	if known {
		haproxyAsked.Store(key, n) // only what is known, so that typing errors of a file do not pile up
	}
	return n
}

// haproxyAsked are the answers of config-parser, which take 20 µs each.
var haproxyAsked sync.Map // [2]string → int

// haproxyMoreOptions are the options that config-parser does not know, or knows with certain values only.
var haproxyMoreOptions = map[[2]string]int{
	{"server", "cc"}:                   1,
	{"server", "check-pool-conn-name"}: 1,
	{"server", "check-reuse-pool"}:     0,
	{"server", "check-sni-auto"}:       0,
	{"server", "ech"}:                  1,
	{"server", "guid"}:                 1,
	{"server", "hash-key"}:             1,
	{"server", "idle-ping"}:            1,
	{"server", "init-state"}:           1,
	{"server", "ktls"}:                 1,
	{"server", "no-check-send-proxy"}:  0,
	{"server", "no-check-sni-auto"}:    0,
	{"server", "no-renegotiate"}:       0,
	{"server", "no-sni-auto"}:          0,
	{"server", "pool-conn-name"}:       1,
	{"server", "renegotiate"}:          0,
	{"server", "sni-auto"}:             0,
	{"server", "strict-maxconn"}:       0,
	{"server", "tcp-md5sig"}:           1,
	{"bind", "cc"}:                     1,
	{"bind", "default-crt"}:            1,
	{"bind", "ech"}:                    1,
	{"bind", "expose-fd"}:              1,
	{"bind", "guid-prefix"}:            1,
	{"bind", "idle-ping"}:              1,
	{"bind", "label"}:                  1,
	{"bind", "nbconn"}:                 1,
	{"bind", "ocsp-update"}:            1,
	{"bind", "quic-cc-algo"}:           1,
	{"bind", "quic-socket"}:            1,
	{"bind", "shards"}:                 1,
	{"bind", "ktls"}:                   1,
	{"bind", "tcp-md5sig"}:             1,
}
