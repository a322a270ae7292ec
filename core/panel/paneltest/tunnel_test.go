//go:build linux

package paneltest

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/aitunnel/aitunnel/core/daemon"
	"github.com/aitunnel/aitunnel/core/sshdtest"
)

// TestTheHostOfATunnelIsTrusted on its card, after its key was shown. A key that has changed
// is shown next to the old one, and cannot be trusted.
func TestTheHostOfATunnelIsTrusted(t *testing.T) {
	s := sshdtest.Start(t, sshdtest.Options{})
	s.Know()
	primary, backup := site(t, "primary"), site(t, "backup")
	tunnel := fmt.Sprintf("tunnel \"vps\" {\n  host = %q\n  user = %q\n  forward \"unix:%s\" {}\n}\n", s.Addr(), s.User, filepath.Join(t.TempDir(), "aitunnel.sock"))
	r := start(t, two(primary, backup, tunnel), func(o *daemon.Options) { o.Home = s.Home })
	p := r.open("/#system", 1280, 900)
	p.shows("#view-system .tunnel .why", "The host "+s.Addr()+" is not known yet")
	p.frames("tunnel-unknown")
	p.press("#view-system", "Trust …")
	p.shows("dialog", s.Fingerprint())
	p.shows("dialog", "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub")
	p.frames("trust")
	p.press("dialog", "They are the same: trust it")
	p.shows("#toasts", "The key of "+s.Addr()+" is trusted.")
	p.until(`document.querySelector('#view-system .tunnel .state').innerText === 'up'`)
	p.until(`document.querySelector('#view-system .tunnel .why').hidden`)

	p.press("#view-system", "Test the tunnel vps step by step")
	p.shows("dialog .steps", "logged in as "+s.User)
	p.shows("dialog", "All steps succeeded.")
	p.frames("tunnel-test")

	p.language("zh")
	p.press("#view-system", "逐步测试隧道 vps")
	p.shows("dialog .steps", "已用")
	p.shows("dialog", "每一步都成功")
	p.frames("tunnel-test-zh")
	if text := eval[string](p, `document.querySelector('dialog').innerText`); strings.Contains(text, "logged in") || strings.Contains(text, "has the key") {
		t.Errorf("not translated: %s", text)
	}
	p.keys("\x1b")

	old := sshdtest.NewKey(t, filepath.Join(t.TempDir(), "old"), "").PublicKey()
	s.Know(old)
	s.Stop()
	s.Signal(syscall.SIGKILL)
	s.Restart()
	p.press("#view-system", "对比密钥……")
	p.shows("dialog", ssh.FingerprintSHA256(old))
	p.shows("dialog", s.Fingerprint())
	p.frames("key-changed-zh")
	if n := eval[int](p, `document.querySelectorAll('dialog footer button').length`); n != 1 {
		t.Errorf("%d buttons, want only the one that closes the dialog", n)
	}
}
