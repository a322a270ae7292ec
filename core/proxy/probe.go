package proxy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/core/dialect"
	"github.com/aitunnel/aitunnel/core/route"
	"github.com/aitunnel/aitunnel/core/upstream"
	"github.com/aitunnel/aitunnel/sdk"
)

// maxProbeBody is the maximum size of the body of a probe, and of its answer.
const maxProbeBody = 64 << 10

// Prober sends a health checker's probes to the channel, with one of its keys. It
// follows no redirects, and the checker never gets the key, even if the site repeats
// it.
func (h *Handler) Prober(ch *route.Channel) sdk.Host {
	return &prober{handler: h, channel: ch, site: h.newSite(ch.Config)}
}

type prober struct {
	handler *Handler
	channel *route.Channel
	site    *site
}

// deliver sends a probe by the egress that requests use. Egresses before it, which
// are cooling down, are tried too: one that works is used again.
func (p *prober) deliver(req *http.Request, body []byte) (*http.Response, error) {
	now, state := p.handler.registry.Now(), p.channel.State
	use := p.site.egresses[0]
	for _, w := range p.site.egresses {
		if state.EgressUntil(now, w.name).IsZero() {
			use = w
			break
		}
		p.try(w, req, body)
	}
	resp, err := use.transport.Do(req, upstream.Call{})
	if err == nil && use.name != "" && resp.StatusCode < 400 {
		state.RecordEgressSuccess(now, use.name)
	}
	return resp, err
}

// try sends a probe by an egress that is cooling down.
func (p *prober) try(w egress, like *http.Request, body []byte) {
	req := like.Clone(like.Context())
	req.Body = io.NopCloser(bytes.NewReader(body))
	resp, err := w.transport.Do(req, upstream.Call{})
	if err != nil {
		return // it still does not work
	}
	_ = resp.Body.Close()
	if resp.StatusCode < 400 {
		p.channel.State.RecordEgressSuccess(p.handler.registry.Now(), w.name)
	}
}

// Probe is for [sdk.Host].
func (p *prober) Probe(ctx context.Context, in sdk.ProbeRequest) (sdk.ProbeResult, error) {
	path, query, _ := strings.Cut(in.Path, "?")
	u, err := url.ParseRequestURI(path)
	if err != nil || !strings.HasPrefix(path, "/") || leavesBasePath(u.EscapedPath()) {
		return sdk.ProbeResult{}, fmt.Errorf("the probe's path %q must begin with a slash and stay below the channel's", path)
	}
	if len(in.Body) > maxProbeBody {
		return sdk.ProbeResult{}, fmt.Errorf("the probe's body has %d bytes, at most %d are sent", len(in.Body), maxProbeBody)
	}
	k, err := p.keyOf(in.KeyID)
	if err != nil {
		return sdk.ProbeResult{}, err
	}
	return p.probe(ctx, u, query, in, k, maxProbeBody)
}

// probe sends a probe with or without a key, and reads an answer of up to max bytes.
func (p *prober) probe(ctx context.Context, u *url.URL, query string, in sdk.ProbeRequest, k *route.Key, max int64) (sdk.ProbeResult, error) {
	method := in.Method
	if method == "" {
		method = http.MethodGet
	}
	target := *p.channel.Config.Target
	target.RawPath, _ = dialect.JoinPath(p.site.escaped, u.EscapedPath())
	target.Path = unescapedPath(target.RawPath)
	req, err := http.NewRequestWithContext(ctx, method, target.String(), bytes.NewReader(in.Body))
	if err != nil {
		return sdk.ProbeResult{}, errors.New("the probe is not a valid HTTP request")
	}
	header := http.Header{}
	for k, v := range in.Header {
		header.Set(k, v)
	}
	asked := &http.Request{URL: u, Header: header}
	req.Header = copyRequestHeaders(header)
	secret := ""
	query = dialect.RemoveCredentials(req.Header, query, nil)
	if k != nil {
		secret = k.Config.Value.Plaintext()
		auth := p.channel.Config.Auth
		query = dialect.Auth{Style: dialect.Style(auth.Style), Param: auth.Param}.AddKey(asked, req.Header, query, secret)
	}
	req.URL.RawQuery = query
	return p.send(req, in.Body, secret, max)
}

func (p *prober) send(req *http.Request, body []byte, secret string, max int64) (sdk.ProbeResult, error) {
	begun := time.Now()
	resp, err := p.deliver(req, body)
	if err != nil {
		a := attempt{limits: p.channel.Config.Timeouts}
		return sdk.ProbeResult{}, errors.New(a.reason(err))
	}
	defer func() { _ = resp.Body.Close() }()
	out := sdk.ProbeResult{Status: resp.StatusCode, Latency: time.Since(begun), Header: map[string]string{}}
	if out.Body, err = io.ReadAll(io.LimitReader(resp.Body, max)); err != nil {
		return sdk.ProbeResult{}, errors.New("the answer was cut off")
	}
	for name := range resp.Header {
		out.Header[name] = resp.Header.Get(name)
	}
	if secret != "" {
		out.Body = bytes.ReplaceAll(out.Body, []byte(secret), []byte("***"))
		for name, v := range out.Header {
			out.Header[name] = strings.ReplaceAll(v, secret, "***")
		}
	}
	return out, nil
}

// keyOf returns the key with the ID; any usable key if the ID is empty, and nil if the
// channel has no keys.
func (p *prober) keyOf(id string) (*route.Key, error) {
	if id == "" {
		return p.key(), nil
	}
	for _, k := range p.channel.Keys {
		if k.ID() == id {
			return k, nil
		}
	}
	return nil, fmt.Errorf("the channel has no key %q", id)
}

// key returns a key that is usable now, or else the first; nil if the channel has none.
func (p *prober) key() *route.Key {
	now := p.handler.registry.Now()
	for _, k := range p.channel.Keys {
		if skip, _ := k.State.Skip(now, "", ""); skip == "" {
			return k
		}
	}
	if len(p.channel.Keys) > 0 {
		return p.channel.Keys[0]
	}
	return nil
}
