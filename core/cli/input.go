package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/mattn/go-isatty"
	"golang.org/x/term"
)

// asksPeople says that standard input is a terminal.
func (a *app) asksPeople() bool {
	f, ok := a.in.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// readLine reads one line of standard input.
func (a *app) readLine() (string, error) {
	if a.lines == nil {
		a.lines = bufio.NewReader(a.in)
	}
	line, err := a.lines.ReadString('\n')
	if line != "" {
		err = nil
	}
	return strings.TrimRight(line, "\r\n"), err
}

// readSecret reads a line that does not show on a terminal.
func (a *app) readSecret(ctx context.Context, prompt string) (string, error) {
	if !a.asksPeople() {
		return a.readLine()
	}
	_, _ = fmt.Fprintf(a.err, "%s: ", prompt)
	defer func() { _, _ = fmt.Fprintln(a.err) }()
	fd := int(a.in.(*os.File).Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	type read struct {
		text []byte
		err  error
	}
	done := make(chan read, 1)
	go func() {
		text, err := term.ReadPassword(fd)
		done <- read{text, err}
	}()
	select {
	case r := <-done:
		return string(r.text), r.err
	case <-ctx.Done():
		_ = term.Restore(fd, before)
		return "", errors.New("interrupted")
	}
}

// readKey reads one key.
func (a *app) readKey(ctx context.Context, prompt string) (string, error) {
	key, err := a.readSecret(ctx, prompt)
	if key = strings.TrimSpace(key); key != "" {
		return key, nil
	}
	if err != nil && ctx.Err() != nil {
		return "", err
	}
	return "", errors.New("there is no key on standard input")
}

// readKeys reads keys, one a line, until an empty line or the end.
func (a *app) readKeys(ctx context.Context, prompt string) (keys []string, err error) {
	for {
		key, err := a.readSecret(ctx, prompt)
		if ctx.Err() != nil {
			return nil, err
		}
		if key = strings.TrimSpace(key); key == "" {
			break
		}
		keys, prompt = append(keys, key), "Next key"
	}
	if len(keys) == 0 {
		return nil, errors.New("there are no keys on standard input")
	}
	return keys, nil
}
