package config

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
func (l *loader) estimate(e hclsyntax.Expression) int64 {
	switch e := e.(type) {
	case *hclsyntax.LiteralValueExpr:
		return sizeOf(e.Val)
	case *hclsyntax.TemplateExpr:
		return l.estimateAll(e.Parts)
	case *hclsyntax.TemplateWrapExpr:
		return l.estimate(e.Wrapped)
	case *hclsyntax.ParenthesesExpr:
		return l.estimate(e.Expression)
	case *hclsyntax.ObjectConsKeyExpr:
		return l.estimate(e.Wrapped)
	case *hclsyntax.TupleConsExpr:
		return plus(l.estimateAll(e.Exprs), elementSize*int64(len(e.Exprs)))
	case *hclsyntax.ObjectConsExpr:
		size := elementSize * int64(len(e.Items))
		for _, item := range e.Items {
			size = plus(size, plus(l.estimate(item.KeyExpr), l.estimate(item.ValueExpr)))
		}
		return size
	case *hclsyntax.ConditionalExpr:
		return l.estimateAll([]hclsyntax.Expression{e.Condition, e.TrueResult, e.FalseResult})
	case *hclsyntax.UnaryOpExpr:
		return l.estimate(e.Val)
	case *hclsyntax.BinaryOpExpr:
		return plus(l.estimate(e.LHS), l.estimate(e.RHS)) // the digits of a product
	case *hclsyntax.ScopeTraversalExpr:
		return l.sizeOfReference(e.Traversal)
	case *hclsyntax.RelativeTraversalExpr:
		return l.estimate(e.Source)
	case *hclsyntax.IndexExpr:
		return plus(l.estimate(e.Collection), l.estimate(e.Key))
	case *hclsyntax.FunctionCallExpr:
		return l.estimateCall(e)
	}
	return unbounded // a loop, a splat, or an expression of a later version of the library
}

func (l *loader) estimateAll(all []hclsyntax.Expression) (size int64) {
	for _, e := range all {
		size = plus(size, l.estimate(e))
	}
	return size
}

// estimateCall returns the estimate for a call. Most functions return their arguments, or a
// part of them.
func (l *loader) estimateCall(call *hclsyntax.FunctionCallExpr) int64 {
	given := l.estimateAll(call.Args)
	switch call.Name {
	case "env":
		if name, ok := staticText(call.Args); ok {
			value, _ := l.options.Getenv(name)
			return plus(given, int64(len(value)))
		}
		return plus(given, hclfile.MaxText)
	case "file":
		if path, ok := staticText(call.Args); ok {
			if info, err := os.Stat(l.resolvePath(path)); err == nil {
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

// sizeOfReference returns the size of a variable or local, which was evaluated before
// expressions that refer to it.
func (l *loader) sizeOfReference(t hcl.Traversal) int64 {
	if len(t) > 1 {
		if step, ok := t[1].(hcl.TraverseAttr); ok {
			return l.eval.sizes[t.RootName()+"."+step.Name]
		}
	}
	return l.eval.sizes[t.RootName()]
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
func (l *loader) recordSize(root, name string, v cty.Value, at hcl.Range) bool {
	size := sizeOf(v)
	l.eval.sizes[root+"."+name] = size
	l.eval.sizes[root] = plus(l.eval.sizes[root], plus(size, elementSize))
	if l.eval.sizes["var"]+l.eval.sizes["local"] > maxValues {
		l.tooLarge(at)
		return false
	}
	if isDeep(v, maxValueDepth) {
		l.fail(at, "Nested too deeply", fmt.Sprintf("At most %d lists or maps may be nested in each other.", maxValueDepth))
		return false
	}
	return true
}

func (l *loader) tooLarge(at hcl.Range) {
	l.fail(at, "Values too large", fmt.Sprintf("With this one, the values of the configuration take more than %s. Shorten it, or the values that it refers to.", wording.Size(maxValues)))
	l.eval.stopped = true
}

// withinLimits reports whether an expression may be evaluated. If the text does not
// show a limit for one of them, all expressions are first evaluated in another
// process, which can be stopped.
func (l *loader) withinLimits(e hclsyntax.Expression) bool {
	if l.eval.stopped {
		return false
	}
	if l.eval.progress != nil {
		l.eval.progress(e.Range())
		return true
	}
	if l.eval.trusted[e] {
		return true
	}
	size := l.estimate(e)
	if size >= unbounded || l.eval.spent+size > maxValues {
		if !l.checkInChild() {
			return false
		}
	} else {
		l.eval.spent += size
	}
	l.eval.trusted[e] = true
	return true
}
