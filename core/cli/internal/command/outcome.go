package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/adminclient"
	"github.com/aitunnel/aitunnel/core/cli/internal/term"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/config/diff"
	"github.com/aitunnel/aitunnel/core/config/redact"
)

// Report prints the outcome of a call: as JSON, or the text done if it succeeded.
func (a *Env) Report(out any, err error, asJSON bool, done string) error {
	switch refused := (*adminclient.Error)(nil); {
	case asJSON:
		err = a.ReportJSON(out, err)
	case err == nil:
		a.Say("%s", redact.KeyLike(done))
	case errors.As(err, &refused) && len(refused.Diagnostics) > 0:
		_ = config.WriteDiagnostics(a.Err, refused.Diagnostics, bool(term.Colors(a.Err)))
		_, _ = fmt.Fprintln(a.Err, "\naitunnel: nothing was changed")
		err = ExitError(ExitFailed)
	}
	if code := ExitError(0); errors.As(err, &code) {
		return ExitError(ExitFailed) // the edit is not valid, the configuration still is
	}
	return err
}

// ReportReload prints the outcome of a reload.
func (a *Env) ReportReload(out admin.Reload, err error, dryRun, asJSON bool) error {
	if asJSON {
		return a.ReportJSON(out, err)
	}
	if refused := (*adminclient.Error)(nil); errors.As(err, &refused) && len(refused.Diagnostics) > 0 {
		refused.Message = "nothing was changed"
	}
	if err != nil {
		return err
	}
	return a.PrintReload(out, dryRun)
}

// ReportJSON prints an answer, or a refusal, as JSON.
func (a *Env) ReportJSON(out any, err error) error {
	refused := (*adminclient.Error)(nil)
	if errors.As(err, &refused) && len(refused.Body) > 0 {
		if err := a.PrintJSON(json.RawMessage(refused.Body)); err != nil {
			return err
		}
		return ExitError(ExitCode(refused))
	}
	if err != nil {
		return err
	}
	return a.PrintJSON(out)
}

// PrintReload prints what a reload changed, or would change.
func (a *Env) PrintReload(r admin.Reload, dryRun bool) error {
	if err := config.WriteDiagnostics(a.Err, r.Diags, bool(term.Colors(a.Err))); err != nil {
		return err
	}
	p := a.Paint()
	switch {
	case len(r.Changes) == 0 && dryRun:
		a.Say("A reload would change nothing.")
	case len(r.Changes) == 0:
		a.Say("The configuration has not changed.")
	case dryRun:
		a.Say("A reload would change:")
	default:
		a.Say("%s in %s:", p.Good("Applied"), term.Span(time.Duration(r.Took)))
	}
	for _, c := range r.Changes {
		a.Say("%s", changeLine(p, c))
	}
	if dryRun && len(r.Effects) > 0 {
		a.Say("Effects:")
		for _, e := range r.Effects {
			a.Say("    %s", e)
		}
	}
	return nil
}

func changeLine(p term.Paint, c diff.Change) string {
	sign := map[string]string{diff.ActionAdd: p.Good("+"), diff.ActionRemove: p.Bad("-"), diff.ActionChange: p.Warn("~"), diff.ActionUpgrade: p.Good("^")}[c.Action]
	line := "  " + sign + " " + c.Block
	if len(c.Fields) > 0 {
		line += ": " + strings.Join(c.Fields, ", ")
	}
	if c.Effect != "" {
		line += p.Dim(" (" + c.Effect + ")")
	}
	return line
}
