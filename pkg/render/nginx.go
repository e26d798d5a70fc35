package render

import (
	"strconv"
	"strings"
	"time"

	"github.com/tufanbarisyildirim/gonginx/config"
	"github.com/tufanbarisyildirim/gonginx/dumper"

	"stackgen/pkg/model"
)

// nginxPage is a page of nginx statements, printed by gonginx one at a time: it keeps no comments, and its own types
// for http, upstream and server change the order of what is in them.
type nginxPage struct {
	page
	depth     int              // open blocks
	directive config.Directive // the one being printed: gonginx keeps nothing of it
}

// gonginx formats Lua unless told not to; on some Lua it never ends.
var nginxStyle = &dumper.Style{Indent: 4, DisableLuaFormatting: true}

var noStatements config.Block

// set writes a statement without a block.
func (n *nginxPage) set(path, why, name string, args ...string) {
	n.put(path, 4*n.depth, dumper.DumpDirective(n.words(name, args), nginxStyle), why)
}

// open writes a statement up to its brace; shut closes it.
func (n *nginxPage) open(path, why, name string, args ...string) {
	d := n.words(name, args)
	d.Block = &noStatements
	statement, _, _ := strings.Cut(dumper.DumpDirective(d, nginxStyle), "\n")
	n.put(path, 4*n.depth, statement, why)
	n.depth++
}

func (n *nginxPage) shut(path string) {
	n.depth--
	n.put(path, 4*n.depth, "}", "")
}

// long writes a statement with each argument after the first two on a line of its own.
func (n *nginxPage) long(path, name string, args ...string) {
	d := n.words(name, args)
	for i := range d.Parameters {
		d.Parameters[i].SetRelativeLineIndex(max(0, i-1))
	}
	for line := range strings.SplitSeq(dumper.DumpDirective(d, nginxStyle), "\n") {
		n.put(path, 4*n.depth, line, "")
	}
}

// say writes a comment on lines of its own.
func (n *nginxPage) say(path, text string) { n.note(path, 4*n.depth, text) }

// raw writes the user's own lines of one block.
func (n *nginxPage) raw(block string, lines []string) {
	if len(lines) == 0 {
		return
	}
	path := "raw.nginx." + block
	n.say(path, "raw: the topology's own lines")
	for i, line := range lines {
		n.put(path+"."+strconv.Itoa(i), 4*n.depth, line, "")
	}
	n.say(path, "end of raw")
}

// words is a statement as gonginx takes it, until the next one.
func (n *nginxPage) words(name string, args []string) *config.Directive {
	d := &n.directive
	d.Name, d.Block, d.Parameters = nginxWord(name), nil, d.Parameters[:0]
	for _, a := range args {
		d.Parameters = append(d.Parameters, config.Parameter{Value: nginxWord(a)})
	}
	return d
}

// nginxWord is the word as it must be written for nginx to read it as it is: in quotes where it would end early or lose
// a backslash. Variables in it stay variables.
func nginxWord(s string) string {
	bare := s != ""
	for i := 0; bare && i < len(s); i++ {
		switch s[i] {
		case ' ', '\t', '\r', '\n', ';', '{', '}', '#', '"', '\'':
			bare = false
		case '\\': // stays as it is before any other character
			bare = i+1 < len(s) && !strings.ContainsRune(`"'\trn`, rune(s[i+1]))
		}
	}
	if bare {
		return s
	}
	quote := byte('"')
	if strings.Contains(s, `"`) && !strings.Contains(s, `'`) {
		quote = '\''
	}
	w := make([]byte, 0, len(s)+8)
	w = append(w, quote)
	for i := range len(s) {
		switch c := s[i]; c {
		case '\n':
			w = append(w, `\n`...)
		case '\r':
			w = append(w, `\r`...)
		case '\t':
			w = append(w, `\t`...)
		case quote, '\\':
			w = append(w, '\\', c)
		default:
			w = append(w, c)
		}
	}
	return string(append(w, quote))
}

// nginxTime is a duration in nginx's words.
func nginxTime(d model.Duration) string {
	ms := d.Milliseconds()
	if ms%1000 != 0 {
		return strconv.FormatInt(ms, 10) + "ms"
	}
	return strconv.FormatInt(ms/1000, 10) + "s"
}

// nginxSize is a size in nginx's words, which know no T.
func nginxSize(z model.Size) string {
	s := z.String()
	if n, ok := strings.CutSuffix(s, "T"); ok {
		v, _ := strconv.ParseInt(n, 10, 64)
		return strconv.FormatInt(v*1024, 10) + "G"
	}
	return s
}

// beyondIdle is a little more than the client's idle time: the side that connects closes first, so that no request
// meets a connection that is just being closed.
func beyondIdle(t *model.Topology) model.Duration {
	return t.Timeouts.Idle + model.Duration(15*time.Second)
}
