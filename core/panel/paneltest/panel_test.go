package paneltest

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/fakesite"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// two is a primary with two keys and a backup with one.
func two(primary, backup *fakesite.Site, more string) string {
	return `# The channels of the test.
channel "primary" {
  target = "` + primary.URL() + `" # my favorite
  weight = 10
  key "first" {
    value = "sk-primary-first-of-the-test"
  }
  key "second" {
    value = "sk-primary-second-of-the-test"
  }
}
channel "backup" {
  target   = "` + backup.URL() + `"
  keys     = ["sk-backup-only-of-the-test"]
  fallback = true
}
` + more
}

func begin(t *testing.T, more string) (*running, *fakesite.Site, *fakesite.Site) {
	t.Helper()
	primary, backup := site(t, "primary"), site(t, "backup")
	return start(t, two(primary, backup, more)), primary, backup
}

func TestRequestsAppearAsTheyCome(t *testing.T) {
	r, primary, _ := begin(t, "")
	p := r.open("/", 1280, 900)
	p.shows("#overall", "2 channels")
	p.shows(".latest .empty", "/v1")
	p.shot("empty")
	r.ask("a-model-of-the-test")
	began := time.Now()
	p.shows(".latest .row", "a-model-of-the-test")
	t.Logf("shown after %v", time.Since(began))
	p.shows(`[data-name="primary"] .calls`, "1")

	primary.Next(fakesite.Status(503, "{}"))
	r.ask("another-model")
	p.press("#views", "Log")
	p.shows("#view-log .row", "another-model")
	p.press("#view-log", "Retried")
	p.until(`document.querySelectorAll('#view-log .row').length === 1`)
	p.click(`document.querySelector('#view-log .row')`)
	p.shows("dialog", "2 attempts")
	p.shows("dialog .attempts li:nth-child(1)", "the channel failed")
	p.shows("dialog .attempts li:nth-child(2)", "backup")
	if tokens := eval[string](p, `[...document.querySelectorAll('dialog .facts div')].find((n) => n.innerText.startsWith('Tokens'))?.innerText ?? ''`); !strings.Contains(tokens, " in, ") || strings.Contains(tokens, "0 in") {
		t.Errorf("the record shows no tokens: %q", tokens)
	}
	p.until(`[...document.querySelectorAll('dialog .reason')].every((n) => n.innerText.length > 10)`)
	p.press("dialog", "Close")
	p.press("#view-log", "Requests")
	p.press("#view-log", "Pause")
	r.ask("while-it-was-paused")
	p.shows("#view-log .toolbar", "Resume, 1 new request")
	if strings.Contains(p.all(), "while-it-was-paused") {
		t.Error("a paused log shows new requests")
	}
	p.press("#view-log", "Resume, 1 new request")
	p.shows("#view-log .row", "while-it-was-paused")
	p.click(`document.querySelector('#view-log input')`)
	p.keys("another-model")
	p.until(`document.querySelectorAll('#view-log .row').length === 1`)
}

func TestAPausedChannelGetsNoRequests(t *testing.T) {
	r, _, _ := begin(t, "")
	p := r.open("/", 1280, 900)
	p.press(`[data-name="primary"]`, "Pause primary")
	p.shows("#toasts", "primary is paused")
	p.shows(`[data-name="primary"] .state`, "Paused")
	if from, _ := r.ask("m"); from != "backup" {
		t.Errorf("with the primary paused, %q answers", from)
	}
	p.shows(`[data-name="backup"] .calls`, "1") // nothing moves under the next click
	p.press(`[data-name="primary"]`, "Resume primary")
	p.until(`document.querySelector('[data-name="primary"]').dataset.kind !== 'off'`)
	if from, _ := r.ask("m"); from != "primary" {
		t.Errorf("with the primary resumed, %q answers", from)
	}
	p.shows(`[data-name="primary"] .calls`, "1")
	p.press(`[data-name="backup"]`, "Prefer backup")
	p.shows(`[data-name="backup"] .badges`, "Preferred")
	if from, _ := r.ask("m"); from != "backup" {
		t.Errorf("with the backup preferred, %q answers", from)
	}
	p.shows(`[data-name="backup"] .calls`, "2")
	p.press(`[data-name="backup"]`, "Stop preferring backup")
	p.until(`!document.querySelector('[data-name="backup"] .badges').innerText.includes('Preferred')`)
}

func TestAFailingChannelTurnsRed(t *testing.T) {
	r, primary, _ := begin(t, "")
	p := r.open("/", 1280, 900)
	p.until(`document.querySelector('[data-name="primary"]')?.dataset.state === 'unknown'`)
	primary.Always(fakesite.Reset())
	testhelp.Eventually(t, "the breaker opens", func() bool { r.ask("m"); return r.channel("primary").Out != "" })
	p.until(`document.querySelector('[data-name="primary"]').dataset.kind === 'bad'`)
	p.shows(`[data-name="primary"] .why`, "the breaker is open")
	p.shows(`[data-name="primary"] .why`, "Next try in")
	p.shows("#overall", "1 of 2 channels")
	p.press(".toolbar", "Attention 1")
	p.until(`document.querySelectorAll('.channel').length === 1`)
	primary.ResetScript()
}

