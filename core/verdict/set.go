package verdict

import (
	_ "embed"
	"slices"
	"sync"
)

//go:embed rules.hcl
var builtinSource []byte

// builtin are the built-in rules, compiled for all sets when the first failed answer is
// judged: that takes as long as all else that a start does.
var builtin = sync.OnceValue(func() layer {
	rules, diags := CompileSource(builtinSource, "rules.hcl", FromBuiltin)
	if diags.HasErrors() {
		panic("built-in verdicts: " + diags.Error()) // a test prevents this
	}
	addNotes(rules, builtinSource)
	return newLayer(rules)
})

// Builtin returns the built-in rules, in their order.
func Builtin() []*Rule { return slices.Clone(builtin().all) }

// Options are the other sources of a set's rules.
type Options struct {
	Channel []*Rule // written in the channel
	User    []*Rule // written at top level
	Plugin  []*Rule // of the plugins that the channel names
	RetryOn []int   // as written in the configuration; nil if it is not
}

// Set has the rules for the answers of one channel. It is immutable, and safe for
// concurrent use.
type Set struct {
	layers  []layer
	last    func() layer // the built-in rules
	retryOn []int
}

// New returns a set. The rules apply in the order of the options, before the built-in
// ones.
func New(o Options) *Set {
	s := &Set{last: builtin, retryOn: slices.Clone(o.RetryOn)}
	for _, rules := range [][]*Rule{o.Channel, o.User, o.Plugin} {
		if len(rules) > 0 {
			s.layers = append(s.layers, newLayer(rules))
		}
	}
	return s
}

// Rules returns all rules in the order in which they apply.
func (s *Set) Rules() []*Rule {
	var all []*Rule
	for _, l := range s.layers {
		all = append(all, l.all...)
	}
	return append(all, s.last().all...)
}

// layer is a list of rules, with an index by the statuses that rules name.
type layer struct {
	all      []*Rule
	byStatus map[int][]*Rule
	any      []*Rule // for statuses that no rule names
}

func newLayer(rules []*Rule) layer {
	l := layer{all: rules, byStatus: map[int][]*Rule{}}
	for _, r := range rules {
		for _, s := range r.statuses {
			for n := s.from; n <= s.to; n++ {
				l.byStatus[n] = nil
			}
		}
	}
	for _, r := range rules {
		if len(r.statuses) == 0 {
			l.any = append(l.any, r)
		}
		for n := range l.byStatus {
			if r.onStatus(n) {
				l.byStatus[n] = append(l.byStatus[n], r)
			}
		}
	}
	return l
}

func (l layer) candidates(status int) []*Rule {
	if status == 0 {
		return l.all
	}
	if rules, ok := l.byStatus[status]; ok && isKnownStatus(status) {
		return rules
	}
	if !isKnownStatus(status) {
		return l.onStatus(status)
	}
	return l.any
}

func (l layer) onStatus(status int) []*Rule {
	var rules []*Rule
	for _, r := range l.all {
		if r.onStatus(status) {
			rules = append(rules, r)
		}
	}
	return rules
}

// find returns the first rule that matches, nil if none does.
func (s *Set) find(f *failure, a *Answer) *Rule {
	for _, l := range s.layers {
		if r := l.find(f, a); r != nil {
			return r
		}
	}
	return s.last().find(f, a)
}

func (l layer) find(f *failure, a *Answer) *Rule {
	for _, r := range l.candidates(f.status) {
		if r.matches(f, a) {
			return r
		}
	}
	return nil
}

// Judge returns what an answer means.
func (s *Set) Judge(a Answer) Verdict {
	f := normalize(a)
	if f == nil {
		return Verdict{Means: Good, Scope: ScopeNone, Origin: FromStatus, Status: a.Status}
	}
	v := Verdict{Status: f.status, Code: f.code, Type: f.typ, Message: f.message, Page: f.page, Origin: FromStatus}
	if r := s.find(f, &a); r != nil && r.Means != Default {
		v.Rule, v.Origin = r.Name, r.Origin
		v.Means, v.Scope, v.AtOnce, v.SecondKey = r.Means, r.Scope, r.AtOnce, r.SecondKey
		v.For = f.cooldown(r, a)
	} else {
		d := byStatus(f, &a)
		v.Rule, v.Means, v.Scope, v.AtOnce = d.name, d.means, d.scope, d.atOnce
		v.For = f.cooldown(&Rule{Means: d.means}, a)
	}
	v.withoutBlame(f, &a)
	if v.Scope == "" {
		v.Scope = f.scopeOf(v.Means, &a)
	}
	s.route(&v, f)
	v.Reason = reason(&v, &a)
	return v
}
