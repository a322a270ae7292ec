package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// canaries are secrets in every place that accepts one, by place.
var canaries = map[string]string{
	"literal key":         "sk-q7w1e9r3t5y2u8-literal",
	"key block":           "sk-m4n6b8v0c2x1z3-block",
	"key of env":          "sk-a1s3d5f7g9h2j4-env",
	"default of env":      "sk-p0o9i8u7y6t5r4-default",
	"key of file":         "sk-l2k4j6h8g0f1d3-file",
	"client token":        "tok-z9x7c5v3b1n2m4-client",
	"client token of env": "tok-e2r4t6y8u0i1o3-client",
	"admin token":         "tok-w5q3a1s9d7f6g8-admin",
	"url of notify":       "ntf-p9o7i5u3y1t2r4-topic",
	"token of client":     "cli-m4n6b8v0c2x1z3-laptop",
	"passphrase":          "pass-h3j5k7l9z1x2c4-phrase",
	"password":            "pass-v6b8n0m2q4w1e3-word",
	"plugin environment":  "env-r7t9y1u3i5o2p4-plugin",
	"sensitive setting":   "set-s8d0f2g4h6j1k3-setting",
	"default of variable": "var-x5c7v9b1n3m2q4-default",
	"variable by option":  "var-g1h3j5k7l9a2s4-option",
	"variable by env":     "var-d6f8g0h2j4k1l3-env",
	"literal local":       "loc-c3v5b7n9m1q2w4-local",
	"part of a template":  "tpl-u4i6o8p0a2s1d3-inside",
}

const canaryConfig = `variable "fixed" {
  default   = "<default of variable>"
  sensitive = true
}
variable "given" { sensitive = true }
variable "found" { sensitive = true }
locals {
  mine = "<literal local>"
  both = "${var.fixed}-${env("KEY")}"
}
proxy {
  client_tokens = ["<client token>", env("TOKEN")]
}
client "laptop" { token = "<token of client>" }
notify "phone" { url = "ntfy://ntfy.sh/<url of notify>" }
admin {
  token = "<admin token>"
}
plugin "acme" {
  env = { ACME = "<plugin environment>", B = env("KEY") }
}
tunnel "vps" {
  host       = "vps"
  passphrase = "<passphrase>"
  password   = trimspace("<password>")
  forward "127.0.0.1:9000" {}
}
channel "a" {
  target = "https://a.example"
  keys   = ["<literal key>", env("KEY"), env("NONE", "<default of env>"), file("team.key"), local.mine, local.both]
  key "block" { value = "<key block>" }
  key "inside" { value = "x-${upper("y")}-<part of a template>" }
  key "fixed" { value = var.fixed }
  key "given" { value = var.given }
  key "found" { value = "${var.found}" }
}
route "/**" {
  channels = [channel.a]
  strategy "acme/bandit" {
    arms  = 2
    token = "<sensitive setting>"
    notes = { x = env("KEY") }
  }
}
`

// canaryOptions returns canaryConfig with the secrets in it, and the options to load it.
func canaryOptions(t testing.TB) (o config.Options, text string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "team.key"), []byte(canaries["key of file"]+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	text = canaryConfig
	for place, value := range canaries {
		text = strings.ReplaceAll(text, "<"+place+">", value)
	}
	return config.Options{
		Path:    filepath.Join(dir, config.FileName),
		Vars:    map[string]string{"given": canaries["variable by option"]},
		Catalog: withAcme{},
		Getenv: lookup(map[string]string{
			"KEY": canaries["key of env"], "TOKEN": canaries["client token of env"],
			"AITUNNEL_VAR_found": canaries["variable by env"],
		}),
	}, text
}

// leaked returns the place of a secret of which a text contains 8 characters or more, "" if there is none.
// The prefix and the end of a secret may be shown, since they distinguish keys.
func leaked(text string) string {
	const part = 8
	text = strings.ToLower(text)
	for place, value := range canaries {
		middle := value[strings.Index(value, "-")+1 : strings.LastIndex(value, "-")]
		for i := 0; i+part <= len(middle); i++ {
			if strings.Contains(text, middle[i:i+part]) {
				return place
			}
		}
	}
	return ""
}

// printed returns all that a report can print.
func printed(t testing.TB, r config.Report) string {
	t.Helper()
	var out bytes.Buffer
	if err := r.Write(&out, true); err != nil {
		t.Fatal(err)
	}
	if err := json.NewEncoder(&out).Encode(r.Diagnostics()); err != nil {
		t.Fatal(err)
	}
	for _, d := range r.Diagnostics() {
		_, _ = fmt.Fprintln(&out, d)
	}
	_, _ = fmt.Fprintln(&out, r.Lines(), r.Summary())
	return out.String()
}

