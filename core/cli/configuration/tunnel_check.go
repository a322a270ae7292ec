package configuration

import (
	"context"
	"fmt"
	"strings"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/sshclient"
)

// checkTunnels adds warnings to a report about tunnels whose key cannot be used, and about
// tunnels that need the same port. They are no errors, as the machine that is to run the
// configuration may have the key, and another ssh_config.
func checkTunnels(ctx context.Context, cfg *config.Config, report config.Report) config.Report {
	local := sshclient.LocalEnvironment()
	for i, t := range cfg.Tunnels {
		if err := local.CheckIdentity(t); err != nil {
			report = report.WarnAt(t.Range, fmt.Sprintf("The tunnel %q cannot use its key", t.Name), err.Error())
		}
		for _, first := range cfg.Tunnels[:i] {
			if f := conflict(first, t); f != nil {
				report = warnSameMachine(ctx, local, first, t, f, report)
			}
		}
	}
	return report
}

// conflict returns a forward of the second tunnel that cannot be open beside those of the
// first on one machine, nil if there is none.
func conflict(first, second *config.Tunnel) *config.Forward {
	for _, f := range second.Forwards {
		for _, other := range first.Forwards {
			if f.Conflicts(other) {
				return f
			}
		}
	}
	return nil
}

// warnSameMachine adds a warning if two tunnels that need the same port lead to one machine
// by different names. Without their routes nothing is known.
func warnSameMachine(ctx context.Context, local sshclient.Environment, first, second *config.Tunnel, f *config.Forward, report config.Report) config.Report {
	one, err := local.Resolve(ctx, first)
	if err != nil {
		return report
	}
	other, err := local.Resolve(ctx, second)
	if err != nil || !strings.EqualFold(one.Host().Name(), other.Host().Name()) {
		return report
	}
	text := fmt.Sprintf("The tunnels %q and %q both lead to %s, and only one of them can open %s there: choose another address for the other.", first.Name, second.Name, one.Host().Address(), f.Address)
	if one.Host().Address() != other.Host().Address() {
		text = fmt.Sprintf("If %s and %s are one machine, only one of the tunnels %q and %q can open %s there: choose another address for the other.", one.Host().Address(), other.Host().Address(), first.Name, second.Name, f.Address)
	}
	return report.WarnAt(f.Range, "Two tunnels open the same address", text)
}
