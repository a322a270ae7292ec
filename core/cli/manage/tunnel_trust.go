package manage

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/cli/internal/term"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/sshclient"
)

func (a *app) tunnelTrustCommand() *cobra.Command {
	yes, print := false, ""
	c := &cobra.Command{
		Use:   "trust [NAME]...",
		Short: "Trust the host key of a tunnel, after you have compared it",
		Long: `Connect to the host of a tunnel, and to the jump hosts before it, show the
fingerprints of keys that are not known yet, and add those that you accept to the
known hosts. Compare a fingerprint with what the host's console shows for
ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub, or what its provider shows.

A key that has changed is never trusted by this command.

Root does this for the system service with the account of the service.`,
		ValidArgsFunction: a.completeTunnel,
		Example:           "  aitunnel tunnel trust vps\n  aitunnel tunnel trust vps --fingerprint SHA256:…",
		RunE: a.AsServiceAccount(func(c *cobra.Command, args []string) error {
			return a.withTunnels(c.Context(), args, func(all []*config.Tunnel) error {
				for _, t := range all {
					if err := a.tunnelTrust(c.Context(), t, yes, print); err != nil {
						return err
					}
				}
				return nil
			})
		}),
	}
	c.Flags().BoolVar(&yes, "yes", false, "trust the key that the host shows, without comparing it")
	c.Flags().StringVar(&print, "fingerprint", "", "trust the key with this fingerprint, and no other")
	return c
}

func (a *app) tunnelTrust(ctx context.Context, t *config.Tunnel, yes bool, print string) error {
	if t.HostKey != "" {
		return fmt.Errorf("the tunnel %q sets its host's key with host_key, so there is nothing to trust: correct host_key, or remove it", t.Name)
	}
	route, err := sshclient.LocalEnvironment().Resolve(ctx, t)
	if err != nil {
		return err
	}
	seen, err := sshclient.Trust(ctx, route, t.Keepalive, func(k sshclient.HostKey) (bool, error) {
		a.Say("The host %s of the tunnel %q is not known. Its key is", k.Host, t.Name)
		a.Say("  %s (%s)", a.Paint().Bold(k.Fingerprint), k.Type)
		switch {
		case print != "" && print != k.Fingerprint:
			return false, &sshclient.OtherKeyError{Presented: k}
		case yes || print != "":
			return true, nil
		}
		return a.agreed(ctx, "Is that what the host's own console or its provider shows? Type yes: ")
	})
	if err != nil {
		return err
	}
	for _, k := range seen {
		if k.Known {
			a.Say("The host %s is already known, with the key %s.", k.Host, k.Fingerprint)
		} else {
			a.Say("Trusted: the key is in %s. A running aitunnel connects within seconds.", k.File)
		}
	}
	return nil
}

// agreed asks a question that only the whole word yes answers.
func (a *app) agreed(ctx context.Context, question string) (bool, error) {
	answer, err := a.Input().Ask(ctx, question)
	if ctx.Err() != nil {
		return false, errors.New("nothing was changed")
	}
	if err != nil && answer == "" {
		return false, fmt.Errorf("%w; add --fingerprint or --yes", term.ErrNoTerminal)
	}
	return strings.EqualFold(answer, "yes"), nil
}

// passphrase returns a function that asks for the passphrase of a key without showing
// it; without a terminal, it returns "".
func (a *app) passphrase(ctx context.Context) func(path string) (string, error) {
	return func(path string) (string, error) {
		if !a.Input().IsTerminal() {
			return "", nil
		}
		return a.Input().Secret(ctx, "Passphrase of "+path)
	}
}
