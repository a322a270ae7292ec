package eval

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"runtime/metrics"
	"time"

	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// A loop, or a function such as indent, can use any amount of time and memory, and nothing within the process can
// stop it. So a configuration with one is first evaluated in a child process, which reports each expression before
// it evaluates it. If the child has to be killed, the error is at the last expression.

const (
	evaluatorMemory = 512 << 20
	evaluatorEnv    = "AITUNNEL_INTERNAL_EVALUATOR"
)

// evaluationTime is shorter in tests.
var evaluationTime = 10 * time.Second

// The exit codes of the child.
const (
	evaluatorDone   = 0
	evaluatorValues = 10
	evaluatorHeap   = 11
)

// hasEvaluator is true if this program calls [RunEvaluator].
var hasEvaluator bool

// RunEvaluator must be called at the very beginning of the program. In a child process that was started to
// evaluate a configuration, it does so and does not return.
func RunEvaluator() {
	hasEvaluator = true
	if os.Getenv(evaluatorEnv) == "" {
		return
	}
	go watchHeap()
	os.Exit(evaluateAll())
}

// evaluationJob is the input of the child.
type evaluationJob struct {
	Path       string
	Vars       map[string]string
	Texts      map[string][]byte
	Predefined map[string][]string
}

// place is the position of the expression that is being evaluated.
type place struct {
	File                          string
	Line, Column, EndLine, EndCol int
	Byte, EndByte                 int
}

func evaluateAll() int {
	var job evaluationJob
	if err := json.NewDecoder(os.Stdin).Decode(&job); err != nil {
		return 1
	}
	out := json.NewEncoder(os.Stdout)
	ev := New(context.Background(), Options{Path: job.Path, Vars: job.Vars, Texts: job.Texts, Predefined: job.Predefined})
	ev.progress = func(at hcl.Range) {
		_ = out.Encode(place{at.Filename, at.Start.Line, at.Start.Column, at.End.Line, at.End.Column, at.Start.Byte, at.End.Byte}) // if nobody reads it, this process is killed soon
	}
	ev.Read()
	ev.ReadEnvironment()
	ev.Evaluate(nil)
	ev.evaluateBodies()
	if ev.stopped {
		return evaluatorValues
	}
	return evaluatorDone
}

// evaluateBodies evaluates all attributes of all blocks, and counts the size of their values.
func (ev *Evaluator) evaluateBodies() {
	for _, a := range ev.Top {
		ev.evaluateOnce(a)
	}
	for _, b := range ev.Blocks {
		if b.Type != "variable" && b.Type != "locals" {
			ev.evaluateBody(b.Body)
		}
	}
}

func (ev *Evaluator) evaluateBody(b *hclsyntax.Body) {
	for _, a := range b.Attributes {
		ev.evaluateOnce(a)
	}
	for _, inner := range b.Blocks {
		ev.evaluateBody(inner.Body)
	}
}

func (ev *Evaluator) evaluateOnce(a *hclsyntax.Attribute) {
	if !ev.withinLimits(a.Expr) {
		return
	}
	v, diags := a.Expr.Value(ev.context)
	if diags.HasErrors() {
		return
	}
	if ev.spent += sizeOf(v); ev.spent > maxValues {
		ev.stopped = true
	}
}

// watchHeap ends the process when it takes too much memory.
func watchHeap() {
	heap := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	for range time.Tick(2 * time.Millisecond) {
		if metrics.Read(heap); heap[0].Value.Uint64() > evaluatorMemory {
			os.Exit(evaluatorHeap)
		}
	}
}

// checkInChild evaluates the configuration in a child process, once. It returns false after it reported an
// error.
func (ev *Evaluator) checkInChild() bool {
	if ev.checkedInChild || !hasEvaluator {
		return true
	}
	ev.checkedInChild = true
	at, err := ev.runChild()
	if err == nil {
		return true
	}
	ev.stopped = true
	ev.Fail(at, "Evaluation stopped", wording.Sentence(err.Error())+" Shorten the loop, or the value.")
	return false
}

func (ev *Evaluator) runChild() (hcl.Range, error) {
	self, err := os.Executable()
	if err != nil {
		return ev.Start(), fmt.Errorf("this program cannot be found: %w", err)
	}
	texts := maps.Clone(ev.Texts)
	if texts == nil {
		texts = map[string][]byte{}
	}
	for name, s := range ev.Sources {
		texts[name] = s.Text
	}
	job, err := json.Marshal(evaluationJob{ev.Path, ev.Vars, texts, ev.Predefined})
	if err != nil {
		return ev.Start(), err
	}
	ctx, cancel := context.WithTimeout(ev.ctx, evaluationTime)
	defer cancel()
	child := exec.CommandContext(ctx, self)
	child.Env = append(os.Environ(), evaluatorEnv+"=1")
	child.Stdin = bytes.NewReader(job)
	out, err := child.StdoutPipe()
	if err == nil {
		err = child.Start()
	}
	if err != nil {
		return ev.Start(), fmt.Errorf("another process cannot be started: %w", err)
	}
	at := ev.lastPlace(out)
	err = child.Wait()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return at, nil
	case ctx.Err() != nil:
		return at, fmt.Errorf("the evaluation takes more than %s", evaluationTime)
	case errors.As(err, &exit) && exit.ExitCode() == evaluatorValues:
		return at, fmt.Errorf("the values of the configuration take more than %s", wording.Size(maxValues))
	}
	return at, fmt.Errorf("the evaluation takes more than %s of memory", wording.Size(evaluatorMemory))
}

// lastPlace returns the last place that the child reported.
func (ev *Evaluator) lastPlace(out interface{ Read([]byte) (int, error) }) hcl.Range {
	at := ev.Start()
	decoder := json.NewDecoder(bufio.NewReader(out))
	for {
		var p place
		if decoder.Decode(&p) != nil {
			return at
		}
		at = hcl.Range{
			Filename: p.File,
			Start:    hcl.Pos{Line: p.Line, Column: p.Column, Byte: p.Byte},
			End:      hcl.Pos{Line: p.EndLine, Column: p.EndCol, Byte: p.EndByte},
		}
	}
}
