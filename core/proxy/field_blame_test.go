package proxy

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
)

// The cases in field_*_test.go were seen at real sites and with real clients.

// TestRefusalsAffectOnlyTheirCause: refusals that must not be blamed on the wrong key,
// channel or request.
func TestRefusalsAffectOnlyTheirCause(t *testing.T) {
	for _, tt := range []struct {
		name, answer string
		status       int
		headers      []string
		path         string
		want         int               // what the caller gets while b would answer
		asked        int               // attempts at a at most
		states       map[string]string // of a's keys that are not ready
		repeat       int               // requests to make; 0: one
	}{
		{name: "moderation", status: 403, answer: `{"error":{"code":403,"message":"google/gemini requires moderation and your input was flagged","metadata":{"reasons":["violence"],"flagged_input":"x","provider_name":"Google"}}}`, want: 200, asked: 2},
		{name: "no access to the model", status: 403, answer: `{"error":{"message":"Project proj_1 does not have access to model gpt-x","type":"invalid_request_error","param":null,"code":"model_not_found"}}`, want: 200, asked: 3},
		{name: "Cloudflare 1010", status: 403, answer: "error code: 1010", headers: []string{"Content-Type: text/plain; charset=UTF-8", "Server: cloudflare"}, want: 200, asked: 1},
		{name: "country", status: 403, answer: `{"error":{"code":"unsupported_country_region_territory","message":"Country, region, or territory not supported","param":null,"type":"request_forbidden"}}`, want: 200, asked: 1},
		{name: "Gemini location", status: 400, path: "/v1beta/models/gemini-2.0-flash:generateContent", answer: `{"error":{"code":400,"message":"User location is not supported for the API use.","status":"FAILED_PRECONDITION"}}`, want: 200, asked: 1},
		{name: "Gemini invalid key", status: 400, path: "/v1beta/models/gemini-2.0-flash:generateContent", answer: `{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com"}]}}`, want: 200, asked: 3, states: map[string]string{"a1": "invalid_key", "a2": "invalid_key", "a3": "invalid_key"}},
		{name: "Anthropic credit", status: 400, path: "/v1/messages", answer: `{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits."}}`, want: 200, asked: 3, states: map[string]string{"a1": "quota_spent", "a2": "quota_spent", "a3": "quota_spent"}},
		{name: "gzip", status: 403, answer: zipped(`{"error":{"message":"用户额度不足, 剩余额度: ＄-0.01","type":"new_api_error","param":"","code":"insufficient_user_quota"}}`), headers: []string{"Content-Type: application/json", "Content-Encoding: gzip"}, want: 200, asked: 3, states: map[string]string{"a1": "quota_spent", "a2": "quota_spent", "a3": "quota_spent"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a, b := newTestSite(t, reply(tt.status, tt.answer, tt.headers...)), newTestSite(t, good)
			r := newRig(t, nil, a, b)
			path := tt.path
			if path == "" {
				path = chatPath
			}
			if g := r.post(path, chatBody); g.status != tt.want {
				t.Errorf("the caller got %d %s", g.status, g.body)
			}
			if n := len(a.requests()); n > tt.asked {
				t.Errorf("a got %d requests", n)
			}
			for label, state := range r.keyStates("a") {
				want := tt.states[label]
				if want == "" {
					want = "ready"
				}
				if state != want {
					t.Errorf("key %s is %s, want %s", label, state, want)
				}
			}
		})
	}
}

func zipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return b.String()
}

// A key that may not use a model is still used for other models.
func TestADeniedModelLeavesOtherModels(t *testing.T) {
	denied := reply(403, `{"error":{"message":"Project proj_1 does not have access to model gpt-x","type":"invalid_request_error","code":"model_not_found"}}`)
	a := newTestSite(t, denied, denied, denied, good)
	r := newRig(t, nil, a, newTestSite(t, good))
	r.post(chatPath, chatBody)
	before := len(a.requests())
	if g := r.post(chatPath, `{"model":"gpt-y","messages":[]}`); g.status != 200 || len(a.requests()) != before+1 {
		t.Errorf("another model: %d, a got %d more requests", g.status, len(a.requests())-before)
	}
}