func TestNoPartOfAConfigurationPrintsASecret(t *testing.T) {
	o, text := canaryOptions(t)
	cfg, report := loadWith(t, o, text)
	if cfg == nil {
		t.Fatal(report.Lines())
	}
	for place, value := range canaries {
		if leaked(value) == "" {
			t.Fatalf("leaked does not find the %s", place)
		}
	}
	n := 0
	visit(reflect.ValueOf(cfg), func(path string, v any) {
		n++
		for _, form := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			if place := leaked(fmt.Sprintf(form, v)); place != "" {
				t.Errorf("%s of %s prints the %s", form, path, place)
			}
		}
		raw, err := json.Marshal(v)
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if place := leaked(string(raw)); place != "" {
			t.Errorf("JSON of %s holds the %s", path, place)
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "value", v)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "value", v)
		if place := leaked(log.String()); place != "" {
			t.Errorf("a log record of %s holds the %s", path, place)
		}
	})
	if n < 50 {
		t.Errorf("only %d values were printed, want at least 50", n)
	}
	if got := cfg.Channels[0].Keys[0].Value.Plaintext(); got != canaries["literal key"] {
		t.Error("the first key is not the one in the file")
	}
}

// visit calls f for each exported part of v, except the bodies of components,
// which are for plugins.
func visit(v reflect.Value, f func(path string, v any)) { visitAt("config", v, f) }

func visitAt(path string, v reflect.Value, f func(path string, v any)) {
	if _, body := v.Interface().(json.RawMessage); body {
		return
	}
	f(path, v.Interface())
	if _, leaf := v.Interface().(*url.URL); leaf {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			visitAt(path, v.Elem(), f)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				visitAt(path+"."+v.Type().Field(i).Name, v.Field(i), f)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			visitAt(fmt.Sprintf("%s[%d]", path, i), v.Index(i), f)
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			visitAt(fmt.Sprintf("%s[%v]", path, k), v.MapIndex(k), f)
		}
	}
}

// TestNoDiagnosticShowsASecret makes typing errors at many places of a configuration that is full of
// secrets; at every place in a soak run.
func TestNoDiagnosticShowsASecret(t *testing.T) {
	o, text := canaryOptions(t)
	typos := map[string]func(i int) string{
		"the rest is missing":    func(i int) string { return text[:i] },
		"a character is missing": func(i int) string { return text[:i] + text[i+1:] },
		"an extra quote":         func(i int) string { return text[:i] + `"` + text[i:] },
		"an extra line break":    func(i int) string { return text[:i] + "\n" + text[i:] },
		"an extra reference":     func(i int) string { return text[:i] + " no.such " + text[i:] },
	}
	step := 11 * testhelp.Slowdown
	if testhelp.Soak() {
		step = 1
	}
	refused := 0
	for first, name := range slices.Sorted(maps.Keys(typos)) {
		typo := typos[name]
		for i := first; i < len(text); i += step {
			_, report := loadWith(t, o, typo(i))
			if report.HasErrors() {
				refused++
			}
			if place := leaked(printed(t, report)); place != "" {
				t.Errorf("%s at line %d shows the %s", name, 1+strings.Count(text[:i], "\n"), place)
			}
		}
	}
	if refused < len(text)/step {
		t.Errorf("only %d texts were refused", refused)
	}
}

// TestNoWrongValueShowsASecret sets settings of other types to expressions with secrets.
func TestNoWrongValueShowsASecret(t *testing.T) {
	o, text := canaryOptions(t)
	sources := []string{`env("KEY")`, `file("team.key")`, `var.fixed`, `var.given`, `var.found`, `local.both`,
		`upper(env("KEY"))`, `strrev(env("KEY"))`, `[env("KEY")]`, `{ (env("KEY")) = 1 }`, `env("KEY") + 1`, `parseint(upper(env("KEY")), 10)`,
		`jsondecode(upper(var.fixed))`, `regex("[", env("KEY"))`, `channel[env("KEY")]`, `local[upper(env("KEY"))]`, `env(env("KEY"))`, `file(env("KEY"))`, `env("KEY").x`, `env("KEY") ? 1 : 2`, `format("%d", env("KEY"))`, `split("-", env("KEY"))[99]`}
	places := map[string]string{
		"weight": "  target = \"https://a.example\"", "auth": "  target = \"https://a.example\"", "models": "  target = \"https://a.example\"", "model_map": "  target = \"https://a.example\"",
		"fallback": "  target = \"https://a.example\"", "max_in_flight": "  target = \"https://a.example\"", "unknown": "  target = \"https://a.example\"",
		"listen": "proxy {", "max_body": "proxy {", "origins": "proxy {",
		"host_key": "tunnel \"vps\" {", "version": "plugin \"acme\" {",
		"mode": "    arms  = 2", "every": "    arms  = 2", "memory": "    arms  = 2", "shares": "    arms  = 2", "pin": "    arms  = 2", "level": "    arms  = 2",
	}
	step := testhelp.Slowdown // tries every step-th source in each place, beginning with another one in the next
	if testhelp.Soak() {
		step = 1
	}
	for first, name := range slices.Sorted(maps.Keys(places)) {
		after := places[name]
		if strings.Count(text, after) != 1 {
			t.Fatalf("the configuration must contain %q exactly once", after)
		}
		for i := first % step; i < len(sources); i += step {
			source := sources[i]
			_, report := loadWith(t, o, strings.Replace(text, after, fmt.Sprintf("%s\n%s = %s", after, name, source), 1))
			if place := leaked(printed(t, report)); place != "" {
				t.Errorf("%s = %s shows the %s", name, source, place)
			}
		}
	}
}
