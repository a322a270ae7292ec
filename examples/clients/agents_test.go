package clients

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// agent is a coding agent.
type agent struct {
	name  string
	model string // the beginning of its models' names
	start func(n npm, s *stage, home, model string) *exec.Cmd
}

const prompt = "Say hello."

var agents = []agent{
	{"claude", "claude-", func(n npm, s *stage, home, model string) *exec.Cmd {
		cmd := exec.Command(n.path(".bin", "claude"), "-p", prompt, "--model", model, "--allowedTools", "Bash", "Read")
		cmd.Env = n.env(home, "ANTHROPIC_BASE_URL="+s.url, "ANTHROPIC_AUTH_TOKEN="+token,
			"ANTHROPIC_DEFAULT_HAIKU_MODEL="+model, "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1")
		return cmd
	}},
	{"codex", "gpt-", func(n npm, s *stage, home, model string) *exec.Cmd {
		settings := fmt.Sprintf(`model_provider = "aitunnel"
[model_providers.aitunnel]
name = "aitunnel"
base_url = "%s/v1"
env_key = "AITUNNEL_TOKEN"
wire_api = "responses"
`, s.url)
		write(filepath.Join(home, ".codex", "config.toml"), settings)
		cmd := exec.Command(n.path(".bin", "codex"), "exec", "--skip-git-repo-check", "-s", "danger-full-access", "-m", model, prompt)
		cmd.Env = n.env(home, "CODEX_HOME="+filepath.Join(home, ".codex"), "AITUNNEL_TOKEN="+token)
		return cmd
	}},
	{"gemini", "gemini-", func(n npm, s *stage, home, model string) *exec.Cmd {
		// With a base URL it needs the way to sign in. By default it makes 10
		// attempts, which takes minutes.
		write(filepath.Join(home, ".gemini", "settings.json"), `{"security":{"auth":{"selectedType":"gemini-api-key"}},"general":{"maxAttempts":3}}`)
		cmd := exec.Command(n.path(".bin", "gemini"), "-m", model, "-p", prompt, "--skip-trust", "--yolo")
		cmd.Env = n.env(home, "GOOGLE_GEMINI_BASE_URL="+s.url, "GEMINI_API_KEY="+token)
		return cmd
	}},
}

func write(path, text string) {
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		panic(err)
	}
}

// said is the output of an agent.
type said struct {
	out  string
	err  error
	took time.Duration
}

// run runs the agent in an empty home until it ends.
func (a agent) run(t *testing.T, n npm, s *stage, model string) said {
	t.Helper()
	home := t.TempDir()
	cmd := a.start(n, s, home, model)
	cmd.Dir = filepath.Join(home, "work")
	write(filepath.Join(cmd.Dir, "notes.txt"), "The number is 4711.\n")
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	defer stop()
	began := time.Now()
	out, err := cmd.CombinedOutput()
	return said{string(out), err, time.Since(began)}
}

func TestAgentsNoticeNoFailover(t *testing.T) {
	n := clientsOfNPM(t)
	var models []string
	for _, a := range agents {
		models = append(models, a.model+"plain")
		for fault := range faults {
			models = append(models, a.model+fault)
		}
	}
	s := startStage(t, models)
	for _, a := range agents {
		for _, model := range models {
			fault, mine := strings.CutPrefix(model, a.model)
			if !mine {
				continue
			}
			s.primary.ForKey(firstKey(model), faults[fault])
			t.Run(a.name+"/"+fault, func(t *testing.T) {
				t.Parallel()
				got := a.run(t, n, s, model)
				want, first, other := answerOfOther, 1, 1
				if fault == "plain" {
					want, other = answerOfFirst, 0
				}
				x, y := s.sites(model)
				x = onceOnANewConnection(model, x)
				records := s.records(t, model)
				if got.err != nil || !strings.Contains(got.out, want) || len(records) != 1 || x != first || y != other {
					t.Errorf("%v after %v: %s\n%d requests of the client, %d and %d at the sites%s", got.err, got.took, got.out, len(records), x, y, attempts(records))
				}
			})
		}
	}
}

func TestAgentsWhenEverythingFails(t *testing.T) {
	n := clientsOfNPM(t)
	var models []string
	outages := []string{"401", "503"}
	for _, a := range agents {
		for _, fault := range outages {
			models = append(models, a.model+fault)
		}
	}
	s := startStage(t, models)
	for _, a := range agents {
		for _, fault := range outages {
			model := a.model + fault
			s.primary.ForKey(firstKey(model), faults[fault])
			s.backup.ForKey(otherKey(model), faults[fault])
			t.Run(a.name+"/"+fault, func(t *testing.T) {
				t.Parallel()
				got := a.run(t, n, s, model)
				x, y := s.sites(model)
				records := s.records(t, model)
				t.Logf("%v after %v: %s\n%d requests of the client, %d and %d at the sites%s", got.err, got.took, got.out, len(records), x, y, attempts(records))
				if got.err == nil || !strings.Contains(got.out, causes[fault]) {
					t.Errorf("%v, and the message does not name the cause (%q): %s", got.err, causes[fault], got.out)
				}
				if fault == "401" && len(records) != 1 {
					t.Errorf("%d requests of the client, although repeating cannot help", len(records))
				}
				if x+y > 8*len(records) {
					t.Errorf("%d requests at the sites for %d of the client", x+y, len(records))
				}
			})
		}
	}
}
