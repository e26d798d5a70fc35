package lint

var mysqlRules = []*Rule{}
