package paneltest

import (
	"fmt"
	"strings"
	"testing"
)

// TestAKeyInThePlaceOfAModelIsNotShown: not in the page, and in nothing that the page receives. It
// stays in the configuration, which a person has to correct.
func TestAKeyInThePlaceOfAModelIsNotShown(t *testing.T) {
	const secret = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCD"
	var config strings.Builder
	fmt.Fprintf(&config, "channel \"primary\" {\n  target = %q\n  keys = [\"sk-one-of-the-test\"]\n  models = [\"gpt-4o\", %q]\n  model_map = { \"gpt-4o\" = %q }\n}\n", site(t, "primary").URL(), secret, secret)
	fmt.Fprintf(&config, "client \"anonymous\" {\n  models = [\"gpt-4o\", %q]\n}\n", secret)
	fmt.Fprintf(&config, "route \"/v1/**\" {\n  models = [\"gpt-4o\", %q]\n  channels = [channel.primary]\n}\n", secret)
	r := start(t, config.String())
	r.ask("gpt-4o")
	r.ask(secret)
	p := r.open("/", 1280, 900)
	p.until(`document.querySelectorAll('.latest .row').length === 2`)
	for _, path := range []string{"status", "channels", "routes", "clients", "stats", "usage?by=model", "config", "history?limit=10"} {
		if text := eval[string](p, `fetch('/api/' + %s).then((r) => r.text())`, path); strings.Contains(text, secret) {
			t.Errorf("/api/%s has the key: %s", path, text)
		}
	}
	for _, view := range []string{"channels", "log", "usage", "routes", "clients", "config"} {
		p.until(`(location.hash = %s) && document.querySelector('#view-' + %s).checkVisibility()`, view, view)
		p.refresh()
		if html := eval[string](p, `document.documentElement.outerHTML + [...document.querySelectorAll('input, textarea')].map((n) => n.value).join('\n')`); strings.Contains(html, secret) {
			t.Errorf("the view %s has the key", view)
		}
	}
	p.until(`(location.hash = 'channels') && document.querySelector('.latest .row').checkVisibility()`)
	p.click(`document.querySelector('.latest li:nth-child(2) .row')`)
	p.shows("dialog .attempts", "sent as sk-*")
	if text := eval[string](p, `document.querySelector('dialog').innerText`); strings.Contains(text, secret) {
		t.Errorf("the record has the key: %s", text)
	}
	p.shot("misplaced")
}
