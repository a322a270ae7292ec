package proxy

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"mime/multipart"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/route"
)

func withToken(c *config.Config) {
	c.Proxy.ClientTokens = []config.Secret{config.NewSecret("client-token")}
}

// TestClientTokensAreNotSentToSites: a client token is accepted in every form, and is not sent to
// any site.
func TestClientTokensAreNotSentToSites(t *testing.T) {
	for name, tt := range map[string]struct{ path, header, value string }{
		"api-key":      {chatPath, "Api-Key", "client-token"},
		"bearer":       {chatPath, "Authorization", "Bearer client-token"},
		"x-api-key":    {chatPath, "X-Api-Key", "client-token"},
		"api_key":      {chatPath + "?api_key=client-token", "", ""},
		"access_token": {chatPath + "?access_token=client-token", "", ""},
		"encoded":      {chatPath + "?%6bey=client-token", "", ""},
		"semicolon":    {chatPath + "?a=1;key=client-token", "", ""},
		"subprotocol":  {chatPath, "Sec-Websocket-Protocol", "realtime, openai-insecure-api-key.client-token"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newTestSite(t, good)
			r := newRig(t, withToken, a)
			headers := []string{"Cookie", "session=client-token"}
			if tt.header != "" {
				headers = append(headers, tt.header, tt.value)
			}
			if g := r.post(tt.path, chatBody, headers...); g.status != 200 {
				t.Fatalf("%d %s", g.status, g.body)
			}
			q := a.requests()[0]
			var all bytes.Buffer
			_ = q.Header.Write(&all)
			if sent := all.String() + q.URL.String(); strings.Contains(sent, "client-token") || !strings.Contains(sent, "sk-key-a1") {
				t.Errorf("the site was sent %s", sent)
			}
		})
	}
}

// Without client tokens, the caller's own keys are not sent to sites either.
func TestCallersKeysAreNotSentToSites(t *testing.T) {
	a := newTestSite(t, reply(200, chatAnswer, "Set-Cookie: of=site"))
	r := newRig(t, nil, a)
	g := r.post(chatPath+"?%6bey=own-key&x=1", chatBody, "Cookie", "own-key=1", "Api-Key", "own-key")
	q := a.requests()[0]
	var all bytes.Buffer
	_ = q.Header.Write(&all)
	if sent := all.String() + q.URL.String(); strings.Contains(sent, "own-key") || q.URL.RawQuery != "x=1" {
		t.Errorf("the site was sent %s", sent)
	}
	if g.header.Get("Set-Cookie") != "" {
		t.Errorf("the site's cookie was passed on: %v", g.header)
	}
}

// A channel that passes the caller's own key through gets that key, and never
// the token that lets the caller in, wherever either of them is.
func TestPassthroughDoesNotSendTheClientToken(t *testing.T) {
	for name, tt := range map[string]struct {
		path    string
		headers [][2]string
		want    string
	}{
		"another header":            {chatPath, [][2]string{{"Authorization", "Bearer own-key"}, {"X-Api-Key", "client-token"}}, "Bearer own-key"},
		"a second value":            {chatPath, [][2]string{{"Authorization", "Bearer own-key"}, {"Authorization", "Bearer client-token"}}, "Bearer own-key"},
		"the query":                 {chatPath + "?k%65y=client-token&key=own-key", nil, "key=own-key"},
		"after a semicolon":         {chatPath + "?a=1;key=client-token", [][2]string{{"Authorization", "Bearer own-key"}}, "a=1"},
		"a cookie":                  {chatPath, [][2]string{{"Authorization", "Bearer own-key"}, {"Api-Key", "client-token"}, {"Cookie", "session=client-token"}}, "own-key"},
		"basic, as user":            {chatPath, [][2]string{{"Authorization", "Basic Y2xpZW50LXRva2VuOng="}, {"X-Api-Key", "own-key"}}, "own-key"},
		"a WebSocket's subprotocol": {chatPath, [][2]string{{"Authorization", "Bearer own-key"}, {"Sec-Websocket-Protocol", "realtime, openai-insecure-api-key.client-token"}}, "realtime"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newTestSite(t, good)
			r := newRig(t, func(c *config.Config) {
				withToken(c)
				c.Channels[0].Auth, c.Channels[0].Keys = config.Auth{Style: config.AuthPassthrough}, nil
			}, a)
			var head strings.Builder
			for _, h := range tt.headers {
				fmt.Fprintf(&head, "%s: %s\r\n", h[0], h[1])
			}
			answer := r.raw(fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n%s\r\n%s", tt.path, len(chatBody), head.String(), chatBody), false)
			if !strings.HasPrefix(answer, "HTTP/1.1 200 ") {
				t.Fatalf("%s", answer)
			}
			q := a.requests()[0]
			var all bytes.Buffer
			_ = q.Header.Write(&all)
			if sent := all.String() + q.URL.String(); strings.Contains(sent, "client-token") || strings.Contains(sent, "Y2xpZW50") || !strings.Contains(sent, tt.want) {
				t.Errorf("the site was sent %s", sent)
			}
		})
	}
}

