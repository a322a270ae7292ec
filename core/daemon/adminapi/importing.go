package adminapi

import (
	"context"
	"time"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/config/diff"
	"github.com/aitunnel/aitunnel/core/daemon/reload"
	"github.com/aitunnel/aitunnel/core/edit"
)

// importName is the file's name in messages about a text to import.
const importName = "import.yaml"

// Import is for [admin.Source].
func (s *Source) Import(ctx context.Context, in admin.ImportRequest, m admin.Match) (admin.ImportResult, error) {
	var out admin.ImportResult
	take := func(document *edit.Document) (err error) {
		text, report := config.Convert(importName, []byte(in.Text))
		if report.HasErrors() {
			return &reload.ConfigError{Report: report}
		}
		if out.Added, out.Left, err = document.ImportChannels(text); err != nil {
			return &reload.EditError{Err: editable(err)}
		}
		if len(out.Added) == 0 {
			return &reload.EditError{Err: admin.Refused("nothing_to_import", "the text has no new channel: all of its channels are in the configuration already")}
		}
		out.Notes = report.Lines()
		return nil
	}
	var err error
	if in.Preview {
		out.Reload, err = s.previewImport(take)
	} else {
		out.Reload, err = s.apply(ctx, reload.Request{
			Match: reload.Match(m),
			Edit:  func(_ context.Context, e *reload.Edit) error { return take(e.Document) },
		})
	}
	out.OK = out.Reload.OK
	out.Added, out.Left, out.Notes = append([]string{}, out.Added...), append([]string{}, out.Left...), append([]string{}, out.Notes...)
	return out, err
}

// previewImport returns what an import would add, and changes nothing.
func (s *Source) previewImport(take func(*edit.Document) error) (admin.Reload, error) {
	document, err := s.program.Reloader.Document()
	if err != nil {
		return admin.Reload{}, editError(err)
	}
	result := reload.Result{Cause: reload.Cause{Code: admin.CauseDryRun}, Generation: s.running().Number}
	if err := take(document); err != nil {
		return outcome(result, err)
	}
	return admin.Reload{
		At: time.Now(), ReloadCause: result.Cause.Report(), OK: true, Generation: result.Generation,
		Changes: []diff.Change{}, Effects: []string{}, EffectList: []admin.Effect{}, Diags: []config.Diagnostic{},
	}, nil
}
