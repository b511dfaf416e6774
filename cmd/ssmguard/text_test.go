package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// writesItself holds the functions that may write to a stream, or call text their own,
// without internal/safetext, each with the reason.
var writesItself = map[string]string{
	"cmd/internal/alias.aliasOptions.run":     "the snippets for shells are constants of configs, which quotes the path of the program",
	"cmd/internal/check.checkMatrix":          "an example of ours",
	"cmd/internal/check.decideCases":          "what JSON has made safe",
	"cmd/internal/cli.versionCommand":         "the licences of what is built in, word for word",
	"cmd/internal/cli.manPage":                "the man page is of our words",
	"cmd/internal/cli.man.f":                  "the man page is of our words",
	"cmd/internal/command.sheet.writeTo":      "help is of our words",
	"cmd/internal/completion.Commands":        "the snippets for shells are constants of configs",
	"cmd/internal/completion.complete":        "a tab, or nothing",
	"cmd/internal/env.Process.show":           "a line that Line has made safe, cut to the terminal's width, and what erases it",
	"cmd/internal/env.notes.Write":            "lines that were made safe before they came here",
	"cmd/internal/exit.PrintAWS":              "the texts of awscli and awsconf are safe for the AWS CLI's formats",
	"cmd/internal/exit.Usagef":                "it passes its own format on",
	"cmd/internal/keeper.provenConn.Read":     "a secret of the run to another process of ours",
	"cmd/internal/keeper.dialPort":            "a secret of the run to another process of ours",
	"cmd/internal/health.Handler":             "numbers, and names that quoted has made safe",
	"cmd/internal/health.plain":               "what Sprintf has made safe",
	"cmd/internal/service.install":            "the file as it is, to be kept; it has its own quoting",
	"cmd/internal/keeper.answer":              "JSON to another process of ours",
	"cmd/internal/keeper.Registry.ask":        "to and from another process of ours",
	"cmd/internal/live.Display.Event":         "what erases lines",
	"cmd/internal/live.Display.Write":         "lines that were made safe before they came here",
	"cmd/internal/keeper.tell":                "JSON to another process of ours",
	"cmd/internal/live.Display.draw":          "rows that Sprintf has made safe, and what erases lines",
	"cmd/internal/live.Painted":               "a word that Line has made safe, and its colour",
	"cmd/internal/report.Forward.Decision":    "what Fprintf and spaced have made safe",
	"cmd/internal/report.ForwardLookup":       "what Fprintf has made safe",
	"cmd/internal/report.letter.statement":    "what spaced has made safe",
	"cmd/internal/report.htmlPage.f":          "it escapes every text, and passes its own format on",
	"cmd/internal/report.Page":                "what Fprintf has made safe",
	"cmd/internal/report.reachHTML.close":     "the page's own script",
	"cmd/internal/report.Text.Decision":       "what Fprintf has made safe",
	"cmd/internal/report.Text.Proof":          "what Fprintf has made safe",
	"cmd/internal/report.GitHub.Findings":     "what annotate and Fprintf have made safe",
	"cmd/internal/check.printPatch":           "a patch that patch applies, with what is hidden escaped",
	"cmd/internal/report.GitHub.annotate":     "a command to GitHub's runner; what others wrote of it is escaped",
	"cmd/internal/report.reachCSV.flush":      "fields that Line has made safe",
	"cmd/internal/report.newReachCSV":         "the names of columns, into memory",
	"cmd/internal/report.reachText.close":     "what Fprintf has made safe",
	"cmd/internal/report.reachJSON.f":         "a form of ours with JSON in it, made safe",
	"cmd/internal/report.Text.paint":          "what is safe, in colour",
	"cmd/internal/report.Text.marked":         "a line that spaced has made safe, in colour",
	"cmd/internal/report.Text.note":           "blanks, and lines that wrap has made safe",
	"cmd/internal/sandbox.demo.say":           "the demo is of our words, in our own world",
	"cmd/internal/sandbox.demo.show":          "the demo is of our words, in our own world",
	"cmd/internal/sandbox.lockedWriter.Write": "what the demo and its commands write",
	"cmd/internal/sandbox.showWorld":          "the file as it is, to be kept",
	"cmd/internal/sandbox.tellEnvironment":    "words of a shell that Word has quoted, or JSON of our own names",
	"cmd/internal/session.screen.Write":       "the session's own bytes",
	"cmd/internal/session.screen.say":         "Paragraph's lines, and the session's own line, drawn again",
	"cmd/internal/pick.picker.draw":           "rows that Sprintf has made safe",
	"cmd/internal/pick.picker.wipe":           "what erases lines",
	"cmd/internal/tunnel.background.detach":   "one of two words to another process of ours",
	"cmd/internal/tunnel.stamped.Write":       "lines that were made safe before they came here",
	"cmd/internal/tunnel.proxyEnv":            "each shell has its own quoting",
	"cmd/internal/tunnel.tunnelEnv":           "each format has its own quoting",
	"cmd/internal/tunnelstate.Logs":           "a safetext.Log",
	"cmd/internal/relay.copyHalf":             "the bytes of a connection",
	"proxy/plugin.Main":                       "the official plugin writes its own words",
	"proxy/plugin.reporter.report":            "JSON to another process of ours",
	"proxy/plugin.lender.ServeHTTP":           "JSON to the SDK of a plugin",
	"proxy/plugin.PortWatch.Write":            "what the official plugin writes",
	"proxy/plugin.Runner.openEvents":          "JSON to another process of ours",
	"cmd/internal/ask.New":                    "a safetext.Log",
}

