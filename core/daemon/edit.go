package daemon

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/edit"
)

// Reload is for [admin.Source].
func (s *source) Reload(ctx context.Context, cause string, generation uint64) admin.Reload {
	return (*Daemon)(s).Reload(ctx, cause, generation)
}

// edited are the texts that a change makes of those in the files; nil if it
// takes them as they are.
func (d *Daemon) edited(ctx context.Context, c change) (map[string][]byte, error) {
	if c.edit == nil {
		return nil, nil
	}
	document, err := d.open()
	if err != nil {
		return nil, err
	}
	if c.match.ETag != "" && c.match.ETag != etag(document) {
		return nil, errStale
	}
	if err := c.edit(ctx, document); err != nil {
		return nil, err
	}
	return document.Changed(), nil
}

// open reads the files of the configuration for an edit.
func (d *Daemon) open() (*edit.Document, error) {
	if kind := filepath.Ext(d.options.ConfigPath); kind == ".yaml" || kind == ".yml" {
		return nil, admin.Refused("not_editable", fmt.Sprintf("%s is a file of the earlier program, which is read and never written: make one of HCL with aitunnel convert", d.options.ConfigPath))
	}
	document, err := edit.Open(d.options.ConfigPath)
	if err != nil {
		return nil, admin.Refused("not_readable", "the configuration cannot be read: "+err.Error())
	}
	return document, nil
}

// refused tells an edit that came to nothing: of a wrong configuration, or a
// stale text, as an outcome.
func (d *Daemon) refused(c change, out admin.Reload, err error) (admin.Reload, error) {
	var wrong *ConfigError
	if errors.Is(err, errStale) || errors.As(err, &wrong) {
		return d.finish(c, out, err, nil), nil
	}
	return out, err
}

// write replaces the files by their new texts.
func (d *Daemon) write(texts map[string][]byte) error {
	for name, text := range texts {
		if err := edit.Write(name, text); err != nil {
			return fmt.Errorf("%s cannot be written: %w", name, err)
		}
	}
	return nil
}

// etag identifies the texts of a configuration.
func etag(d *edit.Document) string {
	h := sha256.New()
	texts := d.Texts()
	for _, name := range d.Names() {
		_, _ = fmt.Fprintf(h, "%s\x00%d\x00", name, len(texts[name])) // a hash never fails
		_, _ = h.Write(texts[name])
	}
	return "c-" + hex.EncodeToString(h.Sum(nil)[:12])
}

// veil is the text of the configuration in the files as it may be shown.
func (d *Daemon) veil(ctx context.Context, document *edit.Document) config.Veiled {
	_, report := d.load(ctx, document.Texts())
	return report.Veil(d.seed, d.generation.Load().report)
}

// Text is for [admin.Source].
func (s *source) Text(ctx context.Context) (admin.Text, error) {
	d := (*Daemon)(s)
	document, err := d.open()
	if err != nil {
		return admin.Text{}, err
	}
	out := admin.Text{Path: absolute(d.options.ConfigPath), Files: []admin.File{}, Generation: d.generation.Load().number, ETag: etag(document)}
	for _, f := range d.veil(ctx, document).Files {
		out.Files = append(out.Files, admin.File{Name: f.Name, Text: f.Text})
	}
	if len(out.Files) > 0 {
		out.Text = out.Files[0].Text
		out.Content = out.Text
	}
	return out, nil
}

// draft puts the text of a draft, with the secrets that its placeholders stand
// for, in the place of a file's.
func (d *Daemon) draft(ctx context.Context, document *edit.Document, in admin.Draft) error {
	if in.File == "" && len(document.Names()) == 1 {
		in.File = document.Names()[0]
	}
	if !slices.Contains(document.Names(), in.File) {
		return admin.NotFound(fmt.Sprintf("the configuration has no file %q; it has %q", in.File, document.Names()))
	}
	text, report := d.veil(ctx, document).Reveal(in.File, in.Text)
	if report.HasErrors() {
		return &ConfigError{Report: report}
	}
	return document.Replace(in.File, text)
}

// Replace is for [admin.Source].
func (s *source) Replace(ctx context.Context, in admin.Draft, m admin.Match) (admin.Reload, error) {
	return (*Daemon)(s).apply(ctx, change{cause: "PUT /api/config", match: m, edit: func(ctx context.Context, document *edit.Document) error {
		return (*Daemon)(s).draft(ctx, document, in)
	}})
}

// Plan is for [admin.Source].
func (s *source) Plan(ctx context.Context, in *admin.Draft) (admin.Reload, error) {
	d := (*Daemon)(s)
	if in == nil {
		return d.Plan(ctx, nil), nil
	}
	document, err := d.open()
	if err == nil {
		err = d.draft(ctx, document, *in)
	}
	if wrong := (*ConfigError)(nil); errors.As(err, &wrong) {
		return failed(d.begin("a plan"), err), nil
	}
	if err != nil {
		return admin.Reload{}, err
	}
	return d.Plan(ctx, document.Texts()), nil
}
