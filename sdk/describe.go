package sdk

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/aitunnel/aitunnel/sdk/wire"
)

// Description describes a plugin.
type Description struct {
	Name       string                 `json:"name"`
	Version    string                 `json:"version"`
	Doc        string                 `json:"doc,omitempty"`
	Protocol   int                    `json:"protocol"`
	Features   []string               `json:"features,omitempty"` // additions to the protocol that it knows
	Components []ComponentDescription `json:"components"`
	Verdicts   string                 `json:"verdicts,omitempty"` // see [Plugin]
}

// ComponentDescription describes one component.
type ComponentDescription struct {
	Kind   Kind    `json:"kind"`
	Name   string  `json:"name"`
	Doc    string  `json:"doc,omitempty"`
	Router bool    `json:"router,omitempty"` // a strategy that is a [RequestRouter]
	Schema *Schema `json:"schema"`

	Observer  bool   `json:"observer,omitempty"`   // a strategy that is an [Observer]
	OnFailure string `json:"on_failure,omitempty"` // see [Factory]
}

// ID identifies the component within its plugin: "strategy/priority".
func (c ComponentDescription) ID() string { return string(c.Kind) + "/" + c.Name }

var (
	componentName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9]+([-_][a-z0-9]+)*$`) })
	versionSyntax = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?$`) })
)

// Describe returns the plugin's description. Its error lists the mistakes in the
// plugin's code.
func (p Plugin) Describe() (Description, error) {
	d := Description{
		Name: p.Name, Version: p.Version, Doc: p.Doc,
		Protocol: wire.Protocol, Features: wire.Features, Verdicts: p.Verdicts,
	}
	var errs []error
	if !componentName().MatchString(p.Name) {
		errs = append(errs, fmt.Errorf("%q is not a name for a plugin: use a-z, 0-9 and -", p.Name))
	}
	if !versionSyntax().MatchString(p.Version) {
		errs = append(errs, fmt.Errorf("%q is not a semantic version such as 1.2.3", p.Version))
	}
	if len(p.Components) == 0 && p.Verdicts == "" {
		errs = append(errs, errors.New("the plugin has no components and no verdicts"))
	}
	for _, f := range p.Components {
		c, err := f.describe()
		if err == nil && slices.ContainsFunc(d.Components, func(o ComponentDescription) bool { return o.ID() == c.ID() }) {
			err = errors.New("there are two of that kind and name")
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("component %q: %w", f.Name, err))
			continue
		}
		d.Components = append(d.Components, c)
	}
	return d, errors.Join(errs...)
}

func (f Factory) describe() (ComponentDescription, error) {
	c := ComponentDescription{Name: f.Name, Doc: f.Doc, OnFailure: f.OnFailure}
	if f.OnFailure != "" && !slices.Contains(onFailures, f.OnFailure) {
		return c, fmt.Errorf("OnFailure is %q: use one of %s", f.OnFailure, strings.Join(onFailures, ", "))
	}
	if !componentName().MatchString(f.Name) {
		return c, errors.New("the name may hold a-z, 0-9, - and _ only")
	}
	if f.New == nil {
		return c, errors.New("its New is not set")
	}
	instance, err := f.create()
	if err != nil {
		return c, err
	}
	kind, err := kindOf(instance)
	if err != nil {
		return c, err
	}
	c.Kind = kind
	if kind == KindStrategy {
		_, c.Router = instance.(RequestRouter)
		_, c.Observer = instance.(Observer)
	}
	c.Schema, err = deriveSchema(f.Settings)
	return c, err
}

// create makes an instance that is not configured.
func (f Factory) create() (c Component, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("its New panicked: %s", wire.LogPanic(fmt.Sprintf("New of component %q", f.Name), p))
		}
	}()
	return f.New(), nil
}

// onFailures are the words for [Factory].OnFailure.
var onFailures = []string{"round-robin", "priority", "weighted", "least-busy", "last-plan"}

func kindOf(c Component) (Kind, error) {
	var kinds []Kind
	if _, ok := c.(Strategy); ok {
		kinds = append(kinds, KindStrategy)
	}
	if _, ok := c.(KeySelector); ok {
		kinds = append(kinds, KindKeySelector)
	}
	if _, ok := c.(HealthChecker); ok {
		kinds = append(kinds, KindHealthChecker)
	}
	if len(kinds) != 1 {
		return "", fmt.Errorf("%T must be one of Strategy, KeySelector and HealthChecker; it is %d of them", c, len(kinds))
	}
	return kinds[0], nil
}
