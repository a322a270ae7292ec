package config

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/aitunnel/aitunnel/core/config/redact"
	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/aitunnel/aitunnel/core/verdict"
	"github.com/aitunnel/aitunnel/sdk"
)

func (l *loader) channels() {
	l.channelByName = map[string]*Channel{}
	blocks := l.TopBlocks("channel", "name")
	for _, b := range blocks {
		c := l.channel(b)
		if first := l.channelByName[c.Name]; first != nil {
			l.Fail(b.DefRange(), "Duplicate channel", fmt.Sprintf("Channel %q is already declared at %s:%d.", c.Name, first.Range.Filename, first.Range.Start.Line))
			continue
		}
		l.channelByName[c.Name] = c
		l.config.Channels = append(l.config.Channels, c)
	}
	if len(blocks) == 0 && !l.Diags.HasErrors() {
		l.Fail(l.Start(), "No channels", "There is nothing to send requests to: add a block channel \"name\" { … } with a target and keys.")
	}
}

func defaultChannel() *Channel {
	return &Channel{
		Weight:      1,
		PriceFactor: 1,
		Auth:        Auth{Style: AuthAuto},
		Timeouts:    Timeouts{Connect: 10 * time.Second, StreamIdle: 120 * time.Second},
	}
}

func defaultKey() *Key { return &Key{Weight: 1} }

func defaultHealthCheck() *HealthCheck {
	return &HealthCheck{Interval: time.Minute, Timeout: 5 * time.Second, Fall: 3, Rise: 1}
}

func (l *loader) channel(b *hclsyntax.Block) *Channel {
	c := defaultChannel()
	c.Name, c.Range = b.Labels[0], b.DefRange()
	r := l.reader(b, fmt.Sprintf("in channel %q", c.Name))
	if strings.TrimSpace(c.Name) == "" || strings.ContainsAny(c.Name, "/\x00\n") || len(c.Name) > 64 {
		l.Fail(b.LabelRanges[0], "Invalid channel name", "A channel name has 1 to 64 characters and no slash.")
	}
	r.target(c)
	r.Decode(c)
	r.auth(c)
	r.keys(c)
	r.models(&c.Models)
	r.egress(c)
	if a := r.Attribute("verdicts"); a != nil {
		l.verdictSets(c, a.Expr.Range())
	}
	c.Verdicts = l.verdicts(r.Each(verdict.BlockType, "name"), verdict.FromChannel)
	c.KeySelector = r.component(sdk.KindKeySelector, "key_selector", "round-robin")
	r.healthCheck(c)
	r.Done()
	return c
}

// target reads the address of the site.
func (r *reader) target(c *Channel) {
	c.Target = &url.URL{}
	value := ""
	a := r.Text("target", &value)
	if a == nil {
		r.Missing("target", "It is the address of the site, such as \"https://api.example.com\"")
		return
	}
	if value == "" {
		if !r.loader.Diags.HasErrors() {
			r.Wrong(a, "the target is empty: write the site's address, such as \"https://api.example.com\"")
		}
		return
	}
	u, err := url.Parse(value)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		r.Wrong(a, "expected a URL that begins with https:// or http://, such as \"https://api.example.com/base\"")
		return
	case u.User != nil:
		r.Wrong(a, "the target must not contain a user or password; put the key in keys")
		return
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		r.Wrong(a, "the target must not have a query or fragment: the path of each request is appended to it")
		return
	case !hasPort(u):
		r.Wrong(a, "the target has no valid port: expected a number from 1 to 65535")
		return
	case strings.Contains(u.EscapedPath(), ".."):
		r.Wrong(a, "the target's path must not contain \"..\"")
		return
	}
	c.Target = u
}

