package render

import (
	"net/netip"
	"strconv"

	"github.com/haproxytech/config-parser/v5/common"
	"github.com/haproxytech/config-parser/v5/params"
	"github.com/haproxytech/config-parser/v5/parsers"
	"github.com/haproxytech/config-parser/v5/parsers/http"
	"github.com/haproxytech/config-parser/v5/parsers/simple"
	"github.com/haproxytech/config-parser/v5/parsers/tcp"
	tcptypes "github.com/haproxytech/config-parser/v5/parsers/tcp/types"
	"github.com/haproxytech/config-parser/v5/types"

	"stackgen/pkg/model"
)

// A statement is a parser of config-parser, used to print.
type statement interface {
	Init()
	Set(data common.ParserData, index int) error
	Result() ([]common.ReturnResultLine, error)
}

// words prints one statement. Data that does not belong to the parser is a mistake in this package.
func words(s statement, data common.ParserData) string {
	s.Init()
	if err := s.Set(data, -1); err != nil {
		panic(err)
	}
	lines, err := s.Result()
	if err != nil || len(lines) != 1 {
		panic("render: " + strconv.Itoa(len(lines)) + " statements from one")
	}
	return lines[0].Data
}

// A proxyPage is a page of haproxy.cfg.
type proxyPage struct{ page }

// section opens a section.
func (p *proxyPage) section(path, head string) {
	p.gap()
	p.put(path, 0, head, "")
}

func (p *proxyPage) say(path string, s statement, data common.ParserData, why string) {
	p.put(path, 4, words(s, data), why)
}

// word prints a statement that config-parser has as a keyword and the rest.
func (p *proxyPage) word(path, keyword, value, why string) {
	p.say(path, &simple.Word{Name: keyword}, &types.StringC{Value: value}, why)
}

func (p *proxyPage) number(path, keyword string, value int, why string) {
	p.say(path, &simple.Number{Name: keyword}, &types.Int64C{Value: int64(value)}, why)
}

func (p *proxyPage) option(path, name, why string) {
	p.say(path, &simple.Option{Name: name}, &types.SimpleOption{}, why)
}

func (p *proxyPage) timeout(path, name string, d model.Duration, why string) {
	p.say(path, &simple.Timeout{Name: name}, &types.SimpleTimeout{Value: haproxyTime(d)}, why)
}

func (p *proxyPage) maxconn(path string, n int, why string) {
	p.say(path, &parsers.MaxConn{}, &types.Int64C{Value: int64(n)}, why)
}

func (p *proxyPage) request(path string, action types.Action, why string) {
	p.say(path, &http.Requests{}, action, why)
}

func (p *proxyPage) httpCheck(path string, action types.Action, why string) {
	p.say(path, &http.Checks{}, action, why)
}

func (p *proxyPage) tcpCheck(path string, action types.Action, why string) {
	p.say(path, &tcp.Checks{}, action, why)
}

func (p *proxyPage) connection(path string, action types.Action, why string) {
	p.say(path, &tcp.Requests{}, &tcptypes.Connection{Action: action}, why)
}

func (p *proxyPage) content(path string, action types.Action, why string) {
	p.say(path, &tcp.Requests{}, &tcptypes.Content{Action: action}, why)
}

// raw puts the topology's own lines at the end of a section.
func (p *page) raw(path string, lines []string) {
	if len(lines) == 0 {
		return
	}
	p.put(path, 4, "# raw: the topology's own lines", "")
	for i, line := range lines {
		p.put(path+"."+strconv.Itoa(i), 4, line, "")
	}
	p.put(path, 4, "# end of raw", "")
}

// bind listens on a port of every given address.
func (p *proxyPage) bind(listen []listenAddress, port int, options ...params.BindOption) {
	for _, l := range listen {
		b := types.Bind{Path: hostPort(l.Addr, port), Params: options}
		why := ""
		switch {
		case l.Addr == netip.IPv4Unspecified():
			b.Path = ":" + strconv.Itoa(port)
			why = "every address: also while the VIP is elsewhere"
		case l.IsUnspecified():
			b.Params = append([]params.BindOption{bindWord("v6only")}, options...)
			why = "IPv4 has its own, so that its clients are logged as such"
		}
		p.say(l.path, &parsers.Bind{}, b, why)
	}
}

func bindWord(name string) params.BindOption { return &params.BindOptionWord{Name: name} }

func bindValue(name, value string) params.BindOption {
	return &params.BindOptionValue{Name: name, Value: value}
}

func serverWord(name string) params.ServerOption { return &params.ServerOptionWord{Name: name} }

func serverValue(name, value string) params.ServerOption {
	return &params.ServerOptionValue{Name: name, Value: value}
}

// haproxyTime prints a duration in HAProxy's units. A bare number would be milliseconds.
func haproxyTime(d model.Duration) string {
	ms := d.Milliseconds()
	switch {
	case ms%1000 != 0:
		return strconv.FormatInt(ms, 10) + "ms"
	case ms > 0 && ms%3_600_000 == 0:
		return strconv.FormatInt(ms/3_600_000, 10) + "h"
	case ms > 0 && ms%300_000 == 0:
		return strconv.FormatInt(ms/60_000, 10) + "m"
	}
	return strconv.FormatInt(ms/1000, 10) + "s"
}

// hostPort puts an IPv6 address in brackets.
func hostPort(a netip.Addr, port int) string { return netip.AddrPortFrom(a, uint16(port)).String() }
