package fakesite

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func open(t *testing.T, options ...Option) *Site {
	t.Helper()
	s := New("one", options...)
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func post(t *testing.T, url, key, body string) (int, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

func TestShapesAndKeys(t *testing.T) {
	s := open(t, Keys("k"))
	for path, want := range map[string]string{
		"/base/v1/chat/completions":              `"object":"chat.completion"`,
		"/v1/messages":                           `"type":"message"`,
		"/v1beta/models/m:generateContent":       `"candidates"`,
		"/v1beta/models/m:streamGenerateContent": `"candidates"`,
		"/v1/responses":                          `"object":"response"`,
	} {
		status, body, err := post(t, s.URL()+path, "k", `{"model":"m"}`)
		if status != 200 || err != nil || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s %v", path, status, body, err)
		}
	}
	status, body, _ := post(t, s.URL()+"/v1/messages", "wrong", `{}`)
	if status != 401 || !strings.Contains(body, "authentication_error") {
		t.Errorf("a wrong key: %d %s", status, body)
	}
	if all := s.Requests(); len(all) != 6 || all[5].Credential != "wrong" || all[5].Style != StyleBearer {
		t.Errorf("recorded: %+v", all)
	}
}

func TestScriptOrderAndFaults(t *testing.T) {
	s := open(t)
	chat := s.URL() + "/v1/chat/completions"
	s.Next(RateLimited(time.Second), Reset(), CutAfterEvents(2), EmptyOK())
	if status, _, _ := post(t, chat, "k", `{}`); status != 429 {
		t.Errorf("first: %d", status)
	}
	if _, _, err := post(t, chat, "k", `{}`); err == nil {
		t.Error("a reset looks like an answer")
	}
	if _, body, err := post(t, chat, "k", `{"stream":true}`); err == nil || !strings.Contains(body, "data:") {
		t.Errorf("a cut stream: %q, %v", body, err)
	}
	if status, body, err := post(t, chat, "k", `{}`); status != 200 || body != "" || err != nil {
		t.Errorf("empty: %d %q %v", status, body, err)
	}
	if status, _, _ := post(t, chat, "k", `{}`); status != 200 {
		t.Errorf("after the script: %d", status)
	}
}

func TestADisconnectIsNoticed(t *testing.T) {
	s := open(t, Tokens(1000), Pace(5*time.Millisecond))
	ctx, cancel := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, http.MethodPost, s.URL()+"/v1/chat/completions", strings.NewReader(`{"stream":true}`))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(resp.Body).ReadString('\n'); err != nil || !strings.HasPrefix(line, "data:") {
		t.Fatalf("%q, %v", line, err)
	}
	cancel()
	_ = resp.Body.Close()
	if _, err := s.WaitDisconnected(1, 5*time.Second); err != nil {
		t.Fatal(err)
	}
}

func TestHTTP2(t *testing.T) {
	s := open(t, TLS())
	transport := &http.Transport{ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	transport.TLSClientConfig = s.ClientTLS()
	resp, err := (&http.Client{Transport: transport}).Get(s.URL() + "/v1/models")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.Proto != "HTTP/2.0" || s.Requests()[0].Proto != "HTTP/2.0" {
		t.Fatalf("the protocol is %s", resp.Proto)
	}
}
