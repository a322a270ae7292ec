//go:build unix

package pluginhost

import (
	"path/filepath"
	"testing"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/sdk"
)

// A plugin that was built with the first version of the SDK works.
func TestOldPlugin(t *testing.T) {
	session, err := filepath.Abs(filepath.Join("..", "..", "sdk", "testdata", "v1", "session.json"))
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, quick, serveAs("old", session)...)
	for kind, name := range map[sdk.Kind]string{sdk.KindStrategy: "bandit", sdk.KindKeySelector: "keys", sdk.KindHealthChecker: "check"} {
		if c, err := r.Component(t.Context(), kind, name, nil); err != nil || c.Version != "1.0.0" || len(c.Schema.Attributes) != 4 || len(c.Schema.Blocks) != 1 {
			t.Errorf("%s: %+v, %v", kind, c, err)
		}
	}
	i := r.open(&config.Component{Kind: sdk.KindStrategy, Name: "bandit", Body: []byte(`{"explore":0.1}`)})
	p, err := plan(t, i, "")
	if err != nil || len(p.Groups) != 2 || p.Groups[0].Members[0].MaxInFlight != 3 || p.MaxStale == 0 || p.Attributes != nil {
		t.Errorf("%+v, %v", p, err)
	}
	router, ok := i.Component().(sdk.RequestRouter)
	if !ok {
		t.Fatal("it is not asked about requests")
	}
	if reply, err := router.Route(t.Context(), sdk.RouteRequest{}); err != nil || len(reply.Order) != 2 {
		t.Errorf("%+v, %v", reply, err)
	}
}