func (r *reader) auth(c *Channel) {
	value := string(AuthAuto)
	a := r.Text("auth", &value)
	styles := []string{string(AuthAuto), string(AuthBearer), string(AuthXAPIKey), string(AuthXGoogAPIKey), "query:NAME", string(AuthNone), string(AuthPassthrough)}
	if param, ok := strings.CutPrefix(value, "query:"); ok && param != "" {
		c.Auth = Auth{Style: AuthQuery, Param: param}
		return
	}
	if value == "query" || value == "query:" {
		r.Wrong(a, "the name of the query parameter is missing: write for example \"query:key\"")
		return
	}
	switch style := AuthStyle(value); style {
	case AuthAuto, AuthBearer, AuthXAPIKey, AuthXGoogAPIKey, AuthNone, AuthPassthrough:
		c.Auth = Auth{Style: style}
	default:
		r.Wrong(a, fmt.Sprintf("%q is not a valid auth: expected one of %s. %s", value, wording.List(styles), wording.DidYouMean(value, styles)))
	}
}

// keys reads both forms: the list, and blocks for those with a label or weight.
func (r *reader) keys(c *Channel) {
	before := len(r.loader.Diags)
	values, ranges := secretList(r.Reader, "keys")
	for i, v := range values {
		c.Keys = append(c.Keys, &Key{Value: v, Weight: 1, Range: ranges[i]})
	}
	for _, b := range r.Each("key", "label") {
		k := defaultKey()
		k.Label, k.Range = b.Labels[0], b.DefRange()
		kr := r.loader.reader(b, fmt.Sprintf("in key %q", k.Label))
		kr.Decode(k)
		if a := kr.Attributes["value"]; a == nil {
			// Already reported.
		} else if k.Value.IsZero() && len(r.loader.Diags) == before {
			kr.Wrong(a, "the key is empty")
		} else if err := CheckCredential(k.Value.Plaintext()); err != nil {
			kr.Wrong(a, err.Error())
		}
		kr.Done()
		if redact.LooksLikeKey(k.Label) {
			r.loader.warnMisplaced(k.Range, "The label of the key", "is not used", k.Label)
			k.Label = ""
		}
		c.Keys = append(c.Keys, k)
	}
	if len(r.loader.Diags) > before {
		return // it is unknown whether keys are missing
	}
	r.checkKeys(c)
}

func (r *reader) checkKeys(c *Channel) {
	labels, values := map[string]bool{}, map[string]bool{}
	for _, k := range c.Keys {
		switch {
		case values[k.Value.Plaintext()]:
			r.loader.Fail(k.Range, "Duplicate key", "This key is listed twice in the channel. Its limits are the same however often it is listed.")
		case k.Label != "" && labels[k.Label]:
			r.loader.Fail(k.Range, "Duplicate key", fmt.Sprintf("A key with the label %q already exists.", k.Label))
		}
		labels[k.Label], values[k.Value.Plaintext()] = true, true
	}
	keyless := c.Auth.Style == AuthNone || c.Auth.Style == AuthPassthrough
	switch {
	case len(c.Keys) == 0 && r.Attributes["keys"] != nil && r.loader.Diags.HasErrors():
		// The list may depend on what is wrong elsewhere.
	case len(c.Keys) == 0 && !keyless:
		r.UnlessMisspelled("keys", "No keys", fmt.Sprintf("The channel %q has no keys: add keys = [env(\"NAME\")], or auth = \"none\" if the site needs none, or \"passthrough\" to send the caller's own.", c.Name))
	case len(c.Keys) > 0 && keyless:
		r.loader.Fail(c.Keys[0].Range, "Unused keys", fmt.Sprintf("With auth = %q no key is sent: remove the keys, or choose another auth.", c.Auth.Style))
	}
}

// healthCheck reads the block: the schedule is the host's, the rest the
// checker's.
func (r *reader) healthCheck(c *Channel) {
	b := r.One("health_check", "type")
	if b == nil {
		return
	}
	h := defaultHealthCheck()
	hr := r.loader.reader(b, fmt.Sprintf("in health_check %q", b.Labels[0]))
	hr.Decode(h)
	h.Checker = r.loader.componentOf(sdk.KindHealthChecker, b, hr)
	c.HealthCheck = h
}
