package bind

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
)

func TestHolderOfAPort(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only found out on Linux")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if got, want := holderOf(address), fmt.Sprintf("process %d", os.Getpid()); !strings.HasSuffix(got, want) {
		t.Errorf("%q, want ...%s", got, want)
	}
	_ = l.Close()
	if got := holderOf(address); got != "" {
		t.Errorf("no process listens, but the holder is %s", got)
	}
}