func TestUpgradeToH2CIsDropped(t *testing.T) {
	a := newTestSite(t, good)
	r := newRig(t, nil, a)
	r.post(chatPath, chatBody, "Upgrade", "h2c", "HTTP2-Settings", "AAMAAABk", "Connection", "Upgrade, HTTP2-Settings")
	if h := a.requests()[0].Header; h.Get("Upgrade") != "" || h.Get("Http2-Settings") != "" || h.Get("Connection") != "" {
		t.Errorf("the site was sent %v", h)
	}
}

// Headers with the caller's address, from proxies in front of this one, are not sent to
// sites.
func TestTheCallersAddressIsNotSent(t *testing.T) {
	a := newTestSite(t, good)
	r := newRig(t, nil, a)
	r.post(chatPath, chatBody, "X-Forwarded-For", "203.0.113.7", "CF-Connecting-IP", "203.0.113.7", "True-Client-IP", "203.0.113.7", "CDN-Loop", "cloudflare", "CF-Ray", "1-SJC",
		"Cf-Access-Jwt-Assertion", "203.0.113.7", "Forwarded", "for=203.0.113.7", "X-Client-IP", "203.0.113.7", "cf-aig-metadata", "mine")
	var all bytes.Buffer
	_ = a.requests()[0].Header.Write(&all)
	if sent := all.String(); strings.Contains(sent, "203.0.113.7") || strings.Contains(sent, "Cdn-Loop") || strings.Contains(sent, "Cf-Ray") || !strings.Contains(sent, "Cf-Aig-Metadata: mine") {
		t.Errorf("the site was sent %s", sent)
	}
}

func TestConnectionsToASiteAreReused(t *testing.T) {
	a := newTestSite(t, good)
	r := newRig(t, nil, a)
	for i := range 10 {
		version := []string{"HTTP/1.1", "HTTP/1.0"}[i%2]
		answer := r.raw("POST "+chatPath+" "+version+"\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: "+strconv.Itoa(len(chatBody))+"\r\n\r\n"+chatBody, false)
		if !strings.Contains(answer, " 200 OK") {
			t.Fatalf("%q", answer)
		}
	}
	if n := a.connections(); n != 1 {
		t.Errorf("%d connections for 10 requests", n)
	}
}

