package proxy

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/testhelp"
)

const stackChild = "AITUNNEL_STACK_CHILD"

// TestStreamsNeedASmallStack serves a stream in a process that crashes if a goroutine needs
// more than 8 KiB: the next size, 16 KiB, would be kept for as long as the stream lasts.
// `make test` also runs it without the race detector.
func TestStreamsNeedASmallStack(t *testing.T) {
	if os.Getenv(stackChild) != "" {
		streamOnSmallStacks(t)
		return
	}
	if testhelp.Race || runtime.GOARCH != "amd64" {
		t.Skip("functions need larger stacks with the race detector, and other ones on other processors")
	}
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.count", "1")
	child.Env = append(os.Environ(), stackChild+"=1")
	if out, err := child.CombinedOutput(); err != nil {
		t.Errorf("%v\n%.4000s", err, out)
	}
}

func streamOnSmallStacks(t *testing.T) {
	events := strings.Repeat("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\" token\"}}]}\n\n", 50) + "data: [DONE]\n\n"
	server := httptest.NewServer(answeredOverTCP(t, "text/event-stream", events))
	defer server.Close()
	c, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	body := bodyOf(2000)
	request := fmt.Appendf(nil, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	answer := make([]byte, 64<<10)
	usual := debug.SetMaxStack(8 << 10)
	_, _ = c.Write(request) // or there is no answer
	n, err := io.ReadFull(c, answer)
	debug.SetMaxStack(usual)
	if got := string(answer[:n]); !strings.Contains(got, fmt.Sprint(" ", http.StatusOK, " ")) || !strings.Contains(got, "[DONE]") {
		t.Errorf("%v: %.300s", err, got)
	}
}
