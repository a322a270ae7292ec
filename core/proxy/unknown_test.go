package proxy

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/upstream"
	"github.com/aitunnel/aitunnel/core/verdict"
	"github.com/aitunnel/aitunnel/core/verdict/unknown"
)

// refusing answers each request with an error.
type refusing struct {
	status int
	body   string
}

func (s refusing) Do(r *http.Request, _ upstream.Call) (*http.Response, error) {
	resp, err := atOnce{[]byte(strings.ReplaceAll(s.body, "KEY", strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")))}.Do(r, upstream.Call{})
	if err == nil {
		resp.StatusCode = s.status
	}
	return resp, err
}

// TestUnknownAnswersAreReported: an answer that no rule recognizes is reported, without
// the key that was sent; others are not.
func TestUnknownAnswersAreReported(t *testing.T) {
	h := inProcess(t)
	kept := make(chan unknown.Answer, 16)
	h.unknown = func(a unknown.Answer) { kept <- a }
	answerWith := func(status int, body string) {
		s := h.current.Load()
		for _, to := range s.sites {
			to.egresses = []egress{{transport: refusing{status, body}}}
		}
		ask(t.Context(), h, bodyOf(10))
	}
	answerWith(403, `{"error":{"message":"quux does not like KEY"}}`)
	answerWith(403, `{"error":{"code":"insufficient_quota","message":"m"}}`)
	select {
	case a := <-kept:
		if a.Channel != "site" || a.Verdict.Means != verdict.Suspect || a.Answer.Status != 403 || !strings.Contains(string(a.Answer.Body), "quux does not like") || strings.Contains(string(a.Answer.Body), "sk-bench-key") {
			t.Errorf("%s: %s %d %s", a.Channel, a.Verdict.Means, a.Answer.Status, a.Answer.Body)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("nothing was kept")
	}
	for len(kept) > 0 {
		if a := <-kept; a.Verdict.Means != verdict.Suspect {
			t.Errorf("an answer that %q knows was kept", a.Verdict.Rule)
		}
	}
}
