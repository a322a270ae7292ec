package term

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// ErrNoTerminal says that there is no terminal on which to ask the user.
var ErrNoTerminal = errors.New("standard input is not a terminal, so you cannot be asked")

// Input reads answers from standard input. Questions go to standard error.
type Input struct {
	in    io.Reader
	out   io.Writer
	lines *bufio.Reader
}

// NewInput returns an input that reads from in and asks on out.
func NewInput(in io.Reader, out io.Writer) *Input {
	return &Input{in: in, out: out, lines: bufio.NewReader(in)}
}

// IsTerminal reports whether the input is a terminal, so that the user can be asked.
func (i *Input) IsTerminal() bool { return IsTerminal(i.in) }

// Line reads one line.
func (i *Input) Line() (string, error) {
	line, err := i.lines.ReadString('\n')
	if line != "" {
		err = nil
	}
	return strings.TrimRight(line, "\r\n"), err
}

// LineWithin reads one line, unless ctx ends first. Nothing more can be read after
// that.
func (i *Input) LineWithin(ctx context.Context) (string, error) {
	type read struct {
		text string
		err  error
	}
	done := make(chan read, 1)
	go func() {
		text, err := i.Line()
		done <- read{text, err}
	}()
	select {
	case r := <-done:
		return r.text, r.err
	case <-ctx.Done():
		return "", errInterrupted
	}
}

var errInterrupted = errors.New("interrupted")

// Ask asks for a line. It ends early when ctx does.
func (i *Input) Ask(ctx context.Context, prompt string) (string, error) {
	_, _ = fmt.Fprint(i.out, prompt)
	line, err := i.LineWithin(ctx)
	if err != nil {
		_, _ = fmt.Fprintln(i.out)
	}
	return strings.TrimSpace(line), err
}

// Confirm asks a question that is answered by yes or no. Without a terminal it
// returns [ErrNoTerminal].
func (i *Input) Confirm(ctx context.Context, question string) (bool, error) {
	if !i.IsTerminal() {
		return false, ErrNoTerminal
	}
	for {
		answer, err := i.Ask(ctx, question+" [y/N] ")
		if err != nil {
			return false, err
		}
		switch strings.ToLower(answer) {
		case "y", "yes":
			return true, nil
		case "n", "no", "":
			return false, nil
		}
		_, _ = fmt.Fprintln(i.out, "Answer y or n.")
	}
}

// Secret reads a line that is not shown on a terminal.
func (i *Input) Secret(ctx context.Context, prompt string) (string, error) {
	if !i.IsTerminal() {
		return i.Line()
	}
	_, _ = fmt.Fprintf(i.out, "%s: ", prompt)
	defer func() { _, _ = fmt.Fprintln(i.out) }()
	fd := int(i.in.(*os.File).Fd())
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
		return "", errInterrupted
	}
}

// Key reads one key.
func (i *Input) Key(ctx context.Context, prompt string) (string, error) {
	key, err := i.Secret(ctx, prompt)
	if key = strings.TrimSpace(key); key != "" {
		return key, nil
	}
	if err != nil && ctx.Err() != nil {
		return "", err
	}
	return "", errors.New("standard input holds no key")
}

// Keys reads keys, one a line, until an empty line or the end.
func (i *Input) Keys(ctx context.Context, prompt string) (keys []string, err error) {
	for {
		key, err := i.Secret(ctx, prompt)
		if ctx.Err() != nil {
			return nil, err
		}
		if key = strings.TrimSpace(key); key == "" {
			break
		}
		keys, prompt = append(keys, key), "Next key"
	}
	if len(keys) == 0 {
		return nil, errors.New("standard input holds no keys")
	}
	return keys, nil
}
