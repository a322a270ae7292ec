package notify

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// receiver stores the messages that a service gets.
type receiver struct {
	mu       sync.Mutex
	messages []string
}

func (r *receiver) got(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.messages = append(r.messages, text)
}

func (r *receiver) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string{}, r.messages...)
}

// web returns a service over HTTP that answers with a text.
func web(t *testing.T, answer string) (*receiver, string) {
	t.Helper()
	r := &receiver{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		var plain map[string]any
		text := string(body)
		if json.Unmarshal(body, &plain) == nil {
			text = fmt.Sprint(plain)
		}
		r.got(q.URL.String() + " " + text)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(s.Close)
	return r, strings.TrimPrefix(s.URL, "http://")
}

// mail returns an SMTP server.
func mail(t *testing.T) (*receiver, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{}
	var running sync.WaitGroup
	t.Cleanup(func() {
		_ = l.Close()
		running.Wait()
	})
	running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { takeMail(conn, r) })
		}
	})
	return r, l.Addr().String()
}

func takeMail(conn net.Conn, r *receiver) {
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	in := bufio.NewScanner(conn)
	say := func(line string) { _, _ = fmt.Fprintf(conn, "%s\r\n", line) }
	say("220 test")
	for in.Scan() {
		switch word, _, _ := strings.Cut(strings.ToUpper(in.Text()), " "); word {
		case "DATA":
			say("354 go on")
			var text strings.Builder
			for in.Scan() && in.Text() != "." {
				text.WriteString(in.Text() + "\n")
			}
			r.got(text.String())
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

// rerouted redirects requests for the host of a service to a fake.
type rerouted struct{ host, to string }

func (r rerouted) RoundTrip(q *http.Request) (*http.Response, error) {
	if q.URL.Host == r.host {
		q = q.Clone(q.Context())
		q.URL.Scheme, q.URL.Host = "http", r.to
	}
	return http.DefaultTransport.RoundTrip(q)
}

var quick = Timing{Gather: 30 * time.Millisecond, RetryMin: 20 * time.Millisecond, RetryMax: 100 * time.Millisecond, Send: 5 * time.Second}

const secret = "S3cretToken0123456789"

func changed(kind channel.ChangeKind, ch, key string) event.Event {
	e := event.Event{Type: event.TypeHealth, Code: string(kind), Channel: ch, Key: key, Message: "it happened"}
	if kind.OfKey() {
		e.Type = event.TypeKey
	}
	return e
}

// Real receivers get one message about problems that occur together, and one about their end.
func TestRealReceiversGetOneMessagePerProblem(t *testing.T) {
	hook, hookAt := web(t, "{}")
	bark, barkAt := web(t, `{"code":200,"message":"success"}`)
	telegram, telegramAt := web(t, `{"ok":true,"result":{"message_id":1,"chat":{"id":1,"type":"private"}}}`)
	dingTalk, dingTalkAt := web(t, `{"errcode":0,"errmsg":"ok"}`)
	serverChan, serverChanAt := web(t, `{"code":0}`)
	post, postAt := mail(t)
	http.DefaultClient.Transport = rerouted{"api.telegram.org", telegramAt}
	dingTalkAPI, serverChanAPI = "http://"+dingTalkAt, "http://"+serverChanAt
	t.Cleanup(func() {
		http.DefaultClient.Transport = nil
		dingTalkAPI, serverChanAPI = "https://oapi.dingtalk.com", "https://sctapi.ftqq.com"
	})
	receivers := map[string]*receiver{
		"generic+http://" + hookAt + "/hook?template=json":                                                               hook,
		"bark://:" + secret + "@" + barkAt + "/?scheme=http":                                                             bark,
		"telegram://123456789:" + secret + "abcdefghijklmn@telegram?chats=42":                                            telegram,
		"dingtalk://" + secret + "?secret=SEC0001":                                                                       dingTalk,
		"serverchan://" + secret:                                                                                         serverChan,
		"smtp://" + postAt + "/?from=a@example.org&to=b@example.org&auth=None&encryption=None&usestarttls=no&usehtml=no": post,
	}
	cfg := &config.Config{TimeZone: "UTC"}
	for to := range receivers {
		cfg.Notify = append(cfg.Notify, &config.Notify{Name: to, URL: config.NewSecret(to), Every: time.Minute})
	}
	log := &receiver{}
	timing := quick
	timing.Gather = time.Second // much longer than publishing takes
	n := New(Options{Serving: func() []string { return []string{"backup"} }, Log: func(_ event.Level, text string) { log.got(text) }, Timing: timing})
	defer n.Close()
	n.Use(cfg)
	for i := range 10 {
		n.Publish(changed(channel.ChangeKeyInvalid, "primary", fmt.Sprintf("k%d", i)))
	}
	n.Publish(changed(channel.ChangeOutOfService, "primary", ""))
	for to, r := range receivers {
		testhelp.Eventually(t, to+" gets the message", func() bool { return len(r.all()) == 1 })
	}
	n.Publish(changed(channel.ChangeInService, "primary", ""))
	for i := range 10 {
		n.Publish(changed(channel.ChangeKeyUsable, "primary", fmt.Sprintf("k%d", i)))
	}
	for to, r := range receivers {
		testhelp.Eventually(t, to+" gets the end", func() bool { return len(r.all()) == 2 })
		all := r.all()
		for i, want := range [][]string{{"channel primary is down", "10 keys are refused", "backup", "What to do"}, {"channel primary is back", "10 keys are usable again"}} {
			for _, text := range want {
				if !strings.Contains(all[i], text) {
					if unescaped, err := url.QueryUnescape(all[i]); err != nil || !strings.Contains(unescaped, text) {
						t.Errorf("%s: %q is not in message %d:\n%s", to, text, i, all[i])
					}
				}
			}
		}
	}
	if all := log.all(); len(all) > 0 {
		t.Errorf("the log says %q", all)
	}
	testhelp.Eventually(t, "all messages arrived", func() bool {
		return !slices.ContainsFunc(n.Status(), func(s Status) bool { return s.Pending > 0 })
	})
	for _, s := range n.Status() {
		if s.Sent.IsZero() || s.Error != "" || s.Pending != 0 || strings.Contains(fmt.Sprint(s.Service, s.Error), secret) {
			t.Errorf("%+v", s)
		}
	}
	if ok, err := n.Test(t.Context(), cfg.Notify[0].Name); !ok || err != nil {
		t.Errorf("a test message: %v", err)
	}
	if ok, _ := n.Test(t.Context(), "none"); ok {
		t.Error("a test message to an unknown service succeeds")
	}
}

// A service that hangs or refuses delays nothing and gets the message later; its URL is never
// shown.
func TestAServiceThatFails(t *testing.T) {
	var mu sync.Mutex
	broken := true
	release := make(chan struct{})
	r := &receiver{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		mu.Lock()
		wrong := broken
		mu.Unlock()
		if strings.HasPrefix(q.URL.Path, "/hang") {
			<-release
		}
		if wrong {
			http.Error(w, "no", http.StatusInternalServerError)
			return
		}
		body, _ := io.ReadAll(q.Body)
		r.got(string(body))
	}))
	defer s.Close()
	defer close(release)
	log := &receiver{}
	timing := quick
	timing.Send = time.Second
	n := New(Options{Serving: func() []string { return nil }, Log: func(_ event.Level, text string) { log.got(text) }, Timing: timing})
	defer n.Close()
	at := strings.TrimPrefix(s.URL, "http://")
	n.Use(&config.Config{Notify: []*config.Notify{
		{Name: "hangs", URL: config.NewSecret("generic+http://" + at + "/hang/" + secret + "?template=json")},
		{Name: "refuses", URL: config.NewSecret("generic+http://" + at + "/refuse/" + secret + "?template=json")},
	}})
	begun := time.Now()
	for i := range 1000 {
		n.Publish(changed(channel.ChangeOutOfService, fmt.Sprintf("c%d", i), ""))
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("a thousand events took %s", took)
	}
	testhelp.Eventually(t, "both failures are in the log", func() bool { return len(log.all()) == 2 })
	mu.Lock()
	broken = false
	mu.Unlock()
	testhelp.Eventually(t, "the message comes in the end", func() bool { return len(r.all()) == 1 })
	testhelp.Eventually(t, "the log says that it works again", func() bool {
		return strings.Contains(strings.Join(log.all(), "\n"), `"refuses": messages can be sent again`)
	})
	if text := r.all()[0]; !strings.Contains(text, "500 channels are down") || !strings.Contains(text, "and 490 more") || !strings.Contains(text, "500 more problems") {
		t.Error(text)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := n.Test(ctx, "hangs")
	if err == nil {
		t.Error("a test of a service that hangs succeeds")
	}
	shown := fmt.Sprint(log.all(), n.Status(), err)
	if strings.Contains(shown, secret) {
		t.Errorf("a secret part of the URL is shown: %s", shown)
	}
}

// TestErrorsOfServicesAreReadable: only the secrets of a URL are hidden, not the address, nor
// words that happen to contain a part of the path.
func TestErrorsOfServicesAreReadable(t *testing.T) {
	for _, c := range [][3]string{
		{"generic+http://127.0.0.1:19760/hook", "failed to send notification to generic webhook: dial tcp 127.0.0.1:19760: connect: connection refused", "failed to send notification to generic webhook: dial tcp 127.0.0.1:19760: connect: connection refused"},
		{"generic+https://hooks.example.com/hook/" + secret, "Post \"https://hooks.example.com/hook/" + secret + "\": lookup hooks.example.com: no such host", "Post \"…\": lookup hooks.example.com: no such host"},
		{"telegram://123456789:" + secret + "@telegram?chats=42", "https://api.telegram.org/bot123456789:" + secret + "/send failed: bot" + secret, "… failed: bot…"},
		{"discord://" + secret + "@987654321", "id 987654321 of " + secret, "id … of …"},
		{"serverchan://" + secret, secret + " is wrong", "… is wrong"},
		{"bark://:abcd@127.0.0.1", "key abcd, abcdef", "key …, abcdef"},
	} {
		u, err := url.Parse(c[0])
		if err != nil {
			t.Fatal(err)
		}
		if got := masked(u, c[1]); got != c[2] {
			t.Errorf("%s: %q, want %q", c[0], got, c[2])
		}
	}
}
