package paneltest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/fakesite"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// TestRoutesAndTunnelsAreAdded by forms with a preview, then changed, removed and restored.
func TestRoutesAndTunnelsAreAdded(t *testing.T) {
	r, _, _ := begin(t, "")
	before := r.config()
	p := r.open("/#routes", 1280, 900)
	p.shows("#view-routes .route", "/**")
	p.press("#view-routes .toolbar", "Add a route")
	p.field("Path", "/v1/messages")
	p.choose("Strategy", "weighted")
	p.shows("dialog .preview", "strategy \"weighted\" {}")
	p.frames("add-route")
	p.press("dialog", "Add to the configuration")
	p.shows("#toasts", "The route was added")
	p.shows("#view-routes .route", "/v1/messages")
	if c := r.config(); !strings.Contains(c, "route \"/v1/messages\" {\n  channels = [channel.primary, channel.backup]\n  strategy \"weighted\" {}\n}") || !strings.HasPrefix(c, strings.TrimSpace(before)) {
		t.Errorf("the configuration is\n%s", c)
	}
	p.press("#view-routes", `Edit route "/v1/messages"`)
	p.press("dialog", "Edit as text")
	p.shows("dialog textarea", "")
	p.field("Text", "route \"/v1/messages\" {\n  channels = [channel.unknown]\n}")
	p.press("dialog", "Save")
	p.shows("dialog .trouble, dialog .error:not([hidden])", "unknown")
	p.field("Text", "route \"/v1/messages\" {\n  channels = [channel.backup]\n}")
	p.press("dialog", "Save")
	p.shows("#toasts", "was changed")
	p.expect("422")

	p.press("#views", "Tunnels & plugins")
	p.press("#view-system .toolbar", "Add a tunnel")
	p.field("Host", "127.0.0.1:9")
	p.shows("dialog .preview", `forward "127.0.0.1:9000" {}`)
	p.frames("add-tunnel")
	p.press("dialog", "Add to the configuration")
	p.shows("#view-system .tunnel", "vps")
	p.press("#view-system", `Edit tunnel "vps"`)
	p.press("dialog", "Remove")
	p.press("dialog:last-of-type", "Remove")
	p.shows("#toasts", "was removed")
	testhelp.Eventually(t, "the tunnel is removed", func() bool { return !strings.Contains(r.config(), "tunnel") })

	p.press("#views", "Configuration")
	for range 4 { // one for each edit
		p.press("#view-config .toolbar", "Undo last edit")
		p.press("dialog", "Undo")
		p.until(`!document.querySelector('dialog')`)
		p.shows("#toasts", "was undone")
		p.click(`document.querySelector('#toasts .toast:last-child button')`)
	}
	testhelp.Eventually(t, "the configuration is as before", func() bool { return r.config() == before })
	p.press("#view-config .toolbar", "Undo last edit")
	p.shows("#toasts", "There is no edit to undo")
}

// choose chooses an option of the select with this label.
func (p *tab) choose(label, value string) {
	p.t.Helper()
	p.until(`(() => { const l = [...document.querySelectorAll('dialog label')].find((n) => n.textContent === %s); const n = l && document.getElementById(l.htmlFor); if (!n) return false; n.value = %s; n.dispatchEvent(new Event('change', { bubbles: true })); return n.value === %s; })()`, label, value, value)
}

// TestChannelsAreImported from a list of new-api.
func TestChannelsAreImported(t *testing.T) {
	r, _, _ := begin(t, "")
	p := r.open("/", 1280, 900)
	p.press("#view-channels .toolbar", "Import")
	p.field("Channels to import", `{"data":{"items":[{"id":3,"name":"My site","type":8,"base_url":"https://site.example/v1","key":"sk-imported-canary-000001","models":"gpt-4o,gpt-5","model_mapping":"{\"a\":\"b\"}","weight":5,"status":2},{"id":4,"name":"?","type":99}]}}`)
	p.shows("dialog .preview", `channel "My-site"`)
	p.shows("dialog", "1 channel is added. Skipped, because they have no address: ?.")
	if shown := eval[string](p, `document.querySelector('dialog .preview').textContent`); strings.Contains(shown, "canary") {
		t.Errorf("the preview shows a key: %s", shown)
	}
	p.frames("import")
	p.press("dialog", "Add the channels")
	p.shows("#toasts", "1 channel was added")
	if c := r.config(); !strings.Contains(c, "channel \"My-site\" {\n  target = \"https://site.example\"\n  keys = [\"sk-imported-canary-000001\"]\n  weight = 5\n  models = [\"gpt-4o\", \"gpt-5\"]\n  model_map = { \"a\" = \"b\" }\n  disabled = true\n}") {
		t.Errorf("the configuration is\n%s", c)
	}
}

