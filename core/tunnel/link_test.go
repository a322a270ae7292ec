//go:build linux

package tunnel

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/sshclient"
	"github.com/aitunnel/aitunnel/core/sshdtest"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// distantHost returns a rig whose server is behind a link; requests are sent from there.
func distantHost(t *testing.T, change func(*config.Tunnel)) (*rig, *sshdtest.Network) {
	w := sshdtest.NewNetwork(t)
	s := sshdtest.Start(t, sshdtest.Options{Network: w})
	c := tunnelTo(t, s)
	c.Forwards = []*config.Forward{{Address: "127.0.0.1:9000"}}
	change(c)
	r := prepare(t, s)
	r.config = c
	r.client = &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{
		DialContext: func(_ context.Context, network, address string) (net.Conn, error) { return w.Dial(network, address) },
	}}
	r.Apply([]*config.Tunnel{c})
	return r, w
}

// TestLinkDownAndUp shows that a link that is down is noticed by missing answers, and that
// the tunnel reconnects.
func TestLinkDownAndUp(t *testing.T) {
	t.Parallel()
	r, w := distantHost(t, func(c *config.Tunnel) { c.Reconnect.Max = 2 * time.Second })
	r.await(Up)
	r.mustAnswer()
	patient := &http.Client{Transport: r.client.Transport}
	go func() { // a stream in progress
		resp, err := patient.Get("http://127.0.0.1:9000/forever")
		if err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
	}()
	testhelp.Eventually(t, "the stream runs", func() bool { return r.site.streams() == 1 })
	down := time.Now()
	w.Down()
	testhelp.Eventually(t, "the fault is noticed", func() bool { return r.status().State != Up })
	k := r.config.Keepalive
	if took := time.Since(down); took > k.Interval+k.Timeout+2*time.Second {
		t.Errorf("it took %s", took)
	}
	testhelp.Eventually(t, "the stream is canceled here", func() bool { return r.site.gone() == 1 })
	time.Sleep(3 * time.Second) // the pauses grow meanwhile
	if err := r.status().LastError; err == "" {
		t.Error("the status does not say what is wrong")
	}
	w.Up()
	up := time.Now()
	testhelp.Eventually(t, "requests are answered again", r.answers)
	if took := time.Since(up); took > r.config.Reconnect.Max+2*time.Second+sshclient.MinStepTimeout {
		t.Errorf("the first answer came %s after the link was back", took)
	}
	r.await(Up)
}

// TestDistantHost simulates a distant host by a relay with a delay. sshd holds small
// packets back until earlier ones are acknowledged, unless a session has run a command;
// then an answer takes little more than the round trip.
func TestDistantHost(t *testing.T) {
	t.Parallel()
	s := sshdtest.Start(t, sshdtest.Options{})
	const oneWay = 40 * time.Millisecond
	c := tunnelTo(t, s)
	c.Host = relay(t, s.Addr(), oneWay)
	c.HostKey = s.Fingerprint()
	r := open(t, s, c)
	r.await(Up)
	r.mustAnswer()    // opens a channel, which takes a round trip
	best := time.Hour // a busy machine delays some answers, a delay of sshd would be in every one
	for range 15 {
		begun := time.Now()
		r.mustAnswer()
		best = min(best, time.Since(begun))
	}
	if best < 2*oneWay || best >= 3*oneWay {
		t.Errorf("the fastest answer takes %s, the round trip %s", best, 2*oneWay)
	}
}

// relay forwards bytes after a delay.
func relay(t *testing.T, to string, delay time.Duration) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go passOn(l, func() (net.Conn, error) { return net.Dial("tcp", to) }, delay)
	return l.Addr().String()
}

func TestJumpHost(t *testing.T) {
	t.Parallel()
	// The host is on loopback behind the link: only the jump host, which has the same
	// loopback, can reach it.
	w := sshdtest.NewNetwork(t)
	jump := sshdtest.Start(t, sshdtest.Options{Network: w})
	last := sshdtest.Start(t, sshdtest.Options{Network: w, Config: "Port 2223\nListenAddress 127.0.0.1\n"})
	_ = last
	c := tunnelTo(t, jump)
	c.Host, c.Jump = "127.0.0.1:2223", jump.User+"@"+jump.Addr()
	c.Forwards = []*config.Forward{{Address: "127.0.0.1:9000"}}
	last.Authorize("", jump.Key.PublicKey())
	last.Host, last.Port = "127.0.0.1", "2223"
	known := strings.Join([]string{knownHostsLine(jump), knownHostsLine(last)}, "")
	writeFile(t, jump.Home+"/.ssh/known_hosts", known)
	r := prepare(t, jump)
	r.config = c
	r.client = &http.Client{Transport: &http.Transport{
		DialContext: func(_ context.Context, network, address string) (net.Conn, error) { return w.Dial(network, address) },
	}}
	r.Apply([]*config.Tunnel{c})
	r.await(Up)
	r.mustAnswer()
	t.Run("whose key is not known", func(t *testing.T) {
		writeFile(t, jump.Home+"/.ssh/known_hosts", knownHostsLine(last))
		again := prepare(t, jump)
		other := *c
		other.Forwards = []*config.Forward{{Address: "127.0.0.1:9001"}}
		again.Apply([]*config.Tunnel{&other})
		again.awaitFault(Failed, jump.Addr(), "is not known yet", jump.Fingerprint(), "aitunnel tunnel trust vps")
	})
	t.Run("that the SSH configuration names", func(t *testing.T) {
		writeFile(t, jump.Home+"/.ssh/known_hosts", known)
		writeFile(t, jump.Home+"/.ssh/config", "Host far\n HostName 127.0.0.1\n Port 2223\n User "+jump.User+"\n ProxyJump bastion\nHost bastion\n HostName "+jump.Host+"\n Port "+jump.Port+"\n User "+jump.User+"\n")
		again := prepare(t, jump)
		other := *c
		other.Host, other.Jump, other.User = "far", "", ""
		other.Forwards = []*config.Forward{{Address: "127.0.0.1:9002"}}
		again.Apply([]*config.Tunnel{&other})
		again.await(Up)
	})
}

// TestGatewayPortsYes shows that a forward is closed if sshd opens it to everyone although
// it was meant for the host only.
func TestGatewayPortsYes(t *testing.T) {
	t.Parallel()
	w := sshdtest.NewNetwork(t)
	s := sshdtest.Start(t, sshdtest.Options{Network: w, Config: "GatewayPorts yes\n"})
	c := tunnelTo(t, s)
	c.Forwards = []*config.Forward{{Address: "127.0.0.1:9000"}}
	r := open(t, s, c)
	reached := func() bool {
		c, err := net.DialTimeout("tcp", s.Host+":9000", time.Second)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	}
	r.awaitFault(Degraded, "opens 127.0.0.1:9000 to everyone", "GatewayPorts no", "client_tokens")
	if reached() {
		t.Error("it is still open")
	}
	r.guarded.Store(true) // as by a reload, which applies all tunnels again
	r.Apply([]*config.Tunnel{c})
	r.await(Up)
	if !reached() {
		t.Error("it is not open, although requests need a token")
	}
	r.guarded.Store(false)
	r.Apply([]*config.Tunnel{c})
	r.await(Degraded)
	if reached() {
		t.Error("it is open again without a token")
	}
}
