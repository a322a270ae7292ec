//go:build unix

package daemon_test

import (
	"bufio"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/history"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// killedEnv names the directory in which the test is the daemon that is killed.
const killedEnv = "AITUNNEL_TEST_KILLED"

// TestAKilledDaemon: however often it is killed under load, rows of the history that are
// older than 2 s are not lost, and the file is not damaged.
func TestAKilledDaemon(t *testing.T) {
	if dir := os.Getenv(killedEnv); dir != "" {
		r := &running{t: t, log: &lockedBuffer{}, dir: dir, time: &clock{}}
		r.run()
		_, _ = fmt.Println("ADDRESS", r.ProxyAddr())
		select {}
	}
	t.Parallel()
	rounds := 1
	switch {
	case testhelp.Soak():
		rounds = 30
	case testhelp.LongForm():
		rounds = 3
	}
	s := site(t, "only")
	r := &running{t: t, dir: t.TempDir()}
	r.save(alone(s, ""))
	for round := range rounds {
		killDaemon(t, r.dir, 2200*time.Millisecond+time.Duration(round*37)*time.Millisecond)
		if t.Failed() {
			t.Fatalf("in round %d", round+1)
		}
	}
}

// killDaemon runs a daemon under load, kills it, and looks at what is left.
func killDaemon(t *testing.T, dir string, after time.Duration) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), self, "-test.run", "^TestAKilledDaemon$") //nolint:gosec // this test
	cmd.Env = append(os.Environ(), killedEnv+"="+dir)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	defer func() { _, _ = cmd.Process.Kill(), cmd.Wait() }()
	address := ""
	var said strings.Builder
	for lines := bufio.NewScanner(out); address == "" && lines.Scan(); {
		_, _ = fmt.Fprintln(&said, lines.Text())
		_, address, _ = strings.Cut(lines.Text(), "ADDRESS ")
	}
	if address == "" {
		t.Fatalf("the daemon did not start:\n%s", said.String())
	}
	var mu sync.Mutex
	ended := map[string]time.Time{} // requests whose answers have arrived
	stop := make(chan struct{})
	var callers sync.WaitGroup
	client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{}}
	for range 8 {
		callers.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(20 * time.Millisecond):
				}
				resp, err := client.Post("http://"+address+chat, "application/json", strings.NewReader(ask))
				if err != nil {
					continue // the daemon was killed
				}
				_, err = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
				if err == nil {
					mu.Lock()
					ended[resp.Header.Get("X-Aitunnel-Request-Id")] = time.Now()
					mu.Unlock()
				}
			}
		})
	}
	testhelp.Eventually(t, "the first answer", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(ended) > 0
	})
	time.Sleep(after)
	killed := time.Now()
	must(t, cmd.Process.Kill())
	close(stop)
	callers.Wait()
	client.CloseIdleConnections()
	_ = cmd.Wait()
	lookAtHistory(t, filepath.Join(dir, "state", history.FileName), ended, killed)
}

func lookAtHistory(t *testing.T, path string, ended map[string]time.Time, killed time.Time) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	must(t, err)
	defer func() { _ = db.Close() }()
	check := ""
	must(t, db.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&check))
	if check != "ok" {
		t.Errorf("the file is damaged: %s", check)
	}
	old := 0
	for id, at := range ended {
		if killed.Sub(at) < 2*time.Second {
			continue
		}
		old++
		n := 0
		must(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM requests WHERE id = ?", id).Scan(&n))
		if n != 1 {
			t.Errorf("request %s, answered %s before the end, is kept %d times", id, killed.Sub(at), n)
		}
	}
	rows, sums := 0, 0
	must(t, db.QueryRowContext(t.Context(), "SELECT (SELECT count(*) FROM requests), (SELECT sum(requests) FROM hourly)").Scan(&rows, &sums))
	if old == 0 || rows != sums {
		t.Errorf("%d requests were old enough; %d rows, the sums say %d", old, rows, sums)
	}
}
