package config

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/go-version"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/aitunnel/aitunnel/core/trust"
	"github.com/aitunnel/aitunnel/sdk"
)

// component reads the block of a component, or returns the default one.
func (r *reader) component(kind sdk.Kind, block, fallback string) *Component {
	b := r.One(block, "name")
	if b == nil {
		return r.loader.builtin(kind, fallback)
	}
	return r.loader.componentOf(kind, b, r.loader.reader(b, fmt.Sprintf("in %s %q", block, b.Labels[0])))
}

// builtin returns a built-in component without settings, used where no block names one.
func (l *loader) builtin(kind sdk.Kind, ref string) *Component {
	c := &Component{Kind: kind, Ref: ref, Name: ref, Body: json.RawMessage("{}"), OnFailure: OnFailureRoundRobin}
	info, err := l.catalog.Component(l.ctx, kind, ref, nil)
	if err != nil {
		l.Diags = append(l.Diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: fmt.Sprintf("The built-in %s %q is unavailable", kindName(kind), ref), Detail: wording.Sentence(err.Error())})
	}
	c.version, c.build = info.Version, info.Build
	return c
}

// componentOf checks a block against the schema of the component that it names. r may have
// read the attributes that are not settings of the component.
func (l *loader) componentOf(kind sdk.Kind, b *hclsyntax.Block, r *reader) *Component {
	c := &Component{Kind: kind, Ref: b.Labels[0], Range: b.DefRange(), Body: json.RawMessage("{}"), attributes: map[string]hcl.Range{}}
	plugin, name, _ := strings.Cut(c.Ref, "/")
	declared := l.plugins[plugin]
	info, err := l.catalog.Component(l.ctx, kind, c.Ref, declared)
	if errors.Is(err, ErrNotReady) {
		c.Plugin, c.Name = plugin, name
		c.readProgramSettings(r, b.Type, "")
		l.Warn(b.LabelRanges[0], fmt.Sprintf("The %s %q is not used yet", kindName(kind), c.Ref), wording.Sentence(err.Error()))
		return c
	}
	if err != nil {
		l.unknownComponent(c, b, err)
		return c
	}
	c.Plugin, c.Name, c.version, c.build = info.Plugin, info.Name, info.Version, info.Build
	c.readProgramSettings(r, b.Type, info.OnFailure)
	body := r.DecodeSchema(info.Schema, c.attributes)
	r.Done()
	raw, err := json.Marshal(body)
	if err != nil {
		l.Fail(b.DefRange(), "Cannot read the block", wording.Sentence(err.Error()))
		return c
	}
	c.Body = raw
	return c
}

// readProgramSettings reads the attributes that are settings of the program, not of the component.
func (c *Component) readProgramSettings(r *reader, block, onFailure string) {
	if c.Kind == sdk.KindHealthChecker {
		return
	}
	if block != blockShadow { // a shadow's plans are not used
		word := cmp.Or(onFailure, string(OnFailureRoundRobin))
		r.Choice("on_failure", &word, string(OnFailureRoundRobin), string(OnFailurePriority), string(OnFailureWeighted), string(OnFailureLeastBusy), string(OnFailureLastPlan))
		c.OnFailure = OnFailure(word)
	}
	if c.Kind != sdk.KindStrategy {
		return
	}
	a := r.Texts("expose", &c.Expose)
	if a != nil {
		c.attributes["expose"] = a.Range()
	}
	for _, name := range c.Expose {
		if !strings.HasPrefix(name, "body.") || len(name) == len("body.") {
			r.Wrong(a, fmt.Sprintf("%q is not a part of a request body: expected for example \"body.user\". Headers and the query are always visible", name))
			return
		}
	}
}

// blockShadow is the type of the blocks of shadows.
const blockShadow = "shadow"

func (l *loader) unknownComponent(c *Component, b *hclsyntax.Block, err error) {
	var unknown *UnknownComponentError
	var lock *trust.LockError
	at := b.LabelRanges[0]
	switch {
	case errors.As(err, &lock) && l.lockReported:
		return // the error is the same for all plugins
	case errors.As(err, &lock):
		l.lockReported = true
		l.Fail(at, "The lock file cannot be used", wording.Sentence(lock.Error()))
		return
	case !errors.As(err, &unknown):
		l.Fail(at, fmt.Sprintf("The %s %q cannot be used", kindName(c.Kind), c.Ref), wording.Sentence(err.Error()))
		return
	}
	detail := fmt.Sprintf("There is no %s %q. %s", kindName(c.Kind), c.Ref, wording.Known(append(unknown.Known, unknown.Others...)))
	near := wording.NearestRef(c.Ref, unknown.Known, unknown.Others)
	switch {
	case len(unknown.IsA) > 0:
		detail = fmt.Sprintf("%q is a %s, not a %s. %s", c.Ref, kindName(unknown.IsA[0]), kindName(c.Kind), wording.Known(append(unknown.Known, unknown.Others...)))
	case near != "" && (unknown.ofKnownPlugin() || wording.IsTypo(c.Ref, near)):
		detail = fmt.Sprintf("There is no %s %q. Did you mean %q?", kindName(c.Kind), c.Ref, near)
	case !unknown.ofKnownPlugin():
		detail += " If it belongs to a plugin, install the plugin: aitunnel plugin install SOURCE."
	}
	if len(unknown.Installed) > 0 {
		detail = fmt.Sprintf("There is no built-in %s %q, but an installed plugin has one: write %s.", kindName(c.Kind), c.Ref, wording.List(unknown.Installed))
	}
	l.Fail(at, "Unknown "+kindName(c.Kind), strings.TrimSpace(detail))
}

func checkConstraint(s string) error {
	if _, err := version.NewConstraint(s); err != nil {
		return fmt.Errorf("%q is not a valid version constraint: expected for example \">= 1.2, < 2.0\"", s)
	}
	return nil
}
