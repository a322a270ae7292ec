package config

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/aitunnel/aitunnel/core/config/eval"
	"github.com/aitunnel/aitunnel/core/config/wording"
)

// Notify is a service that notifies the owner.
type Notify struct {
	Name   string
	URL    Secret        `hcl:"url" type:"secret string" example:"env(\"NOTIFY_URL\", \"ntfy://ntfy.sh/put-your-topic-here\")" doc:"Where to send: a Shoutrrr URL, such as \"telegram://TOKEN@telegram?chats=ID\", \"bark://:KEY@api.day.app\", \"ntfy://ntfy.sh/TOPIC\", \"discord://TOKEN@ID\", \"smtp://USER:PASSWORD@HOST:587/?from=A&to=B\", \"wecom://KEY\" or \"generic+https://HOST/PATH\"; also \"feishu://TOKEN\", \"dingtalk://TOKEN?secret=SECRET\" and \"serverchan://KEY\"."`
	Events []string      `hcl:"events,custom" type:"list of strings" default:"all" sample:"[\"channel_down\", \"channel_up\", \"key_invalid\", \"budget\"]" doc:"The events to notify about: channel_down, channel_up, key_invalid, key_exhausted, tunnel_down, tunnel_up, budget, plugin_failed, reload_failed."`
	Every  time.Duration `hcl:"every,optional" zero:"true" doc:"The shortest time between two notifications about the same channel, key, tunnel, client or plugin."`
	Quiet  string        `hcl:"quiet,optional" form:"hours" sample:"23:00-07:00" doc:"Hours during which nothing is sent, in time_zone. Problems that still exist afterwards are reported then."`
	Egress *Egress       `hcl:"egress,custom" type:"egress" sample:"home" default:"the proxy of the environment, else a direct connection" doc:"The egress through which the service is reached. Not possible for gotify, mattermost, smtp and a few others."`
	Range  hcl.Range
}

// The events that can be notified about.
const (
	NotifyChannelDown  = "channel_down"
	NotifyChannelUp    = "channel_up"
	NotifyKeyInvalid   = "key_invalid"
	NotifyKeyExhausted = "key_exhausted"
	NotifyTunnelDown   = "tunnel_down"
	NotifyTunnelUp     = "tunnel_up"
	NotifyBudget       = "budget"
	NotifyPluginFailed = "plugin_failed"
	NotifyReloadFailed = "reload_failed"
)

// NotifyEvents are all events.
var NotifyEvents = []string{
	NotifyChannelDown, NotifyChannelUp, NotifyKeyInvalid, NotifyKeyExhausted, NotifyTunnelDown, NotifyTunnelUp,
	NotifyBudget, NotifyPluginFailed, NotifyReloadFailed,
}

// notifySchemes are the services that can be named.
var notifySchemes = []string{
	"bark", "dingtalk", "discord", "feishu", "generic", "generic+http", "generic+https", "googlechat", "gotify", "ifttt", "join", "lark",
	"matrix", "mattermost", "notifiarr", "ntfy", "opsgenie", "pagerduty", "pushbullet", "pushover", "rocketchat", "serverchan",
	"signal", "slack", "smtp", "teams", "telegram", "wecom", "zulip",
}

// notifyHosts are the hosts of the services that can be reached through an egress; "" if the
// URL names the host.
var notifyHosts = map[string][]string{
	"bark": {""}, "dingtalk": {"oapi.dingtalk.com"}, "discord": {"discord.com"}, "feishu": {"open.feishu.cn"}, "generic": {""}, "generic+http": {""},
	"generic+https": {""}, "googlechat": {""}, "ifttt": {"maker.ifttt.com"}, "lark": {""}, "matrix": {""}, "ntfy": {""}, "pushbullet": {"api.pushbullet.com"},
	"pushover": {"api.pushover.net"}, "rocketchat": {""}, "serverchan": {"sctapi.ftqq.com", ".push.ft07.com"}, "signal": {""}, "slack": {"slack.com", "hooks.slack.com"},
	"telegram": {"api.telegram.org"}, "wecom": {"qyapi.weixin.qq.com"}, "zulip": {""},
}

// Hosts returns the hosts of the service: names, or suffixes that begin with a dot. There are
// none if it cannot be reached through an egress.
func (n *Notify) Hosts() (hosts []string) {
	u, err := url.Parse(n.URL.Plaintext())
	if err != nil {
		return nil
	}
	for _, host := range notifyHosts[u.Scheme] {
		if host == "" {
			host = u.Hostname()
		}
		hosts = append(hosts, host)
	}
	return hosts
}

func defaultNotify() *Notify { return &Notify{Every: 10 * time.Minute} }

// Wants reports whether the event causes a notification.
func (n *Notify) Wants(event string) bool {
	return len(n.Events) == 0 || slices.Contains(n.Events, event)
}

