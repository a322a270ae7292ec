package config

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"

	"github.com/aitunnel/aitunnel/core/config/redact"
	"github.com/aitunnel/aitunnel/core/dialect"
)

// warnValues warns of values that are valid, but probably wrong.
func (l *loader) warnValues() {
	l.warnPlaceholders()
	l.warnOldDefault()
	for _, c := range l.config.Channels {
		l.warnTarget(c)
		l.warnExampleHost(c.Target.Hostname(), l.attributeOf(c, "target"), "the address of your site")
		l.warnKeys(c)
	}
	for _, t := range l.config.Tunnels {
		l.warnExampleHost(t.Host, t.Range, "the host of your VPS")
	}
	l.warnSharedKeys()
	l.warnNames()
}

// exampleHosts matches hosts that do not exist: names that are reserved for documentation, and
// placeholders that guides use.
var exampleHosts = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)^(.*\.)?example(\.(com|net|org))?$|^(<.*>|your[-_].*)$`)
})

func (l *loader) warnExampleHost(host string, at hcl.Range, what string) {
	if exampleHosts().MatchString(host) {
		l.Warn(at, "Example in place of a host", fmt.Sprintf("%s is an example: put %s here.", host, what))
	}
}

// placeholders matches placeholders of the example, of init, and common ones, and names of environment
// variables as shells write them.
var placeholders = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)^(put-.*-here|another-key|your[-_ ].*|<.*>|change[-_ ]?me|todo|x{4,}|sk-(\.{2,}|…|x+)|\$\{?[a-z_]\w*\}?|%\w+%)$`)
})

func (l *loader) warnPlaceholders() {
	warn := func(s Secret, at hcl.Range, what string) {
		if placeholders().MatchString(s.Plaintext()) {
			l.Warn(at, "Placeholder in place of a value", fmt.Sprintf("%s: put the real value here, or set the environment variable.", what))
		}
	}
	for _, c := range l.config.Channels {
		for _, k := range c.Keys {
			warn(k.Value, k.Range, fmt.Sprintf("A key of the channel %q is a placeholder", c.Name))
		}
	}
	for _, token := range l.config.Proxy.ClientTokens {
		warn(token, l.config.places["proxy.client_tokens"], placeholderText(token, "A client token"))
	}
	for _, c := range l.config.Clients {
		warn(c.Token, c.Range, placeholderText(c.Token, fmt.Sprintf("The token of the client %q", c.Name)))
	}
	warn(l.config.Admin.Token, l.config.places["admin.token"], "The admin token is a placeholder")
}

// placeholderText says that a token is a placeholder, and whether it is refused.
func placeholderText(token Secret, what string) string {
	if IsPlaceholder(token) {
		return what + " is a placeholder, which is not accepted"
	}
	return what + " is a placeholder"
}

// OnlyPlaceholders reports whether all keys are placeholders, so that no channel can answer
// yet.
func (c *Config) OnlyPlaceholders() bool {
	for _, ch := range c.Channels {
		real := func(k *Key) bool { return !placeholders().MatchString(k.Value.Plaintext()) }
		if len(ch.Keys) == 0 || slices.ContainsFunc(ch.Keys, real) {
			return false
		}
	}
	return len(c.Channels) > 0
}

// oldRetryOn is the default of retry.on that examples of earlier versions contained.
var oldRetryOn = [][]int{{429, 502, 503, 504}, {408, 429, 500, 502, 503, 504}}

// warnOldDefault warns of a setting with the default of an earlier version.
func (l *loader) warnOldDefault() {
	at, written := l.config.places["retry.on"]
	if s := l.Sources[at.Filename]; written && s != nil && !s.YAML && slices.ContainsFunc(oldRetryOn, func(old []int) bool { return slices.Equal(old, l.config.Retry.On) }) {
		l.Warn(at, "Default of an earlier version", "These statuses were the default of an earlier version. The default now also has 425, 498, 499, 507 and 520 to 599: remove the line to use it, or keep the line if you want exactly these.")
	}
}

// apiPaths matches the end of a target that apps send as part of their paths.
var apiPaths = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)/(v1|v1beta|v1alpha|chat/completions|completions|responses|messages|embeddings|models)/?$`)
})

func (l *loader) warnTarget(c *Channel) {
	path := c.Target.Path
	if !apiPaths().MatchString(path) {
		return
	}
	first := apiPaths().ReplaceAllString(path, "")
	if i := strings.Index(strings.ToLower(path), "/v1"); i >= 0 {
		first = path[:i]
	}
	better := url.URL{Scheme: c.Target.Scheme, Host: c.Target.Host, Path: first}
	const asked = "/v1/chat/completions"
	at := func(base string) string {
		joined, _ := dialect.JoinPath(base, asked)
		return (&url.URL{Scheme: c.Target.Scheme, Host: c.Target.Host, Path: joined}).String()
	}
	text := fmt.Sprintf("Apps send the path of the API themselves: write %q. Requests for %s are sent to %s", better.String(), asked, at(first))
	if at(first) == at(path) {
		text += ", with this target and with that one."
	} else {
		text += fmt.Sprintf(" then; with this target they are sent to %s.", at(path))
	}
	l.Warn(l.attributeOf(c, "target"), "Target ends in the path of an API", text)
}

func (l *loader) warnKeys(c *Channel) {
	for _, k := range c.Keys {
		if value := k.Value.Plaintext(); strings.ContainsAny(value, " \t\"'`") {
			l.Warn(k.Range, "Space or quote in a key", "The key is sent as it is, with its spaces and quotes. Remove them if they are not part of the key.")
		} else if scheme, _, found := strings.Cut(value, ":"); found && slices.Contains([]string{"bearer", "authorization", "x-api-key"}, strings.ToLower(scheme)) {
			l.Warn(k.Range, "Header in place of a key", "Only the key itself belongs here; auth says how it is sent.")
		}
	}
}