// TestAFileOfTheEarlierProgramIsImported: its channels, except those that exist already.
func TestAFileOfTheEarlierProgramIsImported(t *testing.T) {
	r, _, _ := begin(t, "")
	p := r.open("/", 1280, 900)
	p.press("#view-channels .toolbar", "Import")
	p.expect("422")
	p.field("Channels to import", "channels:\n  - name: [")
	p.press("dialog", "Add the channels")
	p.shows("dialog .error:not([hidden])", "This cannot be read")
	p.field("Channels to import", "channels:\n  - name: primary\n    target: https://other.example\n    keys: [sk-old-canary-000001]\n  - name: old\n    target: https://old.example\n    keys: [sk-old-canary-000002]\n")
	p.shows("dialog", "1 channel is added. Skipped, because there are channels with these names: primary.")
	p.shows("dialog .preview", `channel "old"`)
	p.frames("import-yaml")
	p.press("dialog", "Add the channels")
	p.shows("#toasts", "1 channel was added")
	p.shows(`[data-name="old"]`, "old.example")
	if c := r.config(); !strings.Contains(c, "channel \"old\" {\n") || strings.Contains(c, "canary-000001") || strings.Count(c, "canary-000002") != 1 {
		t.Errorf("the configuration is\n%s", c)
	}
}

// TestARuleIsMadeFromAnUnknownAnswer in the list of such answers.
func TestARuleIsMadeFromAnUnknownAnswer(t *testing.T) {
	r, primary, _ := begin(t, "")
	primary.Always(fakesite.Status(http.StatusForbidden, `{"error":{"message":"the moon is full tonight"}}`))
	r.ask("m")
	p := r.open("/#routes", 1280, 900)
	p.shows("#view-routes .route", "/**") // nothing moves any more
	p.shows("#view-routes .unknown", "403 · unknown: the key, the channel or the request is at fault")
	p.press("#view-routes .unknown", "Make a rule")
	p.shows("dialog .preview", "the moon is full tonight")
	p.frames("make-a-rule")
	p.field("Text", "verdict \"moon\" {\n  status  = 403\n  message = \"(?i)moon\"\n  means   = \"overloaded\"\n}")
	p.press("dialog", "Add to the configuration")
	p.shows("#toasts", "The rule was added")
	p.until(`document.querySelectorAll('#view-routes .unknown li').length === 0`)
	if c := r.config(); !strings.Contains(c, `verdict "moon" {`) {
		t.Errorf("the configuration is\n%s", c)
	}
}

// TestAxeOfForms checks the dialogs, in both languages and themes.
func TestAxeOfForms(t *testing.T) {
	needsAxe(t)
	r, primary, _ := begin(t, "tunnel \"vps\" {\n  host = \"127.0.0.1:9\"\n  user = \"nobody\"\n  known_hosts = \"/dev/null\"\n  forward \"127.0.0.1:9000\" {}\n}\nroute \"/v1/messages\" {\n  channels = [channel.primary]\n  strategy \"sticky\" {}\n}\nroute \"/**\" {\n  channels = [channel.primary]\n}\n")
	primary.Always(fakesite.Status(http.StatusForbidden, `{"error":{"message":"the moon is full tonight"}}`))
	r.ask("m")
	p := r.open("/#routes", 1280, 900)
	for _, language := range []string{"en", "zh"} {
		p.language(language)
		p.click(`document.querySelector('#views a[href="#routes"]')`)
		p.shows("#view-routes .unknown", "403")
		for name, open := range map[string]string{
			"a route":         `document.querySelector('#view-routes .toolbar button')`,
			"an edited route": `document.querySelector('#view-routes .route header button')`,
			"a rule":          `document.querySelector('#view-routes .unknown button')`,
			"a tunnel":        `document.querySelector('#view-system .toolbar button')`,
			"an edit":         `[...document.querySelectorAll('#view-system .tunnel header button')].at(-1)`,
			"import":          `document.querySelector('#view-channels .toolbar > button.quiet')`,
		} {
			view := "routes"
			switch name {
			case "a tunnel", "an edit":
				view = "system"
			case "import":
				view = "channels"
			}
			p.click(`document.querySelector('#views a[href="#` + view + `"]')`)
			p.click(open)
			p.until(`document.querySelector('dialog')`)
			for _, theme := range []string{"dark", "light"} {
				p.theme(theme)
				p.axe(language + ", " + theme + ", " + name)
			}
			p.size(360, 640)
			if wide := eval[bool](p, `document.documentElement.scrollWidth > 360 || document.querySelector('dialog').getBoundingClientRect().right > 361`); wide {
				t.Errorf("%s, %s is wider than 360 px", language, name)
			}
			p.size(1280, 900)
			p.click(`[...document.querySelectorAll('dialog footer button')].at(-2)`)
			p.until(`!document.querySelector('dialog')`)
		}
	}
}
