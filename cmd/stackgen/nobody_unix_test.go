//go:build unix

package main

import "syscall"

// nobodyMain gives up root's rights. It does so in the program and not before it is run: the folder that testscript puts
// programs into is closed to others.
func nobodyMain() {
	const nobody = 65534
	for _, err := range []error{syscall.Setgroups(nil), syscall.Setgid(nobody), syscall.Setuid(nobody)} {
		if err != nil {
			panic(err)
		}
	}
	main()
}
