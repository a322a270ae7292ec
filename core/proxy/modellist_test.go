package proxy

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// lists answers with a list of models in OpenAI's form.
func lists(models ...string) script {
	var all []string
	for _, m := range models {
		all = append(all, fmt.Sprintf(`{"id":%q,"object":"model","created":7,"owned_by":"site","more":1}`, m))
	}
	return reply(200, `{"object":"list","data":[`+strings.Join(all, ",")+`]}`)
}

func merging(change func(*config.Config)) func(*config.Config) {
	return func(c *config.Config) {
		for _, r := range c.Routes {
			r.ModelsMerge = true
		}
		if change != nil {
			change(c)
		}
	}
}

// list gets a path of the rig with these headers, as "NAME: VALUE".
func list(r *rig, path string, headers ...string) (status int, body string) {
	r.t.Helper()
	var pairs []string
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		pairs = append(pairs, name, value)
	}
	got := r.ask("GET", path, "", pairs...)
	return got.status, got.body
}

func ids(body, at string) string {
	var out []string
	for _, v := range gjson.Get(body, at).Array() {
		out = append(out, v.String())
	}
	return strings.Join(out, " ")
}

func TestModelsOfAllChannels(t *testing.T) {
	a := newTestSite(t, lists("m1", "vendor/m2", "hidden"))
	b := newTestSite(t, reply(200, `{"data":[{"type":"model","id":"claude-1","display_name":"Claude 1","created_at":"2025-01-02T00:00:00Z"},{"type":"model","id":"m1","display_name":"M1","created_at":"2025-01-02T00:00:00Z"}],"has_more":false}`))
	dead := newTestSite(t, func(c *siteConn) { c.close() })
	r := newRig(t, merging(func(c *config.Config) {
		c.Channels[0].Models = []string{"m*", "vendor/*", "nice"}
		c.Channels[0].ModelMap = map[string]string{"nice": "hidden"}
		c.Channels[1].Auth.Style = config.AuthXAPIKey
	}), a, b, dead)

	_, body := list(r, "/v1/models")
	if got := ids(body, "data.#.id"); got != "m1 vendor/m2 nice claude-1" || gjson.Get(body, "data.0.more").Int() != 1 {
		t.Errorf("OpenAI: %s in %s", got, body)
	}
	_, body = list(r, "/v1/models?limit=2", "Anthropic-Version: 2023-06-01", "X-Api-Key: x")
	if got := ids(body, "data.#.id"); got != "m1 vendor/m2" || !gjson.Get(body, "has_more").Bool() || gjson.Get(body, "last_id").String() != "vendor/m2" {
		t.Errorf("Anthropic: %s", body)
	}
	_, body = list(r, "/v1/models?limit=2&after_id=vendor/m2", "X-Api-Key: x")
	if got := ids(body, "data.#.display_name"); got != "nice Claude 1" || gjson.Get(body, "has_more").Bool() {
		t.Errorf("Anthropic, second page: %s", body)
	}
	_, body = list(r, "/v1beta/models?pageSize=3", "X-Goog-Api-Key: x")
	if got := ids(body, "models.#.name"); got != "models/m1 models/vendor/m2 models/nice" {
		t.Errorf("Gemini: %s", body)
	}
	_, body = list(r, "/v1beta/models?pageSize=3&pageToken="+gjson.Get(body, "nextPageToken").String())
	if got := ids(body, "models.#.name"); got != "models/claude-1" || gjson.Get(body, "nextPageToken").Exists() {
		t.Errorf("Gemini, second page: %s", body)
	}
	if status, body := list(r, "/v1/models/vendor/m2"); status != 200 || gjson.Get(body, "id").String() != "vendor/m2" {
		t.Errorf("one model: %d %s", status, body)
	}
	if status, body := list(r, "/v1beta/models/claude-1"); status != 200 || gjson.Get(body, "displayName").String() != "Claude 1" {
		t.Errorf("one model for Gemini: %d %s", status, body)
	}
	if status, body := list(r, "/v1/models/hidden"); status != 404 || gjson.Get(body, "error.code").String() != "model_not_found" {
		t.Errorf("a model that is not offered: %d %s", status, body)
	}
	if status, _ := list(r, "/v1/models?limit=0", "Anthropic-Version: 1"); status != 400 {
		t.Errorf("an impossible page: %d", status)
	}
	if n := len(a.requests()) + len(b.requests()); n != 2 {
		t.Errorf("the sites were asked %d times, want once each", n)
	}
}

