package daemon_test

import (
	"bufio"
	"context"
	"net/http"
	"testing"
	"time"
)

// TestAnEventStreamDoesNotDelayTheShutdown stops the daemon while an event stream is open,
// as with every open panel.
func TestAnEventStreamDoesNotDelayTheShutdown(t *testing.T) {
	t.Parallel()
	r := start(t, two(site(t, "primary"), site(t, "backup"), ""))
	resp := r.adminOpen("/api/logs")
	if resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status)
	}
	defer func() { _ = resp.Body.Close() }()
	if _, err := bufio.NewReader(resp.Body).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	began := time.Now()
	if err := r.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("the shutdown took %v", took)
	}
}
