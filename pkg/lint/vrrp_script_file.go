package lint

import (
	"bytes"
	"path"

	"stackgen/pkg/diag"
)

// Measured with 2.2.7: a script that the system cannot start because of its first line counts as one that succeeds; one that
// is not executable is disabled.
var vrrpScriptFile = &Rule{
	ID:       "vrrp-script-file",
	Severity: diag.Error,
	Run: func(p *Pass) {
		const stays = ", and the address stays when the service dies"
		for k := range keepaliveds(p.Stack) {
			for _, s := range k.Scripts {
				if s.Kind != "script" || s.Text == nil || len(s.Command) == 0 || path.Base(s.Text.Path) != path.Base(s.Command[0].Text) {
					continue
				}
				w := s.Command[0]
				first, _, _ := bytes.Cut(s.Text.Data, []byte("\n"))
				switch {
				case !bytes.HasPrefix(first, []byte("#!")):
					p.Report(w, "%q does not begin with #!: the system does not start it, keepalived takes that for a passing check"+stays, w.Text).
						On(k.Host).In(on(s)).Help("make #!/bin/sh its first line")
				case bytes.HasSuffix(first, []byte("\r")):
					p.Report(w, "the first line of %q ends with a carriage return: no program has that name, keepalived takes that for a passing check"+stays, w.Text).
						On(k.Host).In(on(s)).Help("save the script with line feeds alone")
				case p.Complete && s.Text.Mode != 0 && s.Text.Mode&0o111 == 0: // a copy need not have the mode it is installed with
					p.Report(w, "%q is not executable (mode %04o): keepalived disables the check"+stays, w.Text, s.Text.Mode).
						On(k.Host).In(on(s)).Help("give it mode 0755")
				}
			}
		}
	},
}
