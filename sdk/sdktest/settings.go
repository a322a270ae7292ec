package sdktest

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/sdk"
	"github.com/aitunnel/aitunnel/sdk/host"
	"github.com/aitunnel/aitunnel/sdk/schemadoc"
)

// documented checks the documentation of the settings, and that the schema is unchanged by
// the wire.
func (k *kit) documented(t *testing.T) {
	if strings.TrimSpace(k.described.Doc) == "" {
		t.Error("the factory has no Doc: write in it what the component does, it is what a user reads first")
	}
	k.documentedSchema(t, k.described.Schema, nil)
	for _, name := range schemadoc.Reserved(k.described.Kind) {
		if k.exists([]string{name}) {
			t.Errorf("the setting %q has the name of one of aitunnel's own in such a block, so it would never be seen: choose another", name)
		}
	}
	r := k.serve(t)
	ctx, cancel := patient()
	defer cancel()
	d, err := r.Describe(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(compact(t, d.Components[0]), compact(t, k.described)) {
		t.Errorf("the schema came over the wire as %s, it was %s", compact(t, d.Components[0]), compact(t, k.described))
	}
	if defaults := k.defaults(); len(defaults) > 0 {
		k.writtenDefaults(t, r, defaults)
	}
}

func compact(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func (k *kit) documentedSchema(t *testing.T, s *sdk.Schema, path []string) {
	t.Helper()
	for _, a := range s.Attributes {
		at := strings.Join(append(slices.Clone(path), a.Name), ".")
		if strings.TrimSpace(a.Doc) == "" {
			t.Errorf("the setting %q has no doc tag: add `doc:\"…\"`, a sentence for users", at)
		}
		var value string
		if len(a.Enum) > 0 && json.Unmarshal(a.Default, &value) == nil && !slices.Contains(a.Enum, value) {
			t.Errorf("the default %q of the setting %q is not one of %q: change the default or the enum tag", value, at, a.Enum)
		}
	}
	for _, b := range s.Blocks {
		at := append(slices.Clone(path), b.Name)
		if strings.TrimSpace(b.Doc) == "" {
			t.Errorf("the block %q has no doc tag: add `doc:\"…\"`, a sentence for users", strings.Join(at, "."))
		}
		k.documentedSchema(t, b.Schema, at)
	}
}

// defaults returns settings in which every default is written.
func (k *kit) defaults() Settings {
	s := Settings{}
	for _, a := range k.described.Schema.Attributes {
		if a.Default != nil {
			s[a.Name] = a.Default
		}
	}
	for name := range k.needed {
		delete(s, name)
	}
	return s
}

// writtenDefaults checks that a written default is the same as one that is left out.
func (k *kit) writtenDefaults(t *testing.T, r *rig, defaults Settings) {
	t.Helper()
	written := r.open(defaults)
	if k.described.Kind == sdk.KindHealthChecker {
		return
	}
	q := question{candidates: mixed(6, k.fallbacks())}
	left, again := k.sound(r, r.open(nil), q), k.sound(r, r.open(nil), q)
	if got := k.sound(r, written, q); same(left, again) && !same(left, got) {
		t.Errorf("with every default written down it plans otherwise than with none: are the defaults in Factory.Settings those of New?\nleft out %s, TTL %s\nwritten  %s, TTL %s", groups(left), left.TTL, groups(got), got.TTL)
	}
}

// wrongSettings checks that invalid settings are refused, with their path.
func (k *kit) wrongSettings(t *testing.T) {
	r := k.serve(t)
	for _, v := range wrong(k.described.Schema) {
		k.mustRefuse(r, v.settings, v.path)
	}
	for _, v := range k.refused {
		k.mustRefuse(r, v.settings, v.path)
	}
	k.requiredSettings(r)
	for _, s := range k.accepted {
		c, err := r.configure(s)
		if err != nil {
			t.Errorf("the settings %v are refused for %s, but should not be: %v", k.merge(s), refusedAt(err), err)
			continue
		}
		k.use(r, c, k.merge(s))
	}
	k.use(r, r.open(nil), k.needed) // refusals leave nothing behind
}

// requiredSettings checks that missing required settings are refused.
func (k *kit) requiredSettings(r *rig) {
	r.t.Helper()
	var names []string
	for _, a := range k.described.Schema.Attributes {
		if a.Required {
			names = append(names, a.Name)
		}
	}
	for _, b := range k.described.Schema.Blocks {
		if b.Required {
			names = append(names, b.Name)
		}
	}
	for _, name := range names {
		left := k.merge(nil)
		delete(left, name)
		c, err := configure(r.t, r.Conn, k, r.nextName(), left)
		k.refusal(r, c, err, left, []string{name}, "is required and missing")
	}
}

func (k *kit) mustRefuse(r *rig, s Settings, path []string) {
	r.t.Helper()
	c, err := r.configure(s)
	k.refusal(r, c, err, k.merge(s), path, "is wrong")
}

// refusal checks that Configure has refused the settings, and for the right reason.
func (k *kit) refusal(r *rig, c *host.Component, err error, settings Settings, path []string, why string) {
	r.t.Helper()
	at := strings.Join(path, ".")
	switch {
	case err == nil:
		r.t.Errorf("the settings %v are accepted, but %q %s: does Configure return the error of Decode?", settings, at, why)
		r.close(c)
	case errors.Is(err, sdk.ErrPanic): // configure has said so
	case !errors.Is(err, sdk.ErrInvalidConfig):
		r.t.Errorf("the settings %v are refused by an error that is no *sdk.ConfigError, so the user is not shown the line: return one with the Path of the setting: %v", settings, err)
	case !slices.ContainsFunc(complaints(err), func(c *sdk.ConfigError) bool { return slices.Equal(c.Path, path) }):
		r.t.Errorf("the settings %v are refused for %s, not for %q, which %s: %v", settings, refusedAt(err), at, why, err)
	}
}

// refusedAt returns the paths of the settings that an error is about.
func refusedAt(err error) string {
	var paths []string
	for _, c := range complaints(err) {
		if len(c.Path) > 0 {
			paths = append(paths, fmt.Sprintf("%q", strings.Join(c.Path, ".")))
		}
	}
	if len(paths) == 0 {
		return "no setting (an error without a Path, so the user is not shown the line)"
	}
	return strings.Join(paths, " and ")
}

// complaints returns the errors that are joined in err.
func complaints(err error) (all []*sdk.ConfigError) {
	var one *sdk.ConfigError
	var several interface{ Unwrap() []error }
	if errors.As(err, &several) {
		for _, e := range several.Unwrap() {
			all = append(all, complaints(e)...)
		}
		return all
	}
	if errors.As(err, &one) {
		all = append(all, one)
	}
	return all
}

// oddSettings checks that unusual settings either work or are refused with their path.
func (k *kit) oddSettings(t *testing.T) {
	r := k.serve(t)
	for _, v := range k.variations(k.described.Schema) {
		c, err := r.configure(v.settings)
		switch {
		case err == nil:
			k.use(r, c, k.merge(v.settings))
		case errors.Is(err, sdk.ErrPanic): // configure has said so
		case len(complaints(err)) == 0 || slices.ContainsFunc(complaints(err), func(c *sdk.ConfigError) bool { return !k.exists(c.Path) }):
			t.Errorf("the settings %v are refused without the path of a setting, so the user is not shown the line: %v (%T)", k.merge(v.settings), err, err)
		}
	}
}

// use checks that an instance with these settings works.
func (k *kit) use(r *rig, c *host.Component, s Settings) {
	r.t.Helper()
	defer r.close(c)
	if k.described.Kind == sdk.KindHealthChecker {
		k.harmless(r, c, s)
		return
	}
	for _, q := range []question{{candidates: candidates(3)}, {candidates: mixed(9, k.fallbacks())}, {}} {
		if _, err := k.plan(c, q); err != nil {
			r.t.Errorf("the settings %v are accepted, but: %v; settings that cannot work are to be refused in Configure, by a *sdk.ConfigError", s, err)
			return
		}
	}
}

func (k *kit) exists(path []string) bool {
	if len(path) == 0 {
		return false
	}
	s := k.described.Schema
	return slices.ContainsFunc(s.Attributes, func(a sdk.Attribute) bool { return a.Name == path[0] }) ||
		slices.ContainsFunc(s.Blocks, func(b sdk.Block) bool { return b.Name == path[0] })
}

// unknownFields checks that fields of a later version are ignored.
func (k *kit) unknownFields(t *testing.T) {
	r := k.serve(t)
	c, err := r.configure(Settings{"from_a_later_version": map[string]any{"a": []int{1}}})
	if err != nil {
		t.Errorf("a setting that it does not know must be ignored, as that of a later version: read the settings by Config.Decode: %v", err)
	} else {
		k.use(r, c, k.needed)
	}
	k.unknownInRequests(t)
}
