//go:build linux

package cli

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/aitunnel/aitunnel/core/sshdtest"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// TestTunnelScripts runs the commands for tunnels with a real sshd. The scripts have a
// configuration good.hcl with a tunnel to it, and this command besides exits:
//
//	awaitoutput REGEXP PROGRAM ARGS...   run it until its output matches
func TestTunnelScripts(t *testing.T) {
	s := sshdtest.Start(t, sshdtest.Options{})
	free := func() string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		return l.Addr().String()
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/tunnel",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			remote := free()
			for name, value := range map[string]string{
				"HOME": s.Home, "GORACE": "atexit_sleep_ms=0", "AITUNNEL_STATE_DIR": e.WorkDir + "/state", "SSH_AUTH_SOCK": "",
				"HOST": s.Addr(), "FINGERPRINT": regexp.QuoteMeta(s.Fingerprint()), "REMOTE": remote,
			} {
				e.Setenv(name, value)
			}
			e.Defer(func() { killDaemons(t, e.WorkDir) })
			text := fmt.Sprintf("proxy {\n  listen = \"127.0.0.1:0\"\n}\nadmin {\n  listen = \"\"\n}\nchannel \"home\" {\n  target = \"http://127.0.0.1:9\"\n  auth   = \"none\"\n}\ntunnel \"vps\" {\n  host = %q\n  user = %q\n  forward %q {}\n}\n", s.Addr(), s.User, remote)
			return os.WriteFile(filepath.Join(e.WorkDir, "good.hcl"), []byte(text), 0o600)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "awaitoutput": awaitOutput,
		},
	})
}

func awaitOutput(ts *testscript.TestScript, _ bool, args []string) {
	pattern := regexp.MustCompile("(?m)" + args[0])
	shows := func() bool {
		ts.Check(ts.Exec(args[1], args[2:]...))
		return pattern.MatchString(ts.ReadFile("stdout"))
	}
	if !testhelp.Poll(waitLimit, shows) {
		ts.Fatalf("the output does not match %s:\n%s", args[0], ts.ReadFile("stdout"))
	}
}
