package trust

import (
	"bytes"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	hashA = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	hashB = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

func TestLockFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	lock, err := ReadLock(path)
	if err != nil || len(lock) != 0 {
		t.Fatalf("a missing lock file: %v, %v", lock, err)
	}
	lock.Set("zeta", "linux/amd64", Entry{SHA256: hashA})
	lock.Set("acme", "linux/amd64", Entry{Version: "1.2.0", SHA256: hashA})
	lock.Set("acme", "darwin/arm64", Entry{SHA256: hashB})
	lock.Set("acme", "linux/amd64", Entry{Version: "1.3.0", SHA256: hashB})
	if err := lock.Write(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := lockHeader + `format = 1

plugin "acme" {
  platform "darwin/arm64" {
    sha256 = "` + hashB + `"
  }
  platform "linux/amd64" {
    version = "1.3.0"
    sha256  = "` + hashB + `"
  }
  previous {
    platform "linux/amd64" {
      version = "1.2.0"
      sha256  = "` + hashA + `"
    }
  }
}

plugin "zeta" {
  platform "linux/amd64" {
    sha256 = "` + hashA + `"
  }
}
`
	if string(text) != want {
		t.Errorf("written:\n%s", text)
	}
	again, err := ReadLock(path)
	if err != nil || len(again) != 2 || again["acme"].Platforms["linux/amd64"] != (Entry{"1.3.0", hashB}) {
		t.Errorf("%+v, %v", again, err)
	}
}

func TestDamagedLockFile(t *testing.T) {
	for name, text := range map[string]string{
		"not HCL":         `plugin "acme" {`,
		"without a hash":  "plugin \"acme\" {\n  platform \"linux/amd64\" {}\n}\n",
		"half a hash":     "plugin \"acme\" {\n  platform \"linux/amd64\" {\n    sha256 = \"ab\"\n  }\n}\n",
		"not hexadecimal": "plugin \"acme\" {\n  platform \"linux/amd64\" {\n    sha256 = \"" + strings.Repeat("Z", 64) + "\"\n  }\n}\n",
	} {
		path := filepath.Join(t.TempDir(), FileName)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s := &Store{LockPath: path, CacheDir: t.TempDir()}
		if _, err := s.Verify("acme", path); err == nil || !strings.Contains(err.Error(), "damaged") || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The lock file is read again for each check. An executable that is replaced by one of
// the same size and modification time is noticed.
func TestVerifySeesChanges(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "aitunnel-plugin-acme")
	write := func(text string) {
		t.Helper()
		old := time.Now().Add(-time.Hour)
		if err := errors.Join(os.WriteFile(path+".new", []byte(text), 0o700), os.Rename(path+".new", path), os.Chtimes(path, old, old)); err != nil {
			t.Fatal(err)
		}
	}
	s := &Store{LockPath: filepath.Join(dir, FileName), CacheDir: filepath.Join(dir, "cache")}
	write("#!/bin/sh\n# one\n")
	verify := func(want State) Executable {
		t.Helper()
		exe, err := s.Verify("acme", path)
		var refusal *Refusal
		errors.As(err, &refusal)
		if want == Locked && err != nil || want != Locked && (refusal == nil || refusal.State != want) {
			t.Fatalf("%v, want %s", err, want)
		}
		return exe
	}
	lock := Lock{}
	one := verify(Unlocked)
	lock.Set("acme", Platform, Entry{SHA256: one.SHA256})
	if err := lock.Write(s.LockPath); err != nil {
		t.Fatal(err)
	}
	verify(Locked)
	if os.PathSeparator == '/' { // only there the ctime is known
		write("#!/bin/sh\n# two\n")
		verify(Changed)
	}
	if err := (Lock{}).Write(s.LockPath); err != nil {
		t.Fatal(err)
	}
	verify(Unlocked)
}

func TestACopyIsKeptWhileItIsUsedOrLocked(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "aitunnel-plugin-acme")
	if err := os.WriteFile(path, []byte("one"), 0o700); err != nil {
		t.Fatal(err)
	}
	s := &Store{LockPath: filepath.Join(dir, FileName), CacheDir: filepath.Join(dir, "cache")}
	exe, err := s.Inspect(path)
	if err != nil {
		t.Fatal(err)
	}
	run, err := s.Copy(exe)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(run); err != nil || string(got) != "one" {
		t.Errorf("%q, %v", got, err)
	}
	if err := os.WriteFile(path, []byte("two"), 0o700); err != nil {
		t.Fatal(err)
	}
	if again, err := s.Copy(exe); err != nil || again != run {
		t.Errorf("the copy is not used again: %s, %v", again, err)
	}
	s.RemoveOldCopies()
	if _, err := os.Stat(run); err != nil {
		t.Errorf("a copy in use is removed: %v", err)
	}
	long := time.Now().Add(-2 * keepUnused)
	if err := os.Chtimes(filepath.Dir(run), long, long); err != nil {
		t.Fatal(err)
	}
	lock := Lock{}
	lock.Set("acme", Platform, Entry{SHA256: exe.SHA256})
	if err := lock.Write(s.LockPath); err != nil {
		t.Fatal(err)
	}
	s.RemoveOldCopies()
	if _, err := os.Stat(run); err != nil {
		t.Errorf("a copy that is locked is removed: %v", err)
	}
	if err := os.Remove(s.LockPath); err != nil {
		t.Fatal(err)
	}
	s.RemoveOldCopies()
	if _, err := os.Stat(run); err == nil {
		t.Error("an old copy is kept")
	}
	if _, err := s.Copy(exe); !errors.Is(err, errSwapped) {
		t.Errorf("other bytes are copied: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(s.CacheDir, "*", "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// headers returns minimal headers of executables, by platform.
func headers() map[string][]byte {
	elfHeader := append([]byte("\x7fELF\x02\x01\x01"), make([]byte, 57)...)
	binary.LittleEndian.PutUint16(elfHeader[16:], uint16(elf.ET_EXEC))
	binary.LittleEndian.PutUint16(elfHeader[18:], uint16(elf.EM_AARCH64))
	elfHeader[20], elfHeader[52] = 1, 64 // the version, the size of the header
	machoHeader := make([]byte, 32)
	binary.LittleEndian.PutUint32(machoHeader, macho.Magic64)
	binary.LittleEndian.PutUint32(machoHeader[4:], uint32(macho.CpuArm64))
	binary.LittleEndian.PutUint32(machoHeader[12:], uint32(macho.TypeExec))
	peHeader := make([]byte, 256)
	copy(peHeader, "MZ")
	peHeader[0x3c] = 128 // where the header is
	copy(peHeader[128:], "PE\x00\x00")
	binary.LittleEndian.PutUint16(peHeader[132:], pe.IMAGE_FILE_MACHINE_AMD64)
	return map[string][]byte{"linux/arm64": elfHeader, "darwin/arm64": machoHeader, "windows/amd64": peHeader}
}

func TestPlatformOf(t *testing.T) {
	for platform, header := range headers() {
		path := filepath.Join(t.TempDir(), "program")
		if err := os.WriteFile(path, header, 0o600); err != nil {
			t.Fatal(err)
		}
		if exe, err := inspect(path); err != nil || exe.Platform != platform {
			t.Errorf("%s is recognized as %q, %v", platform, exe.Platform, err)
		}
	}
	if self, err := os.Executable(); err != nil {
		t.Error(err)
	} else if exe, err := inspect(self); err != nil || exe.Platform != Platform {
		t.Errorf("this program is recognized as %q, %v", exe.Platform, err)
	}
	for name, content := range map[string]string{"a script": "#!/bin/sh\n", "an empty file": "", "half a header": "\x7fELF\x02", "MZ": "MZ"} {
		if got := PlatformOf(bytes.NewReader([]byte(content))); got != "" {
			t.Errorf("%s is recognized as %q", name, got)
		}
	}
}

func TestLockFileOfANewerVersion(t *testing.T) {
	s := &Store{LockPath: filepath.Join(t.TempDir(), FileName)}
	text := "format = 2\ntrust \"all\" {}\nplugin \"acme\" {\n  since = \"today\"\n  platform \"" + Platform + "\" {\n    sha256 = \"" + hashA + "\"\n    size = 3\n  }\n}\n"
	if err := os.WriteFile(s.LockPath, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	lock, err := s.Lock()
	if e, _ := lock.Entry("acme", Platform); err != nil || e.SHA256 != hashA {
		t.Errorf("%+v, %v", lock["acme"], err)
	}
	got := strings.Join(s.Warnings(), "\n")
	for _, want := range []string{FileName + ` has format 2, but this aitunnel knows format 1`, `:2: the block "trust" is ignored`, `:4: "since" is ignored`, `:7: "size" is ignored`} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
}

// A file of a newer format is read, without what is unknown, and never replaced.
func TestFormatsOfTheLockFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	lock := Lock{}
	lock.Set("acme", Platform, Entry{"1.0.0", hashA})
	if err := lock.Write(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(text), "\nformat = 1\n") {
		t.Errorf("%s %v", text, err)
	}
	newer := strings.Replace(string(text), "format = 1", "format = 2\nkeep = true", 1)
	if err := os.WriteFile(path, []byte(newer), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := lock.Write(path); err == nil || !strings.Contains(err.Error(), "has format 2, but this aitunnel writes format 1") {
		t.Error(err)
	}
	if now, _ := os.ReadFile(path); string(now) != newer {
		t.Errorf("it was replaced by %s", now)
	}
	for _, format := range []string{"0", "1.5", `"1"`, "null"} {
		if err := os.WriteFile(path, []byte("format = "+format+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadLock(path); err == nil || !strings.Contains(err.Error(), `"format" is not a number`) {
			t.Errorf("format = %s: %v", format, err)
		}
	}
}

func TestReleasesInTheLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	lock := Lock{}
	one, two := map[string]string{Platform: hashA, "plan9/mips": hashB}, map[string]string{Platform: hashB}
	lock.SetRelease("acme", "github.com/acme/x", "RWQkey", one, Entry{"1.0.0", hashA})
	lock.SetRelease("acme", "github.com/acme/x", "RWQkey", two, Entry{"1.1.0", hashB})
	if err := lock.Write(path); err != nil {
		t.Fatal(err)
	}
	lock, err := ReadLock(path)
	if err != nil {
		t.Fatal(err)
	}
	p := lock["acme"]
	if p.Source != "github.com/acme/x" || p.SigningKey != "RWQkey" || p.Version() != "1.1.0" || p.Archives[Platform] != hashB || p.Previous.Version() != "1.0.0" || p.Previous.Archives["plan9/mips"] != hashB {
		t.Errorf("%+v, previous %+v", p, p.Previous)
	}
	if err := lock.RollBack("acme"); err != nil {
		t.Fatal(err)
	}
	if p := lock["acme"]; p.Version() != "1.0.0" || p.Previous.Version() != "1.1.0" || p.Archives[Platform] != hashA {
		t.Errorf("%+v, previous %+v", p, p.Previous)
	}
	if err := lock.RollBack("other"); err == nil {
		t.Error("a plugin that is not locked was rolled back")
	}
}

// The cache keeps the locked version and the previous one.
func TestCacheKeepsThePreviousVersion(t *testing.T) {
	dir := t.TempDir()
	s := &Store{LockPath: filepath.Join(dir, FileName), CacheDir: filepath.Join(dir, "cache")}
	lock, copies := Lock{}, []string{}
	long := time.Now().Add(-2 * keepUnused)
	for i, version := range []string{"1.0.0", "1.1.0", "1.2.0"} {
		path := filepath.Join(dir, "aitunnel-plugin-acme")
		if err := os.WriteFile(path, []byte(version), 0o700); err != nil { //nolint:gosec // it is executable
			t.Fatal(err)
		}
		exe, err := inspect(path)
		if err != nil {
			t.Fatal(err)
		}
		lock.Set("acme", Platform, Entry{version, exe.SHA256})
		run, err := s.Copy(exe)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(filepath.Dir(run), long, long); err != nil {
			t.Fatal(err)
		}
		if copies = append(copies, run); s.Copied(exe.SHA256) != run {
			t.Errorf("copy %d is not found", i)
		}
	}
	if err := lock.Write(s.LockPath); err != nil {
		t.Fatal(err)
	}
	s.RemoveOldCopies()
	for i, run := range copies {
		if _, err := os.Stat(run); (err == nil) != (i > 0) {
			t.Errorf("version %d: %v", i, err)
		}
	}
}