func TestAChunkedBodyGetsALength(t *testing.T) {
	a := newTestSite(t, good)
	r := newRig(t, nil, a)
	body := `{"model":"m","messages":[]}`
	r.raw("POST "+chatPath+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n1b\r\n"+body+"\r\n0\r\n\r\n", false)
	if q := a.requests()[0]; q.ContentLength != int64(len(body)) || len(q.TransferEncoding) > 0 {
		t.Errorf("length %d, transfer encoding %v", q.ContentLength, q.TransferEncoding)
	}
}

// TestTheModelIsFoundEverywhere: in a form, a path, a query or far into the body.
func TestTheModelIsFoundEverywhere(t *testing.T) {
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	_ = w.WriteField("language", "de")
	_ = w.WriteField("model", "whisper-b")
	part, _ := w.CreateFormFile("file", "a.wav")
	_, _ = io.WriteString(part, strings.Repeat("x", 5000))
	_ = w.Close()
	for name, tt := range map[string]struct {
		path, body string
		headers    []string
	}{
		"multipart":        {"/v1/audio/transcriptions", form.String(), []string{"Content-Type", w.FormDataContentType()}},
		"after 9 MiB":      {chatPath, `{"messages":"` + strings.Repeat("x", 9<<20) + `","model":"gpt-b"}`, nil},
		"gzip":             {chatPath, zipped(`{"messages":[],"model":"gpt-b"}`), []string{"Content-Encoding", "gzip"}},
		"Azure":            {"/openai/deployments/gpt-b/chat/completions?api-version=2024-10-21", `{"messages":[]}`, nil},
		"Gemini":           {"/v1beta/models/gpt-b:generateContent", `{}`, nil},
		"escaped in JSON":  {chatPath, `{"messages":[],"mod\u0065l":"gpt-b"}`, nil},
		"realtime's query": {"/v1/realtime?model=gpt-b", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := newTestSite(t, good), newTestSite(t, good)
			r := newRig(t, func(c *config.Config) {
				c.Channels[0].Models = []string{"other-*"}
				c.Channels[1].Models = []string{"gpt-b", "whisper-b"}
			}, a, b)
			if g := r.post(tt.path, tt.body, tt.headers...); g.status != 200 || len(a.requests()) > 0 || len(b.requests()) != 1 {
				t.Errorf("%d %.200s, a got %d requests", g.status, g.body, len(a.requests()))
			}
		})
	}
}

// TestPathsAreNormalized: paths of clients that join base URL and path wrongly.
func TestPathsAreNormalized(t *testing.T) {
	for _, tt := range []struct{ name, base, path, want string }{
		{"a target with /v1", "/v1", "/v1/chat/completions", "/v1/chat/completions"},
		{"a target with a path", "/api/v1", "/v1/models", "/api/v1/models"},
		{"//v1", "", "//v1/chat/completions", "/v1/chat/completions"},
		{"v1//", "", "/v1//chat/completions", "/v1/chat/completions"},
		{"/messages", "", "/messages", "/v1/messages"},
		{"/v1/v1", "", "/v1/v1/messages", "/v1/messages"},
		{"an escaped slash", "", "/v1/models/openai%2Fgpt-4o", "/v1/models/openai%2Fgpt-4o"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := newTestSite(t, good)
			r := newRig(t, func(c *config.Config) {
				c.Channels[0].Target.Path = tt.base
				c.Routes[0].Pattern = "/v1/**"
			}, a)
			if g := r.post(tt.path, chatBody); g.status != 200 {
				t.Fatalf("%d %s", g.status, g.body)
			}
			if path := a.requests()[0].URL.EscapedPath(); path != tt.want {
				t.Errorf("the site got the path %s, want %s", path, tt.want)
			}
		})
	}
}

// TestAnUploadStaysAtItsChannel: all requests of an upload use the same key.
func TestAnUploadStaysAtItsChannel(t *testing.T) {
	a := newTestSite(t, func(c *siteConn) {
		switch {
		case c.URL.Path == "/upload/v1beta/files" && c.URL.Query().Get("upload_id") == "":
			reply(200, "{}", "X-Goog-Upload-URL: http://"+c.site.address+"/upload/v1beta/files?upload_id=U1&upload_protocol=resumable", "X-Goog-Upload-Status: active")(c)
		default:
			reply(200, `{"file":{"name":"files/f1","uri":"https://x/files/f1"}}`)(c)
		}
	})
	r := newRig(t, func(c *config.Config) {
		c.Channels[0].KeySelector.Ref, c.Channels[0].KeySelector.Name = "round-robin", "round-robin"
	}, a)
	g := r.post("/upload/v1beta/files", `{"file":{}}`, "X-Goog-Upload-Protocol", "resumable")
	location := g.header.Get("X-Goog-Upload-Url")
	if !strings.HasPrefix(location, r.server.URL) {
		t.Fatalf("the upload continues at %s", location)
	}
	r.post(strings.TrimPrefix(location, r.server.URL), "data")
	r.ask("GET", "/v1beta/files/f1", "")
	if keys := a.keys(); len(keys) != 3 || keys[0] != keys[1] || keys[1] != keys[2] {
		t.Errorf("keys %v", keys)
	}
}