// TestTextOfOthersIsWrittenSafely: in cmd, in proxy/plugin and in what they print with,
// nothing is written to a stream but constants and what internal/safetext has made safe.
// What is written to memory is looked at in the rooms that put text together for
// streams.
func TestTextOfOthersIsWrittenSafely(t *testing.T) {
	seen := make(map[string]bool)
	calls := 0
	eachPackage(t, []string{module + "cmd/...", module + "proxy/plugin"}, func(fset *token.FileSet, pkg *types.Package, files []*ast.File, info *types.Info) {
		w := writes{fset: fset, pkg: pkg, info: info}
		for _, file := range files {
			for _, decl := range file.Decls {
				function := strings.TrimPrefix(pkg.Path(), module) + "." + declared(decl)
				ast.Inspect(decl, func(n ast.Node) bool {
					call, ok := n.(*ast.CallExpr)
					if !ok {
						return true
					}
					calls++
					what := w.unsafe(call)
					if what == "" {
						return true
					}
					if seen[function] = true; writesItself[function] == "" {
						t.Errorf("%s: %s, in %s: write it with internal/safetext, or say in writesItself why not", fset.Position(call.Pos()), what, function)
					}
					return true
				})
			}
		}
	})
	if calls < 5000 {
		t.Errorf("only %d calls were looked at", calls)
	}
	for function := range maps.Keys(writesItself) {
		if !seen[function] {
			t.Errorf("%s is in writesItself, and writes nothing", function)
		}
	}
}

// TestUnsafeWritesAreNoticed: the check of the sources notices each way to write text.
func TestUnsafeWritesAreNoticed(t *testing.T) {
	const head = `package p
import ("bufio"; "bytes"; "encoding/json"; "fmt"; "io"; "os"; "strings"; "text/tabwriter"; "ssmguard/internal/safetext")
var _ = []any{bufio.NewWriter, json.NewEncoder, fmt.Print, io.Copy, os.Exit, tabwriter.NewWriter, safetext.Line, bytes.NewReader}
func f(w io.Writer, s string, err error) { var b strings.Builder; _ = b; `
	exports := exportData(t)
	for line, unsafe := range map[string]bool{
		`fmt.Fprintf(w, "%s", s)`: true, `fmt.Fprintln(w, err)`: true, `fmt.Fprint(w, s)`: true, `fmt.Println(s)`: true,
		`io.WriteString(w, s)`: true, `w.Write([]byte(s))`: true, `os.Stderr.WriteString(s)`: true,
		`io.Copy(w, strings.NewReader(s))`: true, `json.NewEncoder(w).Encode(s)`: true,
		`t := tabwriter.NewWriter(w, 0, 0, 0, 0, 0); fmt.Fprintf(t, "%s", s)`: true,
		`x := bufio.NewWriter(w); x.WriteString(s)`:                           true,
		`safetext.Fprintf(w, "%s", safetext.Own(s))`:                          true,
		`safetext.Fprintf(w, s)`:                                              true,
		`println(s)`:                                                          true,
		`safetext.Fprintf(w, "%s %v", s, err)`:                                false,
		`safetext.Fprintf(w, "%s", safetext.Own("x"))`:                        false,
		`fmt.Fprintln(w, "constant")`:                                         false,
		`fmt.Fprintf(&b, "%s", s)`:                                            false,
		`io.Copy(io.Discard, strings.NewReader(s))`:                           false,
		`safetext.NewEncoder(w).Encode(s)`:                                    false,
		`x := fmt.Sprintf("%s", s); _ = x`:                                    false,
	} {
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, "p.go", head+line+"}", parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		pkg, info, err := checkTypes(fset, "p", []*ast.File{file}, exports)
		if err != nil {
			t.Fatal(err)
		}
		w, noticed := writes{fset: fset, pkg: pkg, info: info}, false
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && w.unsafe(call) != "" {
				noticed = true
			}
			return true
		})
		if noticed != unsafe {
			t.Errorf("%s: noticed %t, want %t", line, noticed, unsafe)
		}
	}
}

