package adminapi

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/connect"
	"github.com/aitunnel/aitunnel/core/dialect"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/route"
)

const (
	tryTime   = 2 * time.Minute
	tryTokens = 256     // the maximum length of the answer
	tryText   = 4 << 10 // bytes of the answer that are shown
	tryBody   = 1 << 20 // bytes of the answer that are kept

	recentEvents = 1000 // the events that are searched for the record of the request
)

// Models is for [admin.Source].
func (s *Source) Models(ctx context.Context, name string) (admin.Models, error) {
	ch, err := s.channel(name)
	if err != nil {
		return admin.Models{}, err
	}
	t := s.try(ctx, ch, "", http.MethodGet, modelsPath(ch), nil)
	if t.status != http.StatusOK {
		return admin.Models{}, admin.Refused("no_models", t.failure()+s.elsewhere(ctx, ch, t.status))
	}
	return admin.Models{Models: append([]string{}, connect.ModelNames(t.body.Bytes())...)}, nil
}

// modelsPath returns the path at which the site of a channel lists its models.
func modelsPath(ch *route.Channel) string {
	if ch.Config.Auth.Style == config.AuthXGoogAPIKey {
		return "/v1beta/models"
	}
	return "/v1/models"
}

// Try is for [admin.Source].
func (s *Source) Try(ctx context.Context, name string, in admin.TryRequest) (admin.TryResult, error) {
	ch, err := s.channel(name)
	if err != nil {
		return admin.TryResult{}, err
	}
	if in.Model == "" {
		return admin.TryResult{}, admin.Invalid("a model is needed")
	}
	if in.Key != "" && !slices.ContainsFunc(ch.Keys, func(k *route.Key) bool { return k.State.ID() == in.Key }) {
		return admin.TryResult{}, admin.NotFound(fmt.Sprintf("the channel %q has no key with the ID %q", name, in.Key))
	}
	out := s.tryAs(ctx, ch, ch.Config.Auth.Style, in)
	if !lacksPath(out.Status) {
		return out, nil
	}
	if ch.Config.Auth.Style == config.AuthAuto { // the site may only have Anthropic's API
		if other := s.tryAs(ctx, ch, config.AuthXAPIKey, in); other.OK {
			return other, nil
		}
	}
	out.Target = s.program.Proxy.OtherTarget(ctx, ch, in.Key)
	return out, nil
}

// tryAs sends the request of a trial in the form of the API that uses this kind of
// credential.
func (s *Source) tryAs(ctx context.Context, ch *route.Channel, auth config.AuthStyle, in admin.TryRequest) admin.TryResult {
	path, body := trialRequest(auth, in)
	out := s.try(ctx, ch, in.Key, http.MethodPost, path, body).result(s)
	out.URL = sentTo(ch.Config.Target, path)
	return out
}

// lacksPath reports whether the site may not have the path of the request: it said so,
// or the proxy refused its answer, such as a web page.
func lacksPath(status int) bool {
	return status == http.StatusNotFound || status == http.StatusMethodNotAllowed || status == http.StatusBadGateway
}

// elsewhere returns a hint with the address of the site's API, if it is not at the
// channel's target.
func (s *Source) elsewhere(ctx context.Context, ch *route.Channel, status int) string {
	if !lacksPath(status) {
		return ""
	}
	text := " at " + sentTo(ch.Config.Target, modelsPath(ch))
	if target := s.program.Proxy.OtherTarget(ctx, ch, ""); target != "" {
		text += fmt.Sprintf(". The site has its API at %s: 'aitunnel channel set %s --target %s' corrects the address", target, ch.Config.Name, target)
	}
	return text
}

// sentTo returns the address to which a request for the path is sent.
func sentTo(target *url.URL, path string) string {
	path, _, _ = strings.Cut(path, "?")
	joined, _ := dialect.JoinPath(target.Path, path)
	return (&url.URL{Scheme: target.Scheme, Host: target.Host, Path: joined}).String()
}

