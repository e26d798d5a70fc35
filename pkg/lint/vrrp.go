package lint

var vrrpRules = []*Rule{}
