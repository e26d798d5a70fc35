package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"stackgen/internal/golden"
	"stackgen/pkg/native"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"stackgen":        main,
		"nobody-stackgen": nobodyMain,
	})
}

// TestScript runs testdata/script. Beside testscript's own commands there are
//
//	exits CODE COMMAND...    the command must end with this code
//	nobody-stackgen ARG...   stackgen as a user without rights (where [root] holds)
//
// and the conditions [root] and [native]: the real daemons can be asked.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       golden.Updating(),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
		Condition: func(name string) (bool, error) {
			switch name {
			case "root":
				return os.Geteuid() == 0, nil
			case "native":
				return canAsk(), nil
			}
			return false, fmt.Errorf("no such condition")
		},
		Setup: func(env *testscript.Env) error {
			for _, name := range []string{"STACKGEN_CACHE", "HOME"} { // where the daemons are
				env.Setenv(name, os.Getenv(name))
			}
			return os.Chmod(env.WorkDir, 0o777) // for nobody
		},
	})
}

// canAsk reports whether the daemons of make test are here, or must be.
func canAsk() bool {
	switch {
	case runtime.GOOS != "linux" || os.Geteuid() != 0 || os.Getenv("STACKGEN_NO_NATIVE") == "1":
		return false
	case os.Getenv("STACKGEN_REQUIRE_NATIVE") == "1":
		return true
	}
	return len(native.CacheRoots()) > 0
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		code = exit.ExitCode()
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}
