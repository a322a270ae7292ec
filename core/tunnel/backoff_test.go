package tunnel

import (
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
)

func TestBackoff(t *testing.T) {
	x := &tunnel{config: &config.Tunnel{Reconnect: config.Reconnect{Min: time.Second, Max: 30 * time.Second}}}
	for tries := range 100 {
		bound := 30 * time.Second
		if tries < 5 {
			bound = time.Second << tries
		}
		longest := time.Duration(0)
		for range 200 {
			p := x.backoff(tries)
			if p < time.Second || p > bound {
				t.Fatalf("pause %s after %d tries", p, tries)
			}
			longest = max(longest, p)
		}
		if longest < bound/2 {
			t.Errorf("after %d tries the pause is %s at most, of %s", tries, longest, bound)
		}
	}
}