// TestAStoredResponseStaysAtItsChannel: requests that name a response use the key that
// created it.
func TestAStoredResponseStaysAtItsChannel(t *testing.T) {
	stored := reply(200, `{"id":"resp_42","object":"response","status":"completed","output":[{"type":"message"}]}`)
	a := newTestSite(t, stored)
	r := newRig(t, func(c *config.Config) {
		c.Channels[0].KeySelector.Ref, c.Channels[0].KeySelector.Name = "round-robin", "round-robin"
	}, a)
	r.post("/v1/responses", `{"model":"gpt-x","input":"hi"}`)
	r.post("/v1/responses", `{"model":"gpt-x","input":"more","previous_response_id":"resp_42"}`)
	r.ask("GET", "/v1/responses/resp_42", "")
	if keys := a.keys(); len(keys) != 3 || keys[0] != keys[1] || keys[1] != keys[2] {
		t.Errorf("keys %v", keys)
	}
}

// TestTimeToTheFirstByte: how long a site may take until the head of its answer.
func TestTimeToTheFirstByte(t *testing.T) {
	r := newRig(t, nil, newTestSite(t, good), newTestSite(t, good))
	for _, tt := range []struct {
		stream bool
		want   time.Duration
	}{{true, time.Minute}, {false, 4 * time.Minute}} {
		s := r.handler.current.Load()
		x := &exchange{handler: r.handler, setup: s}
		x.mode.Stream = tt.stream
		x.walk.Begin(s.table.Routes[0], route.Request{Model: "gpt-x", Endpoint: "generate"})
		pick, _ := x.walk.Next(r.registry.Now())
		if got := x.timeouts(pick.Channel).FirstByte; got != tt.want {
			t.Errorf("streamed %v: %s, want %s", tt.stream, got, tt.want)
		}
		pick.Lease.Cancel()
		pick.ReleaseKey()
	}
}

// TestAWebSocketForResponsesIsRefused: a WebSocket on /v1/responses is refused at once.
func TestAWebSocketForResponsesIsRefused(t *testing.T) {
	a := newTestSite(t, reply(404, "{}"))
	r := newRig(t, nil, a)
	answer := r.raw("GET /v1/responses HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", false)
	if !strings.HasPrefix(answer, "HTTP/1.1 426 ") || len(a.requests()) > 0 {
		t.Errorf("%q, the site got %d requests", answer, len(a.requests()))
	}
}

// TestGeminiLiveKey: Gemini Live gets the key in Gemini's form.
func TestGeminiLiveKey(t *testing.T) {
	a := newTestSite(t, reply(400, "{}"))
	r := newRig(t, nil, a)
	r.ask("GET", "//ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent?key=own", "")
	q := a.requests()[0]
	if q.URL.Query().Get("key") != "sk-key-a1" && q.Header.Get("X-Goog-Api-Key") != "sk-key-a1" || q.Header.Get("Authorization") != "" {
		t.Errorf("%s %v", q.URL, q.Header)
	}
}

