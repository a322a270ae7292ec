package config

import (
	"bytes"
	"net/url"
	"reflect"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/aitunnel/aitunnel/core/verdict"
)

// Same reports whether two channels have the same configuration.
func (c *Channel) Same(other *Channel) bool { return len(ChangedSettings(*c, *other)) == 0 }

// Same reports whether two tunnels have the same configuration.
func (t *Tunnel) Same(other *Tunnel) bool { return len(ChangedSettings(*t, *other)) == 0 }

// Same reports whether two services have the same configuration.
func (n *Notify) Same(other *Notify) bool { return len(ChangedSettings(*n, *other)) == 0 }

// Same reports whether two components have the same configuration.
func (c *Component) Same(other *Component) bool {
	return same(reflect.ValueOf(c), reflect.ValueOf(other))
}

// same compares the fields without reflection, since there may be many keys.
func (k Key) same(other Key) bool {
	if k.Value.Plaintext() != other.Value.Plaintext() {
		return false
	}
	k.Value, k.Range = other.Value, other.Range
	return k == other
}

// ChangedTopLevel returns the names of the settings outside of blocks that differ between two configurations.
func ChangedTopLevel(old, next *Config) []string {
	return ChangedSettings(topLevel(old), topLevel(next))
}

func topLevel(c *Config) any {
	return struct {
		Drain     time.Duration `hcl:"drain"`
		HotReload bool          `hcl:"hot_reload"`
		TimeZone  string        `hcl:"time_zone"`
		Verdicts  []*Verdict    `hcl:"verdict"`
		PriceFile string        `hcl:"price_file"`
	}{c.Drain, c.HotReload, c.TimeZone, c.Verdicts, c.PriceFile + c.priceSum}
}

// ChangedSettings returns the names of the settings that differ between two blocks, which are structs of the same
// type.
func ChangedSettings(old, next any) []string {
	var out []string
	a, b := reflect.ValueOf(old), reflect.ValueOf(next)
	for i := range a.NumField() {
		if !same(a.Field(i), b.Field(i)) {
			out = append(out, attributeName(a.Type().Field(i)))
		}
	}
	return out
}

// attributeName returns the name of a field in the configuration.
func attributeName(f reflect.StructField) string {
	if tag, ok := f.Tag.Lookup("hcl"); ok {
		name, _, _ := strings.Cut(tag, ",")
		return name
	}
	return strings.ToLower(f.Name)
}

// same ignores places in files, and compares references to other blocks by name.
func same(a, b reflect.Value) bool {
	if a.Kind() == reflect.Pointer && (a.IsNil() || b.IsNil()) {
		return a.IsNil() == b.IsNil()
	}
	switch a.Type() {
	case reflect.TypeFor[hcl.Range]():
		return true
	case reflect.TypeFor[*Channel]():
		return a.Interface().(*Channel).Name == b.Interface().(*Channel).Name
	case reflect.TypeFor[*url.URL]():
		return a.Interface().(*url.URL).String() == b.Interface().(*url.URL).String()
	case reflect.TypeFor[*Key]():
		return a.Interface().(*Key).same(*b.Interface().(*Key))
	case reflect.TypeFor[cty.Value]():
		return a.Interface().(cty.Value).RawEquals(b.Interface().(cty.Value))
	case reflect.TypeFor[*verdict.Rule]():
		return true // its values are compared
	case reflect.TypeFor[Secret]():
		return a.Interface().(Secret).Plaintext() == b.Interface().(Secret).Plaintext()
	}
	switch a.Kind() {
	case reflect.Pointer:
		return same(a.Elem(), b.Elem())
	case reflect.Struct:
		for i := range a.NumField() {
			if a.Type().Field(i).IsExported() && !same(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	case reflect.Slice:
		if a.Len() != b.Len() {
			return false
		}
		if a.Type().Elem().Kind() == reflect.Uint8 {
			return bytes.Equal(a.Bytes(), b.Bytes())
		}
		for i := range a.Len() {
			if !same(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Map:
		if a.Len() != b.Len() {
			return false
		}
		for _, k := range a.MapKeys() {
			if v := b.MapIndex(k); !v.IsValid() || !same(a.MapIndex(k), v) {
				return false
			}
		}
		return true
	}
	return a.Equal(b)
}