// trialRequest returns a streamed request for the API that uses the channel's kind of
// credential.
func trialRequest(auth config.AuthStyle, in admin.TryRequest) (path string, body map[string]any) {
	message := []map[string]any{{"role": "user", "content": in.Prompt}}
	switch auth {
	case config.AuthXAPIKey:
		return "/v1/messages", map[string]any{"model": in.Model, "max_tokens": tryTokens, "stream": true, "messages": message}
	case config.AuthXGoogAPIKey:
		return "/v1beta/models/" + url.PathEscape(in.Model) + ":streamGenerateContent?alt=sse",
			map[string]any{"contents": []map[string]any{{"role": "user", "parts": []map[string]any{{"text": in.Prompt}}}}}
	}
	return "/v1/chat/completions", map[string]any{"model": in.Model, "max_tokens": tryTokens, "stream": true, "stream_options": map[string]any{"include_usage": true}, "messages": message}
}

// try sends a request to one channel through the proxy, as a caller would, so that it
// uses the same keys, models and verdicts as real requests. keyID is the only key to
// use, "" for any.
func (s *Source) try(ctx context.Context, ch *route.Channel, keyID, method, path string, body map[string]any) *trial {
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	t := &trial{header: http.Header{}, began: time.Now(), after: s.program.Bus.Last()}
	text, err := json.Marshal(body)
	if err != nil {
		t.problem = err.Error()
		return t
	}
	if body == nil {
		text = nil
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://localhost"+path, bytes.NewReader(text))
	if err != nil {
		t.problem = err.Error()
		return t
	}
	req.RequestURI, req.RemoteAddr = path, "127.0.0.1:0"
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if strings.HasPrefix(path, "/v1/messages") {
		req.Header.Set("Anthropic-Version", "2023-06-01")
	}
	t.channel = ch.Config.Name
	t.serve(s.program.Proxy.Trial(ch.Config.Name, keyID), req)
	t.total = time.Since(t.began)
	return t
}

// trial receives the answer, and records when its parts arrive.
type trial struct {
	channel string
	began   time.Time
	after   uint64 // the last event before it
	header  http.Header
	status  int
	body    bytes.Buffer
	problem string // why there is no complete answer

	firstByte, firstContent, total time.Duration
}

// serve runs the handler, which panics to abort an incomplete answer.
func (t *trial) serve(h http.Handler, r *http.Request) {
	defer func() {
		if recover() != nil {
			t.problem = "the answer broke off"
		}
	}()
	h.ServeHTTP(t, r)
}

// Header is for [http.ResponseWriter].
func (t *trial) Header() http.Header { return t.header }

// WriteHeader is for [http.ResponseWriter].
func (t *trial) WriteHeader(status int) {
	if t.status == 0 && status >= http.StatusOK {
		t.status = status
	}
}

// Flush is for [http.Flusher].
func (t *trial) Flush() {}

func (t *trial) Write(b []byte) (int, error) {
	if t.status == 0 {
		t.status = http.StatusOK
	}
	if t.firstByte == 0 {
		t.firstByte = time.Since(t.began)
	}
	t.body.Write(b[:min(len(b), max(0, tryBody-t.body.Len()))])
	if t.firstContent == 0 && t.text() != "" {
		t.firstContent = time.Since(t.began)
	}
	return len(b), nil
}

// text returns the model's answer.
func (t *trial) text() string { return connect.AnswerText(t.body.Bytes(), tryText) }

// failure returns why there is no good answer.
func (t *trial) failure() string {
	if t.problem != "" {
		return t.problem
	}
	if m := connect.AnswerError(t.body.Bytes()); m != "" {
		return fmt.Sprintf("%d: %.300s", t.status, m)
	}
	return fmt.Sprintf("it answered %d %s", t.status, http.StatusText(t.status))
}

// result returns the result for the API, with details from the record of the request.
func (t *trial) result(s *Source) admin.TryResult {
	text := t.text()
	out := admin.TryResult{
		Status: t.status, OK: t.problem == "" && t.status < 300 && t.status != 0, Text: text[:min(len(text), tryText)],
		TTFB: event.Millis(t.firstByte), Content: event.Millis(t.firstContent), Total: event.Millis(t.total),
	}
	if !out.OK {
		out.Error = t.failure()
	}
	for _, e := range s.program.Bus.Recent(recentEvents) {
		if r := e.Request; e.ID > t.after && e.Type == event.TypeRequest && len(r.Attempts) > 0 && r.Attempts[0].Channel == t.channel {
			out.Key, out.Tokens = r.Key, admin.Tokens{Input: r.TokensIn, Output: r.TokensOut}
			if !out.OK && r.Error != "" { // a code of the proxy: the cause is what the site answered
				out.Error = cmp.Or(r.Attempts[len(r.Attempts)-1].Error, r.Error)
			}
		}
	}
	return out
}
