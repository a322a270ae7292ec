//go:build linux

package tunnel

import (
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/linktest"
	"github.com/aitunnel/aitunnel/core/sshdtest"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// TestTunnelWithoutForwards shows that its connection is kept up.
func TestTunnelWithoutForwards(t *testing.T) {
	t.Parallel()
	s := sshdtest.Start(t, sshdtest.Options{})
	c := tunnelTo(t, s)
	c.Forwards = nil
	r := open(t, s, c)
	r.await(Up)
	s.Signal(9)
	testhelp.Eventually(t, "there is another connection", func() bool { return r.status().Connects == 2 && r.status().State == Up })
}

// TestEndlessForceCommand shows that it does not delay the forwards.
func TestEndlessForceCommand(t *testing.T) {
	t.Parallel()
	s := sshdtest.Start(t, sshdtest.Options{Config: "ForceCommand sleep 600\n"})
	r := open(t, s, tunnelTo(t, s))
	r.await(Up)
	r.mustAnswer()
	if n := len(r.status().Notes); n != 0 {
		t.Error("the tunnel waited for it")
	}
	testhelp.Eventually(t, "there is a note", func() bool {
		n := r.status().Notes
		return len(n) == 1 && strings.Contains(n[0], "did not end")
	})
}

// TestShellThatPrints shows that a session is recognized if the shell prints something,
// as a .bashrc may, and that its port is reclaimed.
func TestShellThatPrints(t *testing.T) {
	t.Parallel()
	s := sshdtest.Start(t, sshdtest.Options{Config: `ForceCommand printf "welcome, no newline"; exec sh -c "$SSH_ORIGINAL_COMMAND"` + "\n"})
	r := open(t, s, tunnelTo(t, s))
	r.await(Up)
	r.mustAnswer()
	testhelp.Eventually(t, "the session is known", func() bool { return len(r.Tunnels.env.sessions.of("vps")) == 1 })
}

// TestForwardOnLoopbackOnly shows the error if sshd opens a forward on loopback that was
// meant for all.
func TestForwardOnLoopbackOnly(t *testing.T) {
	t.Parallel()
	for gateway, want := range map[string]State{"no": Degraded, "clientspecified": Up} {
		t.Run(gateway, func(t *testing.T) {
			t.Parallel()
			w := sshdtest.NewNetwork(t)
			s := sshdtest.Start(t, sshdtest.Options{Network: w, Config: "GatewayPorts " + gateway + "\n"})
			c := tunnelTo(t, s)
			c.Forwards = []*config.Forward{{Address: "0.0.0.0:9000"}}
			r := prepare(t, s)
			r.guarded.Store(true)
			r.config = c
			r.Apply([]*config.Tunnel{c})
			if r.await(want); want == Degraded {
				r.awaitFault(want, "on loopback only", "GatewayPorts clientspecified")
			}
		})
	}
}

// TestMTUBlackHole uses a link that silently drops large packets in one direction. Small
// requests are answered, and the test of a tunnel explains the fault. A large answer
// breaks the connection, and the error says how to find the cause.
func TestMTUBlackHole(t *testing.T) {
	t.Parallel()
	const most = 1400
	for name, link := range map[string]linktest.Link{"out": {MaxOut: most}, "in": {MaxIn: most}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := sshdtest.NewNetwork(t, link)
			s := sshdtest.Start(t, sshdtest.Options{Network: w})
			c := tunnelTo(t, s)
			c.Forwards = []*config.Forward{{Address: "127.0.0.1:9000"}}
			c.Keepalive = config.Keepalive{Interval: 3 * time.Second, Timeout: 3 * time.Second}
			var last Result
			ok := Test(t.Context(), Options{Home: s.Home, Agent: "/nowhere"}, c, TestOptions{IsOpen: func(string) bool { return false }, Report: func(r Result) { last = r }})
			if ok || last.Step != StepProbe || !strings.Contains(last.Text, "drops large packets") {
				t.Errorf("%+v", last)
			}
			if name == "in" {
				return
			}
			c.Keepalive = config.Keepalive{Interval: 300 * time.Millisecond, Timeout: 1500 * time.Millisecond}
			r := prepare(t, s)
			r.config = c
			r.Apply([]*config.Tunnel{c})
			r.await(Up)
			conn, err := w.Dial("tcp", "127.0.0.1:9000")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			_, _ = io.WriteString(conn, "GET /bulk HTTP/1.1\r\nHost: x\r\n\r\n")
			testhelp.Eventually(t, "the error says how to find the cause", func() bool {
				return r.reported("stopped responding") && r.reported("large packets get lost")
			})
		})
	}
}

// TestKeyAddedToAgentLater shows that a failed tunnel connects when the agent gets a key.
func TestKeyAddedToAgentLater(t *testing.T) {
	t.Parallel()
	agent := sshdtest.Require(t, "ssh-agent", "openssh-client")
	s := sshdtest.Start(t, sshdtest.Options{})
	key := filepath.Join(t.TempDir(), "key")
	s.Authorize("", sshdtest.NewKey(t, key, "").PublicKey())
	socket := filepath.Join(t.TempDir(), "agent")
	cmd := exec.Command(agent, "-D", "-a", socket)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	testhelp.Eventually(t, "the agent listens", func() bool { _, err := os.Stat(socket); return err == nil })
	c := tunnelTo(t, s)
	r := prepare(t, s, func(o *Options) { o.Agent = socket })
	r.config = c
	r.Apply([]*config.Tunnel{c})
	r.await(Failed)
	add := exec.Command("ssh-add", key)
	add.Env = append(os.Environ(), "SSH_AUTH_SOCK="+socket)
	if out, err := add.CombinedOutput(); err != nil {
		t.Fatalf("%s", out)
	}
	r.await(Up)
}

