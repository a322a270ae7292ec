package eval

import (
	"fmt"
	"math"
	"os"
	"strings"

	"github.com/aitunnel/aitunnel/core/config/hclfile"
	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// The limits of an evaluation.
const (
	maxValues     = 64 << 20 // bytes of all values
	maxValueDepth = 200      // of lists in lists
	maxLocalChain = 1000     // locals that refer to each other in a row
)

// unbounded is the estimate for an expression that can need any amount of memory and time.
const unbounded = math.MaxInt64 / 4

// elementSize is the memory of each entry of a list or map.
const elementSize = 64

// estimate returns the maximum size of the value of an expression in bytes, without evaluating
// it.
func (ev *Evaluator) estimate(e hclsyntax.Expression) int64 {
	switch e := e.(type) {
	case *hclsyntax.LiteralValueExpr:
		return sizeOf(e.Val)
	case *hclsyntax.TemplateExpr:
		return ev.estimateAll(e.Parts)
	case *hclsyntax.TemplateWrapExpr:
		return ev.estimate(e.Wrapped)
	case *hclsyntax.ParenthesesExpr:
		return ev.estimate(e.Expression)
	case *hclsyntax.ObjectConsKeyExpr:
		return ev.estimate(e.Wrapped)
	case *hclsyntax.TupleConsExpr:
		return plus(ev.estimateAll(e.Exprs), elementSize*int64(len(e.Exprs)))
	case *hclsyntax.ObjectConsExpr:
		size := elementSize * int64(len(e.Items))
		for _, item := range e.Items {
			size = plus(size, plus(ev.estimate(item.KeyExpr), ev.estimate(item.ValueExpr)))
		}
		return size
	case *hclsyntax.ConditionalExpr:
		return ev.estimateAll([]hclsyntax.Expression{e.Condition, e.TrueResult, e.FalseResult})
	case *hclsyntax.UnaryOpExpr:
		return ev.estimate(e.Val)
	case *hclsyntax.BinaryOpExpr:
		return plus(ev.estimate(e.LHS), ev.estimate(e.RHS)) // the digits of a product
	case *hclsyntax.ScopeTraversalExpr:
		return ev.sizeOfReference(e.Traversal)
	case *hclsyntax.RelativeTraversalExpr:
		return ev.estimate(e.Source)
	case *hclsyntax.IndexExpr:
		return plus(ev.estimate(e.Collection), ev.estimate(e.Key))
	case *hclsyntax.FunctionCallExpr:
		return ev.estimateCall(e)
	}
	return unbounded // a loop, a splat, or a kind of expression that a later version of the library adds
}

func (ev *Evaluator) estimateAll(all []hclsyntax.Expression) (size int64) {
	for _, e := range all {
		size = plus(size, ev.estimate(e))
	}
	return size
}

// estimateCall returns the estimate for a call. Most functions return no more than their arguments.
func (ev *Evaluator) estimateCall(call *hclsyntax.FunctionCallExpr) int64 {
	given := ev.estimateAll(call.Args)
	switch call.Name {
	case "env":
		if name, ok := staticText(call.Args); ok {
			value, _ := ev.Getenv(name)
			return plus(given, int64(len(value)))
		}
		return plus(given, hclfile.MaxText)
	case "file":
		if path, ok := staticText(call.Args); ok {
			if info, err := os.Stat(ev.ResolvePath(path)); err == nil {
				return plus(given, min(info.Size(), hclfile.MaxValue))
			}
		}
		return plus(given, hclfile.MaxValue)
	case "format":
		if text, ok := staticText(call.Args); ok && !strings.ContainsAny(text, "*0123456789") {
			return times(given, 2)
		}
		return unbounded
	case "formatlist", "indent", "range":
		return unbounded
	case "join", "replace", "csvdecode", "regexall":
		return times(given, given)
	case "jsondecode", "split", "keys", "chunklist":
		return times(given, elementSize)
	}
	return plus(times(given, 6), elementSize) // a character of JSON may take six
}

// staticText returns the first argument of a call if it is plain text.
func staticText(args []hclsyntax.Expression) (string, bool) {
	if len(args) == 0 {
		return "", false
	}
	t, ok := args[0].(*hclsyntax.TemplateExpr)
	if !ok || !t.IsStringLiteral() {
		return "", false
	}
	v, diags := t.Value(nil)
	return v.AsString(), !diags.HasErrors()
}

// sizeOfReference returns the size of a variable or local, which is evaluated before the expressions that refer to
// it.
func (ev *Evaluator) sizeOfReference(t hcl.Traversal) int64 {
	if len(t) > 1 {
		if step, ok := t[1].(hcl.TraverseAttr); ok {
			return ev.sizes[t.RootName()+"."+step.Name]
		}
	}
	return ev.sizes[t.RootName()]
}

func plus(a, b int64) int64 { return min(a+b, unbounded) }

func times(a, n int64) int64 {
	if n > 0 && a > unbounded/n {
		return unbounded
	}
	return a * n
}

// sizeOf returns the size of a value in bytes.
func sizeOf(v cty.Value) int64 {
	v, _ = v.Unmark()
	switch {
	case v.IsNull() || !v.IsKnown():
		return 1
	case v.Type() == cty.String:
		return int64(len(v.AsString()))
	case v.Type() == cty.Number:
		f := v.AsBigFloat()
		return 160 + int64(math.Abs(float64(f.MantExp(nil))))/3 // written out
	case v.CanIterateElements():
		size := int64(0)
		for it := v.ElementIterator(); it.Next(); {
			key, e := it.Element()
			size = plus(size, plus(elementSize, sizeOf(e)))
			if key.Type() == cty.String {
				size = plus(size, sizeOf(key))
			}
		}
		return size
	}
	return 1
}

// isDeep reports whether lists in a value are nested too deeply.
func isDeep(v cty.Value, left int) bool {
	v, _ = v.Unmark()
	if v.IsNull() || !v.IsKnown() || !v.CanIterateElements() {
		return false
	}
	if left == 0 {
		return true
	}
	for it := v.ElementIterator(); it.Next(); {
		if _, e := it.Element(); isDeep(e, left-1) {
			return true
		}
	}
	return false
}

// recordSize stores the size of a variable or local, for estimates of expressions that refer to
// it. It returns false after it reported that the value is too large.
func (ev *Evaluator) recordSize(root, name string, v cty.Value, at hcl.Range) bool {
	size := sizeOf(v)
	ev.sizes[root+"."+name] = size
	ev.sizes[root] = plus(ev.sizes[root], plus(size, elementSize))
	if ev.sizes["var"]+ev.sizes["local"] > maxValues {
		ev.tooLarge(at)
		return false
	}
	if isDeep(v, maxValueDepth) {
		ev.Fail(at, "Nested too deeply", fmt.Sprintf("At most %d lists or maps may be nested in each other.", maxValueDepth))
		return false
	}
	return true
}

func (ev *Evaluator) tooLarge(at hcl.Range) {
	ev.Fail(at, "Values too large", fmt.Sprintf("With this one, the values of the configuration take more than %s. Shorten it, or the values that it refers to.", wording.Size(maxValues)))
	ev.stopped = true
}

// withinLimits reports whether an expression may be evaluated. If its estimate is too large, all expressions are
// first evaluated in a child process, which can be killed.
func (ev *Evaluator) withinLimits(e hclsyntax.Expression) bool {
	if ev.stopped {
		return false
	}
	if ev.progress != nil {
		ev.progress(e.Range())
		return true
	}
	if ev.trusted[e] {
		return true
	}
	size := ev.estimate(e)
	if size >= unbounded || ev.spent+size > maxValues {
		if !ev.checkInChild() {
			return false
		}
	} else {
		ev.spent += size
	}
	ev.trusted[e] = true
	return true
}
