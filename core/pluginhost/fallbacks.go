package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/aitunnel/aitunnel/core/trust"
)

// fallbacks says what is used in place of plugins whose locked version does not work: their
// previous version, or nothing. It is safe for concurrent use.
type fallbacks struct {
	mu            sync.Mutex
	startErrors   map[string]error      // plugins that failed before they were in use
	substitutes   map[string]substitute // previous versions that run instead of locked ones
	absent        map[string]absence    // plugins that the program runs without
	startsLimited bool                  // see LimitStarts
}

// substitute is the previous version of a plugin, which runs instead of the locked version
// that does not work.
type substitute struct {
	failed string // hash of the version that does not work
	reason string
	late   bool // it was not ready in time, and may only need more time
	use    trust.Executable
}

// absence says why the program runs without a plugin.
type absence struct {
	sum   string // of the executable; another executable is tried
	cause error
}

func newFallbacks() *fallbacks {
	return &fallbacks{startErrors: map[string]error{}, substitutes: map[string]substitute{}, absent: map[string]absence{}}
}

// recordStartError records that a plugin failed before it was in use.
func (f *fallbacks) recordStartError(name string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.startErrors[name] = err
}

// clearStartErrors forgets the errors: the plugins are in use.
func (f *fallbacks) clearStartErrors() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.startErrors)
}

// fallBack makes plugins that failed use their previous versions, and returns their names.
// previous has those that there are. If none is known to have failed, it chooses one more.
func (f *fallbacks) fallBack(lock trust.Lock, previous map[string]trust.Executable, cause error) (names []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var left []string
	for _, name := range slices.Sorted(maps.Keys(previous)) {
		if _, already := f.substitutes[name]; !already {
			left = append(left, name)
		}
	}
	for _, name := range left {
		if err := f.startErrors[name]; err != nil {
			f.substitutes[name] = newSubstitute(lock[name], previous[name], err)
			names = append(names, name)
		}
	}
	if len(names) == 0 && len(left) > 0 {
		names = left[:1]
		f.substitutes[left[0]] = newSubstitute(lock[left[0]], previous[left[0]], cause)
	}
	return names
}

func newSubstitute(p *trust.Plugin, use trust.Executable, cause error) substitute {
	late := errors.Is(cause, context.DeadlineExceeded)
	reason := fmt.Sprintf("version %s does not work, so the previous version %s is used: %v", p.Version(), p.Previous.Version(), cause)
	if late {
		reason = fmt.Sprintf("version %s was not ready in time, so the previous version %s is used until it is: %v", p.Version(), p.Previous.Version(), cause)
	}
	return substitute{p.Platforms[trust.Platform].SHA256, reason, late, use}
}

// undo reverts a fallback that did not help: the previous versions are not tried again.
func (f *fallbacks) undo(names []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, name := range names {
		s := f.substitutes[name]
		s.use = trust.Executable{}
		f.substitutes[name] = s
	}
}

// substitute returns the substitute of a plugin; ok is false if it has none.
func (f *fallbacks) substitute(name string) (s substitute, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s, ok = f.substitutes[name]
	return s, ok
}

// executable returns the executable to run instead of a verified one, which may be that one.
func (f *fallbacks) executable(name string, exe trust.Executable) trust.Executable {
	if s, ok := f.substitute(name); ok && s.failed == exe.SHA256 && s.use.Path != "" {
		return s.use
	}
	return exe
}

// reason returns why an executable runs as a substitute, "" if it does not.
func (f *fallbacks) reason(name, sum string) string {
	if s, ok := f.substitute(name); ok && s.use.SHA256 == sum && sum != "" {
		return s.reason
	}
	return ""
}

// late returns the plugins whose previous version runs only because the locked one was not
// ready in time.
func (f *fallbacks) late() (names []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name, s := range f.substitutes {
		if s.late && s.use.Path != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// markAbsent marks locked plugins as absent that hang or crash at the start of the program,
// and returns their names.
func (f *fallbacks) markAbsent(lock trust.Lock) (names []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(f.startErrors)) {
		cause := f.startErrors[name]
		_, known := f.absent[name]
		entry, locked := lock.Entry(name, trust.Platform)
		if known || !locked || !errors.Is(cause, errNotReady) && !errors.Is(cause, context.DeadlineExceeded) {
			continue
		}
		f.absent[name] = absence{entry.SHA256, cause}
		names = append(names, name)
	}
	return names
}

// absentNames returns the plugins that the program runs without.
func (f *fallbacks) absentNames() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(f.absent))
}

// absence returns why the program runs without a plugin; ok is false if it is not absent.
func (f *fallbacks) absence(name string) (a absence, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	a, ok = f.absent[name]
	return a, ok
}

// tryAbsent makes the next start of a plugin try it although it is absent. undo reverts that.
func (f *fallbacks) tryAbsent(name string) (undo func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	a, absent := f.absent[name]
	delete(f.absent, name)
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if absent {
			f.absent[name] = a
		}
	}
}

// useLocked makes the next start of a plugin use its locked version. undo reverts that: cause
// is what was wrong with that version, which is not tried again by itself.
func (f *fallbacks) useLocked(name string) (undo func(cause error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s, substituted := f.substitutes[name]
	a, absent := f.absent[name]
	delete(f.substitutes, name)
	delete(f.absent, name)
	return func(cause error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if absent {
			f.absent[name] = absence{a.sum, cause}
		}
		if substituted {
			s.late = false
			s.reason = fmt.Sprintf("%s; it was tried again with more time: %v", s.reason, cause)
			f.substitutes[name] = s
		}
	}
}

// limitStarts sets whether starts are limited.
func (f *fallbacks) limitStarts(limited bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.startsLimited = limited
}

// hasStartLimit reports whether the start of a plugin is limited. That of a substitute is not:
// it has worked before, and there is no other version.
func (f *fallbacks) hasStartLimit(name string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, substituted := f.substitutes[name]
	return f.startsLimited && !substituted
}
