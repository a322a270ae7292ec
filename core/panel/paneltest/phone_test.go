package paneltest

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/fakesite"
)

// TestAPhoneSignsInByQRCode reads the QR code from a picture of the page, and opens its link
// in another browser.
func TestAPhoneSignsInByQRCode(t *testing.T) {
	reader, err := exec.LookPath("zbarimg")
	if err != nil {
		t.Skip("zbarimg is not installed (Debian: apt-get install zbar-tools), so the QR code is not read")
	}
	r := start(t, "admin {\n  listen = \"0.0.0.0:0\"\n  token  = \""+panelToken+"\"\n}\n"+two(site(t, "primary"), site(t, "backup"), ""))
	_, port, _ := strings.Cut(r.AdminAddr()[strings.LastIndex(r.AdminAddr(), ":"):], ":")
	r.panel = "http://127.0.0.1:" + port
	p := r.open("/", 1280, 900)
	p.shows("#overall", "2 channels")
	if !eval[bool](p, `fetch('/api/session').then((r) => r.json()).then((s) => s.phone)`) {
		t.Skip("this machine has no address in a network")
	}
	p.press(".tools", "Sign in on a phone")
	p.until(`document.querySelector('dialog .qr')?.naturalWidth > 0`)
	dir := t.TempDir()
	t.Setenv("AITUNNEL_SCREENSHOTS", dir)
	p.shot("phone")
	out, err := exec.CommandContext(t.Context(), reader, "-q", "--nodbus", "--raw", filepath.Join(dir, "phone.png")).Output()
	url := strings.TrimSpace(string(out))
	if err != nil || url != eval[string](p, `document.querySelector('dialog code').textContent`) {
		t.Fatalf("%v: %s", err, out)
	}
	origin, path, _ := strings.Cut(url, "/#")
	if strings.Contains(origin, "127.0.0.1") || !strings.HasSuffix(origin, ":"+port) {
		t.Errorf("the code contains %s", origin)
	}
	phone := open(t, r.panel, "/#"+path, 360, 740) // the browser of the tests reaches no other address
	phone.shows("#overall", "2 channels")
	phone.shot("signed-in")
}

// TestNoCodeOnLoopback: there is no button for other devices.
func TestNoCodeOnLoopback(t *testing.T) {
	r, _, _ := begin(t, "")
	p := r.open("/", 1280, 900)
	p.shows("#overall", "2 channels")
	if eval[bool](p, `document.querySelector('#phone').checkVisibility()`) {
		t.Error("there is a button for a code that no other device can use")
	}
}

// TestCountersAreReset: the channel and its keys count from 0 again, but the channel does not
// count as never tried.
func TestCountersAreReset(t *testing.T) {
	r, primary, _ := begin(t, "")
	primary.Next(fakesite.Unauthorized())
	for range 3 {
		r.ask("m")
	}
	p := r.open("/", 1280, 900)
	p.shows(`[data-name="primary"] .calls`, "4")
	p.press(".counted", "Reset the counters")
	p.press("dialog", "Reset the counters")
	p.shows("#toasts", "were reset")
	p.shows(`[data-name="primary"] .calls`, "0")
	p.shows(`[data-name="primary"] .tokens`, "0")
	p.shows(`[data-name="primary"] .keylist`, "0 attempts")
	p.shows(`[data-name="primary"] .success`, "75.0 %") // of the last ten minutes
	p.shows(`[data-name="primary"] .state`, "Ready")
	r.ask("m")
	p.shows(`[data-name="primary"] .calls`, "1")
}
