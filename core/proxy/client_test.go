package proxy

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
)

// twoClients has an unrestricted client, and a restricted one.
func twoClients(c *config.Config) {
	hash := sha256.Sum256([]byte("token-of-phone"))
	c.Proxy.ClientTokens = []config.Secret{config.NewSecret("client-token")}
	c.Clients = []*config.Client{
		{Name: "laptop", Token: config.NewSecret("token-of-laptop")},
		{Name: "phone", TokenSHA256: hex.EncodeToString(hash[:]), Models: []string{"gpt-*"}, Paths: []string{"/v1/**", "/v1beta/**"}},
	}
}

func TestTheRecordNamesTheClient(t *testing.T) {
	for _, c := range []struct {
		change    func(*config.Config)
		key, want string
	}{
		{nil, "anything", config.ClientAnonymous},
		{twoClients, "client-token", config.ClientDefault},
		{twoClients, "token-of-laptop", "laptop"},
		{twoClients, "token-of-phone", "phone"},
		{twoClients, "wrong", ""},
	} {
		site := newTestSite(t, good)
		r := newRig(t, c.change, site)
		r.post(chatPath, chatBody, "Authorization", "Bearer "+c.key)
		if got := r.last().Client; got != c.want {
			t.Errorf("the client of the record is %q, want %q", got, c.want)
		}
		for _, key := range site.keys() {
			if !strings.HasPrefix(key, "sk-key-a") {
				t.Errorf("the site was sent %q", key)
			}
		}
	}
}

func TestAClientMayDoOnlyWhatItsBlockAllows(t *testing.T) {
	site := newTestSite(t, good)
	r := newRig(t, twoClients, site)
	for name, c := range map[string]struct {
		path, body, key string
		status          int
		says            []string
	}{
		"openai model":     {chatPath, `{"model":"claude-x","messages":[]}`, "token-of-phone", 403, []string{`"code":"model_not_allowed"`, `"message":`, "claude-x"}},
		"anthropic model":  {"/v1/messages", `{"model":"claude-x","max_tokens":1,"messages":[]}`, "token-of-phone", 403, []string{`"type":"error"`, `"type":"permission_error"`, "claude-x"}},
		"gemini model":     {"/v1beta/models/gemini-x:generateContent", `{"contents":[]}`, "token-of-phone", 403, []string{`"status":"PERMISSION_DENIED"`, "gemini-x"}},
		"path":             {"/admin/x", `{}`, "token-of-phone", 404, []string{`NOT_FOUND`, "/admin/x"}},
		"allowed model":    {chatPath, chatBody, "token-of-phone", 200, nil},
		"another's rights": {chatPath, `{"model":"claude-x","messages":[]}`, "token-of-laptop", 200, nil},
		"no token":         {chatPath, chatBody, "token-of-phonE", 401, []string{"invalid_client_token"}},
	} {
		got := r.post(c.path, c.body, "Authorization", "Bearer "+c.key, "X-Goog-Api-Key", c.key)
		if got.status != c.status {
			t.Errorf("%s: %d %s, want %d", name, got.status, got.body, c.status)
		}
		for _, want := range c.says {
			if !strings.Contains(got.body, want) {
				t.Errorf("%s: %s does not say %s", name, got.body, want)
			}
		}
		if strings.Contains(got.body, c.key) {
			t.Errorf("%s: the answer shows the token", name)
		}
	}
	if n := len(site.requests()); n != 2 {
		t.Errorf("the site was sent %d requests, want the 2 that are allowed", n)
	}
}

func TestATrialNeedsNoToken(t *testing.T) {
	r := newRig(t, twoClients, newTestSite(t, good))
	r.server.Config.Handler = r.handler.Trial("a", "")
	if got := r.post(chatPath, chatBody); got.status != http.StatusOK {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := r.record(0).Client; got != config.ClientTest {
		t.Errorf("the record names the client %q", got)
	}
}

func TestATrialIsSentWhateverTheState(t *testing.T) {
	site := newTestSite(t, good)
	r := newRig(t, nil, site)
	state := r.handler.current.Load().table.Channels[0].State
	state.DenyEndpoint(time.Now(), chatPath, true, 0, "404")
	state.SetPaused(true)
	if got := r.post(chatPath, chatBody); got.status == 200 {
		t.Fatalf("an ordinary request was sent: %d", got.status)
	}
	r.server.Config.Handler = r.handler.Trial("a", "")
	if got := r.post(chatPath, chatBody); got.status != 200 {
		t.Errorf("%d %s", got.status, got.body)
	}
}