// QuietUntil returns the end of the quiet hours that contain now; zero if none do.
func (n *Notify) QuietUntil(now time.Time, in *time.Location) time.Time {
	from, to, err := parseHours(n.Quiet)
	if n.Quiet == "" || err != nil {
		return time.Time{}
	}
	now = now.In(in)
	for _, day := range []int{-1, 0} {
		at := func(minutes, more int) time.Time {
			return time.Date(now.Year(), now.Month(), now.Day()+day+more, 0, minutes, 0, 0, in)
		}
		next := 0
		if to <= from {
			next = 1
		}
		if begin, end := at(from, 0), at(to, next); !now.Before(begin) && now.Before(end) {
			return end
		}
	}
	return time.Time{}
}

// parseHours reads hours such as "23:00-07:00", in minutes of the day.
func parseHours(s string) (from, to int, err error) {
	a, b, ok := strings.Cut(s, "-")
	one, errA := time.Parse("15:04", strings.TrimSpace(a))
	two, errB := time.Parse("15:04", strings.TrimSpace(b))
	if !ok || errA != nil || errB != nil || one.Equal(two) {
		return 0, 0, fmt.Errorf("%q is not a valid range of hours: expected two times, such as \"23:00-07:00\"", s)
	}
	return one.Hour()*60 + one.Minute(), two.Hour()*60 + two.Minute(), nil
}

func checkHours(_ *eval.Evaluator, s string) (string, error) {
	if s == "" {
		return s, nil
	}
	_, _, err := parseHours(s)
	return s, err
}

func (l *loader) notifications() {
	for _, b := range l.TopBlocks("notify", "name") {
		n := l.notify(b)
		if i := slices.IndexFunc(l.config.Notify, func(o *Notify) bool { return o.Name == n.Name }); i >= 0 {
			l.Fail(b.DefRange(), "Duplicate notification", fmt.Sprintf("Notify block %q is already declared.", n.Name))
			continue
		}
		l.sameEgress(n)
		l.config.Notify = append(l.config.Notify, n)
	}
}

func (l *loader) notify(b *hclsyntax.Block) *Notify {
	n := defaultNotify()
	n.Name, n.Range = b.Labels[0], b.DefRange()
	r := l.reader(b, fmt.Sprintf("in notify %q", n.Name))
	if strings.TrimSpace(n.Name) == "" || strings.ContainsAny(n.Name, "/\x00\n") || len(n.Name) > 64 {
		l.Fail(b.LabelRanges[0], "Invalid name", "The name of a notify block has 1 to 64 characters and no slash.")
	}
	before := len(l.Diags)
	r.Decode(n)
	r.events(n)
	r.notifyEgress(n)
	r.Done()
	if a := r.Attributes["url"]; a != nil && len(l.Diags) == before {
		u, err := url.Parse(n.URL.Plaintext())
		if err != nil || !slices.Contains(notifySchemes, u.Scheme) {
			r.Wrong(a, "the URL does not begin with a known service: expected one of "+wording.List(notifySchemes)+", followed by ://")
		}
	}
	return n
}

// sameEgress reports two blocks for one service that name different egresses: its host
// decides which one is used.
func (l *loader) sameEgress(n *Notify) {
	for _, o := range l.config.Notify {
		if o.Egress != n.Egress && slices.ContainsFunc(n.Hosts(), func(host string) bool { return slices.Contains(o.Hosts(), host) }) {
			l.Fail(n.Range, "Different egresses for one service", fmt.Sprintf("The notification %q uses the same service, so it needs the same egress.", o.Name))
			return
		}
	}
}

func (r *reader) notifyEgress(n *Notify) {
	v, a, ok := r.Get("egress", cty.String)
	if !ok {
		return
	}
	named := r.loader.egressByName[v.AsString()]
	switch {
	case named == nil:
		r.Wrong(a, strings.TrimSpace(fmt.Sprintf("there is no egress %q. %s", v.AsString(), wording.Instead(v.AsString(), r.loader.Names("egress")))))
	case !n.URL.IsZero() && len(n.Hosts()) == 0:
		r.Wrong(a, "this service cannot be reached through an egress: remove the setting, or use one of "+wording.List(slices.Sorted(maps.Keys(notifyHosts))))
	default:
		n.Egress = named
	}
}

func (r *reader) events(n *Notify) {
	a := r.Texts("events", &n.Events)
	if n.Events != nil && len(n.Events) == 0 {
		r.Wrong(a, "the list is empty: remove it to be notified about everything")
	}
	for _, e := range n.Events {
		if !slices.Contains(NotifyEvents, e) {
			r.Wrong(a, fmt.Sprintf("%q is not one of %s. %s", e, wording.List(NotifyEvents), wording.DidYouMean(e, NotifyEvents)))
		}
	}
}
