package connect

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func file(t *testing.T, text string) File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "dir", "settings.json")
	if text != "" {
		put(t, path, text)
	}
	return File{path, jsonEdits(member{[]string{"a"}, "new"})}
}

func remembered(t *testing.T) CreatedFiles {
	return CreatedFiles(filepath.Join(t.TempDir(), "state", "created.json"))
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}

func holds(t *testing.T, path, want string) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("%s: %v, %q, want %q", path, err, got, want)
	}
}

func TestWriteAndUndo(t *testing.T) {
	list := remembered(t)
	old := "{\n  \"a\": \"old\" // mine\n}\n"
	f := file(t, old)
	out, err := f.Write(list)
	if err != nil || !out.Changed || out.Created {
		t.Fatalf("%v, %+v", err, out)
	}
	holds(t, f.Path, "{\n  \"a\": \"new\" // mine\n}\n")
	holds(t, out.Backup, old)
	if info, err := os.Stat(f.Path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others can read the token: %v, %v", info.Mode(), err)
	}
	if again, err := f.Write(list); err != nil || again.Changed {
		t.Errorf("a second time: %v, %+v", err, again)
	}
	if undone, err := f.Undo(list); err != nil || undone.Kept != "" || undone.Removed {
		t.Errorf("%v, %+v", err, undone)
	}
	holds(t, f.Path, old)
	if _, err := f.Undo(list); !errors.Is(err, ErrNothingToUndo) {
		t.Errorf("a second undo: %v", err)
	}
}

func TestUndoRemovesNewFiles(t *testing.T) {
	list := remembered(t)
	f := file(t, "")
	if out, err := f.Write(list); err != nil || !out.Created || out.Backup != "" {
		t.Fatalf("%v, %+v", err, out)
	}
	if left, err := os.ReadDir(filepath.Dir(f.Path)); err != nil || len(left) != 1 {
		t.Errorf("%v, %v is there, want only the file", err, left)
	}
	if again, err := f.Write(list); err != nil || again.Changed {
		t.Errorf("a second time: %v, %+v", err, again)
	}
	other := File{f.Path, jsonEdits(member{[]string{"a"}, "newer"})}
	if out, err := other.Write(list); err != nil || !out.Changed || out.Backup != "" {
		t.Errorf("with another address: %v, %+v", err, out)
	}
	if undone, err := f.Undo(list); err != nil || !undone.Removed {
		t.Fatalf("%v, %+v", err, undone)
	}
	if left, err := os.ReadDir(filepath.Dir(f.Path)); err != nil || len(left) != 0 {
		t.Errorf("%v, %v is left", err, left)
	}
}

func TestUndoKeepsChangesOfOthers(t *testing.T) {
	list := remembered(t)
	f := file(t, `{"a": "old"}`)
	if _, err := f.Write(list); err != nil {
		t.Fatal(err)
	}
	put(t, f.Path, `{"a": "new", "theirs": 1}`)
	if err := os.Chtimes(f.Path, time.Time{}, time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	undone, err := f.Undo(list)
	if err != nil || undone.Kept == "" {
		t.Fatalf("%v, %+v", err, undone)
	}
	holds(t, f.Path, `{"a": "old"}`)
	holds(t, undone.Kept, `{"a": "new", "theirs": 1}`)
}

func TestWriteFollowsLinks(t *testing.T) {
	list := remembered(t)
	f := file(t, "{}")
	link := filepath.Join(t.TempDir(), "link.json")
	if err := os.Symlink(f.Path, link); err != nil {
		t.Skip(err)
	}
	if _, err := (File{link, f.edit}).Write(list); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link was replaced: %v", err)
	}
	holds(t, f.Path, "{\n  \"a\": \"new\"\n}")
}

