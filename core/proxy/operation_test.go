package proxy

import "testing"

// Sites that lack one API keep serving the others: apps try endpoints that a site does
// not have, again and again.
func TestAMissingEndpointStopsNoOther(t *testing.T) {
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
		t.Errorf("the missing endpoint is asked again: %+v", got)
	}
}
