package sdktest_test

import (
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/sdk"
	"github.com/aitunnel/aitunnel/sdk/sdktest"
)

// faultEnv names the fault that is planted, in a process that runs the kit.
const faultEnv = "SDKTEST_FAULT"

// planted are faults, each with the check that finds it and a part of its message.
var planted = []struct{ component, fault, check, words string }{
	{"strategy", "hangs", "it_works", "Plan did not return within"},
	{"strategy", "has a setting without a doc", "documentation", `the setting "explore" has no doc tag`},
	{"strategy", "has a setting that is aitunnel's", "documentation", `the setting "on_failure" has the name of one of aitunnel's own`},
	{"strategy", "has other defaults than it says", "documentation", "are the defaults in Factory.Settings those of New?"},
	{"strategy", "ignores what is wrong", "wrong_settings", "does Configure return the error of Decode?"},
	{"strategy", "refuses without a path", "odd_settings", "are refused without the path of a setting"},
	{"strategy", "accepts what it cannot use", "odd_settings", "are accepted, but: Plan fails for c0 (weight 1"},
	{"strategy", "is strict about settings", "unknown_fields", "must be ignored, as that of a later version"},
	{"strategy", "keeps its settings in the package", "separate_instances", "are settings kept outside the instance?"},
	{"strategy", "keeps what it has learned in the package", "separate_instances", "is it kept outside the instance?"},
	{"strategy", "panics when there is nothing to plan", "0_1_and_1000", "Plan panics for 0 channels"},
	{"strategy", "plans the first hundred only", "0_1_and_1000", `it leaves out 900 of the 1000 channels, "c100" among them`},
	{"strategy", "has a rule of its own", "it_works", `the rule "best_first" is not one that the host knows`},
	{"strategy", "divides by nothing", "it_works", "NaN"},
	{"strategy", "plans what it has seen once", "members_come_and_go", "which is not one of the channels it was asked about"},
	{"strategy", "lets fallbacks serve with the others", "shares", "requests go to a fallback while others can be used"},
	{"strategy", "races", "64_callers", "concurrent map"},
	{"strategy", "keeps a lock when a caller gives up", "deadline_and_cancel", "Plan did not return within"},
	{"strategy", "forgets at a restart", "state", "does not go on from the State that the last one gave out"},
	{"strategy", "fails on a state that is not its own", "state", "a State that it cannot read (rubbish) must be as good as none"},
	{"strategy", "has a state that grows", "many_plans", "bytes; the host keeps 65536"},
	{"strategy", "leaves a goroutine behind", "close", "goroutines are left after Close"},
	{"strategy", "panics when it is closed again", "close", "Close, called again, panics"},
	{"strategy", "hangs in Close", "close", "the instance was not closed within"},
	{"strategy", "logs its settings", "secrets", "a sensitive setting appears in the log"},
	{"strategy", "gives its token as the reason", "secrets", "a sensitive setting appears in an answer"},
	{"strategy", "shows its settings when it refuses them", "secrets", "a sensitive setting appears in an answer"},
	{"router", "asks for an attribute that there is not", "it_works", `Attributes names "cookie.session"`},
	{"router", "is slow for each request", "requests", "the host waits 20 ms"},
	{"router", "names a channel of its own", "requests", `the method Route names "mine"`},
	{"key selector", "leaves out what is out of service", "0_1_and_1000", "it names none of the 1 keys"},
	{"health checker", "finds everything healthy", "broken_sites", "the channel is found healthy"},
	{"health checker", "gives no reason", "broken_sites", "unhealthy without a Reason"},
	{"health checker", "blames the channel for the key", "errors_about_the_key", "it is about the key"},
	{"health checker", "names a key of its own", "it_works", `CheckResult.Keys names "mine"`},
	{"health checker", "finds a key spent without a reason", "single_keys", "is spent without a Reason"},
	{"health checker", "asks with the first key only", "single_keys", `says "ok" about the key "poor", it should say "spent"`},
	{"health checker", "probes with a key that there is not", "it_works", `it probes with the key "mine"`},
	{"health checker", "needs no settings", "wrong_settings", `but "token" is required and missing`},
	{"health checker", "probes another host", "it_works", "the host adds scheme, address and base path"},
	{"health checker", "sends a credential of its own", "it_works", "sets the header Authorization"},
	{"health checker", "asks for the first model", "0_1_and_1000_models", "Check panics"},
	{"health checker", "tries forever", "deadline_and_cancel", "a call goes on although its context has ended"},
	{"health checker", "mixes up its callers", "64_callers", "are results mixed up?"},
}

