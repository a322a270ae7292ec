//go:build linux

package tunnel

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
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

// TestProxyCommand has a tunnel through a command, which ends once and is started again.
func TestProxyCommand(t *testing.T) {
	t.Parallel()
	s := sshdtest.Start(t, sshdtest.Options{})
	pids := filepath.Join(t.TempDir(), "pids")
	writeFile(t, s.Home+"/.ssh/config", "ProxyCommand bash -c 'echo $$ >>"+pids+"; exec 3<>/dev/tcp/%h/%p; cat <&3 & cat >&3; kill $!'\n")
	r := open(t, s, tunnelTo(t, s))
	r.await(Up)
	r.mustAnswer()
	started := func() []string {
		content, err := os.ReadFile(pids)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Fields(string(content))
	}
	pid, err := strconv.Atoi(started()[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(-pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	testhelp.Eventually(t, "the command is started again", func() bool { return len(started()) > 1 })
	r.await(Up)
	r.mustAnswer()
}
