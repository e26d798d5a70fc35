package fact_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tufanbarisyildirim/gonginx/config"
	"github.com/tufanbarisyildirim/gonginx/parser"

	"stackgen/examples"
	"stackgen/pkg/conf"
	"stackgen/pkg/fact"
)

// TestWholeFileParser: where gonginx reads a whole nginx.conf and we find no error in it, upstreams have the same servers.
// The whole-file parser of config-parser needs a module that nothing else does.
func TestWholeFileParser(t *testing.T) {
	texts := []string{ // what people write by hand
		"events {}\nhttp { upstream a { server 10.0.0.1:80 weight=2; server unix:/run/a.sock; keepalive 8; }\nupstream b { server c.example:81 backup; } }\n",
		"http {\n# server 10.0.0.9;\nupstream a {\n  least_conn;\n  server 10.0.0.1;server [::1]:80 down;\n}\n}\n",
	}
	for _, name := range examples.Names() {
		_, files := rendered(t, name, false)
		for _, f := range files {
			if f.Kind == conf.Nginx {
				texts = append(texts, string(f.Data))
			}
		}
	}
	slices.Sort(texts)
	compared := 0
	for _, text := range slices.Compact(texts) {
		want, err := nginxServers(text)
		s := readOne(t, []conf.File{{Host: "web1", Path: "/etc/nginx/nginx.conf", Kind: conf.Nginx, Data: []byte(text)}}, fact.Options{})
		if err != nil || len(s.Hosts[0].Source.Tree(conf.Nginx).Errors) > 0 {
			t.Logf("not compared: %v, %v: %.100q", err, s.Hosts[0].Source.Tree(conf.Nginx).Errors, text)
			continue
		}
		var got []string
		for _, p := range s.Hosts[0].Nginx.Upstreams {
			for _, s := range p.Servers {
				got = append(got, fmt.Sprintf("%s: %s", p.Name.Text, s.Address.Text))
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("servers (-gonginx +facts):\n%s\n%s", d, text)
		}
		compared++
	}
	if compared < 10 {
		t.Errorf("only %d files compared", compared)
	}
}

func nginxServers(text string) ([]string, error) {
	c, err := parser.NewStringParser(text, parser.WithSkipValidDirectivesErr()).Parse()
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, d := range c.FindDirectives("upstream") {
		u := d.(*config.Upstream)
		for _, s := range u.UpstreamServers {
			lines = append(lines, fmt.Sprintf("%s: %s", u.UpstreamName, s.Address))
		}
	}
	return lines, nil
}
