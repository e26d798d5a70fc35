package tree

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"stackgen/pkg/conf"
)

func diffOf(t rapid.TB, p *Plan, prefix string, color bool) string {
	t.Helper()
	var b bytes.Buffer
	if err := p.Diff(&b, prefix, color); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestDiff(t *testing.T) {
	mode := func(f conf.File, m uint32) conf.File { f.Mode = m; return f }
	for _, tt := range []struct{ name, old, new, want string }{
		{"edit", "1\n2\n3\n4\n5\n6\n7\n8\n", "1\n2\n3\n4\n5\n6\nseven\n8\n", "--- a/H/f\n+++ b/H/f\n@@ -4,5 +4,5 @@\n 4\n 5\n 6\n-7\n+seven\n 8\n"},
		{"newline added", "1\n2", "1\n2\n", "--- a/H/f\n+++ b/H/f\n@@ -1,2 +1,2 @@\n 1\n-2\n\\ No newline at end of file\n+2\n"},
		{"newline taken, lines added", "1\n2\n", "1\n2\n3", "--- a/H/f\n+++ b/H/f\n@@ -1,2 +1,3 @@\n 1\n 2\n+3\n\\ No newline at end of file\n"},
		{"added to an unended line", "1", "1\n2", "--- a/H/f\n+++ b/H/f\n@@ -1 +1,2 @@\n-1\n\\ No newline at end of file\n+1\n+2\n\\ No newline at end of file\n"},
		{"from nothing", "", "1\n", "--- a/H/f\n+++ b/H/f\n@@ -0,0 +1 @@\n+1\n"},
		{"to nothing", "1\n2\n", "", "--- a/H/f\n+++ b/H/f\n@@ -1,2 +0,0 @@\n-1\n-2\n"},
		{"binary", "1\x00", "2", "Binary files a/H/f and b/H/f differ\n"},
	} {
		p := &Plan{Changes: []Change{{Kind: Edit, File: file("H", "/f", tt.new), Old: []byte(tt.old), OldMode: 0o644}}}
		if diff := cmp.Diff("diff --git a/H/f b/H/f\n"+tt.want, diffOf(t, p, "", false)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}

	p := &Plan{Changes: []Change{
		{Kind: Add, File: file("lb1", "/a", "1\n")},
		{Kind: Add, File: mode(file("lb1", "/empty", ""), 0o755)},
		{Kind: Chmod, File: mode(file("lb1", "/m", "1\n"), 0o755), Old: []byte("1\n"), OldMode: 0o644},
		{Kind: Edit, File: mode(file("lb1", "/n", "2\n"), 0o755), Old: []byte("1\n"), OldMode: 0o664},
		{Kind: Edit, File: file("lb1", "/crlf", "1\n"), Old: []byte("1\r\n"), OldMode: 0o644},
		{Kind: Edit, File: file("lb1", "/link", "1\n"), Foreign: true, Note: "is a symbolic link"},
		{Kind: Edit, File: file("lb1", "/sp ace", "2\n"), Old: []byte("\x1b[2J1\n"), OldMode: 0o644},
		{Kind: Remove, File: file("lb1", "/z", ""), Old: []byte("1\n"), OldMode: 0o644},
	}}
	const want = `diff --git a/shop/lb1/a b/shop/lb1/a
new file mode 100644
--- /dev/null
+++ b/shop/lb1/a
@@ -0,0 +1 @@
+1
diff --git a/shop/lb1/empty b/shop/lb1/empty
new file mode 100755
diff --git a/shop/lb1/m b/shop/lb1/m
old mode 100644
new mode 100755
diff --git a/shop/lb1/n b/shop/lb1/n
old mode 100664
new mode 100755
--- a/shop/lb1/n
+++ b/shop/lb1/n
@@ -1 +1 @@
-1
+2
shop/lb1/crlf: lines end in CRLF in the folder, in LF when rendered
diff --git a/shop/lb1/crlf b/shop/lb1/crlf
--- a/shop/lb1/crlf
+++ b/shop/lb1/crlf
@@ -1 +1 @@
-1^M
+1
shop/lb1/link is a symbolic link
diff --git a/shop/lb1/link b/shop/lb1/link
Binary files a/shop/lb1/link and b/shop/lb1/link differ
diff --git a/shop/lb1/sp ace b/shop/lb1/sp ace
--- a/shop/lb1/sp ace
+++ b/shop/lb1/sp ace
@@ -1 +1 @@
-^[[2J1
+2
diff --git a/shop/lb1/z b/shop/lb1/z
deleted file mode 100644
--- a/shop/lb1/z
+++ /dev/null
@@ -1 +0,0 @@
-1
`
	got := diffOf(t, p, "shop/", true)
	for _, style := range []string{bold, red, green, cyan, "\x1b[m"} {
		got = strings.ReplaceAll(got, style, "")
	}
	if diff := cmp.Diff(want, strings.ReplaceAll(got, "\t", "")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := diffOf(t, p, "", false); strings.Contains(got, bold) || !strings.Contains(got, "-1\r\n") {
		t.Errorf("without color: %q", got)
	}
}

// apply applies hunks to old as a reader of a diff does: it believes the line numbers.
func apply(t rapid.TB, old, diff string) string {
	var out []string
	lines := splitLines(old)
	at, mark := 0, byte(0)
	for _, l := range splitLines(diff) {
		before := mark
		mark = l[0]
		switch {
		case strings.HasPrefix(l, "@@ -"):
			var from, count int
			if n, _ := fmt.Sscanf(l, "@@ -%d,%d", &from, &count); n == 1 {
				count = 1
			}
			if count > 0 {
				from--
			}
			if from < at {
				t.Fatalf("hunk %q goes back to line %d from %d", l, from, at)
			}
			out = append(out, lines[at:from]...)
			at = from
		case mark == '\\' && before == '-':
		case mark == '\\':
			out[len(out)-1] = strings.TrimSuffix(out[len(out)-1], "\n")
		case mark == '+':
			out = append(out, l[1:])
		default:
			if strings.TrimSuffix(lines[at], "\n") != strings.TrimSuffix(l[1:], "\n") {
				t.Fatalf("line %d is %q, the diff has %q", at, lines[at], l)
			}
			if at++; mark == ' ' {
				out = append(out, l[1:])
			}
		}
	}
	return strings.Join(append(out, lines[at:]...), "")
}

func TestDiffApplies(t *testing.T) {
	word := rapid.SampledFrom([]string{"a\n", "b\n", "c\n", "}\n", "\n", "é\r\n"})
	rapid.Check(t, func(rt *rapid.T) {
		// Repeated, so that some texts are longer than what Myers is given at once.
		body := func(label string) string {
			var b strings.Builder
			for i := range rapid.SampledFrom([]int{1, 1, 1, 40}).Draw(rt, label+" times") {
				for j, w := range rapid.SliceOfN(word, 0, 25).Draw(rt, label) {
					if j%5 == 3 {
						fmt.Fprintf(&b, "server %d.%d\n", i, j) // stands once
					}
					b.WriteString(w)
				}
			}
			s := b.String()
			if rapid.Bool().Draw(rt, label+" has no newline") {
				s += "end"
			}
			return s
		}
		before, after := body("old"), body("new")
		if before == after {
			return
		}
		p := &Plan{Changes: []Change{{Kind: Edit, File: file("h", "/f", after), Old: []byte(before), OldMode: 0o644}}}
		_, hunks, _ := strings.Cut(diffOf(rt, p, "", false), "@@ -")
		if got := apply(rt, before, "@@ -"+hunks); got != after {
			rt.Fatalf("applied to %q: %q, want %q\n%s", before, got, after, hunks)
		}
	})
}

// TestGitApply lets git make the change that a diff says, and compares with Write.
func TestGitApply(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("NOT TESTED: no git to apply a diff with")
	}
	text := func(files []conf.File) []conf.File {
		for i, f := range files {
			if bytes.IndexByte(f.Data, 0) >= 0 {
				files[i].Data = []byte("text\n")
			}
		}
		return stack(files[:len(files)-1]...)
	}
	base := t.TempDir()
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		if n++; n > 20 { // a process each
			return
		}
		defer func() { os.RemoveAll(base + "/a"); os.RemoveAll(base + "/b") }()
		a, b := text(drawStack(rt, "A")), text(drawStack(rt, "B"))
		write(rt, base+"/a", a)
		write(rt, base+"/b", a)
		p, err := Compare(base+"/a", b, nil)
		if err != nil {
			rt.Fatal(err)
		}
		diff := diffOf(rt, p, "", false)
		if _, err := p.Write(false); err != nil {
			rt.Fatal(err)
		}
		if diff == "" {
			return
		}
		cmd := exec.Command("git", "apply", "--whitespace=nowarn", "-")
		cmd.Dir = base + "/b"
		cmd.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+base, "GIT_CONFIG_GLOBAL=/dev/null")
		cmd.Stdin = strings.NewReader(diff)
		if out, err := cmd.CombinedOutput(); err != nil {
			rt.Fatalf("%v\n%s\n%s", err, out, diff)
		}
		if d := cmp.Diff(snapshot(rt, base+"/a"), snapshot(rt, base+"/b")); d != "" {
			rt.Fatalf("git apply of\n%s\n(-Write +git):\n%s", diff, d)
		}
	})
}

