package logsink

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// blocked is a writer that blocks until it is released.
type blocked struct {
	release chan struct{}
	err     error

	mu   sync.Mutex
	text bytes.Buffer
}

func (s *blocked) Write(p []byte) (int, error) {
	<-s.release
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return 0, s.err
	}
	return s.text.Write(p)
}

func (s *blocked) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func TestLinesThatDoNotFitAreCounted(t *testing.T) {
	to := &blocked{release: make(chan struct{})}
	lost := make(chan uint64, 1)
	s := New(to, func(n uint64, why error) {
		if errors.Is(why, errTooSlow) {
			lost <- n
		}
	})
	defer s.Close()
	if err := s.Use(config.Log{Level: "info"}); err != nil {
		t.Fatal(err)
	}
	log := s.Logger()
	const lines = maxLines + 500
	for range lines {
		log.Info("a line")
	}
	close(to.release)
	n := <-lost
	testhelp.Eventually(t, "the others are written", func() bool { return uint64(strings.Count(to.String(), "a line"))+n == lines })
	if n < lines-maxLines-2 {
		t.Errorf("%d lines of %d were lost", n, lines)
	}
}

func TestBytesAreBoundedToo(t *testing.T) {
	to := &blocked{release: make(chan struct{})}
	w := NewWriter(to)
	line := bytes.Repeat([]byte("x"), 1<<20)
	for range 20 {
		_, _ = w.Write(line)
	}
	if n := w.dropped.Load(); n != 16 && n != 15 { // one may have left the queue
		t.Errorf("%d lines of 20 MiB were dropped", n)
	}
	close(to.release)
	w.Close()
}

func TestFailedWriteIsReported(t *testing.T) {
	to := &blocked{release: make(chan struct{}), err: os.ErrClosed}
	close(to.release)
	why := make(chan error, 1)
	s := New(to, func(_ uint64, err error) { why <- err })
	defer s.Close()
	if err := s.Use(config.Log{Level: "info"}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		s.Logger().Warn("a line")
	}
	if err := <-why; !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
	select {
	case <-why:
		t.Error("the failure is reported again at once")
	default:
	}
}

// TestSwitchFromABlockedOutput switches from a blocked output to a file.
func TestSwitchFromABlockedOutput(t *testing.T) {
	to := &blocked{release: make(chan struct{})}
	s := New(to, func(uint64, error) {})
	path := filepath.Join(t.TempDir(), "a.log")
	log := s.Logger()
	log.Info("kept until the first configuration")
	for _, c := range []config.Log{{Level: "info"}, {Level: "warn", File: path, Format: "json"}} {
		if err := s.Use(c); err != nil {
			t.Fatal(err)
		}
	}
	log.Info("below the level")
	log.Warn("now in a file")
	if s.Enabled(hclog.Info) || !s.Enabled(hclog.Warn) {
		t.Error("the level is not that of the configuration")
	}
	testhelp.Eventually(t, "the file has the line", func() bool { b, _ := os.ReadFile(path); return strings.Contains(string(b), `"now in a file"`) })
	if err := s.Use(config.Log{File: filepath.Join(path, "none")}); err == nil {
		t.Error("a file that cannot be opened is not reported as an error")
	}
	log.Warn("still here")
	testhelp.Eventually(t, "the file is still in use", func() bool { b, _ := os.ReadFile(path); return strings.Contains(string(b), "still here") })
	close(to.release)
	s.Close()
	for _, text := range []string{"kept until", path} { // the second says where the log is
		if !strings.Contains(to.String(), text) {
			t.Errorf("%q lacks %q", to.String(), text)
		}
	}
}

func TestMovedFileIsReopened(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("an open file cannot be moved on Windows")
	}
	for _, rotate := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "a.log")
		s := New(&bytes.Buffer{}, func(uint64, error) {})
		if err := s.Use(config.Log{Level: "info", File: path, Rotate: rotate}); err != nil {
			t.Fatal(err)
		}
		log := s.Logger()
		log.Info("first")
		s.Reopen()
		if err := os.Rename(path, path+".1"); err != nil {
			t.Fatal(err)
		}
		log.Info("second")
		s.Reopen()
		log.Info("third")
		s.Close()
		old, _ := os.ReadFile(path + ".1")
		now, _ := os.ReadFile(path)
		if !strings.Contains(string(old), "first") || !strings.Contains(string(now), "third") || strings.Contains(string(now), "first") || strings.Contains(string(old), "third") {
			t.Errorf("rotate %v: old %q, new %q", rotate, old, now)
		}
	}
}