// TestKit runs the kit on a component with the fault that the environment names.
func TestKit(t *testing.T) {
	component, fault, ok := strings.Cut(os.Getenv(faultEnv), ": ")
	if !ok {
		t.Skip("run by TestPlantedFaults")
	}
	learners := learnerFactory(fault)
	switch component {
	case "strategy":
		sdktest.Strategy(t, learners)
	case "router":
		made := learners.New
		learners.New = func() sdk.Component { return router{made().(*learner)} }
		sdktest.Strategy(t, learners)
	case "key selector":
		made := learners.New
		learners.New = func() sdk.Component { return keyLearner{made().(*learner)} }
		sdktest.KeySelector(t, learners)
	case "health checker":
		options := []sdktest.Option{sdktest.Keys(
			sdktest.CheckedKey{ID: "rich", Want: sdk.KeyOK},
			sdktest.CheckedKey{ID: "poor", Label: "second", Want: sdk.KeySpent, Site: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusPaymentRequired) })},
		)}
		if fault == "needs no settings" {
			options = append(options, sdktest.With(sdktest.Settings{"token": "t"}))
		}
		sdktest.HealthChecker(t, proberFactory(fault), options...)
	}
}

// runKit runs TestKit in a process of its own, as some faults end the process.
func runKit(t *testing.T, component, fault, check string, env ...string) (output string, passed bool) {
	t.Helper()
	pattern := "^TestKit$"
	if check != "" {
		pattern += "/^(it_works|" + check + ")$"
	}
	cmd := exec.Command(os.Args[0], "-test.run="+pattern, "-test.v")
	cmd.Env = append(os.Environ(), faultEnv+"="+component+": "+fault, "GORACE=atexit_sleep_ms=0")
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	if strings.Contains(string(out), "yamux") {
		t.Errorf("the output shows what the multiplexer prints:\n%s", out)
	}
	return string(out), err == nil
}

// waitsInVain matches the message of a check that waited too long.
var waitsInVain = regexp.MustCompile("within|has ended|are left")

func TestPlantedFaults(t *testing.T) {
	for _, p := range planted {
		t.Run(p.component+" "+p.fault, func(t *testing.T) {
			t.Parallel()
			var env []string
			if waitsInVain.MatchString(p.words) {
				env = append(env, "AITUNNEL_SDKTEST_PATIENCE=5s")
			}
			out, passed := runKit(t, p.component, p.fault, p.check, env...)
			words := p.words
			if p.fault == "races" && !strings.Contains(out, words) {
				words = "DATA RACE" // the message of the race detector
			}
			if passed || !strings.Contains(out, words) {
				t.Errorf("passed: %v, want the message %q:\n%s", passed, words, out)
			}
		})
	}
}

// TestCorrectComponents: without a planted fault, the kit finds none.
func TestCorrectComponents(t *testing.T) {
	for _, component := range []string{"strategy", "router", "key selector", "health checker"} {
		t.Run(component, func(t *testing.T) {
			t.Parallel()
			if out, passed := runKit(t, component, "none", ""); !passed || !strings.Contains(out, "TestKit/host_death") {
				t.Errorf("the kit finds a fault:\n%s", out)
			}
		})
	}
}
