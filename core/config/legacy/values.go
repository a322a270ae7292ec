package legacy

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"
	"go.yaml.in/yaml/v3"

	"github.com/aitunnel/aitunnel/core/config/redact"
	"github.com/aitunnel/aitunnel/core/config/wording"
)

// oldMap is a mapping of an old file. When done is called, it warns of entries that were not read.
type oldMap struct {
	*converter
	what    string // `in channel "primary"`
	node    *yaml.Node
	entries map[string]oldEntry // by plain name
	names   map[string]string   // of the entries that were read, by plain name
	headers bool                // spelling of names does not matter
}

type oldEntry struct{ name, value *yaml.Node }

// plain returns the common form of the spellings of a name or word, such as keyStrategy,
// key_strategy and Key-Strategy.
func plain(name string) string {
	return strings.ToLower(strings.NewReplacer("-", "", "_", "", " ", "").Replace(name))
}

// open reads a mapping. Anything else is an error, and is read as an empty mapping.
func (c *converter) open(n *yaml.Node, what string) *oldMap {
	n = follow(n)
	m := c.emptyMap(what)
	m.node = n
	if n.Kind != yaml.MappingNode {
		c.mayBeSecret(n)
		c.wrong(n, "Invalid type", "Expected names with values %s, one on each line, such as \"name: value\".", what)
		return m
	}
	m.fill(n, 0)
	return m
}

// emptyMap returns an empty mapping.
func (c *converter) emptyMap(what string) *oldMap {
	return &oldMap{converter: c, what: what, node: &yaml.Node{Line: 1, Column: 1, Kind: yaml.MappingNode}, entries: map[string]oldEntry{}, names: map[string]string{}}
}

// maxMerges is the maximum depth of merge keys.
const maxMerges = 10

// fill adds the entries of a mapping, and then those of its merge keys.
func (m *oldMap) fill(n *yaml.Node, depth int) {
	var merged []*yaml.Node
	own := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], follow(n.Content[i+1])
		if name.Tag == "!!merge" {
			merged = append(merged, value)
			continue
		}
		key := plain(name.Value)
		if first := own[key]; first != nil {
			m.mayBeSecret(value)
			m.wrong(name, "Duplicate name", "%q is already set at line %d.", name.Value, first.Line)
			continue
		}
		own[key] = name
		if _, nearer := m.entries[key]; !nearer {
			m.entries[key] = oldEntry{name, value}
		}
	}
	for _, n := range merged {
		all := []*yaml.Node{n}
		if n.Kind == yaml.SequenceNode {
			all = n.Content
		}
		for _, n := range all {
			if n = follow(n); n.Kind == yaml.MappingNode && depth < maxMerges {
				m.fill(n, depth+1)
			}
		}
	}
}

// follow returns the value of an alias.
func follow(n *yaml.Node) *yaml.Node {
	for range maxMerges {
		if n.Kind != yaml.AliasNode {
			break
		}
		n = n.Alias
	}
	return n
}

// get returns the value of a name, nil if it is missing or null.
func (m *oldMap) get(name string) *yaml.Node {
	asked := m.names[plain(name)] != ""
	m.names[plain(name)] = name
	e, ok := m.entries[plain(name)]
	if !ok {
		return nil
	}
	if e.name.Value != name && !asked && !m.headers {
		m.warn(e.name, "Another spelling", "%q %s is read as %q; the earlier program ignored it.", e.name.Value, m.what, name)
	}
	if e.value.Kind == yaml.ScalarNode && e.value.Tag == "!!null" {
		return nil
	}
	return e.value
}

// inner opens the mapping of a name; nil if there is none, or if it is false.
func (m *oldMap) inner(name string) *oldMap {
	n := m.get(name)
	if n == nil || n.Kind == yaml.ScalarNode && n.Tag == "!!bool" && strings.EqualFold(n.Value, "false") {
		return nil
	}
	return m.open(n, "in "+name+strings.TrimPrefix(" "+m.what, " at the top level"))
}

// done warns of entries that are not carried over.
func (m *oldMap) done() {
	known := slices.Sorted(maps.Values(m.names))
	for _, key := range slices.Sorted(maps.Keys(m.entries)) {
		if _, asked := m.names[key]; asked {
			continue
		}
		e := m.entries[key]
		m.mayBeSecret(e.value)
		detail := fmt.Sprintf("There is no equivalent of %q %s.", e.name.Value, m.what)
		if near := wording.Nearest(e.name.Value, known); near != "" {
			detail = fmt.Sprintf("There is no %q %s. Did you mean %q?", e.name.Value, m.what, near)
		}
		m.warn(e.name, "Not carried over", "%s", detail)
	}
}