// A refused request for a billing page does not affect chat.
func TestARefusedBillingPageLeavesChat(t *testing.T) {
	a := newTestSite(t, func(c *siteConn) {
		if strings.Contains(c.URL.Path, "billing") {
			reply(403, `{"error":{"message":"You do not have access to this resource"}}`)(c)
			return
		}
		good(c)
	})
	r := newRig(t, nil, a)
	for range 3 {
		if g := r.ask("GET", "/v1/dashboard/billing/subscription", ""); g.status != 403 {
			t.Errorf("billing: %d %s", g.status, g.body)
		}
	}
	r.wantReady("a")
	if g := r.post(chatPath, chatBody); g.status != 200 {
		t.Errorf("chat: %d", g.status)
	}
}

// A model's ID with colons does not make a request one for Gemini.
func TestAModelIDWithColonsIsNotGemini(t *testing.T) {
	a := newTestSite(t, reply(200, `{"id":"ft:gpt-4o-mini:acme::abc","deleted":true}`))
	r := newRig(t, nil, a)
	if g := r.ask("DELETE", "/v1/models/ft:gpt-4o-mini:acme::abc", ""); g.status != 200 {
		t.Errorf("%d %s", g.status, g.body)
	}
	if q := a.requests()[0]; q.Header.Get("Authorization") != "Bearer sk-key-a1" || q.Header.Get("X-Goog-Api-Key") != "" {
		t.Errorf("sent with %v", q.Header)
	}
}

// A redirect to a login page is a failure of the site.
func TestARedirectToALoginPageIsAFailure(t *testing.T) {
	for _, location := range []string{"/login", "https://sso.example/auth?next=/v1"} {
		a, b := newTestSite(t, reply(302, "", "Location: "+location)), newTestSite(t, good)
		if g := newRig(t, nil, a, b).post(chatPath, chatBody); g.status != 200 {
			t.Errorf("%s: %d %v", location, g.status, g.header)
		}
	}
}

var goodFor = map[string]script{chatPath: good, "/v1/messages": goodMessages, "/v1/responses": goodResponses}

// Requests with these statuses go to the next channel.
func Test500And408FailOver(t *testing.T) {
	for _, status := range []int{500, 408, 409, 425, 498, 499, 502, 503, 504, 507, 520, 524, 529, 599} {
		for path, body := range map[string]string{chatPath: chatBody, "/v1/messages": messagesBody, "/v1/responses": responsesBody} {
			a, b := newTestSite(t, reply(status, `{"error":{"message":"Internal server error","type":"server_error"}}`)), newTestSite(t, goodFor[path])
			r := newRig(t, nil, a, b)
			if g := r.post(path, body); g.status != 200 || len(a.requests()) != 1 {
				t.Errorf("%d at %s: %d after %d requests to a", status, path, g.status, len(a.requests()))
			}
			r.wantReady("a")
		}
	}
}

// That our key is invalid does not reach the caller as a 401.
func TestAnInvalidKeyIsHiddenFromTheCaller(t *testing.T) {
	a := newTestSite(t, reply(401, `{"error":{"message":"Incorrect API key provided: sk-key-a1.","type":"invalid_request_error","code":"invalid_api_key"}}`))
	b := newTestSite(t, func(c *siteConn) { c.close() })
	r := newRig(t, nil, a, b)
	g := r.post(chatPath, chatBody)
	if g.status != 502 || !strings.Contains(g.body, "channel_unavailable") || !strings.Contains(g.body, "a: ") || !strings.Contains(g.body, "b: ") || strings.Contains(g.body, "sk-key") {
		t.Errorf("%d %s", g.status, g.body)
	}
}

