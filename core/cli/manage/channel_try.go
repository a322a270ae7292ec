package manage

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/adminclient"
	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/cli/internal/term"
	"github.com/aitunnel/aitunnel/core/config"
)

func (a *app) channelModels() *cobra.Command {
	asJSON := false
	return command.JSONFlag(&cobra.Command{
		Use:               "models CHANNEL",
		Short:             "List the models that the site of a channel offers",
		Example:           "  aitunnel channel models primary",
		Args:              command.ExactArgs("CHANNEL"),
		ValidArgsFunction: a.completeChannel,
		RunE: func(c *cobra.Command, args []string) error {
			var out admin.Models
			err := a.OnChannel(c.Context(), args[0], func(client *adminclient.Client) (err error) {
				out, err = client.Models(c.Context(), args[0])
				return err
			})
			switch {
			case err != nil:
				return err
			case asJSON:
				return a.PrintJSON(out)
			}
			for _, m := range out.Models {
				a.Say("%s", m)
			}
			return nil
		},
	}, &asJSON)
}

// testFlags are the flags of channel test.
type testFlags struct {
	key, model, prompt string
	all, json          bool
}

func (a *app) channelTest() *cobra.Command {
	var f testFlags
	c := command.JSONFlag(&cobra.Command{
		Use:   "test CHANNEL",
		Short: "Send one real request to a channel, and show how it answers",
		Long: `Send one short request straight to a channel, whatever the routes say, and show how
it answers: the status, the time to the first byte and to the first content, the
tokens, and what the model said. It may cost a few tokens. History and usage list it
under the client channel-test.

The request is sent even if the channel is paused or unavailable. Without --model,
the first model that the site lists is asked. --key takes a key by its ID, its
label, its masked form or its number in 'aitunnel key list', even if it is out of
use; --all tries each key. A site without OpenAI's API is asked through that of
Anthropic. The exit code is 1 if a request fails.`,
		Example:           "  aitunnel channel test primary\n  aitunnel channel test primary --key 1 --model gpt-5\n  aitunnel channel test primary --all",
		Args:              command.ExactArgs("CHANNEL"),
		ValidArgsFunction: a.completeChannel,
		RunE: func(c *cobra.Command, args []string) error {
			if f.all && f.key != "" {
				return command.WrongUsage(c, fmt.Errorf("--all tries every key, so --key cannot be used together with it"))
			}
			return a.testChannel(c.Context(), args[0], f)
		},
	}, &f.json)
	c.Flags().StringVar(&f.key, "key", "", "use only this `key`")
	c.Flags().StringVar(&f.model, "model", "", "the model to ask (default: the first that the site lists)")
	c.Flags().StringVar(&f.prompt, "prompt", "Answer with the word ok.", "what to ask")
	c.Flags().BoolVar(&f.all, "all", false, "try every key of the channel")
	return c
}

// test is a request of channel test, and its result.
type test struct {
	Key    string          `json:"key,omitempty"` // "": chosen by the proxy
	Model  string          `json:"model"`
	Result admin.TryResult `json:"result"`
}

func (a *app) testChannel(ctx context.Context, name string, f testFlags) error {
	ch, err := a.channelNamed(ctx, name)
	if err != nil {
		return err
	}
	keys, err := keysToTest(ch, f)
	if err != nil {
		return err
	}
	client := a.Client()
	a.NameKeys(ctx, client)
	if f.model == "" {
		if f.model, err = firstModel(ctx, client, ch); err != nil {
			return err
		}
	}
	tests, good := []test{}, true
	for _, key := range keys {
		tried, err := client.Try(ctx, name, admin.TryRequest{Model: f.model, Prompt: f.prompt, Key: key})
		if err != nil {
			return err
		}
		good = good && tried.OK
		tests = append(tests, test{key, f.model, tried})
		if !f.json {
			a.showTest(name, tests[len(tests)-1])
		}
	}
	if f.json {
		if err := a.PrintJSON(tests); err != nil {
			return err
		}
	}
	if !good {
		return command.ExitError(command.ExitFailed)
	}
	return nil
}

// keysToTest returns the IDs of the keys to use, one for each request; "" is any key.
func keysToTest(ch admin.Channel, f testFlags) ([]string, error) {
	switch {
	case f.key != "":
		key, err := keyNamed(ch, f.key)
		return []string{key.ID}, err
	case f.all && len(ch.Keys.List) > 0:
		var ids []string
		for _, k := range ch.Keys.List {
			ids = append(ids, k.ID)
		}
		return ids, nil
	}
	return []string{""}, nil
}

// firstModel returns the model to ask: the first of the site's list that the channel
// may serve.
func firstModel(ctx context.Context, client *adminclient.Client, ch admin.Channel) (string, error) {
	list, err := client.Models(ctx, ch.Name)
	switch {
	case err != nil:
		return "", fmt.Errorf("the models of %s cannot be listed: %w. If it lists none, name one with --model", ch.Name, err)
	case len(list.Models) == 0:
		return "", fmt.Errorf("%s lists no models: name one with --model", ch.Name)
	}
	for _, model := range list.Models {
		if slices.ContainsFunc(ch.Models, func(p string) bool { return config.MatchModel(p, model) }) {
			return model, nil
		}
	}
	return list.Models[0], nil
}

func (a *app) showTest(channel string, t test) {
	p, r := a.Paint(), t.Result
	who := t.Model + term.After(" with the key ", a.KeyNames.Name(channel, cmp.Or(r.Key, t.Key)))
	if !r.OK {
		a.Say("%s %s: %s", p.Bad("✗"), who, cmp.Or(r.Error, fmt.Sprintf("status %d", r.Status)))
		switch {
		case r.Target != "":
			a.Say("  It was sent to %s. The site has its API at %s. This corrects the address:\n    aitunnel channel set %s --target %s", r.URL, r.Target, channel, r.Target)
		case r.Status == http.StatusNotFound, r.Status == http.StatusMethodNotAllowed:
			a.Say("  It was sent to %s. If the site's API is at another path, correct the address:\n    aitunnel channel set %s --target URL", r.URL, channel)
		}
		return
	}
	a.Say("%s %s: %d, first byte after %s, first content after %s, whole answer after %s%s", p.Good("✓"), who, r.Status,
		term.Elapsed(float64(r.TTFB)), term.Elapsed(float64(r.Content)), term.Elapsed(float64(r.Total)), tokensText(r.Tokens))
	if r.Text != "" {
		a.Say("  %q", term.Shorten(r.Text))
	}
	if strings.HasSuffix(r.URL, "/v1/messages") && a.Auths[channel] == string(config.AuthAuto) {
		a.Say("  The request used Anthropic's API, at %s, since the site does not have OpenAI's.", r.URL)
	}
}

func tokensText(t admin.Tokens) string {
	if t.Input == 0 && t.Output == 0 {
		return ""
	}
	return fmt.Sprintf(", %s tokens in and %s out", term.Number(t.Input), term.Number(t.Output))
}
