//go:build linux

package tunnel

import (
	"context"
	"syscall"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/sshdtest"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// otherTunnel returns a tunnel to a server that is not OpenSSH.
func otherTunnel(t *testing.T, s *sshdtest.Other) *rig {
	t.Helper()
	r := prepare(t, &sshdtest.Server{Home: s.Home})
	r.config = &config.Tunnel{
		Name: "vps", Host: s.Address, User: "root",
		Keepalive: config.Keepalive{Interval: 300 * time.Millisecond, Timeout: 1500 * time.Millisecond},
		Reconnect: config.Reconnect{Min: 50 * time.Millisecond, Max: time.Second},
		Forwards:  []*config.Forward{{Address: freeAddress(t)}},
	}
	r.Apply([]*config.Tunnel{r.config})
	return r
}

// TestDropbear shows that probes answer without the 40 ms for which it stops when it closes a
// connection, and that the port of a lost session is reclaimed.
func TestDropbear(t *testing.T) {
	t.Parallel()
	s := sshdtest.StartDropbear(t)
	r := otherTunnel(t, s)
	r.await(Up)
	r.mustAnswer()
	client := r.all[0].client.Load()
	testhelp.Eventually(t, "a probe is faster than the delay of acknowledgements", func() bool { // on a busy machine not every one is
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		took, err := probeForward(ctx, client, r.config.Forwards[0], r.config.Forwards[0].Address, r.all[0].nonce, 0)
		return err == nil && took < 30*time.Millisecond
	})
	s.Signal(syscall.SIGSTOP) // as after a power cut here: it keeps the port
	testhelp.Eventually(t, "it has reconnected with the same port", func() bool { return r.status().Connects >= 2 && r.status().State == Up })
	r.mustAnswer()
	if !r.reported("which was ended") {
		t.Error("it is not reported that the port was reclaimed")
	}
}

// TestServersThatForbidForwards uses tinysshd, which has no forwards, and dropbear without
// them.
func TestServersThatForbidForwards(t *testing.T) {
	t.Parallel()
	r := otherTunnel(t, sshdtest.StartTinySSH(t))
	r.awaitFault(Failed, "tinyssh", "does not support port forwarding", "OpenSSH or dropbear")
	r = otherTunnel(t, sshdtest.StartDropbear(t, "-k"))
	r.awaitFault(Degraded, "refused to listen on "+r.config.Forwards[0].Address, "dropbear was started with -k")
}

// TestBashRCThatPrints shows that a session is recognized if .bashrc prints something, so
// that its port is reclaimed.
func TestBashRCThatPrints(t *testing.T) {
	t.Parallel()
	s := sshdtest.Start(t, sshdtest.Options{Guest: true, BashRC: "printf 'welcome, without a newline'\n", Config: "SetEnv SHLVL=0\n"})
	c := tunnelTo(t, s)
	c.User = sshdtest.Guest
	r := open(t, s, c)
	r.await(Up)
	out, err := r.all[0].client.Load().Run(t.Context(), "true")
	if err != nil || out == "" {
		t.Fatalf("the .bashrc printed %q: %v", out, err)
	}
	testhelp.Eventually(t, "the session is known", func() bool { return len(r.Tunnels.env.sessions.of("vps")) == 1 })
	s.Signal(syscall.SIGSTOP)
	testhelp.Eventually(t, "the port is reclaimed", func() bool { return r.status().State == Up && r.reported("which was ended") })
	r.mustAnswer()
}

// TestSameErrorIsReportedOnce shows that retries with the same error are not reported.
func TestSameErrorIsReportedOnce(t *testing.T) {
	t.Parallel()
	s := sshdtest.Start(t, sshdtest.Options{})
	c := tunnelTo(t, s)
	c.Host, c.Reconnect.Max = "127.0.0.1:1", 60*time.Millisecond
	r := open(t, s, c)
	tries := 0
	last := time.Time{}
	testhelp.Eventually(t, "it was tried several times", func() bool {
		if st := r.status(); st.State == Waiting && st.NextTry != last {
			last = st.NextTry
			tries++
		}
		return tries >= 4
	})
	waiting := 0
	for _, m := range r.messages() {
		if contains(m, "vps waiting") {
			waiting++
		}
	}
	if waiting != 1 {
		t.Errorf("%d messages after %d tries: %q", waiting, tries, r.messages())
	}
}
