package reload

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/config/hclfile"
	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/aitunnel/aitunnel/core/edit"
)

// NotEditableError says that a configuration cannot be edited: it is a file of the earlier program, or was read from a
// pipe.
type NotEditableError struct {
	Path  string
	Piped bool
}

func (e *NotEditableError) Error() string {
	if e.Piped {
		return fmt.Sprintf("the configuration was read from a pipe (%s), so it cannot be edited here: save it to a file, then run aitunnel stop and aitunnel start -c FILE", e.Path)
	}
	return fmt.Sprintf("%s is a file of the earlier program, which is only read. To edit it here, write it as HCL and start with that: aitunnel init --from %s -c %s, then aitunnel stop and aitunnel start -c %[3]s", e.Path, wording.ShellWord(e.Path), wording.ShellWord(config.FileName))
}

// Document reads the files of the configuration for an edit.
func (r *Reloader) Document() (*edit.Document, error) {
	if kind := filepath.Ext(r.options.Path); kind == ".yaml" || kind == ".yml" {
		return nil, &NotEditableError{Path: r.options.Path}
	}
	if hclfile.IsPipe(r.options.Path) {
		return nil, &NotEditableError{Path: r.options.Path, Piped: true}
	}
	document, err := edit.Open(r.options.Path)
	if err != nil {
		return nil, fmt.Errorf("the configuration cannot be read: %w", err)
	}
	return document, nil
}

// ETag identifies the texts of a configuration.
func ETag(d *edit.Document) string {
	h := sha256.New()
	texts := d.Texts()
	for _, name := range d.Names() {
		_, _ = fmt.Fprintf(h, "%s\x00%d\x00", name, len(texts[name])) // a hash never fails
		_, _ = h.Write(texts[name])
	}
	return "c-" + hex.EncodeToString(h.Sum(nil)[:12])
}

// loaded is a configuration, with the files from which it was read.
type loaded struct {
	config *config.Config
	report config.Report
	read   map[string]string
}

// Load returns the configuration of a document that was just opened. If it was read
// from the same files as the one applied last, that one is returned, so that an edit
// only loads its own result.
func (r *Reloader) Load(ctx context.Context, document *edit.Document) (*config.Config, config.Report) {
	if l := r.loaded.Load(); l != nil && !r.changed(l.read) {
		return l.config, l.report
	}
	cfg, report := config.Load(ctx, config.Options{Path: r.options.Path, Vars: r.options.Vars, Catalog: r.options.Plugins, Texts: document.Texts()})
	return cfg, report
}

// edited returns what to build for a request.
func (r *Reloader) edited(ctx context.Context, req Request) (source, error) {
	s := source{extra: r.extra.Clone()}
	if req.Edit == nil {
		return s, nil
	}
	document, err := r.Document()
	if err != nil {
		return s, &EditError{err}
	}
	if req.Match.ETag != "" && req.Match.ETag != ETag(document) {
		return s, ErrStale
	}
	cfg, report := r.Load(ctx, document)
	switch {
	case !report.HasErrors():
		s.extra.Add(cfg)
	case !req.Repairs:
		return s, &ConfigError{Report: report}
	}
	e := &Edit{Config: cfg, Report: report, Document: document, Extra: s.extra}
	if err := req.Edit(ctx, e); err != nil {
		return s, err
	}
	s.texts = document.Changed()
	return s, nil
}
