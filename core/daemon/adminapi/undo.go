package adminapi

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/daemon/reload"
)

// maxEdits is how many edits can be undone.
const maxEdits = 10

// pastEdits contains the last edits through the API, the newest last.
type pastEdits struct {
	mu  sync.Mutex
	all []pastEdit
}

// pastEdit is an edit with the texts of the files before it and after it.
type pastEdit struct {
	shown         admin.PastEdit
	cause         reload.Cause
	before, after map[string][]byte
}

func sameTexts(a, b map[string][]byte) bool { return maps.EqualFunc(a, b, bytes.Equal) }

// changedSince returns why the edit cannot be undone, with what it changed, so that it
// can be reverted by hand.
func (e pastEdit) changedSince(now map[string][]byte) string {
	var files, changes []string
	for name, text := range e.after {
		if !bytes.Equal(now[name], text) {
			files = append(files, filepath.Base(name))
		}
	}
	for name := range now {
		if _, ok := e.after[name]; !ok {
			files = append(files, filepath.Base(name))
		}
	}
	slices.Sort(files)
	for _, c := range e.shown.Changes {
		changes = append(changes, c.String())
	}
	if len(changes) == 0 {
		changes = []string{e.cause.Text()}
	}
	return fmt.Sprintf("the newest edit (%s, at %s) is not undone: %s was changed by hand since; take the edit back by hand, too",
		strings.Join(changes, ", "), e.shown.At.Local().Format(time.TimeOnly), strings.Join(files, " and "))
}

func (p *pastEdits) add(e pastEdit) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = append(p.all, e)
	p.all = p.all[max(0, len(p.all)-maxEdits):]
}

// newest is the last edit; ok is false if there is none.
func (p *pastEdits) newest() (e pastEdit, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.all) == 0 {
		return e, false
	}
	return p.all[len(p.all)-1], true
}

// drop removes an edit that was undone.
func (p *pastEdits) drop(e pastEdit) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = slices.DeleteFunc(p.all, func(other pastEdit) bool { return other.shown.At.Equal(e.shown.At) })
}

// apply applies an edit, and records it so that it can be undone.
func (s *Source) apply(ctx context.Context, r reload.Request) (admin.Reload, error) {
	var e pastEdit
	r.Cause = reload.Cause{Code: admin.CauseEdit, Origin: admin.OriginOf(ctx)}
	do := r.Edit
	r.Edit = func(ctx context.Context, in *reload.Edit) error {
		e.before = maps.Clone(in.Document.Texts())
		err := do(ctx, in)
		e.after = maps.Clone(in.Document.Texts())
		return err
	}
	out, err := outcome(s.program.Reloader.Apply(ctx, r))
	if err == nil && out.OK && !sameTexts(e.before, e.after) {
		e.cause, e.shown = r.Cause, admin.PastEdit{At: out.At, ReloadCause: out.ReloadCause, Changes: out.Changes}
		s.edits.add(e)
	}
	return out, err
}

// Edits is for [admin.Source]: the newest first.
func (s *Source) Edits() []admin.PastEdit {
	s.edits.mu.Lock()
	defer s.edits.mu.Unlock()
	out := []admin.PastEdit{}
	for _, e := range slices.Backward(s.edits.all) {
		out = append(out, e.shown)
	}
	return out
}

// Undo is for [admin.Source]. It refuses if the files were changed since.
func (s *Source) Undo(ctx context.Context) (admin.Reload, error) {
	e, ok := s.edits.newest()
	if !ok {
		return admin.Reload{}, admin.Refused("nothing_to_undo", "there is no edit to undo: only edits by the panel, the API and commands since the program started can be undone")
	}
	out, err := outcome(s.program.Reloader.Apply(ctx, reload.Request{
		Cause: reload.Cause{Code: admin.CauseUndo, Origin: e.cause.Origin},
		Edit: func(_ context.Context, in *reload.Edit) error {
			if now := in.Document.Texts(); !sameTexts(now, e.after) {
				return &reload.EditError{Err: admin.Refused("changed", e.changedSince(now))}
			}
			for name, text := range e.before {
				if err := in.Document.Replace(name, text); err != nil {
					return &reload.EditError{Err: err}
				}
			}
			return nil
		},
	}))
	if err == nil && out.OK {
		s.edits.drop(e)
	}
	return out, err
}
