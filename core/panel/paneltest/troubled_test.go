package paneltest

import (
	"fmt"
	"net"
	"strings"
	"testing"
)

// closedPort is an address of this machine at which nothing listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// TestATroubledProgramFitsThePage, and is described in the language of the page: several tunnels that
// cannot connect, a tunnel and a channel with long names, and an app on another device that cannot reach the proxy.
func TestATroubledProgramFitsThePage(t *testing.T) {
	const long = "一个名字很长的中转站点渠道-with-a-long-name"
	vps := closedPort(t)
	var config strings.Builder
	fmt.Fprintf(&config, "channel %q {\n  target = %q\n  keys = [\"sk-one-of-the-test\"]\n}\n", long, site(t, "primary").URL())
	for i, name := range []string{"vps", "backup-of-the-tunnel-to-the-server-in-frankfurt-with-a-long-name", "office"} {
		fmt.Fprintf(&config, "tunnel %q {\n  host = %q\n  user = \"me\"\n  ssh_config = false\n  password = \"secret-of-the-test\"\n  forward \"127.0.0.1:900%d\" {}\n}\n", name, vps, i)
	}
	r := start(t, config.String())
	r.ask("gpt-5")
	p := r.open("/", 1280, 900)
	for language, words := range map[string][]string{
		"en": {vps + " refuses the connection: is sshd running there, on this port?", "Sends every request to the available channel", "used by default", "tunnel \"vps\": waiting: "},
		"zh": {vps + " 拒绝连接：那里的 sshd 在运行吗？端口对吗？", "每个请求都发往权重最高的可用渠道。", "默认使用", "隧道 \"vps\"：等待重连："},
	} {
		p.size(1280, 900)
		p.language(language)
		p.until(`document.querySelectorAll('#lights li').length === 3`)
		if wrapped := eval[[]string](p, `[...document.querySelectorAll('#lights li')].filter((n) => n.offsetHeight > 32).map((n) => n.innerText)`); len(wrapped) > 0 {
			t.Errorf("%s: lights of tunnels in several lines: %q", language, wrapped)
		}
		p.until(`document.querySelector('.latest .row .channel-name')?.textContent === %s`, long)
		for _, width := range []int64{1280, 800, 390, 360} {
			p.size(width, 844)
			for _, view := range []string{"channels", "system", "connect"} {
				p.until(`(location.hash = %s) && document.querySelector('#view-' + %s).checkVisibility()`, view, view)
				if wide := eval[int64](p, `document.documentElement.scrollWidth`); wide > width {
					t.Errorf("%s, %s: %d px wide in a window of %d", language, view, wide, width)
				}
			}
			if narrow := eval[[]string](p, `[...document.querySelectorAll('#view-connect .addresses dd')].filter((n) => n.offsetWidth < 250).map((n) => n.innerText)`); len(narrow) > 0 {
				t.Errorf("%s, %d: squeezed beside the name of a tunnel: %q", language, width, narrow)
			}
			p.until(`(location.hash = 'system') && document.querySelector('#view-system .tunnel').checkVisibility()`)
			if apart := eval[[]string](p, `[...document.querySelectorAll('#view-system .tunnel > header')].filter((n) => n.querySelector('h3').offsetLeft <= n.querySelector('.light').offsetLeft).map((n) => n.innerText)`); len(apart) > 0 {
				t.Errorf("%s, %d: the light is not beside the name: %q", language, width, apart)
			}
			p.until(`(location.hash = 'log') && document.querySelector('#view-log .segments button')?.checkVisibility()`)
			p.click(`[...document.querySelectorAll('#view-log .segments button')].at(-1)`)
			p.shows("#view-log .message", words[3])
			if cut := eval[[]string](p, cutOff, "#view-log .message > span"); len(cut) > 0 {
				t.Errorf("%s, %d: cut off in the log: %q", language, width, cut)
			}
			p.until(`(location.hash = 'channels') && document.querySelector('.latest .row').checkVisibility()`)
			if height := eval[float64](p, `document.querySelector('.latest .row').getBoundingClientRect().height`); height > 120 {
				t.Errorf("%s: a request is %.0f px high in a window of %d", language, height, width)
			}
		}
		p.until(`location.hash = 'system'`)
		p.shows("#view-system .tunnel .why", words[0])
		p.shows("#view-system .components", words[1])
		p.shows("#view-system .components", words[2])
		p.until(`location.hash = 'connect'`)
		_, port, _ := net.SplitHostPort(r.ProxyAddr())
		p.shows("#view-connect .addresses", `listen = "0.0.0.0:`+port+`"`)
		p.shots("troubled-" + language)
	}
}
