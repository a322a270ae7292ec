package paneltest

import (
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/fakesite"
)

// TestARecordSaysFirstWhatFailed: why the backup answered, before anything about plans, in
// both languages, and also for a request that the first channel did not get.
func TestARecordSaysFirstWhatFailed(t *testing.T) {
	r, primary, _ := begin(t, "")
	primary.Always(fakesite.RateLimited(time.Hour))
	for range 3 {
		if from, _ := r.ask("m"); from != "backup" {
			t.Fatalf("%q answers", from)
		}
	}
	p := r.open("/#log", 1280, 900)
	for _, c := range []struct{ language, title, failed, out string }{
		{"en", "Why backup answered", "the key has reached a rate limit", "was not available: no key is available: 429 Too Many Requests"},
		{"zh", "为什么由 backup 处理", "密钥被限流", "当时不可用：没有可用的密钥：429 Too Many Requests"},
	} {
		p.language(c.language)
		p.click(`[...document.querySelectorAll('#view-log .row')].find((n) => n.querySelector('.retries.some'))`)
		p.shows("dialog .causes", c.title)
		p.shows("dialog .causes", c.failed)
		if text := eval[string](p, `document.querySelector('dialog').innerText`); strings.Index(text, c.failed) > strings.Index(text, "backup")+400 {
			t.Errorf("the cause is not shown first:\n%s", text)
		}
		p.shots("record-failed-" + c.language)
		p.keys("\x1b")
		p.until(`!document.querySelector('dialog')`)
		p.click(`[...document.querySelectorAll('#view-log .row')].find((n) => !n.querySelector('.retries.some'))`)
		p.shows("dialog .causes", c.out)
		p.shot("record-out-" + c.language)
		p.keys("\x1b")
		p.until(`!document.querySelector('dialog')`)
	}
}

// TestARecordNamesEachKeyThatWasNotUsable: keys are listed if their reasons differ.
func TestARecordNamesEachKeyThatWasNotUsable(t *testing.T) {
	r, primary, _ := begin(t, "")
	primary.Next(fakesite.Status(401, `{"error":{"message":"no","code":"invalid_api_key"}}`), fakesite.OutOfQuota())
	for range 2 {
		if from, _ := r.ask("m"); from != "backup" {
			t.Fatalf("%q answers", from)
		}
	}
	p := r.open("/#log", 1280, 900)
	for language, all := range map[string][]string{
		"en": {"no key is available: first: invalid key", "; second: out of quota"},
		"zh": {"当时不可用：没有可用的密钥：first：密钥无效", "；second：额度用尽"},
	} {
		p.language(language)
		p.click(`[...document.querySelectorAll('#view-log .row')].find((n) => !n.querySelector('.retries.some'))`)
		for _, text := range all {
			p.shows("dialog .causes", text)
		}
		p.keys("\x1b")
		p.until(`!document.querySelector('dialog')`)
	}
}

// TestARecordShowsTheAnswerToTheCaller of a request that aitunnel refused itself.
func TestARecordShowsTheAnswerToTheCaller(t *testing.T) {
	r, _, _ := begin(t, "client \"anonymous\" {\n  limit {\n    requests_per_minute = 1\n    burst = 1\n  }\n}\n")
	r.ask("m")
	if _, status := r.ask("m"); status != 429 {
		t.Fatal(status)
	}
	p := r.open("/#log", 1280, 900)
	for language, want := range map[string][]string{
		"en": {"at its limit of 1 requests per minute", "the next may come in"},
		"zh": {"每分钟 1 个请求", "后可再次请求"},
	} {
		p.language(language)
		p.click(`[...document.querySelectorAll('#view-log .row')].find((n) => n.innerText.includes('429'))`)
		for _, text := range want {
			p.shows("dialog .record", text)
		}
		p.keys("\x1b")
		p.until(`!document.querySelector('dialog')`)
	}
}
