//go:build linux

package daemon_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/sshdtest"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// TestTrustOfAHostKey: only the key that the user compared is trusted, only with the token,
// and never one that has changed.
func TestTrustOfAHostKey(t *testing.T) {
	t.Parallel()
	s := sshdtest.Start(t, sshdtest.Options{})
	old := sshdtest.NewKey(t, filepath.Join(t.TempDir(), "old"), "").PublicKey()
	s.Know(old)
	file := filepath.Join(s.Home, ".ssh", "known_hosts")
	known := func() string {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	r := startWithHome(t, s.Home, byHand+patient(site(t, "primary"), site(t, "backup"), tunnelBlock(s, "vps", fmt.Sprintf("%q {}", freePort(t)))))
	refused := func(fingerprint, code string) {
		t.Helper()
		before := known()
		b := r.must(http.StatusConflict, http.MethodPost, "/api/tunnels/vps/trust", fmt.Sprintf(`{"fingerprint":%q}`, fingerprint))
		if !strings.Contains(string(b), code) {
			t.Errorf("%s is not refused as %s: %s", fingerprint, code, b)
		}
		if known() != before {
			t.Errorf("known_hosts was changed: %s", known())
		}
	}

	k := r.awaitTunnel("vps", "failed").HostKey
	if k == nil || k.State != admin.HostKeyChanged || k.Fingerprint != s.Fingerprint() || k.Known != ssh.FingerprintSHA256(old) || k.KnownAt != "line 1 of "+file {
		t.Fatalf("a key that has changed: %+v", k)
	}
	refused(s.Fingerprint(), "host_key_changed")

	s.Know()
	testhelp.Eventually(t, "the host is reported as unknown", func() bool {
		k = r.tunnel("vps").HostKey
		return k != nil && k.State == admin.HostKeyUnknown
	})
	if want := (admin.HostKey{Host: s.Addr(), Type: "ssh-ed25519", Fingerprint: s.Fingerprint(), State: admin.HostKeyUnknown}); *k != want {
		t.Errorf("%+v, want %+v", *k, want)
	}
	refused(ssh.FingerprintSHA256(old), "other_host_key")
	if got := r.portStatus(http.MethodPost, "/api/tunnels/vps/trust", ""); got != http.StatusUnauthorized {
		t.Errorf("without a token: %d", got)
	}

	var tested admin.TestTunnelResult
	test := func() {
		t.Helper()
		if err := json.Unmarshal(r.must(http.StatusOK, http.MethodPost, "/api/tunnels/vps/test", ""), &tested); err != nil {
			t.Fatal(err)
		}
	}
	if test(); tested.OK || tested.Steps[len(tested.Steps)-1].Step != "host_key" {
		t.Errorf("a test without the key: %+v", tested)
	}
	r.must(http.StatusOK, http.MethodPost, "/api/tunnels/vps/trust", fmt.Sprintf(`{"fingerprint":%q}`, s.Fingerprint()))
	if up := r.awaitTunnel("vps", "up"); up.HostKey != nil {
		t.Errorf("up, with %+v", up.HostKey)
	}
	if !slices.ContainsFunc(r.events(), func(e event.Event) bool {
		return e.Type == event.TypeTunnel && e.Tunnel == "vps" && strings.Contains(e.Message, "trusted the key "+s.Fingerprint()+" of host "+s.Addr())
	}) {
		t.Error("no event says that the key is trusted now")
	}
	if test(); !tested.OK || !slices.ContainsFunc(tested.Steps, func(x admin.TunnelStep) bool { return x.Step == "login" && x.OK }) {
		t.Errorf("a test of the tunnel: %+v", tested)
	}
}
