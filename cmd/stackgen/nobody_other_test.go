//go:build !unix

package main

func nobodyMain() { panic("there is no root here to drop the rights of") }
