package cli

import (
	"os"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/aitunnel/aitunnel/core/testhelp"
)

// What follows the end of the program tells versions of the plugin apart.
const (
	changedMark = "!"
	brokenMark  = "?"
	panicsMark  = "#" // when it is configured
	hangsMark   = "%" // when it is configured
	noPlanMark  = "$"
	slowMark    = "~"
)

func change(ts *testscript.TestScript, _ bool, args []string) { appendTo(ts, args[0], changedMark) }

func makePanic(ts *testscript.TestScript, _ bool, args []string) { appendTo(ts, args[0], panicsMark) }

func makeHang(ts *testscript.TestScript, _ bool, args []string) { appendTo(ts, args[0], hangsMark) }

func planless(ts *testscript.TestScript, _ bool, args []string) { appendTo(ts, args[0], noPlanMark) }

func makeSlow(ts *testscript.TestScript, _ bool, args []string) { appendTo(ts, args[0], slowMark) }

func appendTo(ts *testscript.TestScript, name, mark string) {
	path := ts.MkAbs(name)
	program, err := os.ReadFile(path)
	ts.Check(err)
	ts.Check(testhelp.WriteProgram(path+".new", append(program, mark...), 0o755))
	ts.Check(os.Rename(path+".new", path))
}
