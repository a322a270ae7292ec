package adminapi

import (
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/route"
)

func TestChecksThatCannotBeMadeAreListed(t *testing.T) {
	states := channel.NewRegistry(channel.Options{})
	table := &route.Table{}
	for _, name := range []string{"primary", "backup", "unchecked"} {
		c := &config.Channel{Name: name}
		if name != "unchecked" {
			c.HealthCheck = &config.HealthCheck{Checker: &config.Component{Ref: "purse", Range: hcl.Range{Filename: "aitunnel.hcl", Start: hcl.Pos{Line: 13}}}}
		}
		table.Channels = append(table.Channels, &route.Channel{Config: c, State: states.Channel(name, "http://127.0.0.1:9")})
	}
	table.Channels[0].State.SetCheckError("the plugin is quarantined")
	want := []string{`aitunnel.hcl:13: the health check "purse" of channel "primary" could not be made: the plugin is quarantined`}
	if got := failingChecks(table, time.Now()); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
