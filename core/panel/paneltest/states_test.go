package paneltest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/fakesite"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// TestStatesAreTheSameEverywhere has channels in every state, and compares API, header, card
// and list.
func TestStatesAreTheSameEverywhere(t *testing.T) {
	names := []string{"unused", "fine", "keyless", "failing", "dying", "paused"}
	sites := map[string]*fakesite.Site{}
	var config strings.Builder
	for _, name := range names {
		sites[name] = site(t, name)
		fmt.Fprintf(&config, "channel %q {\n  target = %q\n  models = [%q]\n  keys = [\"sk-%s-1-of-the-test\", \"sk-%s-2-of-the-test\"]\n}\n", name, sites[name].URL(), name, name, name)
	}
	config.WriteString("breaker {\n  open = \"100s\"\n}\ntunnel \"vps\" {\n  host = \"127.0.0.1:9\"\n  user = \"nobody\"\n  known_hosts = \"/dev/null\"\n  forward \"127.0.0.1:9000\" {}\n}\n")
	r := start(t, config.String())
	ask := func(name string, n int) {
		for range n {
			r.ask(name)
		}
	}
	ask("fine", 3)
	sites["keyless"].Always(fakesite.RateLimited(10 * time.Minute))
	ask("keyless", 2)
	for range 7 { // 21 requests, a third of which fail, none twice in a row
		ask("failing", 2)
		sites["failing"].Next(fakesite.Status(500, `{"error":{"message":"no luck"}}`))
		ask("failing", 1)
	}
	sites["dying"].Always(fakesite.Reset())
	testhelp.Eventually(t, "the breaker opens", func() bool { ask("dying", 1); return r.channel("dying").Out != "" })
	p := r.open("/", 1440, 900)
	p.press(`[data-name="paused"]`, "Pause paused")
	for name, want := range map[string]struct {
		state admin.State
		word  string
	}{
		"unused": {admin.StateUnknown, "Not tried yet"}, "fine": {admin.StateReady, "Ready"}, "keyless": {admin.StateCoolingDown, "Cooling down"},
		"failing": {admin.StateDegraded, "Degraded"}, "dying": {admin.StateCoolingDown, "Cooling down"}, "paused": {admin.StatePaused, "Paused"},
	} {
		testhelp.Eventually(t, name+" is "+string(want.state), func() bool { return r.channel(name).State == want.state })
		p.shows(`[data-name="`+name+`"] .state`, want.word)
	}
	p.shows("#overall", "3 of 5 channels are available, 1 degraded, 1 paused")
	p.shows("#lights", "vps: ")
	p.shots("states-cards")
	p.click(`document.querySelectorAll('.segments.icons button')[1]`)
	for name, word := range map[string]string{"unused": "Not tried yet", "keyless": "Cooling down", "failing": "Degraded", "paused": "Paused"} {
		p.shows(`.list [data-name="`+name+`"] .state`, word)
	}
	p.shots("states-list")
	p.press(".toolbar", "Attention 3")
	p.until(`document.querySelectorAll('.channel').length === 3`)
}

// shots calls shot in both themes.
func (p *tab) shots(name string) {
	p.t.Helper()
	for _, theme := range []string{"dark", "light"} {
		p.theme(theme)
		p.shot(name + "-" + theme)
	}
}

// TestAChannelIsTriedFromItsCard sends one request from the dialog.
func TestAChannelIsTriedFromItsCard(t *testing.T) {
	r, _, backup := begin(t, "")
	p := r.open("/", 1280, 900)
	p.press(`[data-name="backup"]`, "Try backup")
	p.until(`document.querySelector('#try-models')?.options.length > 0`)
	p.press("dialog", "Send")
	p.shows("dialog .answer", "200")
	p.shows("dialog .answer", "/v1/chat/completions")
	p.until(`document.querySelector('dialog .answer pre')?.innerText.length > 2`)
	p.shot("tried")
	backup.Always(fakesite.Unauthorized())
	p.press("dialog", "Send")
	p.shows("dialog .answer .trouble", "The request failed")
	p.shot("tried-failed")
}

