//go:build linux

package sshclient

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/aitunnel/aitunnel/core/sshdtest"
)

// TestTrustOfOneKey trusts the keys of a jump host and of the host behind it one after the
// other, each only if it is the one that was compared.
func TestTrustOfOneKey(t *testing.T) {
	t.Parallel()
	bastion, host := sshdtest.Start(t, sshdtest.Options{}), sshdtest.Start(t, sshdtest.Options{})
	bastion.Authorize("", host.Key.PublicKey())
	known := filepath.Join(host.Home, ".ssh", "known_hosts")
	writeFile(t, known, "")
	c := tunnelTo(host)
	c.Jump = bastion.User + "@" + bastion.Addr()
	for _, s := range []*sshdtest.Server{bastion, host} {
		_, err := dial(t, envOf(host), c)
		if k := Untrusted(err); k == nil || k.Host != s.Addr() || k.Fingerprint != s.Fingerprint() || k.HasChanged() {
			t.Fatalf("the key of %s is needed next: %+v, %v", s.Addr(), k, err)
		}
		route, err := envOf(host).Resolve(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		var other *OtherKeyError
		if _, err := TrustKey(t.Context(), route, c.Keepalive, "SHA256:other"); !errors.As(err, &other) || other.Presented.Fingerprint != s.Fingerprint() {
			t.Errorf("another key: %v", err)
		}
		if k, err := TrustKey(t.Context(), route, c.Keepalive, s.Fingerprint()); err != nil || k.Known || k.Host != s.Addr() || k.File != known {
			t.Errorf("the key that is presented: %+v, %v", k, err)
		}
	}
	mustDial(t, envOf(host), c)
}
