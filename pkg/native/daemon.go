package native

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
)

// daemon is a program that can be asked about one kind of file.
type daemon struct {
	name        string
	binary      string // at its place in Debian
	versionFlag string
	kind        conf.Kind
	argv        func(path string) []string
	// judge reads what the daemon said: its complaints, each with a line of the file where it names one, and whether
	// the answer counts at all.
	judge func(v *Verdict, stdout, stderr string, code int)
}

var daemons = []daemon{
	{
		name: "haproxy", binary: "/usr/sbin/haproxy", versionFlag: "-v", kind: conf.HAProxy,
		argv:  func(path string) []string { return []string{"/usr/sbin/haproxy", "-c", "-dW", "-f", path} },
		judge: judgeHAProxy,
	},
	{
		name: "keepalived", binary: "/usr/sbin/keepalived", versionFlag: "-v", kind: conf.Keepalived,
		argv:  func(path string) []string { return []string{"/usr/sbin/keepalived", "-t", "-f", path} },
		judge: judgeKeepalived,
	},
	{
		name: "nginx", binary: "/usr/sbin/nginx", versionFlag: "-v", kind: conf.Nginx,
		argv:  func(path string) []string { return []string{"/usr/sbin/nginx", "-t", "-c", path} },
		judge: judgeNginx,
	},
	{
		name: "mysql", binary: "/usr/sbin/mysqld", versionFlag: "--version", kind: conf.MySQL,
		argv: func(path string) []string {
			// Verbosity 2 adds the warnings that matter; the default of secure_file_priv wants a folder of the package.
			return []string{"/usr/sbin/mysqld", "--defaults-file=" + path, "--validate-config", "--log-error-verbosity=2", "--secure-file-priv=NULL"}
		},
		judge: judgeMySQL,
	},
	{
		name: "mariadb", binary: "/usr/sbin/mariadbd", versionFlag: "--version", kind: conf.MySQL,
		argv: func(path string) []string {
			return []string{"/usr/sbin/mariadbd", "--defaults-file=" + path, "--help", "--verbose"}
		},
		judge: judgeMariaDB,
	},
}

// daemonOf returns the daemon that reads a file.
func daemonOf(f conf.File, mariadb bool) (daemon, bool) {
	for _, d := range daemons {
		if d.kind == f.Kind && (d.kind != conf.MySQL || (d.name == "mariadb") == mariadb) {
			return d, true
		}
	}
	return daemon{}, false
}

func (d daemon) ask(ctx context.Context, s *space, v *Verdict) error {
	stdout, stderr, code, err := s.run(ctx, d.argv(v.File.Path)...)
	if err != nil {
		return err
	}
	v.State = Accepted
	d.judge(v, stdout, stderr, code)
	switch {
	case v.State == NotAsked:
	case len(v.Findings) > 0:
		v.State = Refused
	case code != 0:
		v.State = Refused
		v.complain(0, diag.Error, "exit code "+strconv.Itoa(code)+" without a word: "+strings.TrimSpace(stderr))
	}
	return nil
}

// complain adds the daemon's own words, at a line of the file or at its top.
func (v *Verdict) complain(line int, severity diag.Severity, words string) {
	d := diag.Diagnostic{
		Pos:      diag.Pos{File: v.File.Name(), Line: max(line, 1), Col: 1},
		Severity: severity,
		Message:  v.Daemon + " " + v.Version + ": " + words,
	}
	if line > 0 {
		lines := strings.Split(string(v.File.Data), "\n")
		if line <= len(lines) {
			text := strings.TrimRight(lines[line-1], " \t\r")
			d.Pos.Col = len(text) - len(strings.TrimLeft(text, " \t")) + 1
		}
	}
	if !slices.ContainsFunc(v.Findings, func(o diag.Diagnostic) bool { return o.Pos == d.Pos && o.Message == d.Message }) {
		v.Findings = append(v.Findings, d)
	}
}

// [ALERT]    (12345) : config : parsing [/etc/haproxy/haproxy.cfg:12] : unknown keyword …
var (
	haproxyLine  = regexp.MustCompile(`^\[(ALERT|WARNING)\]\s+\(\d+\) : (?:config : )?(.*)`)
	haproxyPlace = regexp.MustCompile(`\[?/etc/haproxy/haproxy\.cfg:(\d+)\]?`)
)

func judgeHAProxy(v *Verdict, _, stderr string, _ int) {
	for line := range strings.Lines(stderr) {
		m := haproxyLine.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil || strings.HasPrefix(m[2], "Error(s) found in configuration file") || strings.HasPrefix(m[2], "Fatal errors found") ||
			strings.HasPrefix(m[2], "Some warnings were found and 'zero-warning' is set") {
			continue
		}
		severity := diag.Error
		if m[1] == "WARNING" {
			severity = diag.Warning
		}
		v.complain(number(haproxyPlace, m[2]), severity, m[2])
	}
}