// TestTheAddressOfAChannelIsCorrected tries a channel whose address lacks the path of the
// site's API.
func TestTheAddressOfAChannelIsCorrected(t *testing.T) {
	home := site(t, "home")
	home.Always(func(x *fakesite.Exchange) {
		if !strings.HasPrefix(x.R.URL.Path, "/api/v3/") {
			fakesite.Status(404, "404 page not found")(x)
			return
		}
		fakesite.OK()(x)
	})
	r := start(t, fmt.Sprintf("channel \"home\" {\n  target = %q\n  keys = [\"sk-home-1-of-the-test\"]\n}\n", home.URL()))
	p := r.open("/", 1280, 900)
	p.expect("409") // there is no list of models
	p.press(`[data-name="home"]`, "Try home")
	p.shows("dialog", "The site has its API at "+home.URL()+"/api/v3")
	p.field("Model", "fake-model")
	p.press("dialog", "Send")
	p.shows("dialog .answer", "404")
	p.press("dialog", "Use this address")
	p.shows("#toasts", "The address of home was changed")
	if !strings.Contains(r.config(), home.URL()+"/api/v3\"") {
		t.Errorf("the configuration is\n%s", r.config())
	}
	p.press("dialog", "Send")
	p.until(`document.querySelector('dialog .answer pre')?.innerText.length > 2`)
}

// TestAListOfKeysIsPasted: three keys are added at once, one of which is listed twice.
func TestAListOfKeysIsPasted(t *testing.T) {
	r, _, _ := begin(t, "")
	p := r.open("/", 1280, 900)
	p.press(`[data-name="backup"]`, "Add keys to backup")
	p.until(`(() => { const n = document.querySelector('dialog textarea'); n.value = '"sk-pasted-1-of-the-test",\n sk-pasted-2-of-the-test second\nsk-pasted-1-of-the-test\n\n# note\nsk-pasted-3-of-the-test'; n.dispatchEvent(new Event('input')); return true; })()`)
	if hidden := eval[string](p, `getComputedStyle(document.querySelector('dialog textarea')).webkitTextSecurity`); hidden != "disc" {
		t.Errorf("the keys can be read: %q", hidden)
	}
	p.press("dialog", "Add keys")
	p.shows("#toasts", "3 keys added")
	p.shows("#toasts", "1 line repeats")
	p.shows(`[data-name="backup"] .keys`, "4 / 4")
	p.shows(`[data-name="backup"] .keylist`, "second")
	for i := 1; i <= 3; i++ {
		if n := strings.Count(r.config(), fmt.Sprintf("sk-pasted-%d-of-the-test", i)); n != 1 {
			t.Errorf("key %d is %d times in the configuration", i, n)
		}
	}
}

// TestManyChannelsAndKeys shows a hundred channels of twenty keys each.
func TestManyChannelsAndKeys(t *testing.T) {
	home := site(t, "home")
	var config strings.Builder
	for i := range 100 {
		fmt.Fprintf(&config, "channel \"channel-%03d\" {\n  target = %q\n  keys = [", i, home.URL())
		for k := range 20 {
			fmt.Fprintf(&config, "\"sk-of-the-test-%d-%d\", ", i, k)
		}
		config.WriteString("]\n}\n")
	}
	r := start(t, config.String())
	p := r.open("/", 1440, 900)
	p.until(`document.querySelectorAll('.channel').length === 100`)
	p.press(`[data-name="channel-007"]`, "More about channel-007")
	p.until(`document.querySelectorAll('[data-name="channel-007"] .keylist li').length === 20`)
	p.press(`[data-name="channel-007"]`, "Pause channel-007")
	p.shows(`[data-name="channel-007"] .state`, "Paused")
	p.shot("many")

	p.expect("favicon") // of the empty page
	paints, empty, toggles := []float64{}, []float64{}, []float64{}
	for range 3 {
		p.reload()
		p.until(`document.querySelectorAll('.channel').length === 100`)
		paints = append(paints, eval[float64](p, firstPaint))
		p.press(`[data-name="channel-042"]`, "More about channel-042")
		toggles = append(toggles, eval[float64](p, toggleTime))
		eval[bool](p, `(location.href = '/healthz', true)`)
		p.until(`location.pathname === '/healthz' && document.body.innerText.trim() === 'ok'`)
		empty = append(empty, eval[float64](p, firstPaint))
		eval[bool](p, `(location.href = '/', true)`)
		p.until(`document.querySelectorAll('.channel').length === 100`)
	}
	paint, toggle := slices.Min(paints)-slices.Min(empty), slices.Min(toggles)
	t.Logf("first paint %.0f ms after that of an empty page, a channel is paused after %.0f ms", paint, toggle)
	const busy = 5 // how much slower a busy machine may be
	if paint > 500*busy || toggle > 100*busy {
		t.Errorf("the first paint came %.0f ms after that of an empty page (%v, %v), and a channel was paused after %.0f ms", paint, paints, empty, toggle)
	}
}

