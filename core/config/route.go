package config

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/aitunnel/aitunnel/core/config/block"
	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/aitunnel/aitunnel/sdk"
)

func (l *loader) routes() {
	blocks := l.TopBlocks("route", "path")
	for _, b := range blocks {
		l.config.Routes = append(l.config.Routes, l.route(b))
	}
	if len(blocks) == 0 {
		all := defaultRoute()
		all.Pattern, all.Channels, all.Strategy = "/**", l.config.Channels, l.builtin(sdk.KindStrategy, "priority")
		l.config.Routes = []*Route{all}
	}
}

func defaultRoute() *Route { return &Route{ModelsMerge: true} }

func (l *loader) route(b *hclsyntax.Block) *Route {
	out := defaultRoute()
	out.Pattern, out.Range = b.Labels[0], b.DefRange()
	if err := checkPath(out.Pattern); err != nil {
		l.Fail(b.LabelRanges[0], "Invalid path", wording.Sentence(err.Error()))
	}
	r := l.reader(b, fmt.Sprintf("in route %q", out.Pattern))
	r.Decode(out)
	if a := r.Attribute("channels"); a == nil {
		r.Missing("channels", "Write for example channels = [channel.NAME]")
	} else {
		out.Channels = r.channels(a)
	}
	r.models(&out.Models)
	out.Strategy = r.component(sdk.KindStrategy, "strategy", "priority")
	out.Shadows = r.shadows()
	r.Done()
	return out
}

func (r *reader) shadows() (out []*Component) {
	for _, b := range r.Each(blockShadow, "name") {
		for _, other := range out {
			if other.Ref == b.Labels[0] {
				r.loader.Fail(b.DefRange(), "Duplicate shadow", fmt.Sprintf("The route already has a shadow %q.", other.Ref))
			}
		}
		out = append(out, r.loader.componentOf(sdk.KindStrategy, b, r.loader.reader(b, fmt.Sprintf("in shadow %q", b.Labels[0]))))
	}
	return out
}

// channels resolves a list of references or names of channels.
func (r *reader) channels(a *hclsyntax.Attribute) (out []*Channel) {
	v, ok := r.Value(a)
	if !ok {
		return nil
	}
	secret := v.ContainsMarked()
	v, _ = v.UnmarkDeep()
	if v, err := block.Convert(v, cty.List(cty.String)); err != nil || v.IsNull() {
		r.Wrong(a, "expected a list of channels, such as [channel.NAME]")
		return nil
	}
	if v, _, ok = r.Typed(a, v, cty.List(cty.String)); !ok {
		return nil
	}
	tuple, _ := a.Expr.(*hclsyntax.TupleConsExpr)
	for i, e := range v.AsValueSlice() {
		at := a.Expr.Range()
		if tuple != nil && i < len(tuple.Exprs) {
			at = tuple.Exprs[i].Range()
		}
		c := r.channelNamed(e, at, secret)
		for _, other := range out {
			if c != nil && other == c {
				r.loader.Fail(at, "Duplicate channel", fmt.Sprintf("The channel %q is listed twice.", c.Name))
				c = nil
			}
		}
		if c != nil {
			out = append(out, c)
		}
	}
	if v.LengthInt() == 0 {
		r.Wrong(a, "the list is empty: name at least one channel, such as [channel.NAME]")
	}
	return out
}

// channelNamed finds a channel; if secret, its name must not be shown.
func (r *reader) channelNamed(v cty.Value, at hcl.Range, secret bool) *Channel {
	if v.IsNull() {
		r.loader.Fail(at, "Unknown channel", "An entry is null: remove it, or name a channel.")
		return nil
	}
	c := r.loader.channelByName[v.AsString()]
	if c == nil {
		detail := "There is no channel with this name."
		if !secret {
			detail = fmt.Sprintf("There is no channel %q. %s", v.AsString(), wording.Instead(v.AsString(), r.loader.Names("channel")))
		}
		r.loader.Fail(at, "Unknown channel", strings.TrimSpace(detail))
	}
	return c
}