// TestLostSessionOnHostWithoutCommands shows that the error for a port whose holder is
// unknown does not blame another program.
func TestLostSessionOnHostWithoutCommands(t *testing.T) {
	t.Parallel()
	s := sshdtest.Start(t, sshdtest.Options{Config: "MaxSessions 0\n"})
	r := open(t, s, tunnelTo(t, s))
	r.await(Up)
	s.Signal(19) // SIGSTOP: it keeps the port
	testhelp.Eventually(t, "the port is in use", func() bool { return r.status().State == Degraded })
	r.awaitFault(Degraded, "is in use", "lost connection of this tunnel", "ClientAliveInterval")
}

// TestFreedPort shows that a port in use is opened once it is free. The status says when
// it is tried next, and how to find out who holds it; Retry tries at once.
func TestFreedPort(t *testing.T) {
	t.Parallel()
	s := sshdtest.Start(t, sshdtest.Options{Config: "MaxSessions 0\n"})
	c := tunnelTo(t, s)
	c.Reconnect.Min, c.Reconnect.Max = time.Hour, 2*time.Hour
	address := c.Forwards[0].Address
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	r := open(t, s, c)
	_, port, _ := net.SplitHostPort(address)
	r.awaitFault(Degraded, "is in use", "as root, run there: ss -ltnp 'sport = :"+port+"'")
	if next := r.status().NextTry; time.Until(next) < 50*time.Minute {
		t.Errorf("the next try is at %s", next)
	}
	_ = l.Close()
	r.Retry("vps")
	if st := r.await(Up); !st.NextTry.IsZero() {
		t.Errorf("the next try of a tunnel that is up is at %s", st.NextTry)
	}
}

// TestNewOwnerOfAKeyFile shows that a change of owner is noticed, although it changes
// neither size nor time.
func TestNewOwnerOfAKeyFile(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file to another account")
	}
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte("key"), 0o600); err != nil {
		t.Fatal(err)
	}
	before := stampOf([]string{file})
	if err := os.Chown(file, 65534, -1); err != nil {
		t.Fatal(err)
	}
	if stampOf([]string{file}) == before {
		t.Error("the other owner is not noticed")
	}
}

// TestTwoTunnelsToOneMachine has a second tunnel that needs a port of the first, by another
// name of the machine. The error names the first tunnel, also where no command can run.
func TestTwoTunnelsToOneMachine(t *testing.T) {
	t.Parallel()
	for _, lines := range []string{"", "MaxSessions 0\n"} {
		s := sshdtest.Start(t, sshdtest.Options{Config: lines})
		first, second := tunnelTo(t, s), tunnelTo(t, s)
		second.Name, second.Host, second.HostKey = "other", "localhost:"+s.Port, s.Fingerprint()
		second.Forwards = first.Forwards
		r := open(t, s, first)
		r.await(Up)
		r.Apply([]*config.Tunnel{first, second})
		testhelp.Eventually(t, "the second tunnel is refused", func() bool { return r.List()[1].State == Degraded })
		if text := r.List()[1].LastError; !strings.Contains(text, `the tunnel "vps" of this program has `+first.Forwards[0].Address+" open") {
			t.Errorf("the error is %q", text)
		}
		if steps, ok, err := r.Test(t.Context(), "other"); ok || err != nil || !strings.Contains(steps[len(steps)-1].Text, `the tunnel "vps" of this program`) {
			t.Errorf("%+v %v", steps, err)
		}
		if st := r.List()[0]; st.State != Up || st.Connects != 1 {
			t.Errorf("the first tunnel was disturbed: %+v", st)
		}
	}
}

// TestExpiredPassword uses accounts whose password has to be changed. sshd accepts the login,
// also with a key, and then forbids forwards; that is not blamed on its settings.
func TestExpiredPassword(t *testing.T) {
	t.Parallel()
	for name, lines := range map[string]string{"with PAM": "UsePAM yes\n", "without": "PasswordAuthentication yes\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sshdtest.Start(t, sshdtest.Options{Guest: true, PasswordExpired: true, Config: lines})
			c := tunnelTo(t, s)
			c.User, c.Password = sshdtest.Guest, config.NewSecret(sshdtest.Password)
			if name == "without" { // sshd itself looks at the password only
				s.Authorize("", sshdtest.NewKey(t, filepath.Join(t.TempDir(), "other"), "").PublicKey())
			}
			r := open(t, s, c)
			r.awaitFault(Degraded, `the password of "guest" on `+s.Addr()+" has to be changed", "log in with ssh", "chage -d $(date +%F) guest")
			if text := r.status().LastError; strings.Contains(text, "AllowTcpForwarding") {
				t.Errorf("the error blames a setting: %s", text)
			}
		})
	}
}
