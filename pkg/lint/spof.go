package lint

var spofRules = []*Rule{}
