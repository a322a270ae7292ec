package setup

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/core/cli/internal/term"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/connect"
	"github.com/aitunnel/aitunnel/core/dialect"
	"github.com/aitunnel/aitunnel/core/verdict"
)

// tryLimit is how long a site may take to list its models.
const tryLimit = 15 * time.Second

// siteTrial is one way to call a site: with a key, in the form of an API.
type siteTrial struct {
	target, key string
	auth        string // as in a channel; "": according to the request
	dialect     dialect.Dialect
}

// siteAnswer is what a site answered.
type siteAnswer struct {
	status int
	header http.Header
	body   []byte
	took   time.Duration
}

// trySite tries a site with each of its keys, and prints the results. It may correct
// the address and the way to send keys.
func (a *app) trySite(ctx context.Context, s *site) {
	keys := s.Keys
	if s.Auth == "none" {
		keys = []string{""}
	}
	p, good, model := term.Colors(a.Err), siteTrial{}, ""
	var listed dialect.Dialect
	for _, key := range keys {
		t, answer, err := findWay(ctx, s, key)
		switch models := connect.ModelNames(answer.body); {
		case ctx.Err() != nil:
			return
		case err != nil:
			a.hint("  %s %s", p.Bad("✗"), unreachable(s.Target, err))
			return
		case answer.status == http.StatusOK && len(models) > 0:
			a.hint("  %s %s works: the site lists %s, in %s.", p.Good("✓"), s.subject(key), term.Count(len(models), "model"), term.Elapsed(float64(answer.took)))
			a.adopt(s, t)
			good, model, listed = t, models[0], t.dialect
		case answer.status == http.StatusOK, answer.status == http.StatusNotFound, answer.status == http.StatusMethodNotAllowed:
			a.tryWithoutList(ctx, s, siteTrial{target: s.Target, key: key, auth: s.Auth}, answer.status)
			return
		default:
			a.refusedKey(s, key, t.meaning(answer))
		}
	}
	if model != "" {
		a.askAPIs(ctx, s, good, listed)
		a.tryModel(ctx, s, s.by(good), model)
	}
}

// by returns a trial with the only API of the site, which may list its models as
// another API does.
func (s *site) by(t siteTrial) siteTrial {
	if s.API != "" {
		t.dialect = apiNamed(s.API).dialect
	}
	return t
}

// subject names what is tried: a key by its masked form, and also by its number if
// others look the same.
func (s *site) subject(key string) string {
	if key == "" {
		return "The site"
	}
	text, same, at := config.NewSecret(key).KeyText(), 0, 0
	for i, k := range s.Keys {
		if config.NewSecret(k).KeyText() == text {
			same++
		}
		if k == key {
			at = i + 1
		}
	}
	switch {
	case same > 1 && text == "…": // short keys, of which nothing can be seen
		return fmt.Sprintf("Key %d", at)
	case same > 1:
		return fmt.Sprintf("Key %d, %s,", at, text)
	}
	return "The key " + text
}

// with names the key that something was asked with.
func (s *site) with(key string) string {
	if key == "" {
		return ""
	}
	name := strings.TrimSuffix(s.subject(key), ",")
	return " with " + strings.ToLower(name[:1]) + name[1:]
}

// adopt stores what made the site answer.
func (a *app) adopt(s *site, t siteTrial) {
	if t.target != s.Target {
		a.hint("  Its API is at %s, so that is the address now.", t.target)
		s.Target = t.target
	}
	if t.auth != "" && s.Auth != t.auth {
		a.hint("  It expects its key as %s.", t.auth)
		s.Auth = t.auth
	}
}

// findWay requests the models of the site: as the address says, then with the
// credentials of other APIs, then at other paths. It returns the first way that works,
// or else the first one.
func findWay(ctx context.Context, s *site, key string) (siteTrial, siteAnswer, error) {
	first := siteTrial{target: s.Target, key: key, auth: s.Auth, dialect: formFor(s.Target, s.Auth)}
	answer, err := first.models(ctx)
	if err != nil || len(connect.ModelNames(answer.body)) > 0 || s.Auth != "" && s.Auth != "none" {
		return first, answer, err
	}
	var others []siteTrial
	switch answer.status {
	case http.StatusUnauthorized, http.StatusForbidden:
		if key != "" && asksForAPIKey(answer.body) {
			others = append(others, siteTrial{s.Target, key, string(config.AuthXAPIKey), dialect.Anthropic})
		}
	case http.StatusNotFound, http.StatusOK:
		if u, err := url.Parse(s.Target); err == nil && u.Path == "" {
			for _, p := range dialect.CommonBases {
				others = append(others, siteTrial{s.Target + p, key, "", dialect.OpenAI})
			}
		}
	}
	for _, t := range others {
		if other, err := t.models(ctx); err == nil && len(connect.ModelNames(other.body)) > 0 {
			return t, other, nil
		}
	}
	return first, answer, nil
}

// asksForAPIKey reports whether the site says that Anthropic's header is missing.
func asksForAPIKey(body []byte) bool {
	return bytes.Contains(bytes.ToLower(body), []byte("x-api-key"))
}