var (
	keepalivedPlace = regexp.MustCompile(`^\(/etc/keepalived/keepalived\.conf: Line (\d+)\) ?`)
	keepalivedStamp = regexp.MustCompile(`^\w{3} \w{3} +\d+ [\d:]+ \d{4}: `)
	// keepalived 2.2.5 to 2.2.7 end themselves in -t when a script user other than root is set; fixed in 2.2.8.
	keepalivedSuicide = regexp.MustCompile(`^2\.2\.[567]$`)
)

func judgeKeepalived(v *Verdict, _, stderr string, code int) {
	if code == -1 && keepalivedSuicide.MatchString(v.Version) {
		v.State = NotAsked
		v.Why = "keepalived " + v.Version + " ends itself in -t when script_user is not root; upgrade it to 2.2.8"
		return
	}
	if code == 0 && !strings.Contains(stderr, "Config files missing") {
		return
	}
	for line := range strings.Lines(stderr) {
		words := keepalivedStamp.ReplaceAllString(strings.TrimSpace(line), "")
		if words == "" || strings.HasPrefix(words, "Starting Keepalived") || strings.HasPrefix(words, "Command line:") {
			continue
		}
		v.complain(number(keepalivedPlace, words), diag.Error, keepalivedPlace.ReplaceAllString(words, ""))
	}
}

var (
	nginxLine  = regexp.MustCompile(`^(?:nginx: |[\d/]+ [\d:]+ )\[(\w+)\] (?:\d+#\d+: )?(.*)`) // the second form where it has opened a log
	nginxPlace = regexp.MustCompile(` in /etc/nginx/nginx\.conf:(\d+)$`)
)

func judgeNginx(v *Verdict, _, stderr string, _ int) {
	for line := range strings.Lines(stderr) {
		m := nginxLine.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			continue
		}
		severity := diag.Error
		if m[1] == "warn" || m[1] == "notice" {
			severity = diag.Warning
		}
		v.complain(number(nginxPlace, m[2]), severity, m[2])
	}
}

// The warnings of mysqld that say a line does not do what it says; all others are about the machine. In order: boolean
// not recognised; value adjusted (three); deprecated name (two); unknown loose_ name; an option that needs the binary log.
var mysqlCodes = []string{"MY-000076", "MY-000080", "MY-000081", "MY-000082", "MY-011068", "MY-011070", "MY-000067", "MY-010161"}

var mysqlLine = regexp.MustCompile(`\[(ERROR|Warning)\] \[(MY-\d+)\] \[\w+\] (.*)`)

func judgeMySQL(v *Verdict, _, stderr string, code int) {
	for line := range strings.Lines(stderr) {
		m := mysqlLine.FindStringSubmatch(strings.TrimSpace(line))
		switch {
		case m == nil:
		case m[1] == "ERROR" && m[2] != "MY-010119": // "Aborting"
			v.complain(optionLine(v.File, m[3]), diag.Error, m[3]+" ("+m[2]+")")
		case m[1] == "Warning" && slices.Contains(mysqlCodes, m[2]):
			v.complain(optionLine(v.File, m[3]), diag.Warning, m[3]+" ("+m[2]+")")
		}
	}
	if code != 0 && len(v.Findings) == 0 {
		v.complain(0, diag.Error, strings.TrimSpace(stderr))
	}
}

// What mariadbd says of the machine, whatever the file. It looks for a MAC address on interfaces with IPv4 only.
var mariadbNoise = regexp.MustCompile(`retrieve the MAC address|max_open_files|Changed limits|mysql\.plugin table|secure-file-priv|io_uring|Could not increase number of`)

var mariadbLine = regexp.MustCompile(`\[(ERROR|Warning)\] (.*)|^(?:\S*mariadbd: |\S*mysqld: )?(?:error|Error|Fatal|Warning)\b:? (.*)`)

func judgeMariaDB(v *Verdict, _, stderr string, _ int) {
	for line := range strings.Lines(stderr) {
		line = strings.TrimSpace(line)
		m := mariadbLine.FindStringSubmatch(line)
		if m == nil || mariadbNoise.MatchString(line) || strings.HasSuffix(line, "Aborting") {
			continue
		}
		words, severity := m[2]+m[3], diag.Error
		if m[1] == "Warning" {
			severity = diag.Warning
		}
		v.complain(optionLine(v.File, words), severity, words)
	}
}

// number returns the group of a pattern as a number, or 0.
func number(pattern *regexp.Regexp, s string) int {
	m := pattern.FindStringSubmatch(s)
	if m == nil {
		return 0
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return 0
	}
	return n
}

var optionWord = regexp.MustCompile(`[A-Za-z][A-Za-z0-9_-]{2,}`)

// optionLine finds the line of my.cnf whose option a message names; the databases name no lines.
func optionLine(f conf.File, words string) int {
	same := strings.NewReplacer("-", "_").Replace
	for _, word := range optionWord.FindAllString(words, -1) {
		n := 0
		for line := range strings.Lines(string(f.Data)) {
			n++
			name, _, _ := strings.Cut(line, "=")
			if name = strings.TrimPrefix(same(strings.TrimSpace(name)), "loose_"); name == same(word) {
				return n
			}
		}
	}
	return 0
}
