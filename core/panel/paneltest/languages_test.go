package paneltest

import (
	"strings"
	"testing"
)

// language shows the page in another language.
func (p *tab) language(tag string) {
	p.t.Helper()
	eval[bool](p, `(localStorage.setItem('aitunnel.language', %s), true)`, tag)
	p.reload()
	p.until(`document.documentElement.lang.startsWith(%s) && document.querySelector('#figure-version')?.textContent !== '–'`, tag)
}

// each shows every view, dialog and form of the page with a channel, and calls look for
// each. It finds buttons by selectors, not by their text.
func (p *tab) each(channel string, look func(what string)) {
	p.t.Helper()
	closeDialog := func() {
		p.t.Helper()
		p.keys("\x1b")
		p.until(`!document.querySelector('dialog')`)
	}
	for _, view := range []struct{ name, there string }{
		{"log", "#view-log .row"}, {"usage", "#view-usage .totals"}, {"routes", "#view-routes .route"}, {"clients", "#view-clients .client"}, {"system", "#view-system .plugin"},
		{"config", "#view-config .verdict h2"}, {"connect", "#view-connect .snippet"}, {"channels", "#view-channels .channel"},
	} {
		p.click(`document.querySelector('#views a[href="#' + %s + '"]')`, view.name)
		p.until(`document.querySelector(%s)?.checkVisibility()`, view.there)
		look(view.name)
	}
	for _, d := range []struct{ view, button, name string }{
		{"routes", `document.querySelector('#view-routes .toolbar button')`, "adding a route"},
		{"routes", `document.querySelector('#view-routes .route header button')`, "editing a route"},
		{"system", `document.querySelector('#view-system .toolbar button')`, "adding a tunnel"},
		{"clients", `document.querySelector('#view-clients .heading button')`, "adding a client"},
		{"clients", `document.querySelector('#view-clients .toolbar button')`, "adding a notification"},
		{"channels", `document.querySelector('#view-channels .toolbar > button.quiet')`, "importing"},
	} {
		p.click(`document.querySelector('#views a[href="#' + %s + '"]')`, d.view)
		p.click(d.button)
		p.until(`document.querySelector('dialog form')`)
		look(d.name)
		closeDialog()
	}
	p.click(`document.querySelector('.counted button')`)
	p.until(`document.querySelector('dialog')`)
	look("resetting the counters")
	closeDialog()
	p.click(`document.querySelectorAll('.segments.icons button')[1]`)
	p.click(`document.querySelector('.expand')`)
	look("the list")
	p.click(`document.querySelectorAll('.segments.icons button')[0]`)
	p.click(`document.querySelector('#add-channel')`)
	p.click(`document.querySelector('dialog button[type="submit"]')`)
	p.until(`document.querySelector('dialog .field .error:not([hidden])')`)
	look("adding a channel")
	closeDialog()
	actions := `[...document.querySelectorAll('[data-name=' + JSON.stringify(%s) + '] footer button')].filter((b) => !b.hidden)`
	p.click(actions+`.at(-1)`, channel)
	look("editing a channel")
	p.click(`document.querySelector('dialog button.danger')`)
	p.until(`document.querySelectorAll('dialog').length === 2`)
	look("removing a channel")
	p.keys("\x1b")
	p.until(`document.querySelectorAll('dialog').length === 1`)
	closeDialog()
	p.click(actions+`.at(-2)`, channel)
	p.until(`document.querySelector('dialog #try-models')`)
	look("trying a channel")
	closeDialog()
	p.click(`document.querySelector('[data-name=' + JSON.stringify(%s) + '] .keylist > button')`, channel)
	look("adding keys")
	closeDialog()
	p.click(`document.querySelector('.latest .row')`)
	p.until(`document.querySelector('dialog .attempts')`)
	look("the record")
	closeDialog()
}

