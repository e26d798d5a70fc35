package model

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"stackgen/pkg/conf"
)

// A raw line that is taken leaves what stands before and after it in the section they were in, as our own reader has it.
func TestRawStaysInItsSection(t *testing.T) {
	tests := []struct {
		name       string
		kind       conf.Kind
		flaw       func(string) (flaw, help string)
		head, tail string // around the line: before and after are statements of one section
		words      []string
	}{
		{"haproxy", conf.HAProxy, haproxyFlaw, "defaults\n    before 1\n    ", "\n    after 1\n",
			[]string{"frontend", "listen x", "no", "default", "global", "option", ".if", ".endif", "mode"}},
		{"keepalived", conf.Keepalived, keepalivedFlaw, "vrrp_instance v {\n    before 1\n    ", "\n    after 1\n}\n",
			[]string{"include", "vrrp_instance", "priority", "track_interface", "~SEQ", "@lb1", "!", "global_defs"}},
		{"nginx", conf.Nginx, nginxFlaw, "http {\n    before 1;\n    ", "\n    after 1;\n}\n",
			[]string{"server", "gzip", "on;", "if ($x)", "${", "$x", "map"}},
		{"mysql", conf.MySQL, mysqlFlaw, "[mysqld]\nbefore = 1\n", "\nafter = 1\n",
			[]string{"[client]", "!include", "skip_name_resolve", "=", "port"}},
	}
	common := []string{" ", " ", " ", "{", "}", ";", `"`, "'", `\`, "#", "$", "a", ")", "é"}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			taken := 0
			rapid.Check(t, func(t *rapid.T) {
				parts := rapid.SliceOfN(rapid.SampledFrom(append(tt.words, common...)), 1, 9).Draw(t, "parts")
				line := strings.Join(parts, "")
				if flaw, _ := rawFlaw(line, tt.flaw); flaw != "" {
					return
				}
				taken++
				tree := conf.Parse(conf.File{Host: "h", Path: "/f", Kind: tt.kind, Data: []byte(tt.head + line + tt.tail)}, "f")
				if len(tree.Errors) > 0 {
					t.Fatalf("%q is taken, but the file is not read: %v", line, tree.Errors)
				}
				if len(tree.Body) != 1 {
					t.Fatalf("%q opens or closes a section: there are %d", line, len(tree.Body))
				}
				body := tree.Body[0].Body
				if first, last := body[0], body[len(body)-1]; first.Name() != "before" || last.Name() != "after" || last.Cond != nil || len(last.Words) != 2 {
					t.Fatalf("%q changes what stands beside it: %v … %v", line, first.Words, last.Words)
				}
			})
			if taken < 5 {
				t.Errorf("only %d lines were taken: nothing is proven", taken)
			}
		})
	}
}
