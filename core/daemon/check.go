package daemon

import (
	"context"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/pluginhost"
	"github.com/aitunnel/aitunnel/sdk"
)

// Check loads a configuration and has every plugin check its blocks, without
// running any of it.
func Check(ctx context.Context, o config.Options, h *pluginhost.Host) (*config.Config, config.Report) {
	o.Catalog = h
	cfg, report := config.Load(ctx, o)
	if report.HasErrors() {
		return nil, report
	}
	for _, c := range cfg.Components() {
		instance, err := h.OpenFor(ctx, c, cfg.Plugin(c.Plugin), sdk.Config{Instance: "check", Members: cfg.Members(c)}, nil)
		if err != nil {
			report = report.AddComponentError(c, err)
			continue
		}
		_ = instance.Close() // its process may be gone
	}
	return cfg, report
}