// warnSharedKeys warns of one key in two channels of a site, since each channel has its own
// state for the key.
func (l *loader) warnSharedKeys() {
	type place struct{ host, value string }
	first := map[place]*Channel{}
	for _, c := range l.config.Channels {
		for _, k := range c.Keys {
			p := place{c.Target.Host, k.Value.Plaintext()}
			if placeholders().MatchString(p.value) {
				continue
			}
			if other := first[p]; other != nil && other != c {
				l.Warn(k.Range, "The same key in two channels", fmt.Sprintf("The channel %q has this key for the same site. Its limits are counted per channel.", other.Name))
				continue
			}
			first[p] = c
		}
	}
}

// warnMisplaced warns if one of the values looks like a key.
func (l *loader) warnMisplaced(at hcl.Range, what, effect string, values ...string) {
	if i := slices.IndexFunc(values, redact.LooksLikeKey); i >= 0 {
		l.Secrets.Add(values[i])
		l.Warn(at, "A key in the wrong place", fmt.Sprintf("%s looks like a key, and %s. Move it to keys or to the value of a key block.", what, effect))
	}
}

// warnNames warns of keys in names, addresses and models, since lists and logs show those.
func (l *loader) warnNames() {
	warn := func(at hcl.Range, what string, values ...string) {
		l.warnMisplaced(at, what, "would be shown in lists and logs", values...)
	}
	for _, c := range l.config.Channels {
		warn(c.Range, "The name of the channel", c.Name)
		warn(l.attributeOf(c, "models"), "A model", c.Models...)
		for from, to := range c.ModelMap {
			warn(l.attributeOf(c, "model_map"), "A model", from, to)
		}
		warn(l.attributeOf(c, "target"), "A part of the target", strings.FieldsFunc(c.Target.Host+"/"+c.Target.Path, isSeparator)...)
		warn(l.attributeOf(c, "auth"), "The parameter of auth", c.Auth.Param)
	}
	for _, r := range l.config.Routes {
		warn(r.Range, "A part of the path", strings.FieldsFunc(r.Pattern, isSeparator)...)
		warn(r.Range, "A model", r.Models...)
	}
	for _, c := range l.config.Clients {
		warn(c.Range, "The name of the client", c.Name)
		warn(c.Range, "A model", c.Models...)
	}
	for _, t := range l.config.Tunnels {
		warn(t.Range, "The name of the tunnel", t.Name)
		warn(t.Range, "The host of the tunnel", strings.FieldsFunc(t.Host, isSeparator)...)
		warn(t.Range, "The user of the tunnel", t.User)
	}
	for _, n := range l.config.Notify {
		warn(n.Range, "The name of the notification", n.Name)
	}
	for _, e := range l.config.Egresses {
		warn(e.Range, "The name of the egress", e.Name)
	}
	for _, p := range l.config.prices {
		warn(p.Range, "A model", p.Models)
	}
	for _, v := range l.config.Verdicts {
		warn(v.Range, "The name of the verdict", v.Name)
	}
}

// hideKeysInNames masks names that look like keys, so that they are the same wherever they appear: in
// lists, the API, events, the history and the log.
func (l *loader) hideKeysInNames() {
	hide := func(names ...*string) {
		for _, name := range names {
			*name = redact.KeyLike(*name)
		}
	}
	for _, c := range l.config.Channels {
		hide(&c.Name)
	}
	for _, c := range l.config.Clients {
		hide(&c.Name)
	}
	for _, t := range l.config.Tunnels {
		hide(&t.Name)
	}
	for _, n := range l.config.Notify {
		hide(&n.Name)
	}
	for _, e := range l.config.Egresses {
		hide(&e.Name, &e.Tunnel)
	}
}

func isSeparator(r rune) bool { return strings.ContainsRune("/.:@", r) }

// attributeOf returns where an attribute of a channel is written, or its block.
func (l *loader) attributeOf(c *Channel, name string) hcl.Range {
	for _, b := range l.Blocks {
		if b.Type == "channel" && b.DefRange() == c.Range {
			if a := b.Body.Attributes[name]; a != nil {
				return a.Expr.Range()
			}
		}
	}
	return c.Range
}