// english lists English texts that are shown in another language.
const english = `Promise.all([import('/assets/i18n/en.js'), import('/assets/i18n/zh.js')]).then(([{ en }, { zh }]) => {
  const other = new Set(Object.entries(en).flatMap(([k, v]) => (typeof v === 'string' && v !== zh[k] && !v.includes('{') ? [v.trim()] : [])));
  const out = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let n = walk.nextNode(); n; n = walk.nextNode()) if (other.has(n.data.trim()) && !n.parentElement.closest('#language, code, pre, textarea, .kind, .plugin h3')) out.push(n.data.trim());
  for (const n of document.querySelectorAll('[aria-label], [title], [placeholder]')) for (const a of ['aria-label', 'title', 'placeholder']) if (other.has(n.getAttribute(a))) out.push(a + ' ' + n.getAttribute(a));
  return out;
})`

// TestEveryPageInBothLanguages checks everything in Chinese and English: nothing is left in
// English, every control has a name, everything is readable in both themes and fits three
// widths, and the buttons of dialogs are visible.
func TestEveryPageInBothLanguages(t *testing.T) {
	s := startBusy(t, 4)
	s.sendRequests(8)
	s.breakHalf()
	s.sendRequests(8)
	p := s.open("/", 1440, 900)
	for _, language := range []string{"en", "zh"} {
		p.language(language)
		p.each(s.sites[0].Name(), func(what string) {
			t.Helper()
			p.looksRight(language, what)
		})
	}
}

// TestThePhoneDialogInBothLanguages opens the dialog that is there only if other devices
// can reach the panel.
func TestThePhoneDialogInBothLanguages(t *testing.T) {
	r := start(t, "admin {\n  listen = \"0.0.0.0:0\"\n  token  = \""+panelToken+"\"\n}\n"+two(site(t, "primary"), site(t, "backup"), ""))
	r.panel = "http://127.0.0.1" + r.AdminAddr()[strings.LastIndex(r.AdminAddr(), ":"):]
	p := r.open("/", 1440, 900)
	p.shows("#overall", "2 channels")
	if !eval[bool](p, `fetch('/api/session').then((r) => r.json()).then((s) => s.phone)`) {
		t.Skip("this machine has no address in a network")
	}
	for _, language := range []string{"en", "zh"} {
		p.language(language)
		p.click(`document.querySelector('#phone')`)
		p.until(`document.querySelector('dialog .qr')?.naturalWidth > 0`)
		p.looksRight(language, "signing in a phone")
		p.keys("\x1b")
	}
}

// TestTheToolbarStaysInOneLine if there is room for it.
func TestTheToolbarStaysInOneLine(t *testing.T) {
	r, _, _ := begin(t, "")
	p := r.open("/", 800, 900)
	for _, language := range []string{"en", "zh"} {
		p.language(language)
		p.until(`document.querySelector('#add-channel')?.checkVisibility()`)
		p.shot("toolbar-" + language)
		if rows := eval[int](p, `new Set([...document.querySelector('#view-channels .toolbar').children].filter((n) => n.offsetHeight).map((n) => Math.round((n.getBoundingClientRect().top + n.getBoundingClientRect().bottom) / 8))).size`); rows != 1 {
			t.Errorf("%s: %d rows", language, rows)
		}
	}
}

// looksRight checks the page in both themes and at three widths.
func (p *tab) looksRight(language, what string) {
	p.t.Helper()
	what = language + ", " + what
	for _, theme := range []string{"dark", "light"} {
		p.theme(theme)
		for _, faint := range eval[[]string](p, contrasts) {
			p.t.Errorf("%s, %s: %s", what, theme, faint)
		}
	}
	for _, node := range eval[[]string](p, nameless) {
		p.t.Errorf("%s: without a name: %s", what, node)
	}
	if language == "zh" {
		for _, text := range eval[[]string](p, english) {
			p.t.Errorf("%s: not translated: %s", what, text)
		}
	}
	for _, size := range [][2]int64{{360, 640}, {800, 900}, {1440, 900}} {
		p.size(size[0], size[1])
		for _, node := range eval[[]string](p, wide) {
			p.t.Errorf("%s at %d: %s", what, size[0], node)
		}
		for _, button := range eval[[]string](p, hiddenButtons) {
			p.t.Errorf("%s at %d × %d: out of view: %s", what, size[0], size[1], button)
		}
	}
	p.frames(what)
	p.size(1440, 900)
}

