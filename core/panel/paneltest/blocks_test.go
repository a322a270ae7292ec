package paneltest

import (
	"strings"
	"testing"
)

// TestPartsOfBlocks changes parts of a block; all other text stays as it is.
func TestPartsOfBlocks(t *testing.T) {
	r, _, _ := begin(t, "")
	p := r.open("/", 1280, 900)
	const route = "route \"/v1/**\" {\n  # comes first\n  models   = [\"gpt-*\", \"a=b\"] # these\n  channels = [channel.a,\n    channel[\"b c\"], # last\n  ]\n  strategy \"sticky\" {\n    ttl = \"5m\" // long\n  }\n}"
	for _, tt := range []struct{ name, text, do, want string }{
		{"a value", route, `m.withSetting(text, 'models', '["o3"]')`, strings.Replace(route, `["gpt-*", "a=b"]`, `["o3"]`, 1)},
		{"none", route, `m.withSetting(text, 'models', '')`, strings.Replace(route, "  models   = [\"gpt-*\", \"a=b\"] # these\n", "  # these\n", 1)},
		{"a new one", route, `m.withSetting(text, 'retries', '2')`, strings.Replace(route, "  ]\n", "  ]\n  retries = 2\n", 1)},
		{"a setting of an inner block is no setting of the outer", route, `String(m.valueOf(text, 'ttl'))`, "undefined"},
		{"the inner block", route, `m.blocksIn(text, 'strategy')[0].label + ' ' + m.shownOf(m.valueOf(m.blocksIn(text, 'strategy')[0].text, 'ttl'))`, "sticky 5m"},
		{"without it", route, `m.withoutBlock(text, m.blocksIn(text, 'strategy')[0].start)`, strings.Replace(route, "  strategy \"sticky\" {\n    ttl = \"5m\" // long\n  }\n", "", 1)},
		{"strings", route, `m.stringsOf(m.valueOf(text, 'models')).join()`, "gpt-*,a=b"},
		{"a list with a comment is an expression", route, `String(m.namesOf('channel', m.valueOf(text, 'channels')))`, "null"},
		{"channels", `route "x" { channels = [channel.a, channel["b c"]] }`, `m.namesOf('channel', m.valueOf(text, 'channels')).join('|')`, "a|b c"},
		{"an expression", `route "x" { channels = local.all }`, `String(m.namesOf('channel', m.valueOf(text, 'channels')))`, "null"},
		{"a template", `tunnel "x" { host = "${var.host}" }`, `String(m.stringOf(m.valueOf(text, 'host')))`, "null"},
		{"one line", `route "x" { channels = [channel.a] }`, `m.withSetting(text, 'models', '["m"]')`, "route \"x\" {\n  channels = [channel.a]\n  models = [\"m\"]\n}"},
		{"empty", `route "{" {}`, `m.withBlock(m.withSetting(text, 'models', '["m"]'), 'strategy "x" {}')`, "route \"{\" {\n  models = [\"m\"]\n  strategy \"x\" {}\n}"},
		{"before blocks", "tunnel \"x\" {\n  forward \"a\" {}\n}", `m.withSetting(text, 'host', '"h"')`, "tunnel \"x\" {\n  host = \"h\"\n  forward \"a\" {}\n}"},
		{"a label", route, `m.withLabel(text, '/"$&')`, strings.Replace(route, `"/v1/**"`, `"/\"$&"`, 1)},
	} {
		got := eval[string](p, `import('/assets/blockparts.js').then((m) => { const text = %s; return `+tt.do+`; })`, tt.text)
		if got != tt.want {
			t.Errorf("%s: got\n%s\nwant\n%s", tt.name, got, tt.want)
		}
	}
}

// TestRoutesAndTunnelsAreChanged by their forms, which keep comments and what they do not
// show.
func TestRoutesAndTunnelsAreChanged(t *testing.T) {
	r, _, _ := begin(t, `
# Ours.
route "/v1/messages" {
  channels = [channel.primary] # only this
  strategy "sticky" {
    # for long
    on = ["header.x-session-id"]
  }
}
tunnel "vps" {
  host        = "127.0.0.1:9"
  known_hosts = "/dev/null" # nobody
  forward "127.0.0.1:9000" {
    channel = channel.primary
  }
}
`)
	p := r.open("/#routes", 1280, 900)
	p.press("#view-routes", `Edit route "/v1/messages"`)
	p.shows("dialog .preview", "# only this")
	p.field("Model", "claude-*, gpt-5")
	p.field("on", "header.x-session-id, query.c")
	p.shows("dialog .preview", `"query.c"`)
	p.frames("edit-route")
	p.press("dialog", "Save")
	p.shows("#toasts", "was changed")
	p.press("#views", "Tunnels & plugins")
	p.press("#view-system", `Edit tunnel "vps"`)
	p.field("User", "nobody")
	p.frames("edit-tunnel")
	p.press("dialog", "Save")
	p.shows("#toasts", `tunnel "vps" was changed`)
	c := r.config()
	for _, want := range []string{
		"# Ours.\nroute \"/v1/messages\" {\n  channels = [channel.primary] # only this\n  models = [\"claude-*\", \"gpt-5\"]\n  strategy \"sticky\" {\n    # for long\n    on = [\"header.x-session-id\", \"query.c\"]\n  }\n}",
		"  known_hosts = \"/dev/null\" # nobody\n", "user = \"nobody\"\n", "  forward \"127.0.0.1:9000\" {\n    channel = channel.primary\n  }\n",
	} {
		if !strings.Contains(c, want) {
			t.Errorf("the configuration lacks\n%s\nit is\n%s", want, c)
		}
	}
}
