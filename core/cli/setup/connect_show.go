package setup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/connect"
)

// showApp prints the settings of an app. On standard output there is only what a shell
// can evaluate.
func (a *app) showApp(app connect.App, e connect.Entry, tunnel string) error {
	note := func(format string, args ...any) { _, _ = fmt.Fprintf(a.Err, format+"\n", args...) }
	if app.Files != nil {
		note = a.Say
	}
	where := e.Address
	if tunnel != "" {
		where += " on the host of the tunnel " + tunnel
	}
	note("%s, for %s", a.Paint().Bold(app.Name), where)
	if app.Files != nil {
		for _, f := range app.Files(e, home()) {
			text, err := f.Text()
			if err != nil {
				return err
			}
			note("\nin %s:\n", shortPath(f.Path))
			a.indented(text)
		}
	}
	if app.Fields != nil {
		note("\nin its settings:\n")
		for _, v := range app.Fields(e) {
			a.Say("  %-10s %s", v[0], v[1])
		}
	}
	if app.Variables != nil {
		lead := ""
		if app.Files != nil {
			note("\nor in a shell:\n")
			lead = "  "
		}
		for _, v := range app.Variables(e) {
			a.Say("%s%s", lead, exportLine(v))
		}
	}
	if app.Command != nil {
		a.Say("%s", app.Command(e))
	}
	if app.Link != nil {
		note("\nor open this link on the machine with the app:\n")
		a.Say("  %s", app.Link(e))
	}
	note("")
	if app.Note != "" {
		note("%s", app.Note)
	}
	switch {
	case tunnel != "":
		note("Try it on the host: curl -s %s/v1/models -H 'Authorization: Bearer %s'", e.Address, e.Token)
	case app.Files != nil:
		note("aitunnel connect %s --write --check writes this and tries it.", app.ID)
	default:
		note("aitunnel connect %s --check tries it.", app.ID)
	}
	return nil
}

func (a *app) indented(text string) {
	for line := range strings.Lines(text) {
		a.Say("  %s", strings.TrimRight(line, "\n"))
	}
}

// exportLine returns a line that sets a variable in the system's shell.
func exportLine(v [2]string) string {
	if runtime.GOOS == "windows" {
		return fmt.Sprintf("$env:%s = '%s'", v[0], strings.ReplaceAll(v[1], "'", "''"))
	}
	value := v[1]
	if strings.ContainsFunc(value, func(r rune) bool { return !strings.ContainsRune(plainInShell, r) }) {
		value = "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
	}
	return "export " + v[0] + "=" + value
}

// plainInShell are characters that need no quotes.
const plainInShell = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._/:@%+="

// createdFiles returns the list of files of apps that were created by any program of
// the user.
func createdFiles() connect.CreatedFiles {
	return connect.CreatedFiles(filepath.Join(command.DefaultStateDir(), "connect.json"))
}

// revertApp undoes what was just written, because the app would get no answer.
func (a *app) revertApp(app connect.App, f connectFlags, out *connected) error {
	for _, w := range slices.Backward(out.Written) { // in reverse, since the first has created the folder
		done, err := w.Revert(createdFiles())
		switch {
		case err != nil:
			return err
		case done:
			out.Reverted = append(out.Reverted, w.Path)
		}
		if f.json {
			continue
		}
		switch path := shortPath(w.Path); {
		case done && w.Created:
			a.Say("Removed %s again, which did not exist before.", path)
		case done:
			a.Say("%s is as it was before.", path)
		case w.Changed:
			a.Say("%s was changed meanwhile and is left as it is. To undo: aitunnel connect %s --undo", path, app.ID)
		}
	}
	if len(out.Reverted) > 0 && !f.json {
		a.Say("'aitunnel connect %s --write' without --check writes the settings in any case.", app.ID)
	}
	return nil
}

// writeApp writes the settings into the files of an app.
func (a *app) writeApp(app connect.App, e connect.Entry, f connectFlags, out *connected) error {
	if app.Files == nil {
		return fmt.Errorf("%s has no file to write: 'aitunnel connect %s' shows what to set", app.Name, app.ID)
	}
	for _, file := range app.Files(e, home()) {
		done, err := file.Write(createdFiles())
		if err != nil {
			return err
		}
		out.Written = append(out.Written, done)
		switch path := shortPath(done.Path); {
		case f.json:
		case !done.Changed:
			a.Say("%s has these settings already.", path)
		case done.Created:
			a.Say("Wrote %s; only you can read it.", path)
		case done.Backup == "":
			a.Say("Changed %s.", path) // an earlier --write created it
		default:
			a.Say("Changed %s; the previous version is in %s.", path, shortPath(done.Backup))
		}
	}
	if f.json {
		return nil
	}
	if app.Note != "" {
		a.Say("%s", app.Note)
	}
	if !f.check {
		a.Say("To undo this: aitunnel connect %s --undo", app.ID)
	}
	a.warnOfConflicts(app)
	return nil
}

// warnOfConflicts warns of variables that prevent an app from using the proxy.
func (a *app) warnOfConflicts(app connect.App) {
	for _, name := range app.Conflicts {
		if os.Getenv(name) != "" {
			_, _ = fmt.Fprintf(a.Err, "Warning: %s is set in this shell, and %s uses it instead: unset %s.\n", name, app.Name, name)
		}
	}
}

// undoApp restores the files of an app.
func (a *app) undoApp(app connect.App, asJSON bool) error {
	if app.Files == nil {
		return fmt.Errorf("%s has no file that --write could have changed", app.Name)
	}
	all := []connect.UndoResult{}
	for _, f := range app.Files(connect.Entry{}, home()) {
		done, err := f.Undo(createdFiles())
		if errors.Is(err, connect.ErrNothingToUndo) {
			continue
		}
		if err != nil {
			return err
		}
		all = append(all, done)
		if asJSON {
			continue
		}
		said := "Restored %s as it was."
		if done.Removed {
			said = "Removed %s, which --write had created."
		}
		a.Say(said, shortPath(done.Path))
		if done.Kept != "" {
			a.Say("It had been changed since then: that version is in %s.", shortPath(done.Kept))
		}
	}
	switch {
	case asJSON:
		return a.PrintJSON(all)
	case len(all) == 0:
		return fmt.Errorf("there is nothing to undo: --write changed no file of %s", app.Name)
	}
	return nil
}
