package paneltest

import (
	"testing"

	"github.com/aitunnel/aitunnel/core/admin"
)

// TestWarningsOfAPlugin are shown with the plugin, each once, until they are over.
func TestWarningsOfAPlugin(t *testing.T) {
	const withheld = "aitunnel.hcl:8: strategy \"guide\" of route \"/v1/**\": it asks for body.user, which is withheld"
	plugin := func(warnings ...string) []admin.Process {
		uses := []admin.ComponentUse{{For: "route /v1/**", Warnings: warnings}, {For: "route /v2/**", Warnings: warnings}}
		return []admin.Process{{Plugin: "guide", State: "running", Components: []admin.Component{{Kind: "strategy", Name: "guide", UsedAt: []string{"aitunnel.hcl:8"}, Uses: uses}}}}
	}
	api := &stub{channels: []admin.Channel{}, tunnels: []admin.Tunnel{}, plugins: plugin(withheld)}
	p := open(t, api.serve(t).URL, "/", 1280, 900)
	p.press("#views", "Tunnels & plugins")
	p.shows(".plugin", withheld)
	if n := eval[int](p, `[...document.querySelectorAll('.plugin .why')].filter((e) => e.innerText.includes('withheld')).length`); n != 1 {
		t.Errorf("the warning is shown %d times", n)
	}
	api.mu.Lock()
	api.plugins = plugin()
	api.mu.Unlock()
	api.set(p, nil)
	p.until(`!document.querySelector('.plugin').innerText.includes('withheld')`)
}