// firstPaint is the time of the first paint, in ms.
const firstPaint = `new Promise((done) => {
  const look = () => { const e = performance.getEntriesByName('first-contentful-paint')[0]; if (e) done(e.startTime); else setTimeout(look, 5); };
  look();
})`

// toggleTime returns how long after a click on Pause or Resume the card shows it.
const toggleTime = `new Promise((done) => {
  const card = document.querySelector('[data-name="channel-042"]');
  const state = card.querySelector('.state');
  const before = state.textContent;
  const began = performance.now();
  new MutationObserver(() => state.textContent !== before && done(performance.now() - began)).observe(state, { childList: true, characterData: true, subtree: true });
  card.querySelector('footer button').click();
})`

// TestTheAddressOfAnAppDependsOnWhereItRuns: on this computer, on the host of a tunnel, or
// elsewhere in the network.
func TestTheAddressOfAnAppDependsOnWhereItRuns(t *testing.T) {
	const vps = "tunnel \"vps\" {\n  host = \"127.0.0.1:9\"\n  user = \"nobody\"\n  known_hosts = \"/dev/null\"\n  forward \"127.0.0.1:9700\" {}\n}\n"
	r, _, _ := begin(t, vps)
	p := r.open("/#connect", 1280, 900)
	p.shows(".addresses", "On the computer that runs aitunnel\nhttp://"+r.ProxyAddr()+"\nOn the host of the tunnel vps\nhttp://127.0.0.1:9700\nOn another device of the network\nnot reachable")
	p.shows("#view-connect .snippet", "ANTHROPIC_BASE_URL=http://"+r.ProxyAddr())
	p.until(`(() => { const n = document.querySelectorAll('#view-connect select')[1]; n.selectedIndex = 1; n.dispatchEvent(new Event('change')); return true; })()`)
	p.shows("#view-connect .snippet", "ANTHROPIC_BASE_URL=http://127.0.0.1:9700")
	p.shows("#view-connect", "aitunnel connect claude-code --on vps")
	p.language("zh")
	p.shows(".addresses", "在同一网络的其他设备上\n无法访问")

	p.language("en")
	r.write(strings.Replace(r.config(), "proxy {\n  listen = \"127.0.0.1:0\"", "proxy {\n  client_tokens = [\"client-token-of-the-test\"]\n  listen = \"0.0.0.0:0\"", 1))
	p.until(`fetch('/api/status').then((r) => r.json()).then((s) => !s.listen.startsWith('127.'))`)
	other := eval[string](p, `fetch('/api/status').then((r) => r.json()).then((s) => s.listenOther ?? '')`)
	if other == "" {
		t.Skip("this machine has no address in a network")
	}
	p.shows(".addresses", "On another device of the network\nhttp://"+other)
	p.until(`(() => { const n = document.querySelectorAll('#view-connect select')[1]; n.value = 'network'; n.dispatchEvent(new Event('change')); return n.value === 'network'; })()`)
	p.shows("#view-connect .snippet", "ANTHROPIC_BASE_URL=http://"+other)
}

// TestAnAppsSettingsAreShown for each app.
func TestAnAppsSettingsAreShown(t *testing.T) {
	r, _, _ := begin(t, "")
	p := r.open("/#connect", 1280, 900)
	p.shows("#view-connect .snippet", "ANTHROPIC_BASE_URL=http://"+r.ProxyAddr())
	for _, id := range eval[[]string](p, `[...document.querySelector('#view-connect select').options].map((o) => o.value)`) {
		p.until(`(() => { const n = document.querySelector('#view-connect select'); n.value = %s; n.dispatchEvent(new Event('change')); return document.querySelector('#view-connect pre').innerText.length > 20; })()`, id)
	}
	p.reload()
	p.until(`document.querySelector('#view-connect select').value === 'env'`)
}
