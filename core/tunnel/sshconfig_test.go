//go:build linux

package tunnel

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/sshdtest"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// TestMatchExecRunsOncePerReload shows that reconnecting does not read ssh_config again,
// which would run the command.
func TestMatchExecRunsOncePerReload(t *testing.T) {
	t.Parallel()
	s := sshdtest.Start(t, sshdtest.Options{})
	runs := filepath.Join(t.TempDir(), "runs")
	writeFile(t, s.Home+"/.ssh/config", "Match host "+s.Host+" exec \"echo x >>"+runs+"\"\n User "+s.User+"\n")
	c := tunnelTo(t, s)
	c.User = ""
	r := open(t, s, c)
	r.await(Up)
	s.Signal(9)
	testhelp.Eventually(t, "there is another connection", func() bool { return r.status().Connects == 2 && r.status().State == Up })
	if n := strings.Count(string(readFile(t, runs)), "x"); n != 1 {
		t.Errorf("the command ran %d times", n)
	}
	r.Apply([]*config.Tunnel{c})
	s.Signal(9)
	testhelp.Eventually(t, "there is another connection", func() bool { return r.status().Connects == 3 && r.status().State == Up })
	if n := strings.Count(string(readFile(t, runs)), "x"); n != 2 {
		t.Errorf("after a reload the command ran %d times", n)
	}
}
