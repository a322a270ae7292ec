//go:build linux

package tunnel

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/sshdtest"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// TestApplyKeepsUnchangedForwards opens and closes forwards of a connection while a
// stream runs over it.
func TestApplyKeepsUnchangedForwards(t *testing.T) {
	t.Parallel()
	s := sshdtest.Start(t, sshdtest.Options{})
	first := tunnelTo(t, s)
	first.Forwards[0].Channel = nil
	r := open(t, s, first)
	r.await(Up)
	_, lines := r.stream()
	streams := func() {
		t.Helper()
		for range 4 {
			if _, err := lines.ReadString('\n'); err != nil {
				t.Fatalf("the stream broke: %v", err)
			}
		}
	}
	ask := func(address string) string {
		resp, err := http.Get("http://" + address + "/hello")
		if err != nil {
			return err.Error()
		}
		defer func() { _ = resp.Body.Close() }()
		b, _ := io.ReadAll(resp.Body)
		return string(b)
	}
	with := func(forwards ...*config.Forward) *config.Tunnel {
		c := *first
		c.Forwards = forwards
		return &c
	}
	old := first
	apply := func(next *config.Tunnel, effects ...string) {
		t.Helper()
		if diff := cmp.Diff(effects, textsOf(Effects([]*config.Tunnel{old}, []*config.Tunnel{next}))); diff != "" {
			t.Errorf("effects (-want +got):\n%s", diff)
		}
		r.Apply([]*config.Tunnel{next})
		old = next
	}
	added := &config.Forward{Address: freeAddress(t), Channel: &config.Channel{Name: "one"}}
	apply(with(first.Forwards[0], added), "open "+added.Address+` of tunnel "vps"`)
	testhelp.Eventually(t, "the added forward answers", func() bool { return ask(added.Address) == "one" })
	streams()
	elsewhere := &config.Forward{Address: added.Address, Channel: &config.Channel{Name: "two"}}
	apply(with(first.Forwards[0], elsewhere), "send requests to "+added.Address+` of tunnel "vps" to channel "two"`)
	testhelp.Eventually(t, "the forward has its new destination", func() bool { return ask(added.Address) == "two" })
	streams()
	apply(with(elsewhere), "close "+first.Forwards[0].Address+` of tunnel "vps"`)
	testhelp.Eventually(t, "the first forward is closed", func() bool { return strings.Contains(ask(first.Forwards[0].Address), "refused") })
	streams() // it was opened through the forward that is closed now
	if st := r.status(); st.Connects != 1 || st.State != Up || len(st.Forwards) != 1 {
		t.Errorf("status %+v", st)
	}
	other := with(elsewhere)
	other.Keepalive.Interval *= 2
	apply(other, `reconnect tunnel "vps"`)
	testhelp.Eventually(t, "the other connection is up", func() bool { return r.status().State == Up && ask(added.Address) == "two" })
	streams() // the old connection stays open for it until the grace period ends
	if diff := cmp.Diff([]string{`connect tunnel "b"`, `close tunnel "a"`}, textsOf(Effects([]*config.Tunnel{{Name: "a"}}, []*config.Tunnel{{Name: "b"}}))); diff != "" {
		t.Errorf("effects (-want +got):\n%s", diff)
	}
	r.Apply(nil)
	testhelp.Eventually(t, "everything is closed", func() bool { return len(r.List()) == 0 && strings.Contains(ask(added.Address), "refused") })
}

func textsOf(effects []Effect) (texts []string) {
	for _, e := range effects {
		texts = append(texts, e.Text())
	}
	return texts
}
