package history

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// smallDisk mounts a small file system.
func smallDisk(t *testing.T, kib int) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dk", kib)); err != nil {
		t.Skipf("only root can mount a file system: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// TestADiskThatIsFull fills a real file system, while the file is in use and before it
// exists.
func TestADiskThatIsFull(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t, 1024)
	r := newRig(t, dir)
	r.Add(day0, one("req_first"))
	r.flush()
	filler := filepath.Join(dir, "filler")
	fill(t, filler)
	for i := range 600 {
		r.Add(day0, one(fmt.Sprint("req_", i)))
	}
	r.flush()
	r.flush()
	if len(r.messages) != 1 || r.said("the disk is full; requests are not affected") != 1 {
		t.Errorf("%q", r.messages)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	r.flush()
	if rows := r.count("requests"); rows != 601 || r.said("written again") != 1 || len(r.messages) != 2 {
		t.Errorf("%d rows, %q", rows, r.messages)
	}
	r.stop()

	full := smallDisk(t, 64)
	fill(t, filepath.Join(full, "filler"))
	late := newRig(t, full)
	for i := range 3 {
		late.Add(day0, one(fmt.Sprint("req_", i)))
		late.flush()
	}
	if len(late.messages) != 1 || late.said("the disk is full") != 1 {
		t.Errorf("%q", late.messages)
	}
	late.stop()
}

func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{4096, 1} {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
	}
	_ = f.Close()
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}

// TestAReadOnlyDisk mounts a file system read-only, with an existing file, which can be
// read, and without one.
func TestAReadOnlyDisk(t *testing.T) {
	t.Parallel()
	for _, written := range []bool{true, false} {
		dir := smallDisk(t, 4096)
		if written {
			first := newRig(t, dir)
			first.Add(day0, one("req_1"))
			first.flush()
			first.stop()
		}
		if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
			t.Skip(err)
		}
		r := newRig(t, dir)
		for i := range 3 {
			r.Add(day0, one(fmt.Sprint("req_new_", i)))
			r.flush()
		}
		if len(r.messages) != 1 || r.said("check who owns it, and whether the disk is read-only; requests are not affected") != 1 {
			t.Errorf("written %t: %q", written, r.messages)
		}
		if written {
			reader, closeIt, err := Open(dir, zone)
			if err != nil {
				t.Fatal(err)
			}
			page, err := reader.Requests(t.Context(), Filter{}, "", 10)
			closeIt()
			if err != nil || len(page.Records) != 1 {
				t.Errorf("%+v, %v", page, err)
			}
		}
		if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT, ""); err != nil {
			t.Fatal(err)
		}
		r.flush()
		if rows := r.count("requests"); r.said("written again") != 1 || rows < 3 {
			t.Errorf("%d rows, %q", rows, r.messages)
		}
		r.stop()
	}
}

// TestAReadOnlyFile uses an attribute that applies even to root, where it can be set.
func TestAReadOnlyFile(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("root may write every file; TestAReadOnlyDisk is the same for root")
	}
	r := newRig(t, "")
	r.Add(day0, one("req_1"))
	r.flush()
	r.stop()
	if err := os.Chmod(r.path, 0o400); err != nil {
		t.Fatal(err)
	}
	again := newRig(t, r.dir)
	again.Add(day0, one("req_2"))
	again.flush()
	if len(again.messages) != 1 || !strings.Contains(again.messages[0], "cannot be written") {
		t.Errorf("%q", again.messages)
	}
}
