package paneltest

import (
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/fakesite"
)

// cutOff lists the elements of a selector that are too narrow for their text.
const cutOff = `[...document.querySelectorAll(%s)].filter((n) => n.scrollWidth > n.clientWidth + 1).map((n) => n.textContent)`

// TestNothingIsCutOnANarrowScreen: names of keys that have a state, answers that no rule
// recognizes, and settings to be copied are shown in full.
func TestNothingIsCutOnANarrowScreen(t *testing.T) {
	s := site(t, "primary")
	s.ForKey("sk-one-of-the-test-000alike", fakesite.Unauthorized())
	s.Next(fakesite.Status(418, `{"error":{"message":"of no known kind"}}`))
	r := start(t, "channel \"primary\" {\n  target = \""+s.URL()+"\"\n  keys   = [\"sk-one-of-the-test-000alike\", \"sk-two-of-the-test-000alike\"]\n}\n")
	for range 4 {
		r.ask("m")
	}
	for _, language := range []string{"en", "zh"} {
		p := r.open("/", 360, 800)
		p.until(`document.querySelectorAll('.keylist li').length === 2`)
		p.language(language)
		p.until(`document.querySelectorAll('.keylist .key-state.warn, .keylist .key-state.bad').length === 1`)
		p.shows(".keylist", "sk-…like~")
		for _, view := range []struct{ name, there, whole string }{
			{"channels", ".keylist .name", ".keylist .name, .keylist .calls, .keylist .key-state"},
			{"routes", ".unknown li", ".unknown li, .unknown strong"},
			{"connect", ".snippet pre", ".snippet pre"},
		} {
			p.until(`(location.hash = %s) && document.querySelector(%s)?.checkVisibility()`, view.name, view.there)
			if cut := eval[[]string](p, cutOff, view.whole); len(cut) > 0 {
				t.Errorf("%s, %s: %q", language, view.name, cut)
			}
			if outside := eval[[]string](p, `[...document.querySelectorAll(%s)].filter((n) => n.getBoundingClientRect().right > n.parentElement.getBoundingClientRect().right + 1).map((n) => n.textContent)`, view.whole); len(outside) > 0 {
				t.Errorf("%s, %s: wider than their parent: %q", language, view.name, outside)
			}
		}
		p.until(`(location.hash = 'channels') && document.querySelector('.keylist .calls').checkVisibility()`)
		if eval[bool](p, `[...document.querySelectorAll('.keylist li')].some((n) => n.querySelector('.calls').getBoundingClientRect().right > n.querySelector('button').getBoundingClientRect().left + 6)`) {
			t.Errorf("%s: the attempts of a key are below its button", language)
		}
	}
}

// TestAnUnsavedStateIsShown: changes would be lost in a restart.
func TestAnUnsavedStateIsShown(t *testing.T) {
	api := &stub{channels: []admin.Channel{}, tunnels: []admin.Tunnel{}, unsaved: []string{"the state cannot be saved: no space left on device"}}
	p := open(t, api.serve(t).URL, "/", 360, 800)
	p.shows("#unsaved", "such as a pause, would be lost in a restart. the state cannot be saved: no space left on device")
	api.mu.Lock()
	api.unsaved = nil
	api.mu.Unlock()
	api.set(p, nil)
	p.until(`document.querySelector('#unsaved').hidden`)
}

// TestAnErrorOfTheFileIsShownOnce in the view of the configuration, to which the notice in
// other views links, also in Chinese.
func TestAnErrorOfTheFileIsShownOnce(t *testing.T) {
	r, _, _ := begin(t, "")
	p := r.open("/", 1280, 900)
	p.expect("422")
	p.shows("#overall", "2 channels")
	p.language("zh")
	r.write(strings.Replace(r.config(), "weight = 10", "weigth = 10", 1))
	p.shows("#notice", "原因：第 11 行：未知的设置")
	p.press("#notice", "查看")
	p.shows(".verdict .mistakes", "你是指")
	p.until(`document.querySelector('#notice').hidden`)
	if n := eval[int](p, `document.body.innerText.split('你是指').length - 1`); n != 1 {
		t.Errorf("the error is shown %d times", n)
	}
	p.until(`(location.hash = 'log') && !document.querySelector('#notice').hidden`)
}