// formFor returns the API with which a site is called.
func formFor(target, auth string) dialect.Dialect {
	u, err := url.Parse(target)
	switch {
	case auth == string(config.AuthXAPIKey), err == nil && strings.HasSuffix(u.Hostname(), "anthropic.com"):
		return dialect.Anthropic
	case auth == string(config.AuthXGoogAPIKey), err == nil && strings.HasSuffix(u.Hostname(), "googleapis.com"):
		return dialect.Gemini
	}
	return dialect.OpenAI
}

// models requests the list of models.
func (t siteTrial) models(ctx context.Context) (siteAnswer, error) {
	path, header := dialect.ModelListRequest(t.dialect)
	ctx, cancel := context.WithTimeout(ctx, tryLimit)
	defer cancel()
	return t.send(ctx, http.MethodGet, path, header, nil)
}

// send sends a request with the key to the address to which the proxy would send it.
// It follows no redirect, because the key is only for this site.
func (t siteTrial) send(ctx context.Context, method, path string, header map[string]string, body []byte) (out siteAnswer, err error) {
	r, err := http.NewRequestWithContext(ctx, method, t.target, bytes.NewReader(body))
	if err != nil {
		return out, err
	}
	joined, _ := dialect.JoinPath(r.URL.EscapedPath(), path)
	if r.URL, err = r.URL.Parse(joined); err != nil {
		return out, err
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	if len(body) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	if t.key != "" {
		r.URL.RawQuery = dialect.Auth{Style: dialect.Style(t.auth)}.AddKey(r, r.Header, r.URL.RawQuery, t.key)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	began := time.Now()
	resp, err := client.Do(r)
	if err != nil {
		return out, err
	}
	defer func() { _ = resp.Body.Close() }()
	out.status, out.header = resp.StatusCode, resp.Header
	out.body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	out.took = time.Since(began)
	return out, err
}

// meaning returns the meaning of an answer in words.
func (t siteTrial) meaning(a siteAnswer) string {
	v := verdict.New(verdict.Options{}).Judge(verdict.Answer{
		Request: verdict.Request{Dialect: t.dialect.String(), Endpoint: dialect.Models, Method: http.MethodGet, Path: "/v1/models"},
		Status:  a.status, Header: a.header, Body: a.body, Now: time.Now(),
	})
	return v.Reason
}

// unreachable returns why there is no answer. The error of the request is not part of it, because
// its address may contain a key.
func unreachable(target string, err error) string {
	if failed := (*url.Error)(nil); errors.As(err, &failed) {
		err = failed.Err
	}
	reason := err.Error()
	if dns := (*net.DNSError)(nil); errors.As(err, &dns) {
		reason = "there is no host " + dns.Name
	}
	if errors.Is(err, context.DeadlineExceeded) {
		reason = "no answer within " + term.Span(tryLimit)
	}
	return fmt.Sprintf("%s does not answer: %s. The site is kept; check its address.", target, reason)
}

// tryModel sends a request for a model, if the user agrees.
func (a *app) tryModel(ctx context.Context, s *site, t siteTrial, model string) {
	if ok, err := a.Input().Confirm(ctx, fmt.Sprintf("  Also send %s a request for one token?", model)); err == nil && ok {
		a.askModel(ctx, s, t, model)
	}
}

// askModel sends a request for one token to a model, and prints the result.
func (a *app) askModel(ctx context.Context, s *site, t siteTrial, model string) {
	app := connect.App{API: connect.Chat}
	switch t.dialect {
	case dialect.Anthropic:
		app.API = connect.Messages
	case dialect.Gemini:
		app.API = connect.Generate
	}
	r, err := app.Request(ctx, connect.Entry{Models: []string{model}})
	if err != nil {
		return
	}
	body := map[string]any{}
	text, _ := io.ReadAll(r.Body)   // never fails: it is in memory
	_ = json.Unmarshal(text, &body) // it was made as JSON
	delete(body, "stream")
	if app.API == connect.Generate {
		body["generationConfig"] = map[string]any{"maxOutputTokens": 1}
	} else {
		body["max_tokens"] = 1
	}
	text, _ = json.Marshal(body)
	path := strings.Replace(r.URL.EscapedPath(), ":streamGenerateContent", ":generateContent", 1)
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	answer, err := t.send(ctx, http.MethodPost, path, map[string]string{"Anthropic-Version": r.Header.Get("Anthropic-Version")}, text)
	p := term.Colors(a.Err)
	switch {
	case err != nil:
		a.hint("  %s %s", p.Bad("✗"), unreachable(t.target, err))
	case answer.status == http.StatusOK:
		a.hint("  %s %s answers, in %s.", p.Good("✓"), model, term.Elapsed(float64(answer.took)))
	default:
		a.hint("  %s %s%s: %d %s", p.Bad("✗"), model, s.with(t.key), answer.status, redactKey(connect.AnswerError(answer.body), t.key))
	}
}

// redactKey hides a key that a site repeats.
func redactKey(text, key string) string { return dialect.NewMasker(key).MaskString(text) }
