package cli

import (
	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"strings"
	"testing"
)

// TestWrongFlags: the error names the flag that was probably meant, or the values that a flag
// takes.
func TestWrongFlags(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"start", "--prot", "9001"}, "unknown flag: --prot; the port of the proxy is proxy.listen in the configuration"},
		{[]string{"start", "--port=9001"}, "unknown flag: --port; the port of the proxy is proxy.listen in the configuration"},
		{[]string{"start", "--foregruond"}, "unknown flag: --foregruond; did you mean --foreground?"},
		{[]string{"status", "--jsno"}, "unknown flag: --jsno; did you mean --json?"},
		{[]string{"usage", "--sincee", "7d"}, "unknown flag: --sincee; did you mean --since?"},
		{[]string{"requests", "--fail"}, "unknown flag: --fail; did you mean --failed?"},
		{[]string{"key", "pause", "main", "k"}, `there is no command "key pause": a single key cannot be paused: 'aitunnel key remove CHANNEL KEY' takes it out of the configuration, and 'aitunnel config undo' brings it back`},
		{[]string{"tunnel", "remove", "vps"}, `there is no command "tunnel remove": add, change or remove the block in the configuration, or in the panel; 'aitunnel config example tunnel' shows one`},
		{[]string{"tunnel", "pause", "vps"}, `there is no command "tunnel pause"; the commands are list, trust, test`},
		{[]string{"verdict", "rate_limited"}, `there is no command "verdict rate_limited"; the commands are list, test, unknown`},
		{[]string{"requests", "--verdict", "ratelimited"}, `--verdict takes one of good, blocked, overloaded, broken, rate_limited, quota_spent, invalid_key, no_access, no_model, no_endpoint, too_large, declined, refused, suspect, not "ratelimited"`},
		{[]string{"logs", "--client", "me"}, "unknown flag: --client; 'aitunnel requests --client' has it"},
		{[]string{"status", "-json"}, "unknown flag: -json; did you mean --json?"},
		{[]string{"status", "-z"}, "unknown flag: -z"},
		{[]string{"status", "--zzz"}, "unknown flag: --zzz"},
		{[]string{"status", "--json=yes"}, `--json takes no value, or true or false, not "yes"`},
		{[]string{"logs", "-n", "many"}, `--lines takes a whole number, not "many"`},
		{[]string{"channel", "add", "x", "http://127.0.0.1:9", "--weight", "heavy"}, `--weight takes a number, not "heavy"`},
		{[]string{"start", "--var", "name"}, `--var takes name=value, not "name"`},
		{[]string{"stop", "--drain", "5"}, `--drain takes a duration, such as 30s or 1m30s, not "5"`},
		{[]string{"restart", "--drain", "-5s"}, `--drain takes a duration, such as 30s or 1m30s, not "-5s"`},
		{[]string{"usage", "--since"}, "--since needs a value"},
		{[]string{"logs", "-n"}, "-n needs a value"},
	} {
		code, out, errs := run(t, c.args...)
		if line, _, _ := strings.Cut(errs, "\n"); code != command.ExitUsage || out != "" || line != "aitunnel: "+c.want {
			t.Errorf("%q: exit code %d, %q, %q", c.args, code, out, errs)
		}
	}
}

func TestAnEmptyPeriodIsWrongUsage(t *testing.T) {
	t.Parallel()
	if code, _, errs := run(t, "usage", "--since", "yesterday", "--until", "yesterday"); code != 2 || !strings.Contains(errs, "--since yesterday --until today") {
		t.Errorf("%d %s", code, errs)
	}
}