// hiddenButtons lists the buttons in the topmost dialog's footer that cannot be seen.
const hiddenButtons = `[...([...document.querySelectorAll('dialog')].at(-1)?.querySelectorAll('footer button') ?? [])].filter((b) => {
  const r = b.getBoundingClientRect();
  return r.top < 0 || r.bottom > innerHeight || r.left < 0 || r.right > innerWidth;
}).map((b) => b.innerText)`

// TestARefusalInADialogIsInItsLanguage adds a channel that exists, and one with a wrong
// address.
func TestARefusalInADialogIsInItsLanguage(t *testing.T) {
	r, home, _ := begin(t, "")
	p := r.open("/", 1280, 900)
	eval[bool](p, `(localStorage.setItem('aitunnel.language', 'zh'), true)`)
	p.reload()
	p.shows("#views", "渠道")
	p.expect("409", "422", "400")
	p.click(`document.querySelector('#add-channel')`)
	p.field("名称", "backup")
	p.field("地址", home.URL())
	p.until(`(() => { const n = document.querySelector('dialog textarea'); n.value = 'sk-third-of-the-test'; n.dispatchEvent(new Event('input')); return true; })()`)
	p.press("dialog", "添加渠道")
	p.shows("dialog", "已经有渠道")
	p.field("名称", "third")
	p.field("地址", "not an address")
	p.press("dialog", "添加渠道")
	p.shows("dialog .field:has([aria-invalid]) .error", "应为以 https:// 或 http:// 开头的地址")
}

// TestErrorsOfTheConfigurationAreInTheLanguage: diagnostics are in Chinese, with the place
// and what to do. Only names of settings and values are not translated.
func TestErrorsOfTheConfigurationAreInTheLanguage(t *testing.T) {
	r, _, _ := begin(t, "")
	p := r.open("/", 1280, 900)
	p.language("zh")
	p.expect("422")
	p.click(`document.querySelector('#views a[href="#config"]')`)
	p.until(`document.querySelector('.editor textarea')?.value.includes('weight = 10')`)
	for _, c := range []struct{ text, want string }{
		{"weigth = 10", `渠道 "primary" 中没有 "weigth"。你是指 "weight" 吗？`},
		{"weight = -1", `应为`},
		{"weight = 10\n  egress = [egress.far]", `没有出口 "far"`},
		{"weight = 10\n  limit = 3", `"limit" 是块：请写 limit { … }，不用等号。`},
		{"weight = 10\n  auth = \"none\"", `auth = "none" 时不发送密钥：请删除密钥，或选择别的 auth。`},
		{"weight = 'ten'", `不能用单引号：字符串请用双引号`},
		{"weight: 10", `请写 weight = …`},
		{"weight = [10", `应有逗号`},
		{"weight = 10\n  weight = 11", `处已经设置了`},
		{"weight = 10\n}\ntunnel \"vps\" {\n  host = \"h.test\"", `隧道 "vps" 没有转发：请添加块`},
	} {
		p.typed("weight = 10", c.text)
		p.shows(".mistakes", c.want)
		if text := eval[string](p, `document.querySelector('.mistakes').innerText`); !strings.Contains(text, "行") || strings.Contains(text, " is ") || strings.Contains(text, "Did you") || strings.Contains(eval[string](p, "document.querySelector('.verdict').innerText"), "英文") {
			t.Errorf("%q: shown as %q", c.text, text)
		}
		p.typed(c.text, "weight = 10")
	}
	p.shot("mistakes-zh")
}

// TestTheLanguageIsKept chooses one, and reloads the page.
func TestTheLanguageIsKept(t *testing.T) {
	r, _, _ := begin(t, "")
	p := r.open("/", 1280, 900)
	p.shows("#views", "Channels")
	p.until(`(() => { const n = document.querySelector('#language'); n.value = 'zh'; n.dispatchEvent(new Event('change')); return true; })()`)
	p.shows("#views", "渠道")
	p.shows("#overall", "2 个渠道")
	p.reload()
	p.shows("#views", "渠道")
	if lang := eval[string](p, "document.documentElement.lang"); lang != "zh-CN" {
		t.Errorf("the page has the language %q", lang)
	}
}
