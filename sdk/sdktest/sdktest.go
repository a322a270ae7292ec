package sdktest

import (
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/sdk"
)

// patience is how long anything may take before it counts as hanging. The host
// waits 2 s for a plan; this leaves room for a loaded machine. One that is
// slower still sets AITUNNEL_SDKTEST_PATIENCE.
var patience = func() time.Duration {
	if d, err := time.ParseDuration(os.Getenv("AITUNNEL_SDKTEST_PATIENCE")); err == nil && d > 0 {
		return d
	}
	return 10 * time.Second
}()

// Settings are the settings of an instance, as in a configuration: durations and sizes are
// strings such as "1m30s".
type Settings map[string]any

// Option tells the kit what it cannot find out about a component.
type Option func(*kit)

// With sets settings of every instance, such as required ones.
func With(s Settings) Option { return func(k *kit) { k.needed = s } }

// Accepts adds settings that Configure must accept, together with those of [With].
func Accepts(s Settings) Option { return func(k *kit) { k.accepted = append(k.accepted, s) } }

// Refuses adds settings that Configure must refuse, together with those of [With], with an
// [sdk.ConfigError] that has this path.
func Refuses(s Settings, path ...string) Option {
	return func(k *kit) { k.refused = append(k.refused, refusal{s, path}) }
}

// LeavesOut allows plans that leave out channels or keys, which are then never
// tried.
func LeavesOut() Option { return func(k *kit) { k.leavesOut = true } }

// Site sets the site that a health checker must find healthy. By default, the site answers
// requests of the APIs of OpenAI, Anthropic and Gemini.
func Site(h http.Handler) Option { return func(k *kit) { k.site = h } }

// CheckedKey is a key of the channel that a health checker checks.
type CheckedKey struct {
	ID    string
	Label string
	Site  http.Handler // answers probes with this key; nil: the site of the kit
	Want  sdk.KeyState // the state that the check must report; "": none
}

// Keys sets the keys of the channel that a health checker checks, and what the check must
// report about each. By default, the channel has two valid keys.
func Keys(keys ...CheckedKey) Option { return func(k *kit) { k.keys = keys } }

// Strategy checks that a strategy conforms to the contract.
func Strategy(t *testing.T, f sdk.Factory, options ...Option) {
	t.Helper()
	run(t, sdk.KindStrategy, f, options, plannerChecks)
}

// KeySelector checks that a key selector conforms to the contract.
func KeySelector(t *testing.T, f sdk.Factory, options ...Option) {
	t.Helper()
	run(t, sdk.KindKeySelector, f, options, plannerChecks)
}

// HealthChecker checks that a health checker conforms to the contract.
func HealthChecker(t *testing.T, f sdk.Factory, options ...Option) {
	t.Helper()
	run(t, sdk.KindHealthChecker, f, options, checkerChecks)
}

// kit checks one factory.
type kit struct {
	factory   sdk.Factory
	described sdk.ComponentDescription
	needed    Settings
	accepted  []Settings
	refused   []refusal
	leavesOut bool
	site      http.Handler
	keys      []CheckedKey
	exposed   []string // parts of bodies
	clock     *clock   // nil: components use the system's
}

type refusal struct {
	settings Settings
	path     []string
}

// check is one subtest.
type check struct {
	name string
	run  func(k *kit, t *testing.T)
}

func run(t *testing.T, kind sdk.Kind, f sdk.Factory, options []Option, checks []check) {
	t.Helper()
	k := &kit{factory: f, site: http.HandlerFunc(apis)}
	for _, option := range options {
		option(k)
	}
	serveAsProcess(t, k.plugin())
	d, err := k.plugin().Describe()
	if err != nil {
		t.Fatalf("the factory cannot be served: %v", err)
	}
	k.described = d.Components[0]
	if k.described.Kind != kind {
		t.Fatalf("%q is a %s, not a %s", f.Name, k.described.Kind, kind)
	}
	if !raceDetector {
		t.Log("data races are only found reliably with -race")
	}
	// If the first call fails, so would all the others.
	if !t.Run("it_works", func(t *testing.T) { k.works(t) }) {
		return
	}
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) { c.run(k, t) })
	}
}

func (k *kit) plugin() sdk.Plugin {
	return sdk.Plugin{Name: "sdktest", Version: "0.0.0", Components: []sdk.Factory{k.factory}}
}

// works makes the first call.
func (k *kit) works(t *testing.T) {
	r := k.serve(t)
	c := r.open(nil)
	if k.described.Kind == sdk.KindHealthChecker {
		k.healthy(r, c)
		return
	}
	k.sound(r, c, question{candidates: candidates(2)})
}

// merge returns the required settings, overridden by more.
func (k *kit) merge(more Settings) Settings {
	all := Settings{}
	for _, s := range []Settings{k.needed, more} {
		for name, value := range s {
			all[name] = value
		}
	}
	return all
}

func (s Settings) String() string { return fmt.Sprintf("%v", map[string]any(s)) }
