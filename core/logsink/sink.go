package logsink

import (
	"cmp"
	"io"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/go-hclog"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/fileaccess"
)

// Sink is the destination of a logger. It holds entries until the first configuration,
// and follows changes of the configuration.
type Sink struct {
	fallback *Writer
	own      bool // the fallback is closed with the sink
	report   func(lines uint64, why error)
	current  atomic.Pointer[target] // nil until the first configuration

	mu   sync.Mutex
	held []func(hclog.SinkAdapter)
}

// target is a configuration in use.
type target struct {
	hclog.SinkAdapter
	config config.Log
	level  hclog.Level
	file   *Writer // nil: the fallback
}

// New returns a sink that writes to fallback unless the configuration names a
// file. It reports how many lines were dropped, and why, no more often than
// once a minute.
func New(fallback io.Writer, report func(lines uint64, why error)) *Sink {
	s := &Sink{report: report}
	var shared bool
	if s.fallback, shared = fallback.(*Writer); !shared {
		s.fallback, s.own = NewWriter(fallback), true
	}
	s.fallback.report.Store(&report)
	return s
}

// Logger returns a logger that writes to the sink only.
func (s *Sink) Logger() hclog.Logger {
	log := hclog.NewInterceptLogger(&hclog.LoggerOptions{Name: "aitunnel", Output: io.Discard, Level: hclog.Off})
	log.RegisterSink(s)
	return log
}

// Accept implements hclog.SinkAdapter.
func (s *Sink) Accept(name string, level hclog.Level, msg string, args ...any) {
	if t := s.current.Load(); t != nil {
		t.Accept(name, level, msg, args...)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.current.Load(); t != nil {
		t.Accept(name, level, msg, args...)
		return
	}
	s.held = append(s.held, func(to hclog.SinkAdapter) { to.Accept(name, level, msg, args...) })
}

// Use applies the configuration of the log. After an error, nothing has changed.
func (s *Sink) Use(c config.Log) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.current.Load()
	if old != nil && old.config == c {
		return nil
	}
	next := &target{config: c, level: hclog.LevelFromString(c.Level)}
	out := s.fallback
	if c.File != "" {
		f, err := openFile(c.File, c.Rotate)
		if err != nil {
			return cmp.Or(fileaccess.CheckAppend(c.File), err)
		}
		out = NewWriter(f)
		out.report.Store(&s.report)
		next.file = out
	}
	next.SinkAdapter = hclog.NewSinkAdapter(&hclog.LoggerOptions{Output: out, Level: next.level, JSONFormat: c.Format == "json"})
	for _, write := range s.held {
		write(next)
	}
	s.held = nil
	if f := next.file; f != nil {
		logOpened := func() { next.Accept("aitunnel.log", hclog.Info, "log file opened", "file", c.File) }
		f.to.(*file).onReopen = logOpened
		f.to.(*file).onFail = func(err error) { s.warnOfMoved(next, cmp.Or(fileaccess.CheckAppend(c.File), err)) }
		logOpened()
		s.sayWhere(c)
	}
	s.current.Store(next)
	if old != nil && old.file != nil {
		old.file.Close()
	}
	return nil
}

// warnOfMoved writes to the moved file, and to the fallback, that there is no new one.
func (s *Sink) warnOfMoved(t *target, err error) {
	for _, to := range []hclog.SinkAdapter{t, hclog.NewSinkAdapter(&hclog.LoggerOptions{Output: s.fallback, JSONFormat: t.config.Format == "json"})} {
		to.Accept("aitunnel.log", hclog.Warn, "the log file was moved, and a new one cannot be opened: the log continues in the moved file until it can", "file", t.config.File, "error", err)
	}
}

// sayWhere writes to the fallback, such as the journal, which file has the log now.
func (s *Sink) sayWhere(c config.Log) {
	out := hclog.NewSinkAdapter(&hclog.LoggerOptions{Output: s.fallback, JSONFormat: c.Format == "json"})
	out.Accept("aitunnel.log", hclog.Info, "the log continues in a file", "file", c.File)
}

// Reopen reopens the log file if it was moved away.
func (s *Sink) Reopen() {
	out := s.fallback
	if t := s.current.Load(); t != nil && t.file != nil {
		out = t.file
	}
	out.doBetweenLines(out.reopenMoved)
}

// Fault returns why the log file of the configuration is not used as it should be. moved says
// that it was moved, and a new one cannot be opened; otherwise the last line could not be
// written. err is nil if all is well, or if there is no log file.
func (s *Sink) Fault() (moved bool, err error) {
	t := s.current.Load()
	if t == nil || t.file == nil {
		return false, nil
	}
	if why := t.file.to.(*file).fault.Load(); why != nil {
		return true, cmp.Or(fileaccess.CheckAppend(t.config.File), *why)
	}
	if why := t.file.fault.Load(); why != nil {
		return false, *why
	}
	return false, nil
}

// Enabled reports whether entries of the level are written.
func (s *Sink) Enabled(level hclog.Level) bool {
	t := s.current.Load()
	return t == nil || level >= t.level
}

// Close writes what is still queued, for a second at most. What was logged
// before a configuration was used goes to the fallback.
func (s *Sink) Close() {
	if s.current.Load() == nil {
		_ = s.Use(config.Log{Level: "info"}) // no error: it only uses the fallback
	}
	if f := s.current.Load().file; f != nil {
		f.Close()
	}
	s.fallback.Flush()
	if s.own {
		s.fallback.Close()
	}
}

// OpenRotated returns a writer to a log file that is rotated, as a daemon in the
// background uses it.
func OpenRotated(path string) (*Writer, error) {
	f, err := openFile(path, true)
	if err != nil {
		return nil, err
	}
	return NewWriter(f), nil
}
