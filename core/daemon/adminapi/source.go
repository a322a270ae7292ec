// Package adminapi provides the state of the running program to the admin API, and
// turns the API's edits into changes of the configuration.
package adminapi

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/config/diff"
	"github.com/aitunnel/aitunnel/core/daemon/bind"
	"github.com/aitunnel/aitunnel/core/daemon/reload"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/history"
	"github.com/aitunnel/aitunnel/core/limit"
	"github.com/aitunnel/aitunnel/core/route"
	"github.com/aitunnel/aitunnel/core/stats"
	"github.com/aitunnel/aitunnel/core/verdict/unknown"
)

// Program contains the parts of the program that the API shows and changes.
type Program struct {
	reload.Services
	Version      string
	Started      time.Time
	Life         context.Context // ends when the program stops
	Stats        *stats.Collector
	Clients      *limit.Clients
	History      *history.Store
	Reloader     *reload.Reloader
	Entry, Admin *bind.Port
	Seed         []byte          // for the placeholders that replace secrets
	Unknown      *unknown.Store  // nil: unknown answers are not kept
	TokenFile    func() string   // where the admin token is, if the configuration has none; "" otherwise
	Unsaved      func() []string // what cannot be saved now
	Problems     func() []admin.Problem
}

// Source implements [admin.Source].
type Source struct {
	program Program
	edits   pastEdits
}

// New returns the source of a program.
func New(p Program) *Source { return &Source{program: p} }

func (s *Source) running() *reload.Generation { return s.program.Reloader.Running() }

func (s *Source) table() *route.Table { return s.running().Table() }

// History is for [admin.Source].
func (s *Source) History(ctx context.Context) (*history.Reader, error) {
	r, err := s.program.History.ReadFresh(ctx)
	if err == nil {
		r.Estimate(s.running().Config.CostToday)
	}
	return r, err
}

// show returns the outcome of a change in the form of the API.
func show(r reload.Result, err error) admin.Reload {
	out := admin.Reload{
		At: clock(r.At), Took: event.Millis(r.Took), ReloadCause: r.Cause.Report(), OK: err == nil, Generation: r.Generation,
		Changes: r.Changes, Effects: []string{}, EffectList: []admin.Effect{}, Diags: append([]config.Diagnostic{}, r.Report.Diagnostics()...),
	}
	for _, e := range r.Effects {
		out.Effects = append(out.Effects, e.Text())
		s := e.Subject
		out.EffectList = append(out.EffectList, admin.Effect{
			Code: string(e.Code), Kind: string(s.Kind), Subject: s.Name, Setting: s.Setting, Tunnel: s.Tunnel,
			Channel: cmp.Or(s.Channel, e.Channel), Component: s.Component, Models: s.Models,
		})
	}
	if err == nil {
		return out
	}
	out.Error, out.Stale = err.Error(), errors.Is(err, reload.ErrStale)
	out.Changes, out.Effects, out.EffectList = []diff.Change{}, []string{}, []admin.Effect{}
	if wrong := (*reload.ConfigError)(nil); errors.As(err, &wrong) {
		out.Diags = wrong.Diagnostics()
	}
	return out
}

// outcome is show, except that an edit that cannot be made is an error.
func outcome(r reload.Result, err error) (admin.Reload, error) {
	if refused := (*reload.EditError)(nil); errors.As(err, &refused) {
		return admin.Reload{}, editError(refused.Err)
	}
	return show(r, err), nil
}

// editError returns an error about the text in the form of the API.
func editError(err error) error {
	var refused *admin.Error
	var unknown *reload.NotEditableError
	switch {
	case errors.As(err, &refused):
		return err
	case errors.As(err, &unknown):
		return admin.Refused("not_editable", err.Error())
	}
	return admin.Refused("not_readable", err.Error())
}
