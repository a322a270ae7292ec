package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-retryablehttp"
	"github.com/nicholas-fedor/shoutrrr/pkg/router"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"

	"github.com/aitunnel/aitunnel/core/config"
)

// send sends a message. An error never contains a part of the URL.
func send(ctx context.Context, to config.Secret, m message) error {
	u, err := url.Parse(to.Plaintext())
	if err != nil {
		return errors.New("the URL is not valid")
	}
	done := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil { // some services of the library panic if there is no answer
				done <- fmt.Errorf("the message could not be sent: %v", p)
			}
		}()
		done <- deliver(ctx, u, m)
	}()
	select {
	case err = <-done:
	case <-ctx.Done():
		err = errors.New("the service does not answer")
	}
	if err != nil {
		return errors.New(masked(u, err.Error()))
	}
	return nil
}

func deliver(ctx context.Context, u *url.URL, m message) error {
	if hook, ok := webhooks[u.Scheme]; ok {
		return hook.send(ctx, u, m)
	}
	if u.Scheme == "feishu" {
		feishu := *u
		feishu.Scheme, feishu.Host, feishu.Path = "lark", "open.feishu.cn", u.Host+u.Path
		u = &feishu
	}
	service, err := locate(u)
	if err != nil {
		return err
	}
	params, text := types.Params{"title": m.title}, m.body
	if slices.Contains(untitled, u.Scheme) {
		params, text = types.Params{}, m.title+"\n\n"+m.body
	}
	return service.Send(text, &params)
}

// locate returns the service of a URL.
func locate(u *url.URL) (types.Service, error) {
	known, err := router.New(nil)
	if err != nil {
		return nil, err
	}
	service, err := known.Locate(u.String())
	if err != nil {
		return nil, err
	}
	if own, ok := service.(interface{ SetHTTPClient(client *http.Client) }); ok && byEgress(u) { // it has a transport of its own
		own.SetHTTPClient(&http.Client{Timeout: clientTimeout})
	}
	return service, nil
}

// clientTimeout ends a delivery after its caller has stopped waiting.
const clientTimeout = 30 * time.Second

// byEgress reports whether the host in the URL is reached through an egress.
func byEgress(u *url.URL) bool { return services.of(u.Hostname()) != nil }

// untitled services have no place for a title.
var untitled = []string{"googlechat", "hangouts", "notifiarr", "pagerduty", "rocketchat", "signal", "wecom"}

// webhook is a service that accepts a JSON document.
type webhook struct {
	endpoint func(key string, secret string) string
	body     func(m message) any
	refused  func(answer map[string]any) bool
}

// The services that the library lacks. Tests replace dingTalkAPI and serverChanAPI.
var (
	dingTalkAPI   = "https://oapi.dingtalk.com"
	serverChanAPI = "https://sctapi.ftqq.com"

	webhooks = map[string]webhook{
		"dingtalk": {
			endpoint: func(key, secret string) string {
				return dingTalkAPI + "/robot/send?access_token=" + url.QueryEscape(key) + dingTalkSign(secret, time.Now())
			},
			body: func(m message) any {
				return map[string]any{"msgtype": "text", "text": map[string]string{"content": m.title + "\n\n" + m.body}}
			},
			refused: func(a map[string]any) bool { return a["errcode"] != 0.0 },
		},
		"serverchan": {
			endpoint: func(key, _ string) string { return serverChanURL(key) },
			body: func(m message) any {
				return map[string]string{"title": m.title, "desp": strings.ReplaceAll(m.body, "\n", "\n\n")}
			},
			refused: func(a map[string]any) bool { return a["code"] != 0.0 },
		},
	}
)

// dingTalkSign returns the signature of robots with a secret.
func dingTalkSign(secret string, now time.Time) string {
	if secret == "" {
		return ""
	}
	stamp := fmt.Sprint(now.UnixMilli())
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(stamp + "\n" + secret))
	return "&timestamp=" + stamp + "&sign=" + url.QueryEscape(base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

var newServerChan = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^sctp(\d+)t`) })

// serverChanURL returns the URL for a key. Newer keys have a host of their own.
func serverChanURL(key string) string {
	if m := newServerChan().FindStringSubmatch(key); m != nil {
		return fmt.Sprintf("https://%s.push.ft07.com/send/%s.send", m[1], url.PathEscape(key))
	}
	return serverChanAPI + "/" + url.PathEscape(key) + ".send"
}

func (w webhook) send(ctx context.Context, u *url.URL, m message) error {
	body, err := json.Marshal(w.body(m))
	if err != nil {
		return err
	}
	client := retryablehttp.NewClient()
	client.Logger, client.RetryMax = nil, 1
	client.HTTPClient.Transport = http.DefaultTransport
	r, err := retryablehttp.NewRequestWithContext(ctx, http.MethodPost, w.endpoint(u.Host, u.Query().Get("secret")), bytes.NewReader(body))
	if err != nil {
		return errors.New("the URL is not valid")
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	var answer map[string]any
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if resp.StatusCode != http.StatusOK || json.Unmarshal(text, &answer) != nil || w.refused(answer) {
		return fmt.Errorf("the service answered with %d", resp.StatusCode)
	}
	return nil
}

// urlInText matches URLs, which some errors of the library contain.
var urlInText = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[a-zA-Z][a-zA-Z0-9+.-]*://[^\s"']+`) })

// masked returns an error without any part of the URL except the service and the host.
func masked(u *url.URL, text string) string {
	text = urlInText().ReplaceAllString(text, "…")
	var secrets []string
	if !isAddress(u.Hostname()) {
		secrets = append(secrets, u.Host) // some services have a token there
	}
	if u.User != nil {
		password, _ := u.User.Password()
		secrets = append(secrets, u.User.Username(), password)
	}
	secrets = append(secrets, strings.Split(u.Path, "/")...)
	for _, values := range u.Query() {
		secrets = append(secrets, values...)
	}
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) }) // one can be a part of another
	for _, s := range secrets {
		for _, form := range []string{url.QueryEscape(s), s} {
			switch {
			case len(form) > 7:
				text = strings.ReplaceAll(text, form, "…")
			case len(form) > 3: // it can also be a part of a word of the message, such as "hook" of "webhook"
				text = regexp.MustCompile(`(^|\W)`+regexp.QuoteMeta(form)+`(\W|$)`).ReplaceAllString(text, "${1}…${2}")
			}
		}
	}
	if len(text) > 300 {
		text = text[:300] + "…"
	}
	return text
}

// isAddress reports whether the host of a URL is a host name or an IP address. It is shown, since
// errors about it cannot be understood otherwise.
func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil || host == "localhost" || hostName().MatchString(host)
}

var hostName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^([a-zA-Z0-9-]{1,63}\.)+[a-zA-Z]{2,20}$`) })
