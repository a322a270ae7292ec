package daemon_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/testhelp"
)

// addresses returns a configuration with these addresses to listen on.
func addresses(proxy, admin, site string) string {
	return byHand + fmt.Sprintf("proxy {\n listen = %q\n client_tokens = [\"token-1\"]\n}\nadmin {\n listen = %q\n token = \"token-2\"\n}\n", proxy, admin) + one(site, "")
}

// get returns the status of the answer to a GET request, and whether the connection can be
// used again.
func get(t *testing.T, url string) (status int, kept bool) {
	t.Helper()
	resp, err := client.Get(url)
	if err != nil {
		return 0, false
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, !resp.Close
}

// Addresses are exchanged, changed to all interfaces and back, and are always answered.
func TestAddressesChange(t *testing.T) {
	t.Parallel()
	s := site(t, "a")
	p1, p2 := freePort(t), freePort(t)
	_, port, _ := net.SplitHostPort(p1)
	r := start(t, addresses(p1, p2, s.URL()))
	isProxy := func(address string) { // it refuses without its own token, in the shape of an AI API
		t.Helper()
		if status, _ := get(t, "http://"+address+"/v1/models"); status != http.StatusUnauthorized {
			t.Errorf("the proxy at %s answers %d", address, status)
		}
	}
	isAdmin := func(address string) {
		t.Helper()
		if status, _ := get(t, "http://"+address+"/healthz"); status != http.StatusOK {
			t.Errorf("the admin port at %s answers %d", address, status)
		}
	}
	apply := func(proxy, admin string) {
		t.Helper()
		r.save(addresses(proxy, admin, s.URL()))
		if out, err := r.Reload(t.Context(), "the test"); err != nil {
			t.Fatalf("%s and %s: %+v", proxy, admin, out)
		}
	}
	isProxy(p1)
	isAdmin(p2)
	apply(p2, p1)
	isProxy(p2)
	isAdmin(p1)
	apply(p1, p2)
	isProxy(p1)
	isAdmin(p2)

	p3 := freePort(t)
	apply(p3, p2)
	isProxy(p3)
	if status, kept := get(t, "http://"+p1+"/v1/models"); status != http.StatusUnauthorized || kept {
		t.Errorf("the former address answers %d, and the connection is kept: %v", status, kept)
	}
	apply(p1, p2)
	if status, kept := get(t, "http://"+p1+"/v1/models"); status != http.StatusUnauthorized || !kept {
		t.Errorf("the restored address answers %d, and the connection is kept: %v", status, kept)
	}

	apply("0.0.0.0:"+port, p2)
	isProxy("127.0.0.1:" + port)
	isProxy("127.0.0.2:" + port)
	if l, err := net.Listen("tcp", "127.0.0.3:"+port); err == nil {
		_ = l.Close()
		t.Error("another socket can listen on our address")
	}
}

// Requests in flight at an address that a reload has left finish during a shutdown.
func TestAShutdownWaitsForRequestsAtFormerAddresses(t *testing.T) {
	t.Parallel()
	s := site(t, "s")
	p1, p2 := freePort(t), freePort(t)
	config := func(p string) string {
		return byHand + fmt.Sprintf("proxy {\n listen = %q\n}\n", p) + one(s.URL(), "")
	}
	r := start(t, config(p1))
	held := r.hold(s, 5)
	r.save(config(p2))
	r.reload()
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.stop()
	}()
	testhelp.Eventually(t, "the new address is closed", func() bool {
		conn, err := net.DialTimeout("tcp", p2, time.Second)
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
	if n := held.finish(); n != 5 {
		t.Errorf("%d of 5 streams are complete", n)
	}
	<-done
	if log := r.log.String(); strings.Contains(log, "[ERROR]") {
		t.Error(log)
	}
}
