package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// metric is one metric as the code makes it.
type metric struct {
	name, kind, help, file string
	labels                 []string
}

// inCode finds the metrics that the code below root makes, by name. A metric has
// its name and its help as literals, or nobody finds it.
func inCode(root string) (all []metric, err error) {
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && name != "." && name != ".." && strings.HasPrefix(name, ".") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if call, is := n.(*ast.CallExpr); is {
				if m, is := made(call); is {
					m.file = relative
					all = append(all, m)
				}
			}
			return true
		})
		return nil
	})
	slices.SortFunc(all, func(a, b metric) int { return cmp.Compare(a.name, b.name) })
	return all, err
}

// made says whether a call makes a metric: one of the client library's New
// functions, or a function like them of our own, counter or gauge, that takes name,
// help and labels.
func made(call *ast.CallExpr) (m metric, is bool) {
	var function string
	switch f := call.Fun.(type) {
	case *ast.SelectorExpr:
		function = f.Sel.Name
	case *ast.Ident:
		function = f.Name
	}
	switch function {
	case "counter", "gauge":
		if len(call.Args) < 2 {
			return m, false
		}
		m = metric{name: text(call.Args[0]), kind: function, help: text(call.Args[1]), labels: []string{"partition"}}
		for _, label := range call.Args[2:] {
			m.labels = append(m.labels, text(label))
		}
	case "NewCounterVec", "NewGaugeVec", "NewHistogramVec", "NewCounter", "NewGauge", "NewHistogram", "NewGaugeFunc", "NewCounterFunc":
		m.kind = strings.ToLower(strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(function, "New"), "Vec"), "Func"))
		options, _ := call.Args[0].(*ast.CompositeLit)
		if options == nil {
			return m, false
		}
		for _, element := range options.Elts {
			if pair, is := element.(*ast.KeyValueExpr); is {
				m.option(pair)
			}
		}
		if strings.HasSuffix(function, "Vec") {
			m.labels = append(m.labels, texts(call.Args[1])...)
		}
	}
	return m, strings.HasPrefix(m.name, "chatlog_")
}

func (m *metric) option(pair *ast.KeyValueExpr) {
	switch key, _ := pair.Key.(*ast.Ident); key.Name {
	case "Name":
		m.name = text(pair.Value)
	case "Help":
		m.help = text(pair.Value)
	case "ConstLabels":
		if given, is := pair.Value.(*ast.CompositeLit); is {
			for _, e := range given.Elts {
				m.labels = append(m.labels, text(e.(*ast.KeyValueExpr).Key))
			}
		} else {
			m.labels = append(m.labels, "service")
		}
	}
}

func text(e ast.Expr) string {
	if literal, is := e.(*ast.BasicLit); is && literal.Kind == token.STRING {
		if s, err := strconv.Unquote(literal.Value); err == nil {
			return s
		}
	}
	return ""
}

func texts(e ast.Expr) (all []string) {
	if list, is := e.(*ast.CompositeLit); is {
		for _, element := range list.Elts {
			all = append(all, text(element))
		}
	}
	return all
}

// reference is the page about all metrics.
func reference(all []metric) string {
	var page strings.Builder
	page.WriteString("# Metrics\n\nEvery service has them at `/metrics`, with those of the Go runtime and of the process.\n" +
		"Written by `go run ./deploy/prometheus` from the code. Alerts: deploy/prometheus/alerts.yaml;\n" +
		"a dashboard for Grafana: deploy/prometheus/dashboard.json.\n\n| metric | type | labels | what it tells | made in |\n|---|---|---|---|---|\n")
	for _, m := range all {
		fmt.Fprintf(&page, "| %s | %s | %s | %s | %s |\n", m.name, m.kind, strings.Join(m.labels, ", "), m.help, m.file)
	}
	return page.String()
}
