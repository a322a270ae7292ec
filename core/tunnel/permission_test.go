//go:build linux

package tunnel

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/sshdtest"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// permit lets the key open these addresses. It applies to new logins, since sshd reads the
// options of a key at the login.
func permit(s *sshdtest.Server, forwards ...*config.Forward) {
	options := "restrict,port-forwarding"
	for _, f := range forwards {
		options += fmt.Sprintf(`,permitlisten="%s",permitopen="%[1]s"`, f.Address)
	}
	s.Authorize(options, s.Key.PublicKey())
}

// TestForwardPermittedLater shows that the tunnel logs in again, since a forward is refused
// for the whole connection: by itself, after a reload, and after a successful test.
func TestForwardPermittedLater(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		age time.Duration
		ask func(*testing.T, *rig)
	}{
		"by itself": {50 * time.Millisecond, func(*testing.T, *rig) {}},
		"by a reload": {time.Hour, func(_ *testing.T, r *rig) {
			r.Apply([]*config.Tunnel{r.config})
			r.RetryAll()
		}},
		"by a test": {time.Hour, func(t *testing.T, r *rig) {
			if steps, ok, err := r.Test(t.Context(), "vps"); err != nil || !ok {
				t.Errorf("%+v %v", steps, err)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sshdtest.Start(t, sshdtest.Options{KeyOptions: "restrict"})
			r := prepare(t, s, func(o *Options) { o.loginAge = c.age })
			r.config = tunnelTo(t, s)
			r.Apply([]*config.Tunnel{r.config})
			r.awaitFault(Degraded, "forbid")
			permit(s, r.config.Forwards...)
			c.ask(t, r)
			r.await(Up)
			r.mustAnswer()
		})
	}
}

// TestSecondForwardPermittedLater shows that a failed test and a reload do not touch the open
// forward. A successful test opens the other one on a new connection, and a stream on the
// first connection continues.
func TestSecondForwardPermittedLater(t *testing.T) {
	t.Parallel()
	s := sshdtest.Start(t, sshdtest.Options{})
	c := tunnelTo(t, s)
	c.Forwards = append(c.Forwards, &config.Forward{Address: freeAddress(t)})
	permit(s, c.Forwards[0])
	r := prepare(t, s, func(o *Options) { o.loginAge = 50 * time.Millisecond })
	r.config = c
	r.Apply([]*config.Tunnel{c})
	r.awaitFault(Degraded, c.Forwards[1].Address, "forbid")
	_, lines := r.stream()
	if _, ok, err := r.Test(t.Context(), "vps"); ok || err != nil {
		t.Fatalf("%v %v", ok, err)
	}
	r.RetryAll()
	if st := r.await(Degraded); st.Connects != 1 {
		t.Errorf("it has reconnected: %+v", st)
	}
	permit(s, c.Forwards...)
	if steps, ok, err := r.Test(t.Context(), "vps"); !ok || err != nil {
		t.Fatalf("%+v %v", steps, err)
	}
	r.await(Up)
	r.mustAnswer()
	testhelp.Eventually(t, "the second forward answers", func() bool {
		c, err := net.Dial("tcp", c.Forwards[1].Address)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	for range 4 {
		if line, err := lines.ReadString('\n'); err != nil || !strings.HasPrefix(line, "data: ") && line != "\n" {
			t.Fatalf("the stream broke: %q %v", line, err)
		}
	}
}
