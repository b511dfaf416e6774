package main

import (
	"fmt"
	"html"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"
)

// denied is the command of the README's picture.
const denied = `ssmguard start-session --target i-0123456789abcdef0 \
    --document-name AWS-StartPortForwardingSessionToRemoteHost \
    --parameters host=db.internal,portNumber=3306,localPortNumber=13306`

// TestPictures holds the pictures of the README to what the program prints at a terminal.
// UPDATE_SCRIPTS=1 draws them anew.
func TestPictures(t *testing.T) {
	cmd := exec.Command("ssmguard", "sandbox", "--world", "seed2-tag-only", "--", "sh", "-c", denied)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "SSMGUARD_NO_CACHE=true", "TERM=xterm-256color", "NO_COLOR=")
	term, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 50, Cols: 100})
	if err != nil {
		t.Fatal(err)
	}
	defer term.Close()
	printed, _ := io.ReadAll(term) // the end of a terminal is an error
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 254 {
		t.Fatalf("%v\n%s", err, printed)
	}
	text := "\x1b[2m$\x1b[0m " + denied + "\n" + strings.ReplaceAll(string(printed), "\r\n", "\n")
	for name, c := range map[string]colours{
		"light": {paper: "#ffffff", edge: "#d1d9e0", plain: "#1f2328", bad: "#cf222e", good: "#116329", faint: "#59636e"},
		"dark":  {paper: "#0d1117", edge: "#3d444d", plain: "#f0f6fc", bad: "#ff7b72", good: "#56d364", faint: "#9198a1"},
	} {
		file := filepath.Join("..", "..", "docs", "pictures", "denial-"+name+".svg")
		want := picture(t, text, c)
		if os.Getenv("UPDATE_SCRIPTS") != "" {
			if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("as the program prints it (-), and as %s shows it (+); UPDATE_SCRIPTS=1 draws it anew:\n%s", file, diff)
		}
	}
}

// colours are those of a picture.
type colours struct{ paper, edge, plain, bad, good, faint string }

// styled is a piece of a line, with how a terminal shows it.
var styled = regexp.MustCompile(`\x1b\[([0-9;]*)m`)

// words are what stands between two spaces or more, which not every viewer keeps.
var words = regexp.MustCompile(`\S+(?: \S+)*`)

// picture draws what a terminal shows. Each piece of a line has its place and its length,
// so that columns stand below each other whatever font there is.
func picture(t *testing.T, text string, c colours) string {
	t.Helper()
	const column, row, margin = 7.8, 19, 16
	looks := map[string]string{
		"":     fmt.Sprintf(`fill="%s"`, c.plain),
		"0":    fmt.Sprintf(`fill="%s"`, c.plain),
		"2":    fmt.Sprintf(`fill="%s"`, c.faint),
		"32":   fmt.Sprintf(`fill="%s"`, c.good),
		"1;31": fmt.Sprintf(`fill="%s" font-weight="bold"`, c.bad),
	}
	var b strings.Builder
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	columns := 0
	for y, line := range lines {
		at, look, rest := 0, "", line
		for rest != "" {
			piece := rest
			next := styled.FindStringSubmatchIndex(rest)
			if next != nil {
				piece = rest[:next[0]]
			}
			attributes, known := looks[look]
			if !known {
				t.Fatalf("a look that the picture does not know: %q", look)
			}
			for _, m := range words.FindAllStringIndex(piece, -1) {
				word := piece[m[0]:m[1]]
				fmt.Fprintf(&b, "<text x=\"%.1f\" y=\"%d\" textLength=\"%.1f\" %s>%s</text>\n",
					margin+column*float64(at+utf8.RuneCountInString(piece[:m[0]])), margin+row*y+14,
					column*float64(utf8.RuneCountInString(word)), attributes, html.EscapeString(word))
			}
			at += utf8.RuneCountInString(piece)
			columns = max(columns, at)
			if next == nil {
				break
			}
			look, rest = rest[next[2]:next[3]], rest[next[1]:]
		}
	}
	width, height := int(2*margin+column*float64(columns)), 2*margin+row*len(lines)
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img">
<title>ssmguard start-session is denied, says why, and what to add</title>
<rect x="0.5" y="0.5" width="%d" height="%d" rx="8" fill="%s" stroke="%s"/>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace" font-size="13">
%s</g>
</svg>
`, width, height, width, height, width-1, height-1, c.paper, c.edge, b.String())
}
