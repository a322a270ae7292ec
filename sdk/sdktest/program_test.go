//go:build unix

package sdktest

import (
	"os"
	"path/filepath"
	"testing"
)

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
