//go:build unix

package sdktest

import (
	"os"
	"path/filepath"
	"testing"
)

// A program is used when its plugin has given a plan for each block.
func TestProgramsAreUsedWhenPluginsHavePlans(t *testing.T) {
	list := func(state, uses string) string {
		return `{"processes": [{"plugin": "built-in", "state": "running", "components": []}, {"plugin": "mine", "state": "` + state + `", "components": [{"kind": "strategy", "uses": [` + uses + `]}, {"kind": "health_checker", "uses": [{"for": "channel a"}]}]}]}`
	}
	for text, want := range map[string]bool{
		list("running", `{"plan": 1}`): true,
		list("running", ""):            true,
		list("running", `{"plan": 1}, {"plan": 2, "makeshift": true}`): false,
		list("running", `{"for": "route /v1/**"}`):                     false,
		list("starting", ""): false,
		`{"processes": [{"plugin": "built-in", "state": "running"}]}`: false,
		"aitunnel: not running": false,
	} {
		if hasPlans([]byte(text)) != want {
			t.Errorf("want %t: %s", want, text)
		}
	}
}

// What a failed test shows of the last requests is what the program says of each.
func TestLastRequests(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "aitunnel")
	script := `#!/bin/sh
[ "$1 $2 $3" = "-c x.hcl requests" ] || exit 1
case "$4 $5" in
"-n 3") echo '{"id":"req_1"}'; echo '{"id":"req_2"}' ;;
*) echo "record of $4" ;;
esac
`
	if err := os.WriteFile(binary, []byte(script), 0o700); err != nil { //nolint:gosec // it is executed
		t.Fatal(err)
	}
	p := &RunningProgram{t: t, binary: binary, env: os.Environ()}
	if got, want := p.lastRequests("x.hcl"), "record of req_1\n\nrecord of req_2\n\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