// TestMovedFileThatCannotBeReopened moves the file, and puts in its place what cannot be
// opened, as logrotate may create a file of another account. It is reported once.
func TestMovedFileThatCannotBeReopened(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("an open file cannot be moved on Windows")
	}
	path := filepath.Join(t.TempDir(), "a.log")
	var fallback blocked
	fallback.release = make(chan struct{})
	close(fallback.release)
	s := New(&fallback, func(uint64, error) {})
	if err := s.Use(config.Log{Level: "info", File: path}); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{os.Rename(path, path+".1"), os.Mkdir(path, 0o700)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	s.Reopen()
	s.Reopen()
	if moved, err := s.Fault(); !moved || err == nil {
		t.Errorf("the fault is %v, %v", moved, err)
	}
	s.Logger().Info("not lost")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	s.Reopen()
	if _, err := s.Fault(); err != nil {
		t.Errorf("the file is open again, but: %v", err)
	}
	s.Logger().Info("in the new file")
	s.Close()
	old, _ := os.ReadFile(path + ".1")
	now, _ := os.ReadFile(path)
	for name, text := range map[string]string{"moved file": string(old), "fallback": fallback.String()} {
		if strings.Count(text, "a new one cannot be opened") != 1 || !strings.Contains(text, path) {
			t.Errorf("the %s has %q", name, text)
		}
	}
	if !strings.Contains(string(old), "not lost") || !strings.Contains(string(now), "in the new file") {
		t.Errorf("old %q, new %q", old, now)
	}
}

// TestFaultOfAMovedFileEnds moves the file back, after which it is not reopened.
func TestFaultOfAMovedFileEnds(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("an open file cannot be moved on Windows")
	}
	dir := filepath.Join(t.TempDir(), "log")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s := New(io.Discard, func(uint64, error) {})
	defer s.Close()
	if err := s.Use(config.Log{Level: "info", File: filepath.Join(dir, "a.log")}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := os.Rename(dir, dir+".away"); err != nil {
			t.Fatal(err)
		}
		s.Reopen()
		if moved, err := s.Fault(); !moved || err == nil || !strings.Contains(err.Error(), dir) {
			t.Errorf("without the directory the fault is %v, %v", moved, err)
		}
		if err := os.Rename(dir+".away", dir); err != nil {
			t.Fatal(err)
		}
		s.Reopen()
		if _, err := s.Fault(); err != nil {
			t.Errorf("with the directory: %v", err)
		}
	}
}

// TestFaultOfWrites writes to a full disk.
func TestFaultOfWrites(t *testing.T) {
	full := "/dev/full"
	if _, err := os.Stat(full); err != nil {
		t.Skip(err)
	}
	s := New(io.Discard, func(uint64, error) {})
	defer s.Close()
	if err := s.Use(config.Log{Level: "info", File: full}); err != nil {
		t.Fatal(err)
	}
	s.current.Load().file.Flush() // the first line, about the opened file
	if moved, err := s.Fault(); moved || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("%v, %v", moved, err)
	}
}

// TestMovedFileIsNoticed shows that a moved file is noticed without a call of Reopen.
func TestMovedFileIsNoticed(t *testing.T) {
	if checkInterval > time.Minute/2 {
		t.Errorf("it is checked only every %s", checkInterval)
	}
	f, err := openFile(filepath.Join(t.TempDir(), "a.log"), false)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(f.path); err != nil {
		t.Skip("an open file cannot be removed here: ", err)
	}
	f.reopenMoved()
	if _, err := os.Stat(f.path); err != nil {
		t.Error(err)
	}
	_ = f.out.Close()
}

// TestRotationLimitsTheFiles shows that rotation limits the size of the files, and that only their
// user can read them.
func TestRotationLimitsTheFiles(t *testing.T) {
	dir := t.TempDir()
	w, err := OpenRotated(filepath.Join(dir, "a.log"))
	if err != nil {
		t.Fatal(err)
	}
	line := append(bytes.Repeat([]byte("x"), 1<<20-1), '\n')
	for range rotateSize + 2 {
		_, _ = w.Write(line)
		w.Flush()
	}
	w.Close()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) < 2 {
		t.Fatalf("%v %v", files, err)
	}
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			continue // it is being compressed
		}
		if info.Size() > rotateSize<<20 || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %d bytes, %v", f, info.Size(), info.Mode())
		}
	}
}
