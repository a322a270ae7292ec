package paneltest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestClientsAndNotifications checks what clients have used, adds and removes one, and sends
// a test message, in both languages.
func TestClientsAndNotifications(t *testing.T) {
	told := make(chan string, 10)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		told <- string(body)
	}))
	t.Cleanup(hook.Close)
	r, _, _ := begin(t, fmt.Sprintf(`
client "laptop" {
  token = "token-of-the-laptop-of-the-test"
  limit {
    requests_per_minute = 60
    tokens_per_minute   = 200000
    concurrent          = 4
  }
  budget {
    tokens = 10
    per    = "day"
  }
}
client "phone" {
  token  = "token-of-the-phone-of-the-test"
  models = ["gpt-*", "claude-*"]
}
notify "hook" {
  url    = "generic+http://%s/?template=json"
  events = ["channel_down", "channel_up", "budget"]
}
notify "broken" {
  url = "generic+http://127.0.0.2:1/secret-of-the-url"
}
`, strings.TrimPrefix(hook.URL, "http://")))
	ask := func() int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+r.ProxyAddr()+"/v1/chat/completions", strings.NewReader(`{"model":"gpt-x","messages":[]}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer token-of-the-laptop-of-the-test")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	if status := ask(); status != http.StatusOK {
		t.Fatal(status)
	}
	p := r.open("/#clients", 1280, 900)
	p.shows(`[data-name="laptop"]`, "of 10 tokens today")
	p.shows(`[data-name="phone"]`, "gpt-*, claude-*")
	if status := ask(); status != http.StatusTooManyRequests {
		t.Errorf("with the budget used up: %d", status)
	}
	p.shows(`[data-name="laptop"] .state`, "Budget used up")

	p.press("#view-clients", "Add a client")
	p.press("dialog", "Add a client")
	p.shows("dialog .error", "needs a name")
	p.field("Name", "tablet")
	p.press("dialog", "Add a client")
	p.shows("dialog .token", "at-")
	token := eval[string](p, `document.querySelector('dialog .token').textContent`)
	p.shots("client-token")
	p.keys("\x1b")
	p.shows(`[data-name="tablet"] .state`, "May use the proxy")
	if config := r.config(); !strings.Contains(config, `client "tablet"`) || strings.Contains(config, token) || len(token) != len("at-")+26 {
		t.Errorf("the configuration after adding a client:\n%s", config)
	}
	if strings.Contains(p.all(), token) {
		t.Error("the token is still on the page")
	}
	p.press(`[data-name="tablet"]`, `Edit client "tablet"`)
	p.field("Requests a minute", "30")
	p.field("Tokens, prompts", "5000")
	p.choose("Period", "week")
	p.shows("dialog .preview", "per = \"week\"")
	p.frames("edit-client")
	p.press("dialog", "Save")
	p.shows(`[data-name="tablet"]`, "of 5,000 tokens this week")
	p.press(`[data-name="tablet"]`, `Edit client "tablet"`)
	p.field("Tokens, prompts", "")
	p.keys("\b")
	p.until(`!document.querySelector('dialog .preview').textContent.includes('budget')`)
	p.press("dialog", "Save")
	p.until(`document.querySelector('[data-name="tablet"] .budget').hidden`)
	if config := r.config(); !strings.Contains(config, "limit {\n    requests_per_minute = 30\n  }") || strings.Count(config, "budget {") != 1 {
		t.Errorf("the configuration after changing a client:\n%s", config)
	}
	p.press(`[data-name="tablet"]`, "Remove the client tablet")
	p.press("dialog", "Remove")
	p.until(`!document.querySelector('[data-name="tablet"]')`)

	p.press(`[data-name="hook"]`, "Send a test message to hook")
	p.shows("#toasts", "A test message was sent to hook.")
	if message := <-told; !strings.Contains(message, "test message") {
		t.Error(message)
	}
	p.press(`[data-name="broken"]`, "Send a test message to broken")
	p.shows("#toasts", "was not sent")
	if strings.Contains(p.all(), "secret-of-the-url") {
		t.Error("the page shows a part of the URL")
	}
	p.press("#view-clients", `Edit notify "hook"`)
	p.until(`(() => { const l = [...document.querySelectorAll('dialog label')].find((n) => n.textContent === 'budget used up'); if (!l) return false; document.getElementById(l.htmlFor).click(); return true; })()`)
	p.field("Quiet hours", "23:00-07:00")
	p.choose("Egress", "direct")
	p.shows("dialog .preview", "egress = egress.direct")
	p.shows("dialog .preview", `events = ["channel_down", "channel_up"]`)
	p.frames("edit-notification")
	p.press("dialog", "Save")
	p.shows("#toasts", `notify "hook" was changed`)
	p.press("#view-clients", "Add a notification")
	p.press("dialog", "Add to the configuration")
	p.shows("dialog .error:not([hidden])", "Enter where the notifications go")
	p.field("Where to", "generic+http://127.0.0.2:1/another-secret")
	p.press("dialog", "Add to the configuration")
	p.shows(`[data-name="phone"].notification`, "channel down")
	if c := r.config(); !strings.Contains(c, "notify \"phone\" {\n  url = \"generic+http://127.0.0.2:1/another-secret\"\n}") || !strings.Contains(c, "egress = egress.direct") || !strings.Contains(c, "23:00-07:00") || !strings.Contains(c, "?template=json") {
		t.Errorf("the configuration is\n%s", c)
	}
	p.shots("clients")
	eval[bool](p, `(localStorage.setItem('aitunnel.language', 'zh'), true)`)
	p.reload()
	p.shows(`[data-name="laptop"] .state`, "预算已用完")
	p.shows("#view-clients", "通知")
	p.shots("clients-zh")
	for _, text := range eval[[]string](p, english) {
		t.Errorf("not translated: %s", text)
	}
	p.size(360, 740)
	for _, node := range eval[[]string](p, wide) {
		t.Errorf("at 360: %s", node)
	}
	p.shot("clients-zh-narrow")
}
