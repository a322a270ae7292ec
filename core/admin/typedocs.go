package admin

import (
	"embed"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"strings"
)

// typeFiles are this package's own sources with the types of the API: what they
// say of a type or field is what the document says.
//
//go:embed types*.go channels.go config.go answer.go
var typeFiles embed.FS

// typeDocs are the comments of types, by name, and of fields, by Type.Field.
func typeDocs() map[string]string {
	docs := map[string]string{}
	names, err := fs.Glob(typeFiles, "*.go")
	if err != nil {
		panic(err) // the pattern is right
	}
	for _, name := range names {
		text, err := typeFiles.ReadFile(name)
		if err != nil {
			panic(err) // it is there
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments)
		if err != nil {
			panic(err) // the compiler parsed it
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if d, ok := n.(*ast.GenDecl); ok && d.Tok == token.TYPE && len(d.Specs) == 1 {
				typeDoc(docs, d.Specs[0].(*ast.TypeSpec), d.Doc)
			}
			return true
		})
	}
	return docs
}

func typeDoc(docs map[string]string, t *ast.TypeSpec, doc *ast.CommentGroup) {
	docs[t.Name.Name] = sentence(doc)
	fields, ok := t.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, f := range fields.Fields.List {
		about := f.Comment
		if about == nil {
			about = f.Doc
		}
		for _, name := range f.Names {
			docs[t.Name.Name+"."+name.Name] = sentence(about)
		}
	}
}

// sentence is a comment on one line.
func sentence(c *ast.CommentGroup) string { return strings.Join(strings.Fields(c.Text()), " ") }