// TestDiffLarge keeps Myers from eating memory: these are 100,000 lines with nothing in common, and with a change in
// every hundredth.
func TestDiffLarge(t *testing.T) {
	var a, b, c strings.Builder
	for i := range 50000 {
		fmt.Fprintf(&a, "server a%d\n}\n", i)
		fmt.Fprintf(&b, "listen b%d\n{\n", i)
		if i%100 == 0 {
			c.WriteString("changed\n}\n")
		} else {
			fmt.Fprintf(&c, "server a%d\n}\n", i)
		}
	}
	start := time.Now()
	for _, tt := range []struct {
		new   string
		lines int // at most
	}{{b.String(), 200_010}, {c.String(), 500 * 10}} {
		p := &Plan{Changes: []Change{{Kind: Edit, File: file("h", "/f", tt.new), Old: []byte(a.String()), OldMode: 0o644}}}
		got := diffOf(t, p, "", false)
		if n := strings.Count(got, "\n"); n > tt.lines {
			t.Errorf("%d lines of diff, want at most %d", n, tt.lines)
		}
		_, hunks, _ := strings.Cut(got, "@@ -")
		if apply(t, a.String(), "@@ -"+hunks) != tt.new {
			t.Error("the diff does not apply")
		}
	}
	if d := time.Since(start); d > 10*time.Second {
		t.Errorf("took %v", d)
	}
}
