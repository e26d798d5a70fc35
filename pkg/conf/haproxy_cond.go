package conf

import (
	"strings"
)

// haproxyPredicates are the predicates of a condition, of all versions, with their least and most arguments.
var haproxyPredicates = map[string][2]int{
	"awslc_api_atleast": {1, 1}, "awslc_api_before": {1, 1}, "defined": {0, 1}, "enabled": {1, 1}, "feature": {0, 1},
	"openssl_version_atleast": {1, 1}, "openssl_version_before": {1, 1}, "ssllib_name_startswith": {1, 1},
	"streq": {2, 2}, "strneq": {2, 2}, "strstr": {2, 2}, "version_atleast": {1, 1}, "version_before": {1, 1},
}

// haproxyCondition reports whether words are a condition HAProxy can read: numbers, predicates, "!", "&&", "||" and
// parentheses; or nothing, which is false. What holds a variable or an escape is taken for good.
func haproxyCondition(words []Word) bool {
	texts := make([]string, 0, haproxyMaxWords)
	for _, w := range words {
		texts = append(texts, w.Text)
	}
	c := haproxyCond{s: strings.Join(texts, " ")}
	if c.blanks(); c.i == len(c.s) || strings.ContainsAny(c.s, "$\\\"'") {
		return true
	}
	return c.or(0) && c.i == len(c.s)
}

type haproxyCond struct {
	s string
	i int
}

func (c *haproxyCond) blanks() {
	for c.i < len(c.s) && isBlank(c.s[c.i]) {
		c.i++
	}
}

// skip steps over token and the blanks after it, if it comes next.
func (c *haproxyCond) skip(token string) bool {
	if !strings.HasPrefix(c.s[c.i:], token) {
		return false
	}
	c.i += len(token)
	c.blanks()
	return true
}

func (c *haproxyCond) or(depth int) bool {
	for {
		for {
			if !c.term(depth) {
				return false
			}
			c.blanks()
			if !c.skip("&&") {
				break
			}
		}
		if !c.skip("||") {
			return true
		}
	}
}

func (c *haproxyCond) term(depth int) bool {
	for c.skip("!") {
	}
	if c.number() {
		return true
	}
	if c.skip("(") {
		return depth < 100 && c.or(depth+1) && c.skip(")")
	}
	name := c.s[c.i:]
	if n := strings.IndexAny(name, " ("); n >= 0 {
		name = name[:n]
	}
	want, ok := haproxyPredicates[name]
	if !ok {
		return false
	}
	c.i += len(name)
	args := 0
	if c.i < len(c.s) && c.s[c.i] == '(' {
		end := strings.IndexByte(c.s[c.i:], ')')
		if end < 0 {
			return false
		}
		if list := c.s[c.i+1 : c.i+end]; list != "" {
			args = 1 + strings.Count(list, ",")
		}
		c.i += end + 1
	}
	return args >= want[0] && args <= want[1]
}

// number steps over what strtol would read.
func (c *haproxyCond) number() bool {
	i := c.i
	if i < len(c.s) && (c.s[i] == '-' || c.s[i] == '+') {
		i++
	}
	start := i
	digit := isDigit
	if strings.HasPrefix(c.s[i:], "0x") && i+2 < len(c.s) && isHex(c.s[i+2]) {
		i += 2
		digit = isHex
	} else if strings.HasPrefix(c.s[i:], "0") {
		digit = func(b byte) bool { return b >= '0' && b <= '7' }
	}
	for i < len(c.s) && digit(c.s[i]) {
		i++
	}
	if i == start {
		return false
	}
	c.i = i
	return true
}
