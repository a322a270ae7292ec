package proxy

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/core/dialect"
	"github.com/aitunnel/aitunnel/core/route"
	"github.com/aitunnel/aitunnel/sdk"
)

// otherTargetTime bounds the search for the address of an API.
const otherTargetTime = 5 * time.Second

// OtherTarget looks for the API of a channel's site at other paths, if the site has no
// list of models where the channel's target says. It returns the target at which there
// is one, "" if none is found. keyID is the key to use, "" for any. The state of the
// channel and its keys is not affected.
func (h *Handler) OtherTarget(ctx context.Context, ch *route.Channel, keyID string) string {
	ctx, cancel := context.WithTimeout(ctx, otherTargetTime)
	defer cancel()
	p := &prober{handler: h, channel: ch, site: h.newSite(ch.Config)}
	key, err := p.keyOf(keyID)
	if err != nil {
		return ""
	}
	current := p.site.escaped
	if found, err := p.listsModels(ctx, key); found || err != nil {
		return ""
	}
	for _, base := range append([]string{""}, dialect.CommonBases...) {
		if base == current {
			continue
		}
		p.site.escaped = base
		if found, _ := p.listsModels(ctx, key); found {
			target := *ch.Config.Target
			target.Path, target.RawPath = base, ""
			return target.String()
		}
	}
	return ""
}

// listsModels reports whether the site lists its models; the error is that of a site that
// does not answer.
func (p *prober) listsModels(ctx context.Context, key *route.Key) (bool, error) {
	text, header := dialect.ModelListRequest(listFormOf(p.channel.Config))
	path, query, _ := strings.Cut(text, "?")
	out, err := p.probe(ctx, &url.URL{Path: path}, query, sdk.ProbeRequest{Header: header}, key, maxModelList)
	if err != nil || out.Status != http.StatusOK {
		return false, err
	}
	models, known := dialect.ReadModelList(out.Body)
	return known && len(models) > 0, nil
}
