package term

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// terminal opens a pseudo-terminal. Text that is written to keys is typed there.
func terminal(t *testing.T) (keys, screen *os.File) {
	t.Helper()
	keys, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("this machine has no terminals: ", err)
	}
	t.Cleanup(func() { _ = keys.Close() })
	n, err := unix.IoctlGetInt(int(keys.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(keys.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		screen, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		t.Skip("this machine has no terminals: ", err)
	}
	t.Cleanup(func() { _ = screen.Close() })
	return keys, screen
}

func TestConfirm(t *testing.T) {
	for answer, want := range map[string]bool{"y": true, "Yes": true, "n": false, "": false, "https://a.test\ny": true, "maybe\nno": false} {
		keys, screen := terminal(t)
		if _, err := keys.WriteString(answer + "\n"); err != nil {
			t.Fatal(err)
		}
		if ok, err := NewInput(screen, &strings.Builder{}).Confirm(t.Context(), "Really?"); ok != want || err != nil {
			t.Errorf("%q: %v %v", answer, ok, err)
		}
	}
}

// TestConfirmEndsWithItsContext, which ^C cancels.
func TestConfirmEndsWithItsContext(t *testing.T) {
	_, screen := terminal(t)
	i := NewInput(screen, &strings.Builder{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if ok, err := i.Confirm(ctx, "Really?"); ok || err == nil {
		t.Errorf("%v %v", ok, err)
	}
}