func TestListsOfModelsAreRenewed(t *testing.T) {
	a := newTestSite(t, lists("old"))
	r := newRig(t, merging(nil), a)
	list(r, "/v1/models")
	a.then(lists("new"))
	r.ahead.Add(int64(4 * time.Minute))
	if _, body := list(r, "/v1/models"); ids(body, "data.#.id") != "old" || len(a.requests()) != 1 {
		t.Errorf("after 4 minutes: %s, %d requests", body, len(a.requests()))
	}
	r.ahead.Add(int64(2 * time.Minute))
	a.then(reply(500, "{}"), lists("new"))
	if _, body := list(r, "/v1/models"); ids(body, "data.#.id") != "old" {
		t.Errorf("while the list is renewed: %s", body)
	}
	testhelp.Eventually(t, "the new list is used", func() bool {
		r.ahead.Add(int64(6 * time.Minute))
		_, body := list(r, "/v1/models")
		got := ids(body, "data.#.id")
		if got != "new" && got != "old" { // the failure leaves the old list
			t.Fatal(body)
		}
		return got == "new"
	})
}

func TestLateSitesAreNotWaitedForLong(t *testing.T) {
	a, late := newTestSite(t, lists("m1")), newTestSite(t, func(c *siteConn) { c.sleep(time.Minute) })
	r := newRig(t, merging(nil), a, late)
	begun := time.Now()
	_, body := list(r, "/v1/models")
	if took := time.Since(begun); ids(body, "data.#.id") != "m1" || took > modelsTimeout {
		t.Errorf("after %s: %s", took, body)
	}
}

func TestARejectedKeyDoesNotHideModels(t *testing.T) {
	a := newTestSite(t, reply(401, `{"error":{"message":"bad key"}}`), lists("m1"))
	r := newRig(t, merging(nil), a)
	if _, body := list(r, "/v1/models"); ids(body, "data.#.id") != "m1" {
		t.Error(body)
	}
	if keys := a.keys(); !slices.Equal(keys, []string{"sk-key-a1", "sk-key-a2"}) {
		t.Errorf("asked with %v", keys)
	}
}

func TestAClientSeesOnlyItsModels(t *testing.T) {
	a := newTestSite(t, lists("gpt-1", "claude-1"))
	r := newRig(t, merging(func(c *config.Config) {
		c.Clients = []*config.Client{{Name: "app", Token: config.NewSecret("at-app-token"), Models: []string{"gpt-*"}}}
	}), a)
	if _, body := list(r, "/v1/models", "Authorization: Bearer at-app-token"); ids(body, "data.#.id") != "gpt-1" {
		t.Error(body)
	}
	if status, _ := list(r, "/v1/models"); status != 401 {
		t.Errorf("without a token: %d", status)
	}
}

// For a site without a list, the names in the configuration are listed.
func TestASiteWithoutAList(t *testing.T) {
	a, b := newTestSite(t, reply(404, "{}")), newTestSite(t, lists("m1"))
	r := newRig(t, merging(func(c *config.Config) { c.Channels[0].Models = []string{"named", "gpt-*"} }), a, b)
	if _, body := list(r, "/v1/models"); ids(body, "data.#.id") != "named m1" {
		t.Error(body)
	}
}

func TestListsThatAreRelayed(t *testing.T) {
	for name, change := range map[string]func(*config.Config){
		"models_merge = false": func(c *config.Config) { c.Routes[0].ModelsMerge = false },
		"passthrough":          func(c *config.Config) { c.Channels[1].Auth.Style = config.AuthPassthrough },
		"no keys": func(c *config.Config) {
			for _, ch := range c.Channels {
				ch.Keys, ch.KeySelector, ch.Auth.Style = nil, nil, config.AuthNone
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := newTestSite(t, lists("m1")), newTestSite(t, lists("m2"))
			r := newRig(t, merging(change), a, b)
			if _, body := list(r, "/v1/models"); ids(body, "data.#.id") != "m1" || len(b.requests()) != 0 {
				t.Errorf("%s, the second site got %d requests", body, len(b.requests()))
			}
		})
	}
}

// If no site gives a list, the error of one of them is passed on.
func TestNoListAtAll(t *testing.T) {
	a := newTestSite(t, reply(404, `{"error":{"message":"no such page"}}`))
	r := newRig(t, merging(nil), a)
	if status, body := list(r, "/v1/models"); status != 404 || !strings.Contains(body, "no such page") {
		t.Errorf("%d %s", status, body)
	}
}
