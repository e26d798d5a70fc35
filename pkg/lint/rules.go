package lint

import "slices"

// Rules are all rules, by subject. A new rule is a value in a file of its subject, one line here, and doc/ID.txtar.
var Rules = slices.Concat(readingRules, spofRules, vrrpRules, linkRules, nginxRules, mysqlRules)
