package trust

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
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

// TestFormatsOfTheLockFile: a file in a newer format is not replaced.
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
