package conf

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// native returns a function that writes a file, runs a command on it and returns what it prints and its exit code.
// "FILE" and "DIR" in args stand for the file and its folder.
func native(t *testing.T, command string, args ...string) func(data string) (out string, file string, code int) {
	t.Helper()
	if os.Getenv("STACKGEN_NO_NATIVE") == "1" {
		t.Skip("STACKGEN_NO_NATIVE=1: not compared with " + command)
	}
	path, err := exec.LookPath(command)
	if err != nil {
		if os.Getenv("STACKGEN_REQUIRE_NATIVE") == "1" {
			t.Fatalf("%v; STACKGEN_REQUIRE_NATIVE=1 asks for it", err)
		}
		t.Skipf("NOT COMPARED with %s: %v", command, err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "conf")
	for i := range args {
		args[i] = strings.NewReplacer("FILE", file, "DIR", dir).Replace(args[i])
	}
	return func(data string) (string, string, int) {
		t.Helper()
		if err := os.WriteFile(file, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		cmd := exec.CommandContext(ctx, path, args...)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
			t.Fatal(err)
		}
		return out.String(), file, cmd.ProcessState.ExitCode()
	}
}

// errorLines are the lines with a syntax error, each once.
func errorLines(tr *Tree) (lines []int) {
	for _, d := range tr.Errors {
		lines = append(lines, d.Pos.Line)
	}
	return slices.Compact(lines)
}

func random(r *rand.Rand, alphabet []string, n int) string {
	var b strings.Builder
	for range r.IntN(n) + 1 {
		b.WriteString(alphabet[r.IntN(len(alphabet))])
	}
	return b.String()
}

var haproxyAlert = regexp.MustCompile(`\[ALERT\].*parsing \[[^\]]*:(\d+)\] ?: ([^\n]*)`)

// haproxySyntax are the messages that are about the text alone.
var haproxySyntax = regexp.MustCompile(`unmatched quote|unmatched brace|forbidden first char|hexadecimal sequence|` +
	`word expansion|too many words|Missing LF|NUL character|out of section|lone '|after '\.else'|Unexpected argument|` +
	`unknown directive|non-terminated|scope|too many nested|conditional expression|in '\.(el)?if'`)

func TestNativeHAProxy(t *testing.T) {
	run := native(t, "haproxy", "-c", "-f", "FILE")
	check := func(t *testing.T, data string) {
		t.Helper()
		out, _, _ := run(data)
		ours := errorLines(Parse(File{Kind: HAProxy, Data: []byte(data)}, "f"))
		var theirs []int
		for _, m := range haproxyAlert.FindAllStringSubmatch(out, -1) {
			if haproxySyntax.MatchString(m[2]) {
				n, _ := strconv.Atoi(m[1])
				theirs = append(theirs, n)
			}
		}
		// It may stop at any of them; we go on.
		bom := strings.HasPrefix(data, "\ufeff") // hides the section from HAProxy; the rest follows from that
		for _, n := range theirs {
			if !slices.Contains(ours, n) && !bom {
				t.Errorf("%q: HAProxy finds fault with line %d, we with %v\n%s", data, n, ours, out)
			}
		}
		if (len(theirs) == 0) != (len(ours) == 0) || len(theirs) > 0 && ours[0] != slices.Min(theirs) {
			t.Errorf("%q: we find fault with lines %v, HAProxy with %v\n%s", data, ours, theirs, out)
		}
	}
	for name, data := range testInputs(t, HAProxy) {
		t.Run(name, func(t *testing.T) { check(t, data) })
	}
	// HAProxy stops at the first condition it cannot read.
	r := rand.New(rand.NewPCG(1, 2))
	tokens := []string{"1", "0", "07", "-1", "!", "(", ")", "&&", "||", " ", "defined(X)", "feature(X)", "streq(a,b)", "strneq(a)", "version_atleast(2.4)",
		"defined()", "defined", "foo", ","}
	for range 30 {
		check(t, ".if "+random(r, tokens, 5)+"\n.endif\n")
	}
	check(t, strings.Repeat(".if 1\n", 99)+strings.Repeat(".endif\n", 99))
	check(t, strings.Repeat(".if 1\n", 100)+strings.Repeat(".endif\n", 100))
	check(t, "[a.b]\n[]\n[a\n")
	check(t, "[a/b]\n")
	check(t, ".if 1\n.if 0\n.if x\n.endif\n.elif 1\n.endif\n.endif\n.if ()\n.endif\n")
	check(t, "global\nfrontend\n.if 1\n  \"\" x\n.endif # x\n\n \n")

	alphabet := []string{"a", "b", " ", " ", `"`, `'`, `\`, "#", "x41", "${A}", "${", "$A", "{", "}", "-", "[*]", "\r", "\t", "é", "\x00"}
	for range 15 {
		// Many lines at once: only a NUL ends the reading early.
		var b strings.Builder
		b.WriteString("global\n")
		for range 20 {
			line := random(r, alphabet[:len(alphabet)-1], 8)
			b.WriteString("  description x" + line + "\n")
		}
		check(t, b.String())
		check(t, "global\n"+random(r, alphabet, 12)+"\n")
	}
}

// The words HAProxy sees are those we see.
func TestNativeHAProxyWords(t *testing.T) {
	run := native(t, "haproxy", "-c", "-f", "FILE")
	r := rand.New(rand.NewPCG(3, 4))
	alphabet := []string{"a", "b", " ", `"`, `'`, `\`, `\`, "#", `\x41`, "$", "n", "t", "{", "é"}
	var b strings.Builder
	for range 600 {
		line := ".notice x" + random(r, alphabet, 8) + "\n"
		tree := Parse(File{Kind: HAProxy, Data: []byte(line)}, "f")
		if len(tree.Errors) > 0 || len(tree.Body[0].Words) != 2 {
			continue // 50 errors end the run
		}
		if strings.Contains(line, "$") && strings.Contains(line, `"`) {
			continue // its environment is not ours
		}
		b.WriteString(line)
	}
	out, _, _ := run(b.String())
	theirs := map[int]string{}
	for _, m := range regexp.MustCompile(`(?s)\[NOTICE\][^\n]*?parsing \[[^\]]*:(\d+)\]: '(.*?)'\.\n`).FindAllStringSubmatch(out, -1) {
		n, _ := strconv.Atoi(m[1])
		theirs[n] = m[2]
	}
	n := 0
	for _, node := range Parse(File{Kind: HAProxy, Data: []byte(b.String())}, "f").Body {
		w := node.Arg(1)
		n++
		if got, ok := theirs[w.Pos.Line]; !ok || got != w.Text {
			t.Errorf("%s: HAProxy reads %q (%v), we %q", w.Raw, got, ok, w.Text)
		}
	}
	if n < 100 {
		t.Errorf("only %d words compared", n)
	}
}

func TestNativeNginx(t *testing.T) {
	run := native(t, "nginx", "-t", "-p", "DIR", "-c", "FILE", "-g", "pid DIR/pid; error_log stderr;")
	syntax := regexp.MustCompile(`^\d+#\d+: (unexpected|too long)`)
	check := func(t *testing.T, data string) {
		t.Helper()
		out, _, _ := run(data)
		ours := errorLines(Parse(File{Kind: Nginx, Data: []byte(data)}, "f"))
		theirs := 0
		if m := regexp.MustCompile(`(?s)\[emerg\] (.*?) in [^\n]*:(\d+)\n`).FindStringSubmatch(out); m != nil {
			if !syntax.MatchString(m[1]) || strings.Contains(m[1], `unexpected "{"`) && strings.Contains(data, "types") {
				return // an unknown directive, or a block where none may be
			}
			theirs, _ = strconv.Atoi(m[2])
		}
		if theirs == 0 && len(ours) > 0 || theirs > 0 && (len(ours) == 0 || ours[0] != theirs) {
			t.Errorf("%q: nginx finds fault with line %d, we with %v\n%s", data, theirs, ours, out)
		}
	}
	const head, tail = "events {}\nhttp { types {\n", "\n}}\n"
	for i, body := range []string{
		"a b;", "a b", "a b;;", ";", "}", "}}}", "a \"b\"c;", "a 'b\"c';", "a 'b", "a \"b\\\"c;", "a \"b\");", "a b}c;", "a b}", "a \\;;",
		"a \\{;", "a ${b};", "a $b{c;", "a $\\{;", "a #;\n;", "a b#c;", "#", "\\", "a\n\n\n", "a 'b\n\nc' d;\n}", "a\r\n\rb;", "a\fb;", "a \x00b;",
		"a \xffb;", "a;b;c;", "a{b;}",
		"a " + strings.Repeat("x", 4094) + " b;", "a " + strings.Repeat("x", 4095) + " b;",
		"a " + strings.Repeat("x", 4095) + ";", "a " + strings.Repeat("x", 4096) + ";",
		"a '" + strings.Repeat("x", 4094) + "';", "a '" + strings.Repeat("x", 4095) + "';",
		"a '" + strings.Repeat("x", 4093) + "' b;", "a '" + strings.Repeat("x", 4094) + "' b;",
		"\n#" + strings.Repeat("x", 4094) + "\na b;", "\n#" + strings.Repeat("x", 4095) + "\na b;",
		"a '" + strings.Repeat("x\n", 3000), "a\n" + strings.Repeat(" \n", 5000) + "b;",
	} {
		t.Run(fmt.Sprint("body", i), func(t *testing.T) { check(t, head+body+tail); check(t, head+body) })
	}
	for i, data := range []string{"", "events {", "events {}\nhttp {\n\n", "events {}\nhttp {\nserver {\n}\n", "events {}}\n", "{", "events { { } }",
		"events {}\nhttp {\n server_tokens off\n}\n", "events {} # x", "events\n{\n}\n",
		"events {}\nhttp { " + strings.Repeat("#", 5000)} {
		t.Run(fmt.Sprint("file", i), func(t *testing.T) { check(t, data) })
	}
	r := rand.New(rand.NewPCG(5, 6))
	alphabet := []string{"a", " ", "\n", ";", ";", "}", `"`, `'`, `\`, "#", "$", "${b}", ")", "\r"}
	for range 40 {
		check(t, head+"a "+random(r, alphabet, 12)+"\n;"+tail)
	}
}

// nginx names the content type of a repeated extension, and so the words it sees.
func TestNativeNginxWords(t *testing.T) {
	run := native(t, "nginx", "-t", "-p", "DIR", "-c", "FILE", "-g", "pid DIR/pid; error_log stderr;")
	r := rand.New(rand.NewPCG(7, 8))
	alphabet := []string{"a", "n", "t", " ", ";", `"`, `'`, `\`, `\`, "#", "$", "{", "}", "é"}
	var want []string
	var b strings.Builder
	b.WriteString("events {}\nhttp { types {\nfirst x;\n")
	for len(want) < 300 {
		w := random(r, alphabet, 8)
		if r.IntN(2) == 0 {
			w = `"` + w + `"`
		}
		tree := Parse(File{Kind: Nginx, Data: []byte(w + " x;")}, "f")
		if len(tree.Errors) > 0 || len(tree.Body) != 1 || tree.Body[0].Block || len(tree.Body[0].Words) != 2 || tree.Body[0].Words[1].Text != "x" {
			continue
		}
		text := tree.Body[0].Name()
		if len(want) > 0 && text == want[len(want)-1] {
			continue // nginx says nothing when the type stays the same
		}
		want = append(want, text)
		b.WriteString(w + " x;\n")
	}
	b.WriteString("}}\n")
	out, _, _ := run(b.String())
	got := regexp.MustCompile(`(?s)duplicate extension "x", content type: "(.*?)", previous content type:`).FindAllStringSubmatch(out, -1)
	if len(got) != len(want) {
		t.Fatalf("%d words of %d compared", len(got), len(want))
	}
	for i, m := range got {
		if m[1] != want[i] {
			t.Errorf("nginx reads %q, we %q", m[1], want[i])
		}
	}
}

// keepalivedFault is a fault of the text as the parent process tells it, which reads the file itself; the others read a
// copy of it and count other lines.
var keepalivedFault = regexp.MustCompile(`(?m)^(?:\(Line (\d+)\) )?(Extra '}'|Unexpected '{'|Unterminated quote|Unmatched quote|There are \d+ missing|Invalid ~SEQ)`)

func TestNativeKeepalived(t *testing.T) {
	run := native(t, "keepalived", "-t", "-f", "FILE")
	check := func(t *testing.T, data string) {
		t.Helper()
		out, _, code := run(data)
		if code == -1 {
			t.Logf("keepalived ended itself without a verdict")
			return
		}
		ours := errorLines(Parse(File{Kind: Keepalived, Data: []byte(data)}, "f"))
		var theirs []int
		for _, m := range keepalivedFault.FindAllStringSubmatch(out, -1) {
			n, _ := strconv.Atoi(m[1]) // none: the end of the file
			if m[1] == "" {
				n = strings.Count(data, "\n") + 1
			}
			theirs = append(theirs, n)
		}
		slices.Sort(theirs)
		theirs = slices.Compact(theirs)
		if !slices.Equal(ours, theirs) {
			t.Errorf("%q: keepalived finds fault with lines %v, we with %v\n%s", data, theirs, ours, out)
		}
	}
	for i, data := range []string{
		"global_defs {\n}\n",
		"global_defs {\n",
		"global_defs {\n}\n}\n",
		"global_defs\n{\n}\n",
		"global_defs{ router_id x }\n",
		"global_defs { router_id x\n}}\n",
		"{\n",
		"global_defs {\n router_id \"x\n}\n",
		"global_defs {\n router_id \"x } y\"\n}\n",
		"global_defs {\n router_id x # }\n}\n",
		"global_defs {\n router_id x ! \"\n}\n",
		"vrrp_instance A {\n virtual_ipaddress { 192.0.2.1\n }\n virtual_ipaddress_excluded\n {\n 192.0.2.2 } } global_defs { router_id x }\n",
		"vrrp_instance A {\n virtual_ipaddress {\n 192.0.2.1\n }\n",
		"$X=router_id a {\nglobal_defs {\n router_id x\n}\n",
		"@x vrrp_instance A {\n@^x vrrp_instance B {\n virtual_ipaddress {\n 192.0.2.1\n }\n}\n",
		"@x vrrp_instance A\n@^x vrrp_instance B\n{\n virtual_ipaddress {\n 192.0.2.1\n }\n}\n",
		"$X= \\\n router_id { \\\n }\nglobal_defs {\n}\n",
		"$X=a\nglobal_defs {\n router_id a${X}b\n}\n",
		"global_defs {\n @^x router_id b\n @x }\n}\n",
		"~SEQ(\n~SEQ(i, 1, 3) $X=a\n",
		"global_defs {\r\n router_id x\r\n}\r\n",
		"global_defs {\n router_id x\n}",
		"# " + strings.Repeat("x", 1020) + " { \nglobal_defs {\n}\n",
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) { check(t, data) })
	}
}

// my_print_defaults shows what the server reads of a file.
func TestNativeMySQL(t *testing.T) {
	run := native(t, "my_print_defaults", "--defaults-file=FILE", "g")
	check := func(t *testing.T, data string) {
		t.Helper()
		out, _, code := run(data)
		tree := Parse(File{Kind: MySQL, Data: []byte(data)}, "f")
		if code != 0 {
			m := regexp.MustCompile(`at line:? (\d+)`).FindStringSubmatch(out)
			if m == nil || len(tree.Errors) == 0 || m[1] != strconv.Itoa(tree.Errors[0].Pos.Line) {
				t.Errorf("%q: the server says %q, we %v", data, out, tree.Errors)
			}
			return
		}
		if len(tree.Errors) > 0 {
			t.Errorf("%q: the server reads it, we say %v", data, tree.Errors)
		}
		var b strings.Builder
		for g := range Named(tree.Body, "g") {
			for _, n := range g.Body {
				if name := n.Name(); strings.HasPrefix(name, "!") {
					continue
				} else if len(n.Words) == 1 {
					fmt.Fprintf(&b, "--%s\n", name)
				} else {
					fmt.Fprintf(&b, "--%s=%s\n", name, n.Words[1].Text)
				}
			}
		}
		if b.String() != out {
			t.Errorf("%q: the server reads %q, we %q", data, out, b.String())
		}
	}
	for name, data := range testInputs(t, MySQL) {
		if !strings.Contains(data, "!include") { // it would go and look
			t.Run(name, func(t *testing.T) { check(t, data) })
		}
	}
	for _, data := range []string{
		"[g]\na=" + strings.Repeat("x", 5000) + "=1\n[h]\n", "[g]\n#" + strings.Repeat("x", 5000) + "\n", "[g]\na=voilà\n", "[g]\n\u00a0a=b\u00a0\n",
		"[g\n", "\ufeff[g]\na=1\n", "\ufeff\n[g]\n", "[g]\n!include\na=1\n", "[g]\n!include ", "[g]\n!includedir \n",
	} {
		check(t, data)
	}
	r := rand.New(rand.NewPCG(9, 10))
	alphabet := []string{"a", "b", "=", "=", " ", "\t", `"`, `'`, `\`, "n", "s", "#", ";", "\n", "\n", "[", "]", "[g]", "é", "\r", "\x00", "\xa0"}
	for range 150 {
		data := "[g]\n" + random(r, alphabet, 24)
		if strings.Contains(strings.NewReplacer(" ", "", "\t", "", "\r", "", "\u00a0", "", "\xa0", "").Replace(data), "\n=") {
			continue // the server prints what its buffer held before
		}
		check(t, data)
	}
}
