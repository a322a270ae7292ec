package panel

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"strings"
	"sync"
)

// styles are the style sheets in the order in which they apply.
var styles = []string{"base", "frame", "channels", "log", "usage", "config", "dialogs", "connect", "clients"}

// joinStyles returns all style sheets as one.
func joinStyles() ([]byte, error) {
	var all bytes.Buffer
	for _, name := range styles {
		b, err := files.ReadFile("assets/" + name + ".css")
		if err != nil {
			return nil, err
		}
		all.Write(b)
	}
	return all.Bytes(), nil
}

var (
	importLine = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?m)^import (?:\{([^}]*)\}|\* as (\w+)) from '([^']+)';$`)
	})
	exportLine = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?m)^export ((?:async )?function|class|const) (\w+)`)
	})
	leftOver = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?m)^(?:import|export)\b.*`) })
)

// joinModules returns a module and everything it imports as one script, since a
// browser needs far longer for 70 small files than for one. Each module keeps its own
// scope: it becomes a function that returns the module's exports, placed after the
// modules that it imports.
func joinModules(main string) ([]byte, error) {
	j := joiner{names: map[string]string{}}
	if err := j.add(main); err != nil {
		return nil, err
	}
	return j.out.Bytes(), nil
}

type joiner struct {
	out   bytes.Buffer
	count int
	names map[string]string // the constant with a file's exports; "" while the file is being added
}

func (j *joiner) add(file string) error {
	if name, ok := j.names[file]; ok {
		if name == "" {
			return fmt.Errorf("%s imports itself through other modules", file)
		}
		return nil
	}
	j.names[file] = ""
	b, err := files.ReadFile(file)
	if err != nil {
		return err
	}
	text := string(b)
	for _, m := range importLine().FindAllStringSubmatch(text, -1) {
		if err := j.add(path.Join(path.Dir(file), m[3])); err != nil {
			return err
		}
	}
	var exports []string
	for _, m := range exportLine().FindAllStringSubmatch(text, -1) {
		exports = append(exports, m[2])
	}
	text = exportLine().ReplaceAllString(text, "$1 $2")
	text = importLine().ReplaceAllStringFunc(text, func(line string) string {
		m := importLine().FindStringSubmatch(line)
		from := j.names[path.Join(path.Dir(file), m[3])]
		if m[2] != "" {
			return "const " + m[2] + " = " + from + ";"
		}
		return "const {" + strings.ReplaceAll(m[1], " as ", ": ") + "} = " + from + ";"
	})
	if line := leftOver().FindString(text); line != "" {
		return fmt.Errorf("%s: this form of import or export is not supported: %s", file, line)
	}
	j.count++
	name := fmt.Sprintf("module%d", j.count)
	fmt.Fprintf(&j.out, "// %s\nconst %s = (() => {\n%sreturn { %s };\n})();\n", path.Base(file), name, text, strings.Join(exports, ", "))
	j.names[file] = name
	return nil
}