// writes looks for calls that write text to a stream.
type writes struct {
	fset *token.FileSet
	pkg  *types.Package
	info *types.Info
}

const safetext = module + "internal/safetext"

// unsafe says what a call writes that may not be safe, "" for nothing.
func (w writes) unsafe(call *ast.CallExpr) string {
	if w.info.Types[call.Fun].IsType() { // a conversion
		if named, ok := w.info.TypeOf(call).(*types.Named); ok && named.Obj().Pkg() != nil &&
			named.Obj().Pkg().Path() == safetext && named.Obj().Name() == "Own" && !w.constant(call.Args) && !w.madeSafe(call.Args[0]) {
			return "text is called our own"
		}
		return ""
	}
	function := w.callee(call)
	if function == nil {
		return ""
	}
	if builtin, ok := function.(*types.Builtin); ok {
		if builtin.Name() == "print" || builtin.Name() == "println" {
			return builtin.Name()
		}
		return ""
	}
	signature, ok := function.Type().Underlying().(*types.Signature)
	if !ok || function.Pkg() == nil && signature.Recv() == nil {
		return ""
	}
	path := ""
	if function.Pkg() != nil {
		path = function.Pkg().Path()
	}
	if selector, ok := call.Fun.(*ast.SelectorExpr); ok && signature.Recv() != nil {
		switch function.Name() {
		case "Write", "WriteString", "WriteByte", "WriteRune", "ReadFrom":
			if w.stream(selector.X) && !w.constant(call.Args) {
				return "a stream's " + function.Name()
			}
		}
		return ""
	}
	switch {
	case path == "fmt" && strings.HasPrefix(function.Name(), "Print"):
		return "fmt." + function.Name()
	case path == safetext && strings.HasSuffix(function.Name(), "printf"):
		format := call.Args[len(call.Args)-1]
		for i := range signature.Params().Len() {
			if signature.Params().At(i).Name() == "format" {
				format = call.Args[i]
			}
		}
		if !w.constant([]ast.Expr{format}) {
			return "a format that is not constant"
		}
		return ""
	case strings.HasPrefix(path, module), path == w.pkg.Path(), path == "text/tabwriter", path == "bufio":
		return ""
	}
	for i, arg := range call.Args {
		at := min(i, signature.Params().Len()-1)
		if isWriter(signature.Params().At(at).Type()) && w.stream(arg) && !w.constant(slices.Delete(slices.Clone(call.Args), i, i+1)) ||
			isWriter(signature.Params().At(at).Type()) && w.stream(arg) && len(call.Args) == 1 && path != "fmt" {
			return path + "." + function.Name()
		}
	}
	return ""
}

// madeSafe reports whether an expression is what a function of internal/safetext returned.
func (w writes) madeSafe(e ast.Expr) bool {
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok {
		return false
	}
	if function := w.callee(call); function != nil && function.Pkg() != nil && function.Pkg().Path() == safetext {
		return true
	}
	return w.info.Types[call.Fun].IsType() && w.madeSafe(call.Args[0])
}

// callee returns the function that a call calls by its name, nil if it has none.
func (w writes) callee(call *ast.CallExpr) types.Object {
	switch f := ast.Unparen(call.Fun).(type) {
	case *ast.Ident:
		return w.info.Uses[f]
	case *ast.SelectorExpr:
		return w.info.Uses[f.Sel]
	}
	return nil
}

// constant reports whether every expression has a value that the compiler knows.
func (w writes) constant(all []ast.Expr) bool {
	return !slices.ContainsFunc(all, func(e ast.Expr) bool { return w.info.Types[e].Value == nil })
}

