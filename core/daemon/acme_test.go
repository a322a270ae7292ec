package daemon_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/aitunnel/aitunnel/core/fakesite"
	"github.com/aitunnel/aitunnel/core/testhelp"
	"github.com/aitunnel/aitunnel/core/trust"
)

// put installs the plugin acme, which plays a role, next to the configuration. It replaces
// the file in one step.
func (r *running) put(role string) string {
	r.t.Helper()
	path := filepath.Join(r.dir, ".aitunnel", "plugins", "aitunnel-plugin-acme")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		r.t.Fatal(err)
	}
	text := fmt.Sprintf("#!/bin/sh\nexec '%s' acme '%s'\n", plugins, role)
	if err := errors.Join(testhelp.WriteProgram(path+".new", []byte(text), 0o700), os.Rename(path+".new", path)); err != nil {
		r.t.Fatal(err)
	}
	return path
}

// lockAcme adds the installed plugin to the lock file, which allows it to run.
func (r *running) lockAcme() {
	r.t.Helper()
	s := trust.Store{LockPath: filepath.Join(r.dir, trust.FileName)}
	is, err := s.Inspect(filepath.Join(r.dir, ".aitunnel", "plugins", "aitunnel-plugin-acme"))
	if err != nil {
		r.t.Fatal(err)
	}
	lock := trust.Lock{}
	lock.Set("acme", trust.Platform, trust.Entry{SHA256: is.SHA256})
	if err := lock.Write(s.LockPath); err != nil {
		r.t.Fatal(err)
	}
}

// acme runs a daemon whose route uses a third party's strategy, which tries the second of
// two channels first.
func acme(t *testing.T, role, strategy string, crashes int) (r *running, first, last *fakesite.Site) {
	t.Helper()
	r = &running{t: t, log: &lockedBuffer{}, dir: t.TempDir(), time: &clock{}, crashes: crashes}
	first, last = site(t, "first"), site(t, "last")
	r.put(role)
	r.lockAcme()
	r.save(acmeConfig(first, last, strategy))
	r.run()
	return r, first, last
}

func acmeConfig(first, last *fakesite.Site, strategy string) string {
	return fmt.Sprintf(`
channel "first" {
  target = %q
  auth   = "none"
}
channel "last" {
  target = %q
  auth   = "none"
}
route "/v1/**" {
  channels = [channel.first, channel.last]
  %s
}`, first.URL(), last.URL(), strategy)
}

const pinLast = `strategy "acme/pin" { channel = "last" }`