// All keys are invalid: the error has Anthropic's shape, is not an overload, and is final.
func TestAllKeysInvalidIsFinal(t *testing.T) {
	a := newTestSite(t, reply(401, `{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}`))
	r := newRig(t, nil, a)
	for i := range 2 {
		g := r.post("/v1/messages", messagesBody, "Anthropic-Version", "2023-06-01")
		if g.status < 500 || !strings.HasPrefix(g.body, `{"type":"error","error":{"type":"api_error"`) || g.header.Get("X-Should-Retry") != "false" {
			t.Errorf("request %d: %d %v %s", i+1, g.status, g.header, g.body)
		}
	}
}

// Clients that repeat every 5xx, whatever X-Should-Retry says, are told what
// repeating cannot help with a status that they do not repeat. A failure that
// may pass stays a 502.
func TestFinalFailuresAreNotRepeated(t *testing.T) {
	invalid := reply(401, `{"error":{"message":"Incorrect API key provided","type":"invalid_request_error","code":"invalid_api_key"}}`)
	busy := reply(503, `{"error":{"message":"overloaded","type":"server_error"}}`)
	for _, test := range []struct {
		path, body string
		final      int
	}{
		{chatPath, chatBody, 502},
		{"/v1/messages", messagesBody, 502},
		{"/v1/responses", responsesBody, 400},
		{"/v1beta/models/gemini-x:generateContent", `{"contents":[{"parts":[{"text":"hi"}]}]}`, 424},
	} {
		r := newRig(t, nil, newTestSite(t, invalid))
		for i, status := range []int{test.final, test.final} { // the second time no key is left to try
			if i == 1 && test.final == 502 {
				status = 503
			}
			if g := r.post(test.path, test.body); g.status != status || g.header.Get("X-Should-Retry") != "false" {
				t.Errorf("%s, request %d: %d %v %s", test.path, i+1, g.status, g.header, g.body)
			}
		}
		r = newRig(t, nil, newTestSite(t, busy), newTestSite(t, invalid))
		if g := r.post(test.path, test.body); g.status != 502 && g.status != 503 || g.header.Get("X-Should-Retry") == "false" {
			t.Errorf("%s, one of two is busy: %d %v %s", test.path, g.status, g.header, g.body)
		}
	}
}

// While every channel is out of service for a short time, callers may repeat
// their requests. Later they are told that it does not help.
func TestALongOutageIsFinal(t *testing.T) {
	a, b := newTestSite(t, reply(503, `{"type":"error","error":{"type":"api_error","message":"not well"}}`)), newTestSite(t, reply(503, "{}"))
	r := newRig(t, nil, a, b)
	var g got
	for range 20 {
		g = r.post("/v1/messages", messagesBody)
	}
	if g.status != 503 || g.header.Get("X-Should-Retry") != "" || g.header.Get("Retry-After") == "" {
		t.Errorf("at first: %d %v %s", g.status, g.header, g.body)
	}
	r.ahead.Store(int64(longTime))
	if g = r.post("/v1/messages", messagesBody); g.status != 503 || g.header.Get("X-Should-Retry") != "false" {
		t.Errorf("after %s: %d %v %s", longTime, g.status, g.header, g.body)
	}
	b.then(goodMessages)
	if g = r.post("/v1/messages", messagesBody); g.status != 200 {
		t.Errorf("one is back: %d %v %s", g.status, g.header, g.body)
	}
	a.then(reply(503, "{}"))
	b.then(reply(503, "{}"))
	if g = r.post("/v1/messages", messagesBody); g.header.Get("X-Should-Retry") != "" {
		t.Errorf("one was back: %d %v %s", g.status, g.header, g.body)
	}
}

func TestAWrongTokenIsFinal(t *testing.T) {
	r := newRig(t, func(c *config.Config) { c.Proxy.ClientTokens = []config.Secret{config.NewSecret("the-token")} }, newTestSite(t, good))
	g := r.post(chatPath, chatBody, "Authorization", "Bearer wrong")
	if g.status != 401 || g.header.Get("X-Should-Retry") != "false" {
		t.Errorf("%d %v", g.status, g.header)
	}
}

