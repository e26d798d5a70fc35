package model

import (
	"regexp"
	"slices"
	"strings"
)

// A raw line is the user's own, but it ends where it ends: it opens no section, leaves no quote or block open and closes
// none it did not open, so that it changes nothing but what it says. (That it is one line of printable characters holds for every value: parse.)

// haproxySections start another section wherever they stand first on a line (HAProxy 3.2).
var haproxySections = []string{
	"acme", "backend", "cache", "crt-store", "defaults", "fcgi-app", "frontend", "global", "http-errors", "listen",
	"log-forward", "log-profile", "mailers", "peers", "program", "resolvers", "ring", "traces", "userlist",
}

// keepalivedBlocks stand at the top level only; include would read a file that nobody rendered.
var keepalivedBlocks = []string{
	"global_defs", "include", "includea", "includem", "includer", "includew", "linkbeat_interfaces", "net_namespace",
	"static_ipaddress", "static_routes", "static_rules", "static_track_group", "virtual_server", "virtual_server_group",
	"vrrp_instance", "vrrp_script", "vrrp_sync_group", "vrrp_track_file", "vrrp_track_process", "track_file",
}

var (
	haproxyWord    = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)
	keepalivedWord = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	mysqlOption    = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*\s*(=.*)?$`)
)

func checkRaw(t *Topology, p *problems) {
	r := &t.Raw
	for _, section := range []struct {
		path  string
		lines []string
		flaw  func(string) (flaw, help string)
	}{
		{"raw.haproxy.global", r.HAProxy.Global, haproxyFlaw},
		{"raw.haproxy.defaults", r.HAProxy.Defaults, haproxyFlaw},
		{"raw.haproxy.frontend", r.HAProxy.Frontend, haproxyFlaw},
		{"raw.haproxy.backend", r.HAProxy.Backend, haproxyFlaw},
		{"raw.keepalived.global_defs", r.Keepalived.GlobalDefs, keepalivedFlaw},
		{"raw.keepalived.vrrp_instance", r.Keepalived.VRRPInstance, keepalivedFlaw},
		{"raw.nginx.main", r.Nginx.Main, nginxFlaw},
		{"raw.nginx.events", r.Nginx.Events, nginxFlaw},
		{"raw.nginx.http", r.Nginx.HTTP, nginxFlaw},
		{"raw.nginx.server", r.Nginx.Server, nginxFlaw},
		{"raw.mysql.server", r.MySQL.Server, mysqlFlaw},
	} {
		for i, line := range section.lines {
			path := item(section.path, i)
			if p.broken(path) {
				continue
			}
			if flaw, help := rawFlaw(line, section.flaw); flaw != "" {
				p.at(path, help, "the raw line %q %s", line, flaw)
			}
		}
	}
}

// rawFlaw says what is wrong with a line in any language, then in its own.
func rawFlaw(line string, own func(string) (flaw, help string)) (flaw, help string) {
	switch {
	case strings.TrimSpace(line) == "":
		return "is empty", "leave it out"
	case len(line) > 1000: // HAProxy ends at 2048 bytes, indentation and all
		return "is longer than the daemons read", "use at most 1000 bytes"
	case strings.HasPrefix(strings.TrimSpace(line), "#"):
		return "", "" // a comment
	}
	return own(strings.TrimSpace(line))
}

const moreThanALine = "write what belongs between the lines of one section; another section needs a file of its own"

func haproxyFlaw(line string) (flaw, help string) {
	words := strings.Fields(line)
	first := words[0]
	if (first == "no" || first == "default") && len(words) > 1 {
		first = words[1] // HAProxy takes these away before it looks for a section
	}
	switch {
	case strings.HasPrefix(first, "."):
		return "is a condition on the lines after it", moreThanALine
	case !haproxyWord.MatchString(words[0]) || !haproxyWord.MatchString(first):
		return "does not start with a plain keyword", "write the keyword without quotes"
	case slices.Contains(haproxySections, first):
		return "opens a section", moreThanALine
	}
	quote := byte(0)
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\' && quote != '\'':
			if i++; i == len(line) {
				return `ends with \`, "leave it out"
			}
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '#':
			return "", ""
		}
	}
	if quote != 0 {
		return "leaves a quote open", "close it"
	}
	return "", ""
}

func keepalivedFlaw(line string) (flaw, help string) {
	first := strings.Fields(line)[0]
	switch {
	case !keepalivedWord.MatchString(first): // also @condition, $DEFINITION=, ~SEQ()
		return "does not start with a plain keyword", "write a keyword of the block, such as garp_master_refresh 60"
	case slices.Contains(keepalivedBlocks, first):
		return "opens a block or a file", moreThanALine
	case strings.HasSuffix(line, `\`):
		return `ends with \, which joins the next line to it`, "leave it out"
	case strings.Contains(line, "$"):
		return "uses a definition, and the rendered file has none", "write the value"
	}
	depth, quote := 0, byte(0)
	for i := range len(line) {
		c := line[i]
		if quote != 0 {
			switch c {
			case quote:
				quote = 0
			case '{', '}', '#', '!': // quotes protect these after some keywords only
				return "has " + string(c) + " between quotes", "put it into a script or a file of its own"
			}
			continue
		}
		switch c {
		case '"', '\'':
			quote = c
		case '{':
			depth++
		case '}':
			if depth--; depth < 0 {
				return "closes a block it did not open", "balance the braces"
			}
		case '#', '!':
			if depth > 0 {
				return "leaves a block open", "balance the braces"
			}
			return "", ""
		}
	}
	switch {
	case quote != 0:
		return "leaves a quote open", "close it"
	case depth > 0:
		return "leaves a block open", "balance the braces"
	}
	return "", ""
}

// nginxFlaw reads a line as ngx_conf_read_token does: quotes and comments start only where a word starts, a brace inside
// a word ends it only when it opens and is not that of ${name}, and one that closes counts only where a word starts.
func nginxFlaw(line string) (flaw, help string) {
	depth, words := 0, 0
	inWord, variable, quote := false, false, byte(0)
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case c == '\\': // the next byte is an ordinary one
			if i++; i == len(line) {
				return `ends with \, which takes the end of the line away`, "leave it out"
			}
			if !inWord {
				inWord, words = true, words+1
			}
			variable = false
		case quote != 0:
			if c == quote {
				quote, inWord = 0, false
				if i+1 < len(line) && !strings.ContainsRune(" ;{)", rune(line[i+1])) {
					return "goes on right after a quote", "write a space or ; after the quote"
				}
			}
		case c == '{' && variable: // so is the next one
		case c == ';' || c == '{':
			if words == 0 {
				return "has a " + string(c) + " without a directive", "write the directive's name first"
			}
			if c == '{' {
				depth++
			}
			inWord, variable, words = false, false, 0
		case c == ' ':
			inWord, variable = false, false
		case inWord:
			variable = c == '$'
		case c == '}':
			if words > 0 {
				return "has a directive without ; before }", "write ; after the directive"
			}
			if depth--; depth < 0 {
				return "closes a block it did not open", "balance the braces"
			}
		case c == '#':
			i = len(line)
		default:
			inWord, words, variable = true, words+1, c == '$'
			if c == '"' || c == '\'' {
				quote = c
			}
		}
	}
	switch {
	case quote != 0:
		return "leaves a quote open", "close it"
	case depth > 0:
		return "leaves a block open", "balance the braces"
	case words > 0:
		return "does not end with ; or }", "write ; at the end"
	}
	return "", ""
}

func mysqlFlaw(line string) (flaw, help string) {
	switch {
	case strings.HasPrefix(line, "["):
		return "opens a group", moreThanALine
	case strings.HasPrefix(line, "!"):
		return "reads another file", "write the options themselves"
	case !mysqlOption.MatchString(line):
		return "is no option", "write name or name = value"
	case strings.Count(line, `"`)%2 != 0 || strings.Count(line, "'")%2 != 0:
		return "leaves a quote open", "close it"
	}
	return "", ""
}