// TestAnOutageCostsFewRequests: once everything is known to be down, one request of a
// client costs at most two attempts, however much time passes between requests.
func TestAnOutageCostsFewRequests(t *testing.T) {
	for n := range 4 {
		var sites []*testSite
		for range n + 1 {
			sites = append(sites, newTestSite(t, reply(503, "{}")))
		}
		r := newRig(t, func(c *config.Config) { c.Retry.MaxExtra = 100 }, sites...)
		total := func() (n int) {
			for _, s := range sites {
				n += len(s.requests())
			}
			return n
		}
		for range 10 * len(sites) {
			r.post(chatPath, chatBody)
		}
		for range 10 {
			before := total()
			g := r.post(chatPath, chatBody)
			if g.status != 503 || g.header.Get("Retry-After") == "" {
				t.Fatalf("%d %v %s", g.status, g.header, g.body)
			}
			if asked := total() - before; asked > 2 {
				t.Errorf("with %d channels, one request cost %d attempts", len(sites), asked)
			}
		}
	}
}

func TestRequestIDsOfSiteAndProxy(t *testing.T) {
	r := newRig(t, nil, newTestSite(t, reply(200, chatAnswer, "X-Request-Id: req_of_site")))
	if g := r.post(chatPath, chatBody); g.header.Get("X-Request-Id") != "req_of_site" || !strings.HasPrefix(g.header.Get("X-Aitunnel-Request-Id"), "req_") {
		t.Errorf("%v", g.header)
	}
}

// TestRequestIDForTheSDKOfAnthropic, which reads Request-Id: the site's, or ours if there is none.
func TestRequestIDForTheSDKOfAnthropic(t *testing.T) {
	const path, message = "/v1/messages", `{"id":"msg_1","type":"message","role":"assistant","content":[{"type":"text","text":"Hello"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}`
	r := newRig(t, nil, newTestSite(t, reply(200, message, "Request-Id: req_of_site"), reply(200, message), reply(400, `{"type":"error","error":{"type":"invalid_request_error","message":"no"}}`)))
	for _, want := range []string{"req_of_site", "", ""} {
		g := r.post(path, messagesBody)
		if ours := g.header.Get("X-Aitunnel-Request-Id"); ours == "" || g.header.Get("Request-Id") != cmp.Or(want, ours) {
			t.Errorf("want %q: %d %v", want, g.status, g.header)
		}
	}
	if g := r.post(chatPath, chatBody); g.header["Request-Id"] != nil {
		t.Errorf("an answer of OpenAI's API: %v", g.header)
	}
}

// A caller that half-closes its connection has disconnected; one whose body is incomplete
// gets an error.
func TestHalfClosedAndShortRequests(t *testing.T) {
	hang := func(c *siteConn) { c.sleep(time.Minute) }
	r := newRig(t, nil, newTestSite(t, hang))
	head := "POST " + chatPath + " HTTP/1.1\r\nHost: x\r\nContent-Length: "
	if answer := r.raw(head+strconv.Itoa(len(chatBody))+"\r\n\r\n"+chatBody, true); answer != "" {
		t.Errorf("half-closed: %q", answer)
	}
	if answer := r.raw(head+"5000\r\n\r\n"+chatBody, true); !strings.HasPrefix(answer, "HTTP/1.1 400 ") {
		t.Errorf("cut short: %q", answer)
	}
}

// 100 Continue comes after token, size and route are checked.
func Test100ContinueComesLast(t *testing.T) {
	r := newRig(t, func(c *config.Config) {
		withToken(c)
		c.Proxy.MaxBody = 1000
		c.Routes[0].Pattern = "/v1/**"
	}, newTestSite(t, good))
	for name, head := range map[string]string{
		"token": "POST /v1/x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer wrong\r\nContent-Length: 10\r\n",
		"size":  "POST /v1/x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer client-token\r\nContent-Length: 2000\r\n",
		"route": "POST /x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer client-token\r\nContent-Length: 10\r\n",
	} {
		if answer := r.raw(head+"Expect: 100-continue\r\n\r\n", true); strings.Contains(answer, "100 Continue") || !strings.HasPrefix(answer, "HTTP/1.1 4") {
			t.Errorf("%s: %q", name, answer)
		}
	}
}