// 503 with Retry-After: the only channel is asked again after that time.
func TestRetryAfterOfTheOnlyChannel(t *testing.T) {
	a := newTestSite(t, reply(503, `{"error":{"message":"overloaded"}}`, "Retry-After: 1"), good)
	r := newRig(t, nil, a)
	g := r.post(chatPath, chatBody)
	if g.status != 200 || g.took < time.Second {
		t.Errorf("%d after %s", g.status, g.took)
	}
}

// A key that the site repeats is masked, also in a compressed answer and in an error that
// comes after content.
func TestKeysInAnswersAreMasked(t *testing.T) {
	const repeats = `{"error":{"message":"key sk-key-a1 may not do this","type":"x"}}`
	for name, script := range map[string]script{
		"plain":         reply(403, repeats, "X-Debug: sk-key-a1"),
		"compressed":    reply(400, zipped(repeats), "Content-Encoding: gzip"),
		"late":          streamOf(goodEvents[0], goodEvents[1], "data: "+repeats+"\n\n"),
		"first event":   streamOf("data: " + repeats + "\n\n"),
		"escaped":       reply(400, `{"error":{"message":"key=sk%2Dkey%2Da1"}}`),
		"in a redirect": reply(302, "", "Location: https://login.example/?key=sk-key-a1"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, func(c *config.Config) { c.Channels[0].Keys = c.Channels[0].Keys[:1] }, newTestSite(t, script))
			g := r.post(chatPath, chatStream)
			if all := fmt.Sprint(g.body, g.header, unzipped(g.body)); strings.Contains(all, "sk-key-a1") || strings.Contains(all, "sk%2Dkey") {
				t.Errorf("%d %v %s", g.status, g.header, g.body)
			}
		})
	}
}

// unzipped returns the text in a gzip'd answer, "" if it is none.
func unzipped(body string) string {
	r, err := gzip.NewReader(strings.NewReader(body))
	if err != nil {
		return ""
	}
	text, _ := io.ReadAll(r)
	return string(text)
}

// If every site refuses the request as too large, the caller gets a 413 and can send less.
func TestTooLargeForAll(t *testing.T) {
	page := reply(413, "<html><head><title>413 Request Entity Too Large</title></head></html>", "Content-Type: text/html")
	r := newRig(t, nil, newTestSite(t, page), newTestSite(t, page))
	if g := r.post("/v1/messages", messagesBody); g.status != 413 || !strings.Contains(g.body, "request_too_large") {
		t.Errorf("%d %s", g.status, g.body)
	}
}

// A web page instead of an answer is explained, not passed on.
func TestAWebPageIsExplained(t *testing.T) {
	page := `<!DOCTYPE html><html><head><title>Just a moment...</title></head><body></body></html>`
	challenge := reply(403, page, "Content-Type: text/html; charset=UTF-8", "Server: cloudflare", "Cf-Mitigated: challenge")
	r := newRig(t, nil, newTestSite(t, challenge), newTestSite(t, challenge))
	g := r.post("/v1/messages", messagesBody)
	if g.status != 502 || strings.Contains(g.body, "<html") || !strings.Contains(g.body, "blocks") && !strings.Contains(g.body, "refuses this address") {
		t.Errorf("%d %s", g.status, g.body)
	}
	r.wantReady("a")
}

func TestAMissingModelFailsOver(t *testing.T) {
	a := newTestSite(t, reply(404, `{"error":{"message":"The model gpt-x does not exist","type":"invalid_request_error","code":"model_not_found"}}`))
	r := newRig(t, nil, a, newTestSite(t, good))
	if g := r.post(chatPath, chatBody); g.status != 200 || len(a.requests()) > 2 {
		t.Errorf("%d after %d requests to a", g.status, len(a.requests()))
	}
}
