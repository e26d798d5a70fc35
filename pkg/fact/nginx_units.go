package fact

import (
	"strconv"
	"strings"
	"time"

	"stackgen/pkg/conf"
)

// nginxUnits are the units of time in the order they may follow each other in: 1h30m, never 30m1h.
var nginxUnits = []struct {
	name string
	unit time.Duration
}{
	{"y", 365 * 24 * time.Hour}, {"M", 30 * 24 * time.Hour}, {"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour},
	{"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond}, {"", time.Second},
}

// NginxTime reads a time as nginx does: seconds without a unit, or several numbers with falling units (ngx_parse_time).
func NginxTime(s string) (time.Duration, bool) {
	const longest = 1<<63 - 1
	var sum time.Duration
	step := 0
	if s == "" {
		return 0, false
	}
	for s != "" {
		i := 0
		for i < len(s) && '0' <= s[i] && s[i] <= '9' {
			i++
		}
		n, err := strconv.ParseInt(s[:i], 10, 64)
		if err != nil {
			return 0, false
		}
		rest := s[i:]
		name := rest[:min(len(rest), 1)]
		switch {
		case strings.HasPrefix(rest, "ms"):
			name = "ms"
		case name == " ":
			name = ""
		}
		for ; step < len(nginxUnits) && nginxUnits[step].name != name; step++ {
		}
		if step == len(nginxUnits) || n > longest/int64(nginxUnits[step].unit) {
			return 0, false
		}
		d := time.Duration(n) * nginxUnits[step].unit
		if d > longest-sum {
			return 0, false
		}
		sum += d
		step++
		s = strings.TrimLeft(rest[len(name):], " ")
		if name == "" && s != "" {
			return 0, false
		}
	}
	return sum, true
}

// NginxSize reads a size as nginx does: bytes, or k, m and g (ngx_parse_offset).
func NginxSize(s string) (int64, bool) {
	shift := 0
	if s != "" {
		switch s[len(s)-1] | 0x20 {
		case 'k':
			shift = 10
		case 'm':
			shift = 20
		case 'g':
			shift = 30
		}
	}
	if shift > 0 {
		s = s[:len(s)-1]
	}
	n, err := strconv.ParseUint(s, 10, 63-shift)
	return int64(n) << shift, err == nil
}

// nginxValue is a written value: what parse makes of text, Unknown if it makes nothing of it.
func nginxValue[T any](text string, w conf.Word, parse func(string) (T, bool)) Value[T] {
	v, ok := parse(text)
	if !ok {
		return Value[T]{Word: w, State: Unknown}
	}
	return Value[T]{V: v, Word: w, State: Written}
}

func atoi(s string) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil
}
