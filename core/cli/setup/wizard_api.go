package setup

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/aitunnel/aitunnel/core/cli/internal/term"
	"github.com/aitunnel/aitunnel/core/connect"
	"github.com/aitunnel/aitunnel/core/dialect"
	"github.com/aitunnel/aitunnel/core/verdict"
)

// spoken says whether a site has an API.
type spoken int

const (
	notKnown spoken = iota
	isSpoken
	notSpoken
)

// api is an API that the wizard can detect without using tokens.
type api struct {
	dialect dialect.Dialect
	title   string
	method  string
	path    string
	pattern string // of the route for its requests; "": that for all others
}

// apis are the APIs in the order in which a site is tried.
var apis = []api{
	{dialect.Anthropic, "Anthropic", http.MethodPost, "/v1/messages", "/v1/messages/**"},
	{dialect.Gemini, "Gemini", http.MethodGet, "/v1beta/models", "/v1beta/**"},
	{dialect.OpenAI, "OpenAI", http.MethodPost, "/v1/chat/completions", ""},
}

func apiNamed(name string) api {
	for _, x := range apis {
		if x.dialect.String() == name {
			return x
		}
	}
	return api{}
}

// ask sends a request that costs nothing: without a model, or for the list of models.
func (x api) ask(ctx context.Context, t siteTrial) (siteAnswer, error) {
	_, header := dialect.ModelListRequest(x.dialect)
	var body []byte
	if x.method == http.MethodPost {
		body = []byte("{}")
	}
	ctx, cancel := context.WithTimeout(ctx, tryLimit)
	defer cancel()
	return t.send(ctx, x.method, x.path, header, body)
}

// judge returns the verdict of the proxy on an answer.
func (x api) judge(a siteAnswer) verdict.Verdict {
	return verdict.New(verdict.Options{}).Judge(verdict.Answer{
		Request: verdict.Request{Dialect: x.dialect.String(), Endpoint: dialect.Generate, Method: x.method, Path: x.path},
		Status:  a.status, Header: a.header, Body: a.body, Now: time.Now(),
	})
}

// spokenIn returns what an answer says about the API. A site that refuses the key may
// do so before it looks at the path, unless the error has a form that only this API
// uses.
func (x api) spokenIn(a siteAnswer) spoken {
	page := strings.HasPrefix(a.header.Get("Content-Type"), "text/html")
	switch means := x.judge(a).Means; {
	case means == verdict.NoModel:
		return isSpoken
	case a.status == http.StatusNotFound, means == verdict.NoEndpoint, page && a.status == http.StatusOK:
		return notSpoken
	case !json.Valid(a.body) || a.status >= http.StatusInternalServerError:
		return notKnown
	case a.status == http.StatusOK && x.method == http.MethodGet && len(connect.ModelNames(a.body)) > 0, asksForMore(a.status):
		return isSpoken
	case a.status == http.StatusOK && x.method == http.MethodPost && x.isAnswer(a.body):
		return isSpoken
	case x.dialect == dialect.Anthropic && gjson.GetBytes(a.body, "type").Str == "error":
		return isSpoken
	}
	return notKnown
}

// isAnswer reports whether a body is an answer of the API: some sites accept a request
// without a model.
func (x api) isAnswer(body []byte) bool {
	if x.dialect == dialect.Anthropic {
		return gjson.GetBytes(body, "type").Str == "message"
	}
	return gjson.GetBytes(body, "choices").IsArray()
}

// asksForMore reports whether a site refuses a request as incomplete.
func asksForMore(status int) bool {
	return status == http.StatusBadRequest || status == http.StatusUnprocessableEntity
}

// askAPIs tries each API of a site, and records the API if it is the only one. It
// returns the answers. A site that listed its models usually has the API of that list,
// but sites with only Anthropic's API may list them as OpenAI does.
func (a *app) askAPIs(ctx context.Context, s *site, t siteTrial, listed dialect.Dialect) map[string]siteAnswer {
	answers, found, unsure := map[string]siteAnswer{}, []string{}, false
	for _, x := range apis {
		is := isSpoken
		if x.dialect != listed || x.dialect == dialect.OpenAI && len(found) > 0 {
			answer, err := x.ask(ctx, t)
			if err != nil {
				return answers
			}
			answers[x.dialect.String()] = answer
			is = x.spokenIn(answer)
		}
		unsure = unsure || is == notKnown
		if is == isSpoken {
			found = append(found, x.dialect.String())
		}
	}
	if len(found) == 1 && !unsure {
		s.API = found[0]
		a.hint("  It only has the API of %s.", s.Speaks())
	}
	return answers
}