func TestWriteRefusesInvalidFiles(t *testing.T) {
	list := remembered(t)
	f := file(t, "{ broken")
	if _, err := f.Write(list); err == nil {
		t.Error("an invalid file was changed")
	}
	holds(t, f.Path, "{ broken")
	if left, _ := os.ReadDir(filepath.Dir(f.Path)); len(left) != 1 {
		t.Errorf("%v is left", left)
	}
}

func TestRevertUndoesOneWrite(t *testing.T) {
	list := remembered(t)
	f := file(t, `{"a": "old"}`)
	if _, err := f.Write(list); err != nil {
		t.Fatal(err)
	}
	second := File{f.Path, jsonEdits(member{[]string{"a"}, "newer"})}
	out, err := second.Write(list)
	if err != nil {
		t.Fatal(err)
	}
	if done, err := out.Revert(list); !done || err != nil {
		t.Fatalf("%v, %v", done, err)
	}
	holds(t, f.Path, `{"a": "new"}`)
	if undone, err := f.Undo(list); err != nil || undone.Kept != "" {
		t.Errorf("%v, %+v", err, undone)
	}
	holds(t, f.Path, `{"a": "old"}`)
}

func TestRevertLeavesNothingBehind(t *testing.T) {
	list := remembered(t)
	for name, old := range map[string]string{"created": "", "changed": `{"a": "old"}`} {
		f := file(t, old)
		out, err := f.Write(list)
		if err != nil {
			t.Fatal(err)
		}
		if done, err := out.Revert(list); !done || err != nil {
			t.Fatalf("%s: %v, %v", name, done, err)
		}
		if old != "" {
			holds(t, f.Path, old)
			if info, err := os.Stat(f.Path); err != nil || info.Mode().Perm() != 0o644 {
				t.Errorf("%s: %v, mode %v", name, err, info.Mode())
			}
		}
		if left, err := os.ReadDir(filepath.Dir(f.Path)); err != nil && old != "" || len(left) != len(old)/max(len(old), 1) {
			t.Errorf("%s: %v, %v is left", name, err, left)
		}
		if _, err := f.Undo(list); !errors.Is(err, ErrNothingToUndo) {
			t.Errorf("%s: undo: %v", name, err)
		}
	}
}

// TestRevertRemovesTheFoldersOfWrite: unless they contain other files.
func TestRevertRemovesTheFoldersOfWrite(t *testing.T) {
	list, home := remembered(t), t.TempDir()
	for name, other := range map[string]bool{"empty": false, "used": true} {
		f := file(t, "")
		dir := filepath.Join(home, name)
		f.Path = filepath.Join(dir, "app", "config.json")
		out, err := f.Write(list)
		if err != nil {
			t.Fatal(err)
		}
		if other {
			if err := os.WriteFile(filepath.Join(dir, "other"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := out.Revert(list); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(dir); (err == nil) != other {
			t.Errorf("%s: %v", name, err)
		}
	}
	if entries, err := os.ReadDir(home); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v is left", err, entries)
	}
}

func TestRevertKeepsChangesOfOthers(t *testing.T) {
	list := remembered(t)
	f := file(t, `{"a": "old"}`)
	out, err := f.Write(list)
	if err != nil {
		t.Fatal(err)
	}
	put(t, f.Path, `{"a": "theirs"}`)
	if done, err := out.Revert(list); done || err != nil {
		t.Errorf("%v, %v", done, err)
	}
	holds(t, f.Path, `{"a": "theirs"}`)
}

func TestUndoKnowsTheEmptyBackupsOfEarlierVersions(t *testing.T) {
	list := remembered(t)
	f := file(t, `{"a": "new"}`)
	put(t, f.Path+backupSuffix, "")
	if undone, err := f.Undo(list); err != nil || !undone.Removed {
		t.Errorf("%v, %+v", err, undone)
	}
	for _, gone := range []string{f.Path, f.Path + backupSuffix} {
		if _, err := os.Stat(gone); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is left: %v", gone, err)
		}
	}
}
