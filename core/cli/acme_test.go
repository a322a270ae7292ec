package cli

import (
	"os"

	"github.com/rogpeppe/go-internal/testscript"
)

// What follows the end of the program tells versions of the plugin apart.
const (
	changedMark = "!"
	brokenMark  = "?"
	panicsMark  = "#" // when it is configured
	slowMark    = "~"
)

func change(ts *testscript.TestScript, _ bool, args []string) { appendTo(ts, args[0], changedMark) }

func makePanic(ts *testscript.TestScript, _ bool, args []string) { appendTo(ts, args[0], panicsMark) }

func makeSlow(ts *testscript.TestScript, _ bool, args []string) { appendTo(ts, args[0], slowMark) }

func appendTo(ts *testscript.TestScript, name, mark string) {
	path := ts.MkAbs(name)
	program, err := os.ReadFile(path)
	ts.Check(err)
	ts.Check(os.WriteFile(path+".new", append(program, mark...), 0o755))
	ts.Check(os.Rename(path+".new", path))
}
