package paneltest

import (
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/fakesite"
)

// TestRestrictionsOfAChannel are shown on its card, and can be ended there.
func TestRestrictionsOfAChannel(t *testing.T) {
	r, primary, backup := begin(t, "")
	for _, s := range []*fakesite.Site{primary, backup} {
		s.Always(func(x *fakesite.Exchange) {
			if strings.HasSuffix(x.R.URL.Path, "/chat/completions") || strings.HasSuffix(x.R.URL.Path, "/messages") {
				fakesite.Status(404, `{"error":{"message":"Invalid URL (POST /v1/chat/completions)","type":"invalid_request_error"}}`)(x)
				return
			}
			fakesite.OK()(x)
		})
	}
	for range 2 {
		r.ask("m")
	}
	p := r.open("/", 1280, 900)
	p.shows(`[data-name="primary"] .restricted`, "/v1/chat/completions: the site does not have the endpoint, ")
	p.shots("restricted")
	p.press(`[data-name="primary"]`, "Try primary")
	p.until(`document.querySelector('dialog #try-models option')`)
	p.press("dialog", "Send")
	p.shows("dialog .answer", "/v1/chat/completions. If the API of the site is at another path")
	p.keys("\x1b")
	p.press(`[data-name="primary"]`, "Use primary for everything again")
	p.shows("#toasts", "primary is used for everything again.")
	p.until(`document.querySelector('[data-name="primary"] .restricted').hidden`)

	p.language("zh")
	p.shows(`[data-name="backup"] .restricted`, "/v1/chat/completions：站点没有该接口")
	p.click(`document.querySelector('.latest .row')`)
	p.shows("dialog .attempts", "站点没有该接口")
	p.shows("dialog .attempts", "被测试的渠道")
	if text := eval[string](p, `document.querySelector('dialog .attempts').innerText`); strings.Contains(text, "does not have") || strings.Contains(text, "tested") {
		t.Errorf("not translated: %s", text)
	}
	p.shots("record-zh")
}
