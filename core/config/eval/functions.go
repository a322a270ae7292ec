package eval

import (
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"

	"github.com/aitunnel/aitunnel/core/config/hclfile"
	"github.com/aitunnel/aitunnel/core/config/redact"
)

// functions returns the functions that expressions may call: env and file, whose values are secrets, and common
// ones for strings, numbers and collections.
func (ev *Evaluator) functions() map[string]function.Function {
	return map[string]function.Function{
		"env":  ev.envFunction(),
		"file": ev.fileFunction(),

		"abs": stdlib.AbsoluteFunc, "ceil": stdlib.CeilFunc, "chomp": stdlib.ChompFunc, "chunklist": stdlib.ChunklistFunc,
		"coalesce": stdlib.CoalesceFunc, "coalescelist": stdlib.CoalesceListFunc, "compact": stdlib.CompactFunc,
		"concat": stdlib.ConcatFunc, "contains": stdlib.ContainsFunc, "csvdecode": stdlib.CSVDecodeFunc,
		"distinct": stdlib.DistinctFunc, "element": stdlib.ElementFunc, "flatten": stdlib.FlattenFunc,
		"floor": stdlib.FloorFunc, "format": stdlib.FormatFunc, "formatlist": stdlib.FormatListFunc,
		"indent": stdlib.IndentFunc, "join": stdlib.JoinFunc, "jsondecode": jsonDecode,
		"jsonencode": stdlib.JSONEncodeFunc, "keys": stdlib.KeysFunc, "length": stdlib.LengthFunc,
		"lookup": stdlib.LookupFunc, "lower": stdlib.LowerFunc, "max": stdlib.MaxFunc, "merge": stdlib.MergeFunc,
		"min": stdlib.MinFunc, "parseint": stdlib.ParseIntFunc, "range": stdlib.RangeFunc, "regex": stdlib.RegexFunc,
		"regexall": stdlib.RegexAllFunc, "replace": stdlib.ReplaceFunc, "reverse": stdlib.ReverseListFunc,
		"slice": stdlib.SliceFunc, "sort": stdlib.SortFunc, "split": stdlib.SplitFunc, "strlen": stdlib.StrlenFunc,
		"substr": stdlib.SubstrFunc, "title": stdlib.TitleFunc, "trim": stdlib.TrimFunc, "trimprefix": stdlib.TrimPrefixFunc,
		"trimspace": stdlib.TrimSpaceFunc, "trimsuffix": stdlib.TrimSuffixFunc, "upper": stdlib.UpperFunc,
		"values": stdlib.ValuesFunc, "zipmap": stdlib.ZipmapFunc,
	}
}

// envFunction is env(name[, default]).
func (ev *Evaluator) envFunction() function.Function {
	return function.New(&function.Spec{
		Params:   []function.Parameter{{Name: "name", Type: cty.String}},
		VarParam: &function.Parameter{Name: "default", Type: cty.String},
		Type:     function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if len(args) > 2 {
				return cty.NilVal, function.NewArgErrorf(2, "too many arguments: env takes a name and a default")
			}
			name := args[0].AsString()
			if v, ok := ev.Getenv(name); ok {
				return ev.secretValue(v), nil
			}
			if !redact.IsEnvName(name) {
				return cty.NilVal, function.NewArgErrorf(0, "this is not the name of an environment variable: a name has letters, digits and underscores only, such as KEY_1; a value itself is written in quotes, without env")
			}
			if len(args) == 2 {
				return args[1].Mark(secretMark), nil
			}
			return cty.NilVal, function.NewArgErrorf(0, "the environment variable %s is not set; set it, or give a default: env(%q, \"…\")", name, name)
		},
	})
}

// fileFunction is file(path), the content without white space at its ends.
func (ev *Evaluator) fileFunction() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "path", Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			path := ev.ResolvePath(args[0].AsString())
			text, err := ev.Input(path, hclfile.MaxValue)
			if err != nil {
				return cty.NilVal, function.NewArgErrorf(0, "cannot read the file: %s", err)
			}
			return ev.secretValue(strings.TrimSpace(string(text))), nil
		},
	})
}

func (ev *Evaluator) secretValue(v string) cty.Value {
	value := cty.StringVal(v)
	ev.KeepSecret(value)
	return value.Mark(secretMark)
}

// jsonDecode is jsondecode with a limit of nesting, since its parser is recursive.
var jsonDecode = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "str", Type: cty.String}},
	Type: func(args []cty.Value) (cty.Type, error) {
		if args[0].IsKnown() && strings.Count(args[0].AsString(), "[")+strings.Count(args[0].AsString(), "{") > maxValueDepth && jsonDepth(args[0].AsString()) > maxValueDepth {
			return cty.NilType, function.NewArgErrorf(0, "the text is nested more than %d levels deep", maxValueDepth)
		}
		return stdlib.JSONDecodeFunc.ReturnTypeForValues(args)
	},
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return stdlib.JSONDecodeFunc.Call(args) },
})

// jsonDepth returns the depth of a JSON text. If the text is not valid, the result may be too large.
func jsonDepth(text string) (deepest int) {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			depth++
			deepest = max(deepest, depth)
		case c == ']' || c == '}':
			depth--
		}
	}
	return deepest
}
