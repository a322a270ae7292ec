package cli

import (
	"os"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/aitunnel/aitunnel/core/testhelp"
)

// The plugin acme looks at the byte after the end of its executable, and behaves accordingly.
const (
	changedMark  = "!" // is another version
	brokenMark   = "?" // exits at its start
	panicMark    = "#" // panics when it is configured
	hangMark     = "%" // hangs when it is configured
	planlessMark = "$" // returns an error instead of a plan
	slowMark     = "~" // starts slowly
)

func makeChanged(ts *testscript.TestScript, _ bool, args []string) {
	appendTo(ts, args[0], changedMark)
}

func makeBroken(ts *testscript.TestScript, _ bool, args []string) { appendTo(ts, args[0], brokenMark) }

func makePanic(ts *testscript.TestScript, _ bool, args []string) { appendTo(ts, args[0], panicMark) }

func makeHang(ts *testscript.TestScript, _ bool, args []string) { appendTo(ts, args[0], hangMark) }

func makePlanless(ts *testscript.TestScript, _ bool, args []string) {
	appendTo(ts, args[0], planlessMark)
}

func makeSlow(ts *testscript.TestScript, _ bool, args []string) { appendTo(ts, args[0], slowMark) }

func appendTo(ts *testscript.TestScript, name, mark string) {
	path := ts.MkAbs(name)
	program, err := os.ReadFile(path)
	ts.Check(err)
	ts.Check(testhelp.WriteProgram(path+".new", append(program, mark...), 0o755))
	ts.Check(os.Rename(path+".new", path))
}