// tryWithoutList tries a site that lists no models as OpenAI does.
func (a *app) tryWithoutList(ctx context.Context, s *site, t siteTrial, status int) {
	answers := a.askAPIs(ctx, s, t, nil)
	if s.API == "" {
		a.hint("  The site answers, but lists no models here (%d). If its documentation has a path after the host, such as\n  /api/v3, that path is part of the address. Once the program runs, 'aitunnel channel test %s' shows whether it works.", status, s.Name)
		return
	}
	if t.key != "" {
		a.tryKeysBy(ctx, s, answers[s.API])
	}
}

// tryKeysBy tries the keys of a site that lists no models, with its only API; first is
// the answer for the first key.
func (a *app) tryKeysBy(ctx context.Context, s *site, first siteAnswer) {
	x, p := apiNamed(s.API), term.Colors(a.Err)
	without, err := x.ask(ctx, siteTrial{target: s.Target, auth: s.Auth, dialect: x.dialect})
	if err != nil || without.status != http.StatusUnauthorized && without.status != http.StatusForbidden {
		a.hint("  It checks keys only when a model is requested. Once the program runs, 'aitunnel channel test %s' tries them.", s.Name)
		return
	}
	for i, key := range s.Keys {
		answer := first
		if i > 0 {
			if answer, err = x.ask(ctx, siteTrial{target: s.Target, key: key, auth: s.Auth, dialect: x.dialect}); err != nil {
				a.hint("  %s %s", p.Bad("✗"), unreachable(s.Target, err))
				return
			}
		}
		means := x.judge(answer)
		if (asksForMore(answer.status) || answer.status == http.StatusOK) && means.Means != verdict.QuotaSpent && means.Means != verdict.InvalidKey {
			a.hint("  %s %s is accepted, in %s.", p.Good("✓"), s.subject(key), term.Elapsed(float64(answer.took)))
			continue
		}
		a.refusedKey(s, key, means.Reason)
	}
}

// refusedKey prints that a site refuses a key, and what can be done later.
func (a *app) refusedKey(s *site, key, reason string) {
	remedy := fmt.Sprintf("'aitunnel key add %[1]s' adds another one later, and 'aitunnel channel remove %[1]s' removes the site.", s.Name)
	if len(s.Keys) > 1 {
		remedy = fmt.Sprintf("Once the program runs, 'aitunnel key remove %s %d' removes it (commands count keys from 0).", s.Name, slices.Index(s.Keys, key))
	}
	a.hint("  %s %s: the site answers %s.\n    The key is kept. %s", term.Colors(a.Err).Bad("✗"), strings.TrimSuffix(s.subject(key), ","), reason, remedy)
}

// Speaks returns the name of the only API of the site, "" if it has several.
func (s site) Speaks() string { return apiNamed(s.API).title }

// apiNote is the comment above a channel with only one API. An interrupted wizard
// reads it when it continues.
func apiNote(title string) string { return "# Speaks the API of " + title + " alone." }

// apiOf returns the API in the comment of a channel in a configuration of the wizard.
func apiOf(text []byte, channel string) string {
	for _, x := range apis {
		if bytes.Contains(text, []byte(apiNote(x.title)+"\nchannel "+Literal(channel)+" {")) {
			return x.dialect.String()
		}
	}
	return ""
}

// byAPI is a route of the wizard.
type byAPI struct {
	Pattern, Note string
	Channels      []string
}

// Routes returns the routes that send each request to the sites with its API; none if
// all sites have the same APIs.
func (f first) Routes() (all []byAPI) {
	if !slices.ContainsFunc(f.Sites, func(s site) bool { return s.API != f.Sites[0].API }) {
		return nil
	}
	every := f.speaking("", true)
	all = append(all, byAPI{"/v1/models/**", "the list of models: of all sites", every})
	for _, x := range apis {
		if names := f.speaking(x.dialect.String(), false); len(names) > 0 && x.pattern != "" {
			all = append(all, byAPI{x.pattern, "the API of " + x.title, names})
		}
	}
	others := f.speaking(dialect.OpenAI.String(), false)
	if len(others) == 0 {
		others = every
	}
	return append(all, byAPI{"/**", "the API of OpenAI, and all else", others})
}

// speaking returns the channels of sites that have an API.
func (f first) speaking(name string, all bool) (names []string) {
	for _, s := range f.Sites {
		if all || s.API == "" || s.API == name {
			names = append(names, s.Name)
		}
	}
	return names
}

// List returns the channels as a list in HCL.
func (r byAPI) List() string {
	return "[channel." + strings.Join(r.Channels, ", channel.") + "]"
}
