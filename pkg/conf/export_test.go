package conf

// Describe prints all of an input but the bytes of its files.
var Describe = describe
