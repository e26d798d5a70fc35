package lint

import (
	"regexp"
	"strings"

	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

var mysqlValueRules = []*Rule{booleanValue, numberValue, sqlModeValue, groupNotRead}

var booleanValue = &Rule{ID: "mysql-boolean-value", Severity: diag.Error, Run: func(p *Pass) {
	for _, d := range databases(p.Stack) {
		for _, o := range d.All {
			if !o.Value.Known() || len(o.Node.Words) < 2 {
				continue
			}
			raw := strings.ToLower(o.Node.Arg(1).Text)
			at := o.Node.Arg(1)
			if at.Raw == "" {
				at = o.Word
			}
			plain := raw == "1" || raw == "0" || raw == "on" || raw == "off" || raw == "true" || raw == "false"
			prefix, rest, _ := strings.Cut(bareName(o), "_")
			switch {
			case (prefix == "skip" || prefix == "disable") && rest == o.Name:
				if raw == "off" || raw == "false" || raw == "no" {
					p.Report(at, "%q turns %q off, whatever is behind it but 0", o.Word.Text, o.Name).On(d.Host).In(o.Node).
						Weigh(diag.Warning).Help("write \"%s = ON\"", o.Name)
				}
			case !o.Boolean() || plain || strings.ContainsAny(raw, "${}<>%"):
			case raw == "no" || raw == "disabled" || raw == "none":
				p.Report(at, "%q is no boolean, and the server takes OFF: here that is what was meant", raw).On(d.Host).In(o.Node).
					Weigh(diag.Info).Help("write OFF")
			default:
				f := p.Report(at, "%q is no boolean, and the server takes OFF: %q is off", raw, o.Name).On(d.Host).In(o.Node).Help("write ON")
				if raw == "" {
					f.Message = "an empty value is OFF: \"" + o.Name + "\" is off"
				}
			}
		}
	}
}}

var (
	digits   = regexp.MustCompile(`^[+-]?[0-9]+$`)
	suffixed = regexp.MustCompile(`^[+-]?[0-9]+[KkMmGgTtPpEe]`)
	exponent = regexp.MustCompile(`^[0-9]+[eE][0-9]+$`)
)

var numberValue = &Rule{ID: "mysql-number-value", Severity: diag.Error, Run: func(p *Pass) {
	for _, d := range databases(p.Stack) {
		for _, o := range d.All {
			if !o.Value.Known() || len(o.Node.Words) < 2 || !o.Numeric() || strings.HasPrefix(bareName(o), "expire_logs_days") {
				continue
			}
			w := o.Node.Arg(1)
			switch raw := w.Text; {
			case digits.MatchString(raw) || strings.ContainsAny(raw, "${}<>%"):
			case raw == "":
				if is(d, mysql) {
					p.Report(o.Word, "%q has no value: MySQL does not start", o.Word.Text).On(d.Host).In(o.Node).Help("write a number")
				}
			case exponent.MatchString(raw):
				p.Report(w, "%q is no power of ten: E stands for 2^60, and the server takes the largest value it allows", raw).On(d.Host).In(o.Node).Help("write all digits")
			case !suffixed.MatchString(raw):
				p.Report(w, "%q is no number: the server does not start", raw).On(d.Host).In(o.Node).Help("write digits, and K, M or G behind them")
			}
		}
	}
}}

var sqlModeValue = perOption("mysql-sql-mode-value", diag.Error, "sql_mode", func(p *Pass, d *fact.Database, o *fact.Option) {
	if strings.Contains(o.Value.V, " ") && strings.Contains(o.Value.V, ",") {
		p.option(d, "sql_mode", "a blank in \"sql_mode\" makes the mode behind it unknown: the server does not start").Help("write the modes with commas alone")
		return
	}
	if strings.Contains(strings.ToUpper(o.Value.V), "NO_AUTO_CREATE_USER") && is(d, mysql) && d.Version != (fact.Version{}) && !d.Version.Before(8, 0) {
		p.option(d, "sql_mode", "MySQL since 8.0 does not know NO_AUTO_CREATE_USER, and does not start").Help("remove it")
	}
})

var groupNotRead = &Rule{ID: "mysql-group-not-read", Severity: diag.Error, Run: func(p *Pass) {
	for _, d := range databases(p.Stack) {
		for _, g := range d.Tree.Body {
			if !g.Block || len(g.Body) == 0 {
				continue
			}
			name := strings.ToLower(g.Name())
			trimmed := strings.TrimSpace(name)
			switch {
			case name != trimmed && (trimmed == "mysqld" || trimmed == "mariadb" || trimmed == "server"):
				p.Report(g.Arg(0), "the blanks belong to the name: no server reads the group %q", g.Name()).On(d.Host).Help("write \"[%s]\"", trimmed)
			case typo(name):
				p.Report(g.Arg(0), "no server reads the group %q: its options do nothing", g.Name()).On(d.Host).Help("did you mean \"[mysqld]\"?")
			case strings.HasPrefix(name, "mariadb") && !strings.Contains(name, "-") && len(name) <= len("mariadbd") && is(d, mysql):
				p.Report(g.Arg(0), "MySQL does not read the group %q: its options do nothing", g.Name()).On(d.Host).Weigh(diag.Warning).Help("write \"[mysqld]\"")
			}
		}
	}
}}

// typo reports whether a group's name is almost "mysqld" and no other program's.
func typo(name string) bool {
	switch name {
	case "mysqld", "mysql", "mysqls", "mariadb", "mariadbd", "server", "mysqld1", "mysqlx", "mysqlt":
		return false
	}
	if strings.HasPrefix(name, "mysqld") && strings.Trim(name[len("mysqld"):], "0123456789") == "" {
		return false // mysqld_multi's
	}
	return distance(name, "mysqld") == 1 || name == "msyqld" || name == "myslqd" || distance(name, "mariadb") == 1
}
