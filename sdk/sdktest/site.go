package sdktest

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aitunnel/aitunnel/sdk"
)

// site is a host whose probes are answered by a handler. It records what a host would refuse.
type site struct {
	handler http.Handler
	err     error // of every probe
	hang    bool
	ids     []string     // of the channel's keys
	keys    []CheckedKey // with their own handlers

	mu     sync.Mutex
	probes int
	wrong  []string
}

func newSite(h http.Handler) *site { return &site{handler: h} }

func (s *site) Probe(ctx context.Context, req sdk.ProbeRequest) (sdk.ProbeResult, error) {
	s.note(req)
	if s.hang {
		<-ctx.Done()
		return sdk.ProbeResult{}, ctx.Err()
	}
	if s.err != nil {
		return sdk.ProbeResult{}, s.err
	}
	method := req.Method
	if method == "" {
		method = http.MethodGet
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://site.example"+req.Path, bytes.NewReader(req.Body))
	if err != nil {
		return sdk.ProbeResult{}, err
	}
	for name, value := range req.Header {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	s.handlerFor(req.KeyID).ServeHTTP(w, r)
	res := sdk.ProbeResult{Status: w.Code, Header: map[string]string{}, Latency: time.Millisecond}
	for name := range w.Header() {
		res.Header[name] = w.Header().Get(name)
	}
	if method != http.MethodHead {
		res.Body = w.Body.Bytes()
		res.Body = res.Body[:min(len(res.Body), 64<<10)]
	}
	return res, nil
}

// handlerFor returns the handler for probes with a key.
func (s *site) handlerFor(key string) http.Handler {
	for _, k := range s.keys {
		if k.ID == key && k.Site != nil {
			return k.Site
		}
	}
	return s.handler
}

func (s *site) note(req sdk.ProbeRequest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.probes++
	wrong := func(format string, args ...any) {
		if text := fmt.Sprintf(format, args...); !slices.Contains(s.wrong, text) {
			s.wrong = append(s.wrong, text)
		}
	}
	if !strings.HasPrefix(req.Path, "/") {
		wrong("it probes %.80q: the path begins with a slash, the host adds scheme, address and base path", req.Path)
	}
	if req.KeyID != "" && !slices.Contains(s.ids, req.KeyID) {
		wrong("it probes with the key %.80q, which is not one of CheckRequest.Keys", req.KeyID)
	}
	for name := range req.Header {
		switch strings.ToLower(name) {
		case "authorization", "x-api-key", "x-goog-api-key", "host", "content-length":
			wrong("its probe sets the header %s, which is the host's", name)
		}
	}
	if strings.Contains(req.Path, canary) {
		wrong("a sensitive setting appears in the path of a probe, where logs and reasons show it")
	}
}

func (s *site) faults() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wrong
}

func (s *site) probed() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.probes
}

// apis answers as sites with an API of OpenAI, Anthropic or Gemini do.
func apis(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	body := `{"object":"list","data":[{"id":"gpt-4o","object":"model"}],"models":[{"name":"models/gemini"}]}`
	switch {
	case strings.HasSuffix(r.URL.Path, "/chat/completions"):
		body = `{"id":"x","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"ok"},"finish_reason":"stop"}]}`
	case strings.HasSuffix(r.URL.Path, "/messages"):
		body = `{"id":"x","type":"message","role":"assistant","content":[{"type":"text","text":"ok"}],"stop_reason":"end_turn"}`
	case strings.Contains(r.URL.Path, ":generateContent"):
		body = `{"candidates":[{"content":{"role":"model","parts":[{"text":"ok"}]},"finishReason":"STOP"}]}`
	}
	_, _ = w.Write([]byte(body))
}