// assembling are the rooms whose text, also that in memory, goes to streams.
var assembling = []string{module + "cmd/internal/report"}

// stream reports whether an expression is a writer that may lead out of this process.
func (w writes) stream(e ast.Expr) bool {
	if use, ok := e.(*ast.SelectorExpr); ok {
		if v := w.info.Uses[use.Sel]; v != nil && v.Pkg() != nil && v.Pkg().Path() == "io" && v.Name() == "Discard" {
			return false
		}
	}
	switch t := w.info.TypeOf(e); types.TypeString(t, nil) {
	case "*strings.Builder", "*bytes.Buffer", "strings.Builder", "bytes.Buffer":
		return slices.Contains(assembling, w.pkg.Path())
	default:
		return !strings.HasPrefix(types.TypeString(t, nil), "hash.") && (isWriter(t) || isWriter(types.NewPointer(t)))
	}
}

// isWriter reports whether a type has io.Writer's method, and is no empty interface.
func isWriter(t types.Type) bool {
	method, _, _ := types.LookupFieldOrMethod(t, true, nil, "Write")
	f, ok := method.(*types.Func)
	if !ok {
		return false
	}
	s := f.Type().(*types.Signature)
	return s.Params().Len() == 1 && s.Results().Len() == 2 && s.Params().At(0).Type().String() == "[]byte"
}

// declared is the name of a declaration, with its receiver's type.
func declared(decl ast.Decl) string {
	f, ok := decl.(*ast.FuncDecl)
	if !ok {
		return "var"
	}
	name := f.Name.Name
	if f.Recv != nil {
		receiver := f.Recv.List[0].Type
		if star, ok := receiver.(*ast.StarExpr); ok {
			receiver = star.X
		}
		if id, ok := receiver.(*ast.Ident); ok {
			name = id.Name + "." + name
		}
	}
	return name
}

// eachPackage type-checks packages of the module, without their tests.
func eachPackage(t *testing.T, patterns []string, visit func(*token.FileSet, *types.Package, []*ast.File, *types.Info)) {
	t.Helper()
	exports := exportData(t)
	out, err := exec.Command("go", append([]string{"list", "-f", "{{.ImportPath}} {{.Dir}} {{range .GoFiles}}{{.}} {{end}}"}, patterns...)...).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		fset := token.NewFileSet()
		var files []*ast.File
		for _, name := range f[2:] {
			file, err := parser.ParseFile(fset, filepath.Join(f[1], name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, file)
		}
		pkg, info, err := checkTypes(fset, f[0], files, exports)
		if err != nil {
			t.Fatal(err)
		}
		visit(fset, pkg, files, info)
	}
}

func checkTypes(fset *token.FileSet, path string, files []*ast.File, exports map[string]string) (*types.Package, *types.Info, error) {
	info := &types.Info{Types: make(map[ast.Expr]types.TypeAndValue), Uses: make(map[*ast.Ident]types.Object), Defs: make(map[*ast.Ident]types.Object)}
	conf := types.Config{Importer: importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, fmt.Errorf("no export data of %s", path)
		}
		return os.Open(exports[path])
	})}
	pkg, err := conf.Check(path, fset, files, info)
	return pkg, info, err
}

// exportData maps the packages that main imports to their files of types.
func exportData(t *testing.T) map[string]string {
	t.Helper()
	out, err := exec.Command("go", "list", "-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}", module+"cmd/ssmguard").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	files := make(map[string]string)
	for line := range bytes.Lines(out) {
		path, file, _ := strings.Cut(strings.TrimSpace(string(line)), " ")
		files[path] = file
	}
	return files
}

// TestMessagesFitTheTerminal: messages of ours go through env.Process.Notes, which breaks them
// between words where the terminal is narrow.
func TestMessagesFitTheTerminal(t *testing.T) {
	unbroken := regexp.MustCompile(`Fprint(ln\([\w.]*\.Stderr, "ssmguard: |f\([\w.]*\.Stderr, "ssmguard: .*\\n")`)
	seen := 0
	err := filepath.WalkDir(filepath.Join("..", "internal"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for line := range strings.Lines(string(text)) {
			if seen++; unbroken.MatchString(line) {
				t.Errorf("%s: write it to Notes(), not to Stderr: %s", path, strings.TrimSpace(line))
			}
		}
		return err
	})
	if err != nil || seen < 10_000 {
		t.Errorf("%d lines were looked at: %v", seen, err)
	}
}
