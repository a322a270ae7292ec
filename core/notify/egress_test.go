package notify

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/event"
)

// TestServicesByAnEgress: each service that can have an egress is reached only through it.
func TestServicesByAnEgress(t *testing.T) {
	hook, at := web(t, "{}")
	var mu sync.Mutex
	var dialed []string
	dial := func(ctx context.Context, by *config.Egress, address string) (net.Conn, error) {
		mu.Lock()
		dialed = append(dialed, by.Name+" "+address)
		mu.Unlock()
		if _, port, _ := net.SplitHostPort(address); port != "80" {
			return nil, errors.New("no way out")
		}
		var d net.Dialer
		return d.DialContext(ctx, "tcp", at)
	}
	home := &config.Egress{Name: "home"}
	for to, want := range map[string]string{
		"generic+http://hook.example/hook?template=json":                              "home hook.example:80",
		"bark://:" + secret + "@bark.example/?scheme=http":                            "home bark.example:80",
		"ntfy://ntfy.example/topic?scheme=http":                                       "home ntfy.example:80",
		"telegram://123456789:" + secret + "abcdefghijklmn@telegram?chats=42":         "home api.telegram.org:443",
		"discord://" + secret + "@123456789":                                          "home discord.com:443",
		"slack://hook:T00000000-B00000000-XXXXXXXXXXXXXXXXXXXXXXXX@webhook":           "home hooks.slack.com:443",
		"pushover://:" + secret + "@user1":                                            "home api.pushover.net:443",
		"pushbullet://o.123456789012345678901234567890ab":                             "home api.pushbullet.com:443",
		"feishu://" + secret:                                                          "home open.feishu.cn:443",
		"wecom://" + secret:                                                           "home qyapi.weixin.qq.com:443",
		"dingtalk://" + secret:                                                        "home oapi.dingtalk.com:443",
		"serverchan://" + secret:                                                      "home sctapi.ftqq.com:443",
		"serverchan://sctp123t" + secret:                                              "home 123.push.ft07.com:443",
		"googlechat://chat.googleapis.com/v1/spaces/A/messages?key=b&token=" + secret: "home chat.googleapis.com:443",
		"matrix://user:" + secret + "@matrix.example/?rooms=a":                        "home matrix.example:443",
		"rocketchat://rocket.example/tokenA/tokenB/channel":                           "home rocket.example:443",
		"zulip://bot@zulip.example:" + secret + "@zulip.example/?stream=a&topic=b":    "home zulip.example:443",
		"ifttt://" + secret + "/?events=a":                                            "home maker.ifttt.com:443",
	} {
		c := &config.Notify{Name: "phone", URL: config.NewSecret(to), Every: time.Minute, Egress: home}
		n := New(Options{Serving: func() []string { return nil }, Log: func(event.Level, string) {}, Dial: dial, Timing: quick})
		n.Use(&config.Config{TimeZone: "UTC", Notify: []*config.Notify{c}})
		mu.Lock()
		dialed = nil
		mu.Unlock()
		_, err := n.Test(t.Context(), "phone")
		n.Close()
		mu.Lock()
		if slices.ContainsFunc(dialed, func(d string) bool { return d != want }) || len(dialed) == 0 {
			t.Errorf("%s: dialed %q, want %q (%v)", to, dialed, want, err)
		}
		mu.Unlock()
	}
	if n := len(hook.all()); n != 3 {
		t.Errorf("%d messages arrived, want 3: %q", n, hook.all())
	}
	// The default transport is restored.
	if services.of("api.telegram.org") != nil || http.DefaultTransport != http.RoundTripper(services) {
		t.Error("an egress is still in use after its notifier was closed")
	}
}
