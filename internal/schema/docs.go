package schema

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
)

// Docs reads the comments of the structs that a folder of Go sources declares, and of their
// fields, under names such as "world.Instance" and "world.Instance.Realm".
func Docs(dir string) (map[string]string, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			decl, ok := n.(*ast.GenDecl)
			if !ok {
				return true
			}
			for _, spec := range decl.Specs {
				if s, ok := spec.(*ast.TypeSpec); ok {
					doc := s.Doc
					if doc == nil {
						doc = decl.Doc
					}
					structDocs(file.Name.Name+"."+s.Name.Name, s.Type, doc, found)
				}
			}
			return true
		})
	}
	return found, nil
}

func structDocs(name string, t ast.Expr, doc *ast.CommentGroup, found map[string]string) {
	s, ok := t.(*ast.StructType)
	if !ok {
		return
	}
	found[name] = oneLine(doc)
	for _, f := range s.Fields.List {
		for _, n := range f.Names {
			text := oneLine(f.Doc)
			if text == "" {
				text = oneLine(f.Comment)
			}
			found[name+"."+n.Name] = text
		}
	}
}

func oneLine(c *ast.CommentGroup) string { return strings.Join(strings.Fields(c.Text()), " ") }
