package adminapi

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/config/redact"
	"github.com/aitunnel/aitunnel/core/daemon/reload"
	"github.com/aitunnel/aitunnel/core/edit"
)

// Reload is for [admin.Source].
func (s *Source) Reload(ctx context.Context, generation uint64) admin.Reload {
	return show(s.program.Reloader.Apply(ctx, reload.Request{Cause: reload.Cause{Code: admin.CauseRequested}, Asked: true, Match: reload.Match{Generation: generation}}))
}

// redacted returns the text of a configuration without its secrets.
func (s *Source) redacted(report config.Report) redact.Texts {
	return report.Redact(s.program.Seed, s.running().Report)
}

// Text is for [admin.Source].
func (s *Source) Text(ctx context.Context) (admin.ConfigText, error) {
	g := s.running()
	document, err := s.program.Reloader.Document()
	if err != nil {
		return admin.ConfigText{}, editError(err)
	}
	_, report := s.program.Reloader.Load(ctx, document)
	out := admin.ConfigText{Path: absolute(g.Config.Path), Files: []admin.ConfigFile{}, Generation: g.Number, ETag: reload.ETag(document)}
	for _, f := range s.redacted(report).Files {
		out.Files = append(out.Files, admin.ConfigFile{Name: f.Name, Text: f.Text})
	}
	if len(out.Files) > 0 {
		out.Text = out.Files[0].Text
		out.Content = out.Text
	}
	return out, nil
}

// draft replaces the text of a file by that of a draft, after restoring the secrets
// behind its placeholders.
func (s *Source) draft(document *edit.Document, report config.Report, in admin.Draft) error {
	if in.File == "" && len(document.Names()) == 1 {
		in.File = document.Names()[0]
	}
	if !slices.Contains(document.Names(), in.File) {
		return &reload.EditError{Err: admin.NotFound(fmt.Sprintf("the configuration has no file %q; it has %q", in.File, document.Names()))}
	}
	text, wrong := config.Restored(s.redacted(report), in.File, in.Text)
	if wrong.HasErrors() {
		return &reload.ConfigError{Report: wrong}
	}
	if err := document.Replace(in.File, text); err != nil {
		return &reload.EditError{Err: editable(err)}
	}
	return nil
}

// Replace is for [admin.Source].
func (s *Source) Replace(ctx context.Context, in admin.Draft, m admin.Match) (admin.Reload, error) {
	return s.apply(ctx, reload.Request{
		Match: reload.Match(m), Repairs: true,
		Edit: func(_ context.Context, e *reload.Edit) error { return s.draft(e.Document, e.Report, in) },
	})
}

// Plan is for [admin.Source].
func (s *Source) Plan(ctx context.Context, in *admin.Draft) (admin.Reload, error) {
	r := s.program.Reloader
	if in == nil {
		return outcome(r.Plan(ctx, nil))
	}
	document, err := r.Document()
	if err != nil {
		return admin.Reload{}, editError(err)
	}
	_, report := r.Load(ctx, document)
	err = s.draft(document, report, *in)
	if wrong := (*reload.ConfigError)(nil); errors.As(err, &wrong) {
		return show(reload.Result{Cause: reload.Cause{Code: admin.CauseDryRun}, Generation: s.running().Number}, err), nil
	}
	if err != nil {
		return outcome(reload.Result{}, err)
	}
	return outcome(r.Plan(ctx, document.Texts()))
}
