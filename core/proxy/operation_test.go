package proxy

import "testing"

// Sites that lack one API keep serving the others: apps try endpoints that a site does
// not have, again and again.
func TestAMissingEndpointDoesNotAffectOthers(t *testing.T) {
	const missing = `{"error":{"message":"not found","type":"invalid_request_error"}}`
	a := newTestSite(t, reply(404, missing), reply(404, missing), reply(404, missing), reply(404, missing))
	r := newRig(t, nil, a)
	for _, path := range []string{"/v1/messages", "/v1/messages", "/v1/embeddings", "/v1/embeddings"} {
		r.post(path, chatBody)
	}
	a.then(reply(200, `{"choices":[{"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}`))
	if got := r.post(chatPath, chatBody); got.status != 200 {
		t.Errorf("chat after other endpoints were missing: %+v", got)
	}
	if got := r.post("/v1/messages", chatBody); got.status != 503 {
		t.Errorf("the missing endpoint gets another request: %+v", got)
	}
}

// A site with one API rejects good keys in requests for another API, since it does not read
// that header. Whichever request comes first, the site's own API keeps working.
func TestARejectedKeyKeepsWorkingInOtherAPIs(t *testing.T) {
	const messages, gemini = "/v1/messages", "/v1beta/models/gemini-2.5-flash:generateContent"
	rejected := reply(401, `{"error":{"message":"Incorrect API key provided","type":"invalid_request_error","code":"invalid_api_key"}}`)
	answered := reply(200, `{"choices":[{"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}`)
	for name, first := range map[string][]string{
		"another API first":    {messages, messages, gemini},
		"after chat":           {chatPath, messages, messages, messages, gemini, gemini},
		"two endpoints, mixed": {messages, "/v1/messages/count_tokens", gemini, chatPath, messages},
	} {
		t.Run(name, func(t *testing.T) {
			a := newTestSite(t, func(c *siteConn) {
				if c.URL.Path == chatPath {
					answered(c)
				} else {
					rejected(c)
				}
			})
			r := newRig(t, nil, a)
			for _, path := range append(first, chatPath, chatPath, chatPath) {
				if got := r.post(path, chatBody); (got.status == 200) != (path == chatPath) {
					t.Errorf("%s: %+v", path, got)
				}
			}
			r.wantReady("a")
			before := len(a.requests())
			if r.post(messages, chatBody); len(a.requests()) > before+2 {
				t.Errorf("one request for the missing API makes %d attempts", len(a.requests())-before)
			}
			r.post(messages, chatBody)
			before = len(a.requests())
			if r.post(messages, chatBody); len(a.requests()) > before {
				t.Errorf("the missing API still gets requests")
			}
		})
	}
}

// A revoked key is disabled by the first rejection for an operation for which keys of the
// channel work.
func TestARevokedKeyIsInvalidForAll(t *testing.T) {
	a := newTestSite(t, reply(200, `{"choices":[{"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}`),
		reply(401, `{"error":{"message":"Incorrect API key provided","code":"invalid_api_key"}}`),
		reply(200, `{"choices":[{"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}`))
	r := newRig(t, nil, a)
	for range 2 {
		if got := r.post(chatPath, chatBody); got.status != 200 {
			t.Errorf("%+v", got)
		}
	}
	if got := r.keyStates("a")["a1"]; got != "invalid_key" {
		t.Errorf("the revoked key is %s", got)
	}
	r.post("/v1/embeddings", `{"model":"m","input":"x"}`)
	for _, key := range a.keys()[2:] {
		if key == "sk-key-a1" {
			t.Error("the revoked key is used for another operation")
		}
	}
}