// mayBeSecret marks a value as a possible secret.
func (c *converter) mayBeSecret(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode {
		c.source.AddUnknown(c.at(n))
		if redact.LooksSecret(n.Value) {
			c.secrets.Add(n.Value)
		}
	}
	for _, inner := range n.Content {
		c.mayBeSecret(inner)
	}
}

// scalar returns the value of a name that is neither a list nor a mapping.
func (m *oldMap) scalar(name string) (*yaml.Node, bool) {
	n := m.get(name)
	if n == nil {
		return nil, false
	}
	if n.Kind != yaml.ScalarNode {
		m.mayBeSecret(n)
		m.wrong(n, "Invalid type", "Expected one value for %q %s.", name, m.what)
		return n, false
	}
	return n, true
}

// text copies the string of a name to an attribute.
func (m *oldMap) text(name string, into *Block, attribute string) {
	if n, ok := m.scalar(name); ok {
		into.text(attribute, strings.TrimSpace(n.Value), m.at(n))
	}
}

// number reads a number, or a string with one.
func (m *oldMap) number(name string) (*yaml.Node, float64, bool) {
	n, ok := m.scalar(name)
	if !ok {
		return n, 0, false
	}
	v, err := strconv.ParseFloat(strings.ReplaceAll(strings.TrimSpace(n.Value), "_", ""), 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		m.mayBeSecret(n)
		m.wrong(n, "Invalid type", "Expected a number for %q %s.", name, m.what)
		return n, 0, false
	}
	return n, v, true
}

// port reads the number of a port.
func (m *oldMap) port(name string) (*yaml.Node, string, bool) {
	n, v, ok := m.number(name)
	if ok && (v != math.Trunc(v) || v < 0 || v > 65535) {
		m.wrong(n, "Wrong value", "Expected a port for %q %s: a whole number from 1 to 65535.", name, m.what)
		ok = false
	}
	return n, strconv.FormatFloat(v, 'f', -1, 64), ok
}

// millis copies a time in milliseconds to an attribute.
func (m *oldMap) millis(name string, into *Block, attribute string) {
	if n, d, ok := m.time(name); ok {
		into.text(attribute, wording.Duration(d), m.at(n))
	}
}

func (m *oldMap) time(name string) (*yaml.Node, time.Duration, bool) {
	n, v, ok := m.number(name)
	if ok && (v < 0 || v > math.MaxInt32*1000) {
		m.wrong(n, "Wrong value", "Expected a time in milliseconds for %q %s.", name, m.what)
		return n, 0, false
	}
	return n, time.Duration(v * float64(time.Millisecond)), ok
}

// boolean reads true or false; without a valid value it returns fallback.
func (m *oldMap) boolean(name string, fallback bool) bool {
	n, ok := m.scalar(name)
	if !ok {
		return fallback
	}
	switch strings.ToLower(n.Value) {
	case "true", "yes", "on", "1", "y":
		return true
	case "false", "no", "off", "0", "n", "":
		return false
	}
	m.mayBeSecret(n)
	m.wrong(n, "Invalid type", "Expected true or false for %q %s.", name, m.what)
	return fallback
}

// list returns the values of a list; a single value counts as a list.
func (m *oldMap) list(name string) (*yaml.Node, []*yaml.Node) {
	n := m.get(name)
	if n == nil {
		return nil, nil
	}
	all := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		all = n.Content
	}
	var out []*yaml.Node
	for _, e := range all {
		if e = follow(e); e.Kind != yaml.ScalarNode {
			m.mayBeSecret(e)
			m.wrong(e, "Invalid type", "Expected a list of single values for %q %s.", name, m.what)
			continue
		}
		out = append(out, e)
	}
	return n, out
}

// word reads one of several words in any spelling: table has the words and their synonyms, by plain
// name. Any other word is read as fallback, as the earlier program did.
func (m *oldMap) word(name, fallback string, table map[string]string) (string, *yaml.Node) {
	n, ok := m.scalar(name)
	if !ok {
		return fallback, n
	}
	if word, ok := table[plain(n.Value)]; ok {
		return word, n
	}
	m.mayBeSecret(n)
	m.warn(n, "Unknown word", "The value of %q %s is not one of %s. %q is used, as in the earlier program.", name, m.what, wording.List(slices.Compact(slices.Sorted(maps.Values(table)))), fallback)
	return fallback, n
}

// texts returns a list of strings as the value of an attribute.
func (c *converter) texts(name string, n *yaml.Node, all []*yaml.Node) *Attribute {
	a := &Attribute{name: name, at: c.at(n), value: cty.EmptyTupleVal}
	var values []cty.Value
	for _, e := range all {
		values = append(values, cty.StringVal(strings.TrimSpace(e.Value)))
		a.entries = append(a.entries, c.at(e))
	}
	if len(values) > 0 {
		a.value = cty.TupleVal(values)
	}
	return a
}