func TestUntrustedTextIsNotHTML(t *testing.T) {
	const evil = `<img src=x onerror="document.title='script ran'"><b>bold</b>`
	r, _, _ := begin(t, "channel \"third\" {\n  target = \"http://127.0.0.1:9\"\n  weight = 0\n  key \"<b>bold<script>document.title='script ran'</script>\" {\n    value = \"sk-third-of-the-test\"\n  }\n}\n")
	p := r.open("/", 1280, 900)
	p.shows(`[data-name="third"] .name`, "<b>bold<script>")
	r.ask(evil)
	p.shows(".latest .row .model", evil)
	p.click(`document.querySelector('.latest .row')`)
	p.shows("dialog", evil)
	p.until(`document.title.includes('aitunnel') && !document.querySelector('#app b, dialog b, #app img[src="x"], dialog img, #app script')`)
}

func TestALostStreamIsReported(t *testing.T) {
	r, _, _ := begin(t, "")
	p := r.open("/", 1280, 900)
	p.expect("ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_EMPTY_RESPONSE", "ERR_CONNECTION_RESET", "Failed to load resource")
	p.shows("#overall", "2 channels")
	r.stop()
	p.until(`document.body.dataset.connection === 'lost' && getComputedStyle(document.querySelector('#content')).filter.includes('grayscale')`)
	p.shows("#overall", "No connection")
	p.shows("#banner", "Next try")
	p.shot("lost")
	p.press("#banner", "Reconnect now")
	r.restart()
	p.until(`document.querySelector('#banner').hidden && document.body.dataset.connection === 'live'`)
	p.shows("#overall", "2 channels")
	r.ask("after-the-restart")
	p.shows(".latest .row", "after-the-restart")
}

func TestSignIn(t *testing.T) {
	r, _, _ := begin(t, "admin {\n  listen = \"127.0.0.1:0\"\n  token  = \"a-token-of-the-test\"\n}\n")
	p := open(t, r.panel, "/", 1280, 900)
	p.expect("401", "403")
	p.shows("#signin", "Sign in")
	p.shot("sign-in")
	p.field("Admin token", "a-wrong-token")
	p.press("#signin", "Sign in")
	p.until(`!document.querySelector('#signin .trouble').hidden`)
	p.field("Admin token", "a-token-of-the-test")
	p.press("#signin", "Sign in")
	p.shows("#overall", "2 channels")
	p.until(`!document.cookie && !Object.values(localStorage).join().includes('a-token')`)
	p.reload()
	p.shows("#overall", "2 channels")
	r.ask("signed-in")
	p.shows(".latest .row", "signed-in")
	p.press(".top", "Sign out")
	p.shows("#signin", "Sign in")
	p.reload()
	p.shows("#signin", "Sign in")

	link := r.link()
	q := open(t, r.panel, strings.TrimPrefix(link, r.panel), 1280, 900)
	q.shows("#overall", "2 channels")
	if at := eval[string](q, "location.href"); strings.Contains(at, "login") {
		t.Errorf("the code stays in the address: %s", at)
	}
	pasted := open(t, r.panel, "/", 1280, 900)
	pasted.expect("401")
	pasted.shows("#signin", "Sign in")
	eval[bool](pasted, `(location.hash = %s, true)`, strings.TrimPrefix(r.link(), r.panel+"/"))
	pasted.shows("#overall", "2 channels")

	resp, err := http.Get(r.panel + "/api/status")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("without the cookie: %s", resp.Status)
	}
}

func TestTunnelsAndPlugins(t *testing.T) {
	r, _, _ := begin(t, "tunnel \"vps\" {\n  host = \"127.0.0.1:9\"\n  user = \"nobody\"\n  known_hosts = \"/dev/null\"\n  forward \"127.0.0.1:9000\" {}\n}\n")
	p := r.open("/", 1280, 900)
	p.shows("#lights", "vps")
	p.until(`document.querySelector('#lights a').ariaLabel === 'Tunnel vps: waiting to reconnect' || document.querySelector('#lights a').ariaLabel === 'Tunnel vps: failed'`)
	p.press("#lights", eval[string](p, `document.querySelector('#lights a').ariaLabel`))
	p.shows(`.tunnel[data-name="vps"] .why`, "127.0.0.1:9")
	p.shows(`.tunnel[data-name="vps"] .rows`, "127.0.0.1:9000")
	p.shows(".plugin .components", "used")
	pid := eval[string](p, `document.querySelector('.plugin .facts').innerText.match(/pid \d+/)[0]`)
	p.press(".plugin", "Restart the plugin built-in")
	p.shows("#toasts", "built-in runs in a new process")
	p.until(`document.querySelector('.plugin .facts').innerText.match(/pid \d+/)?.[0] !== %s`, pid)
	p.press("#views", "Routes")
	p.press(".explain", "Explain")
	p.shows(".explanation .candidates", "primary")
}
